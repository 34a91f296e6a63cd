"""Instances on LXD hosts: what is asked for is checked and acknowledged, and done by work in the background (vmm 5)."""

from typing import Any, Final

import orjson
import yaml

from app.core import db, ids, secrets
from app.core.calls import Caller
from app.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from app.vmm import image_servers, inventory, lxd, servers, tasks
from app.vmm.documents import Document, resource
from app.vmm.lxd import Host
from models.vmm.servers import HostObject
from models.vmm.users import SshKey

ACKNOWLEDGED: Final = "operation created"
MEMORY_SHARE: Final = 0.8  # of a host's, that one instance may have
TYPES: Final = ("container", "virtual-machine")
MISSING: Final = "instance not found"

Given = dict[str, Any]


def act(caller: Caller, given: Given) -> Document:
    """Acknowledge an action on an instance. Opens its own units. Raises BadRequest, NotFound, and as `servers.find`."""
    action = given.get("instance_status") or ""
    if action not in tasks.ACTIONS:
        raise BadRequest("unknown action", errors=[("/instance_status", "unknown action")])
    row, name = _named(caller, given)
    with lxd.turn(), servers.connected(row) as host:
        if not _exists(host, "instances", name):
            raise NotFound(MISSING, errors=[("/instance_name", MISSING)])
    return _acknowledge(caller, row, "instance.action", action, name, given)


def _named(caller: Caller, given: Given) -> tuple[Any, str]:
    """The host and name of an instance, given by its number, or by its host and name."""
    server, name = given.get("server_id") or 0, given.get("instance_name") or ""
    if number := given.get("instance_id") or 0:
        with db.read():
            found: Any = HostObject.get_or_none(HostObject.pk == number, HostObject.kind == inventory.INSTANCES.type)
        if found is None:
            raise NotFound(MISSING, errors=[("/instance_id", MISSING)])
        server, name = found.server_id, found.name
    row = servers.find(caller, server, given["provider"])
    if not inventory.INSTANCE_NAME.fullmatch(name):
        raise NotFound(MISSING, errors=[("/instance_name", MISSING)])
    return row, name


def add(caller: Caller, given: Given) -> Document:
    """Acknowledge a new instance. Opens its own units.

    Raises BadRequest, NotFound, Conflict, Unprocessable for what the host has not, and as `servers.find`.
    """
    name = given.get("instance_name") or ""
    if not inventory.INSTANCE_NAME.fullmatch(name):
        raise _bad("/instance_name", "instance name is not valid")
    if (given.get("instance_type") or TYPES[0]) not in TYPES:
        raise _bad("/instance_type", "unknown instance type")
    row = servers.find(caller, given.get("server_id") or 0, given["provider"])
    wanted = _wanted(caller, given)
    with lxd.turn(), servers.connected(row) as host:
        if _exists(host, "instances", name):
            raise Conflict("instance name is taken", errors=[("/instance_name", "instance name is taken")])
        for profile in wanted["profiles"]:
            if not _exists(host, "profiles", profile):
                raise Unprocessable("profile not found", errors=[("/instance_profiles", "profile not found")])
        _check_memory(host, int(given.get("instance_memory") or 0))
        wanted["source"] = _source(host, given)
    return _acknowledge(caller, row, "instance.add", tasks.ADD, name, given, wanted)


def _bad(pointer: str, detail: str) -> BadRequest:
    return BadRequest(detail, errors=[(pointer, detail)])


def _exists(host: Host, *path: str) -> bool:
    try:
        host.get(*path)
    except lxd.Refused as exc:
        if exc.status != 404:
            raise
        return False
    return True


def _check_memory(host: Host, mib: int) -> None:
    total = host.get("resources")["memory"]["total"] // inventory.MIB
    if mib > total * MEMORY_SHARE:
        detail = "more memory than the server can spare"
        raise Unprocessable(detail, errors=[("/instance_memory", detail)])


def _source(host: Host, given: Given) -> Document:
    """Where LXD takes the image from. Raises NotFound for one that is not there."""
    image, server = given.get("instance_image") or "", given.get("image_server_host") or ""
    missing = NotFound("image not found", errors=[("/instance_image", "image not found")])
    if server:
        found = [one["attributes"] for one in image_servers.images(server, 0)]
        for one in found:
            if image in one["image_aliases"] or (image and one["image_fingerprint"].startswith(image)):
                return image_servers.source(server, one["image_fingerprint"])
        raise missing
    if _exists(host, "images", "aliases", image):
        return {"type": "image", "alias": image}
    if _exists(host, "images", image):
        return {"type": "image", "fingerprint": host.get("images", image)["fingerprint"]}
    raise missing


def _wanted(caller: Caller, given: Given) -> Document:
    """What LXD is asked for, but for the image."""
    config = {}
    if memory := given.get("instance_memory"):
        config["limits.memory"] = f"{int(memory)}MiB"
    if cpu := given.get("instance_cpu"):
        config["limits.cpu"] = str(int(cpu))
    if user_data := _user_data(caller, given.get("instance_command") or ""):
        config["cloud-init.user-data"] = user_data
    if network := _network(given):
        config["cloud-init.network-config"] = network
    profiles = [part.strip() for part in (given.get("instance_profiles") or "default").split(",")]
    return {
        "name": given["instance_name"],
        "type": given.get("instance_type") or TYPES[0],
        "profiles": [name for name in profiles if name],
        "config": config,
        "devices": {},
    }


def _user_data(caller: Caller, command: str) -> str:
    """For cloud-init: the caller's public keys, and a command to run at the first start."""
    with db.read():
        lines = [key.line for key in SshKey.select().where(SshKey.user == int(caller.id)).order_by(SshKey.pk)]
    told: Document = {"ssh_authorized_keys": lines} if lines else {}
    if command:
        told["runcmd"] = [command]
    return "#cloud-config\n" + yaml.safe_dump(told, allow_unicode=True) if told else ""


def _network(given: Given) -> str:
    """For cloud-init: an address of the interface, fixed or by DHCP."""
    interface, address = given.get("instance_interface") or "", given.get("instance_network") or ""
    if not interface:
        return ""
    subnet: Document = {"type": "static", "address": address} if address else {"type": "dhcp"}
    if nameserver := given.get("instance_nameserver"):
        subnet["dns_nameservers"] = [nameserver]
    told = {"version": 1, "config": [{"type": "physical", "name": interface, "subnets": [subnet]}]}
    return yaml.safe_dump(told)


def _acknowledge(
    caller: Caller, row: Any, kind: str, action: str, name: str, given: Given, payload: Document | None = None
) -> Document:
    known = inventory.numbers(row.pk, inventory.INSTANCES.type, [name])[name]
    sealed = secrets.seal(orjson.dumps(payload), tasks.PURPOSE) if payload is not None else ""
    request_id = given.get("request_id") or ids.uuid()
    with db.write():
        tasks.begin(int(caller.id), row.pk, kind, action, name, request_id, sealed)
    attributes = {"response": True, "instance_status": ACKNOWLEDGED, "request_id": request_id}
    return resource("instance", known, attributes)
