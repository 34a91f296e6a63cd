"""Devices and their authentication sets."""

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import devauth, devauth_bulk, device_lists, limits


def list_devices(status, id_, page, per_page, caller: Caller, request: Request):
    """One page of devices, oldest first (mender 2.5)."""
    devices, more = device_lists.list_devices(caller.tenant, status, id_, page, per_page)
    return devices, 200, {"Link": paging.links(request, page, per_page, more)}


def search_devices(page, per_page, body: dict, caller: Caller, request: Request):
    """One page of devices by ids and statuses (mender 2.5)."""
    wanted = body.get("status")
    statuses = [wanted] if isinstance(wanted, str) else wanted
    devices, more = device_lists.list_devices(caller.tenant, statuses, body.get("id"), page, per_page)
    return devices, 200, {"Link": paging.links(request, page, per_page, more)}


def preauthorize_device(body: dict, caller: Caller):
    """Let a device in before it asks; one that is known is answered as it is (mender 2.5)."""
    force = body.get("force", False)
    made, existing = devauth.preauthorize(caller.tenant, body["identity_data"], body["pubkey"], force=force)
    if existing is not None:
        return existing, 409
    return None, 201, {"Location": f"devices/{made}"}


def change_devices_in_bulk(body: dict, caller: Caller):
    """Many decisions, each with an answer of its own (beyond upstream)."""
    return devauth_bulk.change(caller.tenant, body)


def count_devices(status, caller: Caller):
    """How many devices there are (mender 2.5)."""
    return {"count": device_lists.count_devices(caller.tenant, status)}


def get_device(device_id: str, caller: Caller):
    """One device (mender 2.5)."""
    return device_lists.get_device(caller.tenant, device_id)


def decommission_device(device_id: str, caller: Caller):
    """Remove a device with all it has (mender 2.4)."""
    devauth.decommission(caller.tenant, device_id)
    return None, 204


def delete_auth_set(device_id: str, auth_set_id: str, caller: Caller):
    """Remove an authentication set (mender 2.4)."""
    devauth.delete_auth_set(caller.tenant, device_id, auth_set_id)
    return None, 204


def get_auth_set_status(device_id: str, auth_set_id: str, caller: Caller):
    """The status of an authentication set (mender 2.3)."""
    return {"status": devauth.auth_set_status(caller.tenant, device_id, auth_set_id)}


def set_auth_set_status(device_id: str, auth_set_id: str, body: dict, caller: Caller):
    """Accept, reject or set back an authentication set (mender 2.3)."""
    devauth.set_status(caller.tenant, device_id, auth_set_id, body["status"])
    return None, 204


def revoke_token(token_id: str, caller: Caller):
    """Void a device's token (mender 2.4)."""
    devauth.revoke_token(caller.tenant, token_id)
    return None, 204


def get_device_limit(caller: Caller):
    """The limit of accepted devices (mender 2.6)."""
    return {"limit": limits.get(caller.tenant, "max_devices")}
