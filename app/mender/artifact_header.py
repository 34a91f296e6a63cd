"""The header of an artifact: what it is called, what it needs and gives, and what its payloads are (mender 4.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.core.errors import BadRequest
from app.mender.tar_stream import members

MAX_JSON: Final = 4 * 1024 * 1024
MAX_TEXT: Final = 256
MAX_PAYLOADS: Final = 100
MAX_DEPTH: Final = 100
PAYLOAD_MEMBER: Final = re.compile(r"headers/([0-9]{4})/(type-info|meta-data|files)")
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
    """One payload: its update module, what it adds to provides and depends, and its free data."""

    type: str | None
    provides: dict[str, str] = field(default_factory=dict)
    depends: dict[str, list[str]] = field(default_factory=dict)
    clears: list[str] = field(default_factory=list)
    meta_data: dict[str, Any] | None = None
    described: bool = False


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
    header: Header | None = None
    for member in members(chunks):
        if member.directory:
            continue
        if header is None:
            if member.name != "header-info":
                raise ArtifactError("the header does not start with header-info")
            header = _header_info(load_json(member.read(MAX_JSON), "header-info"), version)
            continue
        _member(header, member.name, member)
    if header is None:
        raise ArtifactError("the header is empty")
    for number, payload in enumerate(header.payloads):
        if not payload.described:
            raise ArtifactError(f"headers/{number:04d}/type-info is missing")
    return header


def _member(header: Header, name: str, member: Any) -> None:
    if name.startswith("scripts/"):
        return
    match = PAYLOAD_MEMBER.fullmatch(name)
    if match is None or int(match[1]) >= len(header.payloads):
        raise ArtifactError(f"the header holds an unexpected {printable(name)}")
    payload = header.payloads[int(match[1])]
    if match[2] == "type-info":
        _type_info(payload, load_json(member.read(MAX_JSON), name))
    elif match[2] == "meta-data":
        raw = member.read(MAX_JSON)
        if raw.strip():
            payload.meta_data = _object(load_json(raw, name), name) or None


def merge_augment(header: Header, augment: Header) -> None:
    """Add what an unsigned, augmented header says of the payloads; it may add keys, never replace one."""
    if len(augment.payloads) != len(header.payloads):
        raise ArtifactError("the augmented header has another number of payloads")
    for mine, theirs in zip(header.payloads, augment.payloads, strict=True):
        for own, added in ((mine.provides, theirs.provides), (mine.depends, theirs.depends)):
            _disjoint(own, added)
            own.update(added)  # type: ignore[arg-type]
        mine.meta_data = theirs.meta_data or mine.meta_data


def _header_info(info: Any, version: int) -> Header:
    info = _object(info, "header-info")
    unknown = info.keys() - INFO_FIELDS[version]
    if unknown:
        raise ArtifactError(f"header-info: unknown field {printable(sorted(unknown)[0])}")
    if version == 2:
        name = _text(info.get("artifact_name"), "artifact_name")
        types = _texts(info.get("device_types_compatible"), "device_types_compatible")
        return Header(name, types, {}, {"device_type": types}, _payloads(info.get("updates"), "updates"))
    provides = _object(info.get("artifact_provides"), "artifact_provides")
    depends = _object(info.get("artifact_depends"), "artifact_depends")
    for fields, known, what in (
        (provides, PROVIDES_FIELDS, "artifact_provides"),
        (depends, DEPENDS_FIELDS, "artifact_depends"),
    ):
        if fields.keys() - known:
            raise ArtifactError(f"header-info: {what} has an unknown field")
    types = _texts(depends.get("device_type"), "device_type")
    return Header(
        _text(provides.get("artifact_name"), "artifact_name"),
        types,
        {key: _text(value, key) for key, value in provides.items() if value is not None},
        {key: _texts(value, key) for key, value in depends.items() if value is not None},
        _payloads(info.get("payloads"), "payloads"),
    )


def parse_augment(chunks: Iterator[bytes], payloads: int) -> Header:
    """Read an augmented header tar: like a header, but its header-info need not name the artifact."""
    header = Header("", [], {}, {}, [Payload(None) for _ in range(payloads)])
    for member in members(chunks):
        if not member.directory and member.name != "header-info":
            _member(header, member.name, member)
    return header


def _payloads(value: Any, what: str) -> list[Payload]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PAYLOADS:
        raise ArtifactError(f"header-info: {what} must list 1 to {MAX_PAYLOADS} payloads")
    payloads = []
    for entry in value:
        kind = _object(entry, what).get("type")
        payloads.append(Payload(None if kind is None else _text(kind, "type")))
    return payloads


def _type_info(payload: Payload, info: Any) -> None:
    info = _object(info, "type-info")
    provides = _object(info.get("artifact_provides") or {}, "artifact_provides")
    depends = _object(info.get("artifact_depends") or {}, "artifact_depends")
    payload.provides = {_text(key, "a key"): _text(value, key, empty=True) for key, value in provides.items()}
    payload.depends = {
        _text(key, "a key"): _texts(value if isinstance(value, list) else [value], key)
        for key, value in depends.items()
    }
    clears = info.get("clears_artifact_provides") or []
    payload.clears = _texts(clears, "clears_artifact_provides") if clears else []
    payload.described = True


def combine(header: Header) -> tuple[dict[str, str], dict[str, list[str]], list[str]]:
    """(provides, depends, clears) of the whole artifact; a key in two places is an error (mender 4.1)."""
    provides, depends = dict(header.provides), dict(header.depends)
    clears: list[str] = []
    for payload in header.payloads:
        _disjoint(provides, payload.provides)
        _disjoint(depends, payload.depends)
        provides |= payload.provides
        depends |= payload.depends
        clears += [pattern for pattern in payload.clears if pattern not in clears]
    return provides, depends, clears


def _disjoint(one: dict[str, Any], other: dict[str, Any]) -> None:
    both = one.keys() & other.keys()
    if both:
        raise ArtifactError(f"the key {printable(sorted(both)[0])} stands in two places")


def load_json(raw: bytes, what: str) -> Any:
    """A JSON value without NUL and not too deep; raises ArtifactError."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ArtifactError(f"{printable(what)} is not valid JSON") from None
    if b"\\u0000" in raw:
        raise ArtifactError(f"{printable(what)} holds a NUL character")
    _check_depth(value, what, MAX_DEPTH)
    return value


def _check_depth(value: Any, what: str, left: int) -> None:
    if left == 0:
        raise ArtifactError(f"{printable(what)} is nested too deep")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _check_depth(item, what, left - 1)


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


def printable(text: str) -> str:
    """A name from a file, fit for an error message."""
    return "".join(char if char.isprintable() else "?" for char in text[:100])
