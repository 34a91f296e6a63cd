"""What is on LXD hosts, as clients see it: certificates, pools, networks, volumes and so on (vmm 5)."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

import yaml

from app.core import db
from app.core.calls import Caller
from app.core.errors import NotFound, Problem
from app.vmm import image_servers, lxd, servers
from app.vmm.documents import Document, resource, seconds
from app.vmm.lxd import Host
from models.vmm.servers import HostObject

MIB: Final = 1024 * 1024
INSTANCE_NAME: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
Entry = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A kind of thing on a host: how to ask for all of it, what tells one from another, and what is told of it."""

    type: str
    fetch: Callable[[Host], list[Entry]]
    name: Callable[[Entry], str]
    attributes: Callable[[Entry], Document]


def _moment(text: str) -> int:
    """Unix seconds of LXD's times; those before 1970 stand for never."""
    try:
        return max(seconds(datetime.fromisoformat(text)), 0)
    except ValueError:
        return 0


def _certificate(entry: Entry) -> Document:
    return {
        "certificate_fingerprint": entry["fingerprint"],
        "certificate_name": entry["name"],
        "certificate_type": entry["type"],
    }


def _pools(host: Host) -> list[Entry]:
    """Each with its resources, which stay zero where LXD cannot tell them."""
    found: list[Entry] = host.all("storage-pools")
    for pool in found:
        try:
            pool["resources"] = host.get("storage-pools", pool["name"], "resources")
        except lxd.Refused:
            pool["resources"] = {}
    return found


def _pool(entry: Entry) -> Document:
    space, inodes = entry["resources"].get("space", {}), entry["resources"].get("inodes", {})
    return {
        "pool_name": entry["name"],
        "pool_driver": entry["driver"],
        "pool_source": entry["config"].get("source", ""),
        "pool_status": entry["status"].lower(),
        "pool_space_total": space.get("total", 0),
        "pool_space_used": space.get("used", 0),
        "pool_inodes_total": inodes.get("total", 0),
        "pool_inodes_used": inodes.get("used", 0),
    }


def _networks(host: Host) -> list[Entry]:
    return [entry for entry in host.all("networks") if entry["managed"]]


def _network(entry: Entry) -> Document:
    return {
        "network_name": entry["name"],
        "network_type": entry["type"],
        "network_addr": entry["config"].get("ipv4.address", ""),
    }


def _volumes(host: Host) -> list[Entry]:
    return [
        {"pool": pool["name"], **entry}
        for pool in host.all("storage-pools")
        for entry in host.all("storage-pools", pool["name"], "volumes")
    ]


def _volume(entry: Entry) -> Document:
    return {
        "volume_name": entry["name"],
        "volume_type": entry["type"],
        "pool_name": entry["pool"],
        "volume_used_by": ",".join(entry.get("used_by") or []),
    }


def _profile(entry: Entry) -> Document:
    told = {name: entry[name] for name in ("config", "description", "devices", "name", "used_by")}
    return {
        "profile_name": entry["name"],
        "profile_body": yaml.safe_dump(told, allow_unicode=True, sort_keys=True),
    }


def _image(entry: Entry) -> Document:
    told = entry["properties"] or {}
    return {
        "image_fingerprint": entry["fingerprint"],
        "image_description": told.get("description", ""),
        "image_architecture": entry["architecture"],
        "image_instance_type": entry["type"],
        "image_cached": entry["cached"],
        "image_expires_at": _moment(entry["expires_at"]),
        "image_last_used_at": _moment(entry["last_used_at"]),
        "image_aliases": [alias["name"] for alias in entry["aliases"] or []],
        "image_os": told.get("os", ""),
        "image_release": told.get("release", ""),
        "image_size": entry["size"],
    }


def _instance(entry: Entry) -> Document:
    config = entry["expanded_config"] or {}
    return {
        "instance_name": entry["name"],
        "instance_type": entry["type"],
        "instance_arch": entry["architecture"],
        "instance_status": entry["status"].lower(),
        "instance_image_os": config.get("image.os", ""),
        "instance_image_version": config.get("image.release", ""),
    }


def _all(*path: str) -> Callable[[Host], list[Entry]]:
    return lambda host: host.all(*path)


def _name(entry: Entry) -> str:
    return str(entry["name"])


