"""What is on LXD hosts (vmm 5)."""

from app.core.calls import Caller
from app.vmm import image_servers, inventory, servers
from app.vmm.documents import document


def list_certificates(body: dict, caller: Caller):
    """Whom the host trusts."""
    return document(inventory.of_server(caller, inventory.CERTIFICATES, body["server_id"], body["provider"]))


def list_pools(body: dict, caller: Caller):
    """Its storage pools."""
    return document(inventory.of_server(caller, inventory.POOLS, body["server_id"], body["provider"]))


def list_networks(body: dict, caller: Caller):
    """Its managed networks."""
    return document(inventory.of_server(caller, inventory.NETWORKS, body["server_id"], body["provider"]))


def list_volumes(body: dict, caller: Caller):
    """Its storage volumes."""
    return document(*inventory.volumes(caller, body["server_id"], body["provider"]))


def list_profiles(body: dict, caller: Caller):
    """Its profiles."""
    return document(inventory.of_server(caller, inventory.PROFILES, body["server_id"], body["provider"]))


def list_images(body: dict, caller: Caller):
    """Its images, or those of a server of images."""
    found = inventory.images(caller, body["server_id"], body["provider"], body.get("image_server_host") or "")
    return document(found)


def list_image_servers(body: dict, caller: Caller):
    """Where images come from."""
    servers.visible(caller, body["server_id"], body["provider"])
    return document(image_servers.listed())


def list_instances(body: dict, caller: Caller):
    """Its instances, or those of all hosts."""
    server, instance = body.get("server_id") or 0, body.get("instance_id") or 0
    found, failed = inventory.instances(caller, server, body["provider"], instance)
    return document(found, failed=failed)


def get_instance(body: dict, caller: Caller):
    """One instance."""
    return document(
        inventory.instance(caller, body.get("server_id") or 0, body["provider"], body.get("instance_name") or "")
    )
