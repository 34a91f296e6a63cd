"""The header of an artifact: what it is called, what it needs and gives, and what its payloads are (mender 4.1).

An augmented header adds to a header that somebody else has signed. The genuine tool's rules hold: its payload types,
and its keys of provides, depends and meta-data, replace those of the header; objects in meta-data are merged.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.core.errors import BadRequest
from app.core.tar_stream import Member, members, printable

MAX_JSON: Final = 1024 * 1024
MAX_TEXT: Final = 256
MAX_PAYLOADS: Final = 100
MAX_DEPTH: Final = 100
PAYLOAD_MEMBER: Final = re.compile(r"headers/([0-9]{4})/(type-info|meta-data|files)")
SCRIPT_MEMBER: Final = re.compile(r"scripts/[^/]+")
INFO_FIELDS: Final = {
    2: frozenset({"updates", "device_types_compatible", "artifact_name"}),
    3: frozenset({"payloads", "artifact_provides", "artifact_depends"}),
}
PROVIDES_FIELDS: Final = frozenset({"artifact_name", "artifact_group"})
DEPENDS_FIELDS: Final = frozenset({"artifact_name", "device_type", "artifact_group"})


class ArtifactError(BadRequest):
    """Why a file is not an artifact that can be taken, in one line."""


@dataclass
class Payload:
    """One payload: its update module, what it adds to provides and depends, and its free data.

    `clears` is None where nothing is said. `files` is the list of file names that version 2 keeps, None without one.
    """

    type: str | None
    provides: dict[str, str] = field(default_factory=dict)
    depends: dict[str, list[str]] = field(default_factory=dict)
    clears: list[str] | None = None
    meta_data: dict[str, Any] | None = None
    files: list[str] | None = None


@dataclass
class Header:
    """All that header.tar says."""

    name: str
    device_types: list[str]
    provides: dict[str, str]
    depends: dict[str, list[str]]
    payloads: list[Payload]


def parse_header(chunks: Iterator[bytes], version: int) -> Header:
    """Read a header tar (decompressed). Raises ArtifactError or TarError."""
    parts = (member for member in members(chunks) if not member.directory)
    info = _object(_first(parts), "header-info")
    header = _version_2(info) if version == 2 else _version_3(info)
    seen = _payload_members(parts, header.payloads, version, scripts=True)
    for number in range(len(header.payloads)):
        if f"headers/{number:04d}/type-info" not in seen:
            raise ArtifactError(f"headers/{number:04d}/type-info is missing")
    return header


def augment(header: Header, chunks: Iterator[bytes]) -> None:
    """Read an augmented header tar (decompressed), of version 3, into `header`. Raises ArtifactError or TarError."""
    parts = (member for member in members(chunks) if not member.directory)
    info = _object(_first(parts), "header-info")
    _known(info, INFO_FIELDS[3], "header-info")
    added = _payloads(info.get("payloads"), "payloads", nullable=True)
    if len(added) != len(header.payloads):
        raise ArtifactError("the augmented header has another number of payloads")
    _payload_members(parts, added, 3, scripts=False)
    for payload, more in zip(header.payloads, added, strict=True):
        payload.type = more.type or payload.type
        payload.provides |= more.provides
        payload.depends |= more.depends
        payload.clears = payload.clears if more.clears is None else more.clears
        payload.meta_data = _merged(payload.meta_data or {}, more.meta_data or {}) or None


def _first(parts: Iterator[Member]) -> Any:
    """The JSON value of header-info, which comes first."""
    member = next(parts, None)
    if member is None or member.name != "header-info":
        raise ArtifactError("the header does not start with header-info")
    return load_json(member.read(MAX_JSON), "header-info")


def _payload_members(parts: Iterator[Member], payloads: list[Payload], version: int, *, scripts: bool) -> set[str]:
    """Read what the header says of each payload, behind the scripts; the names of the members."""
    seen: set[str] = set()
    for member in parts:
        if member.name in seen:
            raise ArtifactError(f"the header holds {printable(member.name)} twice")
        seen.add(member.name)
        if scripts and SCRIPT_MEMBER.fullmatch(member.name):
            continue
        scripts = False
        match = PAYLOAD_MEMBER.fullmatch(member.name)
        if match is None or int(match[1]) >= len(payloads) or (match[2] == "files" and version != 2):
            raise ArtifactError(f"the header holds an unexpected {printable(member.name)}")
        _payload_member(payloads[int(match[1])], match[2], member, version)
    return seen


def _payload_member(payload: Payload, kind: str, member: Member, version: int) -> None:
    raw = member.read(MAX_JSON)
    if kind == "meta-data":
        # Nothing at all is what the genuine tool writes for an image of a root file system.
        payload.meta_data = _object(load_json(raw, member.name), member.name) or None if raw.strip() else None
        return
    info = _object(load_json(raw, member.name), member.name)
    if kind == "files":
        payload.files = _texts(info.get("files"), member.name)
    elif version == 3:
        _type_info(payload, info)


def _type_info(payload: Payload, info: dict[str, Any]) -> None:
    """Read type-info. Its type is not used: the genuine tool leaves it empty for an image of a root file system."""
    provides = _object(info.get("artifact_provides") or {}, "artifact_provides")
    depends = _object(info.get("artifact_depends") or {}, "artifact_depends")
    payload.provides = {_text(key, "a key"): _text(value, key, empty=True) for key, value in provides.items()}
    payload.depends = {
        _text(key, "a key"): _texts(value if isinstance(value, list) else [value], key)
        for key, value in depends.items()
    }
    clears = info.get("clears_artifact_provides")
    if clears is not None:
        payload.clears = _texts(clears, "clears_artifact_provides") if clears != [] else []


def _version_2(info: dict[str, Any]) -> Header:
    _known(info, INFO_FIELDS[2], "header-info")
    name = _text(info.get("artifact_name"), "artifact_name")
    types = _texts(info.get("device_types_compatible"), "device_types_compatible")
    return Header(name, types, {}, {"device_type": types}, _payloads(info.get("updates"), "updates", nullable=False))


def _version_3(info: dict[str, Any]) -> Header:
    _known(info, INFO_FIELDS[3], "header-info")
    provides = _object(info.get("artifact_provides"), "artifact_provides")
    depends = _object(info.get("artifact_depends"), "artifact_depends")
    _known(provides, PROVIDES_FIELDS, "header-info: artifact_provides")
    _known(depends, DEPENDS_FIELDS, "header-info: artifact_depends")
    return Header(
        _text(provides.get("artifact_name"), "artifact_name"),
        _texts(depends.get("device_type"), "device_type"),
        {key: _text(value, key) for key, value in provides.items() if value is not None},
        {key: _texts(value, key) for key, value in depends.items() if value is not None},
        _payloads(info.get("payloads"), "payloads", nullable=True),
    )


def _payloads(value: Any, what: str, *, nullable: bool) -> list[Payload]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PAYLOADS:
        raise ArtifactError(f"header-info: {what} must list 1 to {MAX_PAYLOADS} payloads")
    payloads = []
    for entry in value:
        if _object(entry, what).keys() != {"type"}:
            raise ArtifactError(f"header-info: {what} must have a type each, and nothing else")
        kind = entry["type"]
        payloads.append(Payload(None if nullable and kind is None else _text(kind, "type")))
    return payloads


def combine(header: Header) -> tuple[dict[str, str], dict[str, list[str]], list[str]]:
    """(provides, depends, clears) of the whole artifact; a key in two places is an error (mender 4.1)."""
    provides, depends = dict(header.provides), dict(header.depends)
    clears: list[str] = []
    for payload in header.payloads:
        for whole, part in ((provides, payload.provides), (depends, payload.depends)):
            both = whole.keys() & part.keys()
            if both:
                raise ArtifactError(f"the key {printable(min(both))} stands in two places")
        provides |= payload.provides
        depends |= payload.depends
        clears += payload.clears or []
    return provides, depends, list(dict.fromkeys(clears))


def _merged(whole: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    merged = whole | more
    for key in whole.keys() & more.keys():
        kinds = {type(value) if isinstance(value, dict | list) else None for value in (whole[key], more[key])}
        if len(kinds) > 1:
            raise ArtifactError(f"the augmented header gives {printable(key)} another kind of value")
        if isinstance(whole[key], dict):
            merged[key] = _merged(whole[key], more[key])
    return merged


def load_json(raw: bytes, what: str) -> Any:
    """A JSON value without NUL and not too deep; raises ArtifactError."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ArtifactError(f"{printable(what)} is not valid JSON") from None
    _check(value, what, MAX_DEPTH)
    return value


def _check(value: Any, what: str, left: int) -> None:
    if left == 0:
        raise ArtifactError(f"{printable(what)} is nested too deep")
    if isinstance(value, str) and "\0" in value:
        raise ArtifactError(f"{printable(what)} holds a NUL character")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for item in value:
            _check(item, what, left - 1)


def _known(value: dict[str, Any], fields: frozenset[str], what: str) -> None:
    unknown = value.keys() - fields
    if unknown:
        raise ArtifactError(f"{what}: unknown field {printable(min(unknown))}")


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ArtifactError(f"{printable(what)} must be a JSON object")
    return value


def _text(value: Any, what: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT or not value.isprintable() or not (value or empty):
        raise ArtifactError(f"{printable(what)} must be a text of 1 to {MAX_TEXT} printable characters")
    return value


def _texts(value: Any, what: str) -> list[str]:
    if not isinstance(value, list) or not value:
        raise ArtifactError(f"{printable(what)} must be a list that is not empty")
    return [_text(item, what) for item in value]