CERTIFICATES: Final = Kind("certificate", _all("certificates"), lambda entry: str(entry["fingerprint"]), _certificate)
POOLS: Final = Kind("pool", _pools, _name, _pool)
NETWORKS: Final = Kind("network", _networks, _name, _network)
VOLUMES: Final = Kind("volume", _volumes, lambda entry: f"{entry['pool']}/{entry['type']}/{entry['name']}", _volume)
PROFILES: Final = Kind("profile", _all("profiles"), _name, _profile)
IMAGES: Final = Kind("image", _all("images"), lambda entry: str(entry["fingerprint"]), _image)
INSTANCES: Final = Kind("instance", _all("instances"), _name, _instance)


def numbers(server: int, kind: str, names: Iterable[str]) -> dict[str, int]:
    """The number of each thing of a kind on a host, given to those that have none. Opens its own units."""
    wanted = set(names)
    known = _known(server, kind)
    if missing := wanted - known.keys():
        rows = [{"server": server, "kind": kind, "name": name} for name in sorted(missing)]
        with db.write():
            HostObject.insert_many(rows).on_conflict_ignore().execute()
        known = _known(server, kind)
    return known


def _known(server: int, kind: str) -> dict[str, int]:
    with db.read():
        return dict(db.rows("SELECT name, pk FROM vmm_object WHERE server_id = ? AND kind = ?", server, kind))


def listed(row: Any, kind: Kind) -> list[Document]:
    """All of a kind on a host, in a turn. Raises BadGateway, GatewayTimeout, Forbidden."""
    with servers.connected(row) as host:
        return _listed(row.pk, kind, host)


def _listed(server: int, kind: Kind, host: Host) -> list[Document]:
    entries = kind.fetch(host)
    known = numbers(server, kind.type, map(kind.name, entries))
    return [_resource(server, kind, entry, known[kind.name(entry)]) for entry in entries]


def one(server: int, kind: Kind, entry: Entry) -> Document:
    """A thing on a host as lists have it. Opens its own units."""
    return _resource(server, kind, entry, numbers(server, kind.type, [kind.name(entry)])[kind.name(entry)])


def _resource(server: int, kind: Kind, entry: Entry, number: int) -> Document:
    attributes = {f"{kind.type}_id": number, "server_id": server, **kind.attributes(entry)}
    return resource(kind.type, number, attributes)


def of_server(caller: Caller, kind: Kind, number: int, provider: str) -> list[Document]:
    """All of a kind on a host that a caller may see. Opens its own units. Raises as `servers.find` and `listed`."""
    row = servers.find(caller, number, provider)
    with lxd.turn():
        return listed(row, kind)


def volumes(caller: Caller, number: int, provider: str) -> tuple[list[Document], list[Document]]:
    """The volumes of a host, each linked to its pool; and the pools."""
    row = servers.find(caller, number, provider)
    with lxd.turn(), servers.connected(row) as host:
        pools = _listed(row.pk, POOLS, host)
        return linked(_listed(row.pk, VOLUMES, host), pools), pools


def linked(found: list[Document], pools: list[Document]) -> list[Document]:
    """Volumes with the relationship to their pools."""
    by_name = {pool["attributes"]["pool_name"]: pool for pool in pools}
    return [
        resource("volume", one["id"], one["attributes"], pool=by_name[one["attributes"]["pool_name"]])
        for one in found
        if one["attributes"]["pool_name"] in by_name
    ]


def images(caller: Caller, number: int, provider: str, image_server: str) -> list[Document]:
    """The images of a host, or of a server of images. Opens its own units. Raises as `of_server`, `image_servers`."""
    if not image_server:
        return of_server(caller, IMAGES, number, provider)
    servers.visible(caller, number, provider)
    with lxd.turn():
        return image_servers.images(image_server, number)


def instances(caller: Caller, number: int, provider: str, instance: int = 0) -> tuple[list[Document], list[Document]]:
    """The instances of a host, or for 0 of all that a caller may see, and which hosts failed. Opens its own units.

    `instance`: the number of the only one that is wanted, or 0.
    """
    rows = {str(row.pk): row for row in servers.visible(caller, number, provider)}
    with lxd.turn():
        found = lxd.together({key: partial(listed, row, INSTANCES) for key, row in rows.items()})
    if number and isinstance(only := found[str(number)], Problem):
        raise only
    every = [one for part in found.values() if not isinstance(part, Problem) for one in part]
    failed = [failure("server", key, part) for key, part in found.items() if isinstance(part, Problem)]
    return [one for one in every if instance in (0, int(one["id"]))], failed


