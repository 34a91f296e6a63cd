"""Changes of what is on LXD hosts that are done at once: certificates, profiles, images (vmm 5)."""

import re
from typing import Any, Final

import yaml

from app.core.calls import Caller
from app.core.db import write
from app.core.errors import BadRequest, Conflict, NotFound, Problem, Unprocessable
from app.vmm import inventory, lxd, servers
from app.vmm.documents import Document
from models.vmm.servers import HostObject

OURS: Final = "this certificate is used by the panel"
NO_CERTIFICATE: Final = "certificate not found"
NOT_YAML: Final = "profile body is not a YAML mapping of config, devices and description"
READ_ONLY: Final = ("name", "used_by")
REFUSALS: Final = (403, 404, 409, 412)  # for the state of things, not for what was given
PROFILE_NAME: Final = re.compile(r"[^/\s]{1,63}")
NO_NAME: Final = "profile name is not valid"
DEFAULT: Final = "default"
KEPT: Final = {"config", "description", "devices"}

Given = dict[str, Any]


def _missing_or_kept(exc: lxd.Refused, missing: str) -> Problem:
    """What LXD says when it does not remove something; it has a 400, a 403 and a 500 for what is in use."""
    return NotFound(missing) if exc.status == 404 else Conflict(exc.words)


def revoke_certificate(caller: Caller, given: Given) -> int:
    """Have a host trust a certificate no more; its number. Raises NotFound, Conflict for our own."""
    row = servers.find(caller, given["server_id"], given["provider"])
    with lxd.turn(), servers.connected(row) as host:
        try:
            fingerprint = given["certificate_fingerprint"].lower()
            found = host.get("certificates", fingerprint)
            if found["fingerprint"] != fingerprint:
                raise NotFound(NO_CERTIFICATE)  # LXD takes the beginning for the whole, which may be another's
            if servers.is_ours(found["certificate"]):
                raise Conflict(OURS, errors=[("/certificate_fingerprint", OURS)])
            host.call("DELETE", ["certificates", fingerprint])
        except lxd.Refused as exc:
            raise _missing_or_kept(exc, NO_CERTIFICATE) from None
    return inventory.numbers(row.pk, inventory.CERTIFICATES.type, [fingerprint])[fingerprint]


def update_profile(caller: Caller, given: Given) -> Document:
    """Change a profile to what a text says, and what it is called; how it is then.

    Raises BadRequest for a text that says nothing, NotFound, Conflict, Unprocessable for what LXD does not take.
    """
    wanted = parse_profile(given["profile_body"])
    row = servers.find(caller, given["server_id"], given["provider"])
    name = given["profile_name"]
    renamed = given.get("profile_rename") or wanted.pop("name") or name
    with lxd.turn(), servers.connected(row) as host:
        try:
            tag = host.call("GET", ["profiles", name]).tag
            if renamed != name:
                _check_name(host, name, renamed)
            host.call("PUT", ["profiles", name], {key: wanted[key] for key in KEPT}, tag=tag)
            if renamed != name:
                host.call("POST", ["profiles", name], {"name": renamed})
                _renamed(row.pk, name, renamed)
        except lxd.Refused as exc:
            if exc.status not in REFUSALS:
                raise Unprocessable(exc.words) from None
            raise _missing_or_kept(exc, "profile not found") from None
        return inventory.one(row.pk, inventory.PROFILES, host.get("profiles", renamed))


def _check_name(host: lxd.Host, old: str, new: str) -> None:
    """Refuse a new name that LXD would refuse, when the content was changed already."""
    if not PROFILE_NAME.fullmatch(new) or new in lxd.UNNAMED:
        raise Unprocessable(NO_NAME, errors=[("/profile_rename", NO_NAME)])
    if old == DEFAULT:
        raise Conflict("the default profile cannot be renamed", errors=[("/profile_name", "it is the default profile")])
    if any(one["name"] == new for one in host.all("profiles")):
        raise Conflict(
            "there is a profile of this name", errors=[("/profile_rename", "there is a profile of this name")]
        )


def _renamed(server: int, old: str, new: str) -> None:
    """What is called otherwise keeps its number."""
    with write():
        mine = (HostObject.server == server, HostObject.kind == inventory.PROFILES.type)
        HostObject.update(name=f"{new} (before {old})").where(*mine, HostObject.name == new).execute()
        HostObject.update(name=new).where(*mine, HostObject.name == old).execute()


def parse_profile(text: str) -> Given:
    """The members of a profile's YAML, all values as text, as LXD wants them. Raises BadRequest."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found.keys() <= KEPT | set(READ_ONLY):
        raise BadRequest(NOT_YAML, errors=[("/profile_body", NOT_YAML)])
    config, devices = found.get("config") or {}, found.get("devices") or {}
    if not _is_map(config) or not isinstance(devices, dict) or not all(_is_map(one) for one in devices.values()):
        raise BadRequest(NOT_YAML, errors=[("/profile_body", NOT_YAML)])
    return {
        "name": str(found.get("name") or ""),
        "description": str(found.get("description") or ""),
        "config": _texts(config),
        "devices": {str(name): _texts(device) for name, device in devices.items()},
    }


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values())


def _texts(value: Given) -> dict[str, str]:
    return {str(key): str(one).lower() if isinstance(one, bool) else str(one) for key, one in value.items()}


def delete_profile(caller: Caller, given: Given) -> int:
    """Remove a profile; its number. Raises NotFound, Conflict for one that is in use or the default."""
    row, name = servers.find(caller, given["server_id"], given["provider"]), given["profile_name"]
    with lxd.turn(), servers.connected(row) as host:
        try:
            host.get("profiles", name)
            host.call("DELETE", ["profiles", name])
        except lxd.Refused as exc:
            raise _missing_or_kept(exc, "profile not found") from None
    return inventory.numbers(row.pk, inventory.PROFILES.type, [name])[name]


def delete_image(caller: Caller, given: Given) -> int:
    """Remove an image; its number. Raises NotFound, Conflict."""
    row = servers.find(caller, given["server_id"], given["provider"])
    with lxd.turn(), servers.connected(row) as host:
        try:
            fingerprint = str(host.get("images", given["image_fingerprint"])["fingerprint"])
            host.done(host.call("DELETE", ["images", fingerprint]).metadata)
        except lxd.Refused as exc:
            raise _missing_or_kept(exc, "image not found") from None
    return inventory.numbers(row.pk, inventory.IMAGES.type, [fingerprint])[fingerprint]