def failure(kind: str, what: str, problem: Problem) -> Document:
    """What is said of a part that could not be had."""
    return {"status": str(problem.status), "detail": problem.detail, "source": {"type": kind, "id": what}}


def instance(caller: Caller, number: int, provider: str, name: str) -> Document:
    """All that a host tells of one instance. Opens its own units. Raises NotFound, and as `listed`."""
    row = servers.find(caller, number, provider)
    if not INSTANCE_NAME.fullmatch(name):
        raise _no_instance()
    with lxd.turn(), servers.connected(row) as host:
        try:
            entry, state = host.get("instances", name), host.get("instances", name, "state")
        except lxd.Refused as exc:
            if exc.status != 404:
                raise
            raise _no_instance() from None
        known = numbers(row.pk, INSTANCES.type, [name])[name]
        found = _resource(row.pk, INSTANCES, entry, known)
        found["attributes"] |= _details(entry, state)
        return found


def _no_instance() -> NotFound:
    return NotFound("instance not found", errors=[("/instance_name", "instance not found")])


def _details(entry: Entry, state: Entry) -> Document:
    config = entry["expanded_config"] or {}
    network = state.get("network") or {}
    return {
        "instance_profiles": ",".join(entry["profiles"]),
        "instance_devices": entry["expanded_devices"],
        "instance_memory": config.get("limits.memory", ""),
        "instance_cpu": config.get("limits.cpu", ""),
        "instance_addresses": [
            address["address"]
            for one in network.values()
            for address in one["addresses"]
            if address["scope"] == "global"
        ],
        "instance_pid": max(state.get("pid", 0), 0),
        "instance_memory_used": (state.get("memory") or {}).get("usage", 0),
        "instance_processes": max(state.get("processes", 0), 0),
    }


def server(caller: Caller, number: int, provider: str) -> tuple[Document, list[Document], list[Document]]:
    """A host, what is on it, all asked for at once, and which parts failed. Opens its own units."""
    row = servers.find(caller, number, provider)
    calls: dict[str, Callable[[], Any]] = {
        "": partial(_ask, row, _about),
        "resources": partial(_ask, row, _machine, "resources"),
    }
    calls |= {kind.type: partial(listed, row, kind) for kind in (CERTIFICATES, INSTANCES, PROFILES, POOLS, VOLUMES)}
    with lxd.turn():
        found = lxd.together(calls)
    about, machine = found.pop(""), found.pop("resources")
    if isinstance(about, Problem):
        raise about
    failed = [failure("part", name, part) for name, part in found.items() if isinstance(part, Problem)]
    if isinstance(machine, Problem):
        failed.append(failure("part", "resources", machine))
        machine = _machine({})
    parts = {name: [] if isinstance(part, Problem) else part for name, part in found.items()}
    parts["volume"] = linked(parts["volume"], parts["pool"])
    attributes = servers.attributes(row) | about | machine
    return resource("server", row.pk, attributes, **parts), [one for part in parts.values() for one in part], failed


def _ask(row: Any, read: Callable[[Entry], Document], *path: str) -> Document:
    with servers.connected(row) as host:
        return read(host.get(*path))


def _about(told: Entry) -> Document:
    environment = told["environment"]
    types = {"lxc": "container", "qemu": "virtual-machine"}
    drivers = [driver.strip() for driver in environment["driver"].split("|")]
    return {
        "server_addresses": ",".join(environment["addresses"]),
        "server_certificate_fingerprint": environment["certificate_fingerprint"],
        "server_driver": environment["driver"],
        "server_driver_version": environment["driver_version"],
        "server_server": environment["server"],
        "server_server_version": environment["server_version"],
        "server_storage": environment["storage"],
        "server_storage_version": environment["storage_version"],
        "server_kernel_version": environment["kernel_version"],
        "server_kernel_architecture": environment["kernel_architecture"],
        "server_supported_instance_types": ",".join(types[driver] for driver in drivers if driver in types),
    }


def _machine(told: Entry) -> Document:
    sockets = (told.get("cpu") or {}).get("sockets") or []
    memory = told.get("memory") or {}
    first = sockets[0] if sockets else {}
    return {
        "server_cpu_model": first.get("name", ""),
        "server_cpu_vendor": first.get("vendor", ""),
        "server_cpu_cores": sum(len(one.get("cores") or []) for one in sockets),
        "server_cpu_threads": (told.get("cpu") or {}).get("total", 0),
        "server_memory_total": memory.get("total", 0) // MIB,
        "server_memory_used": memory.get("used", 0) // MIB,
    }
