"""Artifacts made byte by byte, so that tests can break any part of one.

`build` makes a whole file. `parts` gives its members, of which a test changes some before `seal` puts the manifest,
made from the members as they then are, behind the version. `manifest=` of `seal` puts another one there.
"""

import gzip
import io
import json
import lzma
import random
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from itertools import chain, repeat
from typing import Any, BinaryIO

from backports import zstd

Members = list[tuple[str, bytes]]


def with_checksum(raw: bytes) -> bytes:
    """zstd as mender-artifact writes it: with a checksum at the end."""
    return zstd.compress(raw, options={zstd.CompressionParameter.checksum_flag: 1})


PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": lambda raw: raw,
    ".gz": lambda raw: gzip.compress(raw, mtime=0),
    ".xz": lambda raw: lzma.compress(raw, preset=0),
    ".zst": with_checksum,
}
UNPACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".xz": lzma.decompress,
    ".zst": zstd.decompress,
}
MTIME = 1_795_600_000
FILES: Mapping[str, bytes] = {"file": b"payload" * 100}


@dataclass
class Payload:
    """One payload. `meta_data` as bytes is written as it is; `type_info` replaces all that would be in the file."""

    type: str | None = "single-file"
    files: Mapping[str, bytes] = field(default_factory=lambda: FILES)
    provides: Mapping[str, Any] = field(default_factory=dict)
    depends: Mapping[str, Any] = field(default_factory=dict)
    clears: Sequence[str] = ()
    meta_data: Any = None
    type_info: Any = None

    def header(self, number: int, version: int) -> Members:
        """Its members of the header."""
        folder = f"headers/{number:04d}"
        info: dict[str, Any] = {"type": self.type}
        for key, value in (
            ("artifact_provides", dict(self.provides)),
            ("artifact_depends", dict(self.depends)),
            ("clears_artifact_provides", list(self.clears)),
        ):
            info |= {key: value} if value else {}
        made = [(f"{folder}/files", dump({"files": list(self.files)}))] if version == 2 else []
        made.append((f"{folder}/type-info", dump(info if self.type_info is None else self.type_info)))
        if self.meta_data is not None:
            made.append((f"{folder}/meta-data", dump(self.meta_data)))
        return made


def dump(value: Any) -> bytes:
    """JSON, but bytes stay as they are."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def tar(members: Sequence[tuple[str, bytes] | tuple[tarfile.TarInfo, bytes]], **options: Any) -> bytes:
    """A tar file of contents, in order. A TarInfo in place of a name makes any kind of member."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=options.get("format", tarfile.USTAR_FORMAT)) as file:
        for name, content in members:
            if isinstance(name, str):
                info = tarfile.TarInfo(name)
                info.size, info.mtime = len(content), options.get("mtime", MTIME)
            else:
                info = name
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def parts(
    *,
    name: str = "release-1",
    device_types: Sequence[str] = ("board",),
    version: int = 3,
    suffix: str = ".gz",
    payloads: Sequence[Payload] | None = None,
    group: str | None = None,
    signed: bool = False,
    scripts: Mapping[str, bytes] | None = None,
    header_info: Any = None,
    augmented: Sequence[Payload] | None = None,
    **payload: Any,
) -> Members:
    """The members of an artifact, in order, without the manifest. What is not named here goes to the only payload."""
    made = list(payloads) if payloads is not None else [Payload(**_payload(payload))]
    if header_info is None:
        header_info = _header_info(name, device_types, version, made, group)
    header = [("header-info", dump(header_info))]
    header += [(f"scripts/{key}", value) for key, value in (scripts or {}).items()]
    header += _headers(made, version)
    files = [dict(one.files) for one in made]
    members = [("version", dump({"format": "mender", "version": version}))]
    members += [("manifest.sig", b"c2lnbmF0dXJl")] if signed else []
    pack = PACKERS[suffix]
    members.append((f"header.tar{suffix}", pack(tar(header))))
    if augmented is not None:
        info = _header_info(name, device_types, version, augmented, None)
        added = [("header-info", dump(info)), *_headers(augmented, version)]
        members.append((f"header-augment.tar{suffix}", pack(tar(added))))
        for mine, theirs in zip(files, augmented, strict=True):
            mine |= theirs.files
    for number, content in enumerate(files):
        members.append((f"data/{number:04d}.tar{suffix}", pack(tar(list(content.items())))))
    return members


def _payload(options: Mapping[str, Any]) -> dict[str, Any]:
    """`payload_type` is the type of the only payload; None stands for the default, but of the type and meta-data."""
    made = {key: value for key, value in options.items() if value is not None or key == "payload_type"}
    return made | {"type": made.pop("payload_type")} if "payload_type" in made else made


def _header_info(
    name: str, device_types: Sequence[str], version: int, payloads: Sequence[Payload], group: str | None
) -> dict[str, Any]:
    types = [{"type": payload.type} for payload in payloads]
    if version == 2:
        return {"updates": types, "device_types_compatible": list(device_types), "artifact_name": name}
    provides = {"artifact_name": name} | ({"artifact_group": group} if group else {})
    return {
        "payloads": types,
        "artifact_provides": provides,
        "artifact_depends": {"device_type": list(device_types)},
    }


def _headers(payloads: Sequence[Payload], version: int) -> Members:
    return [member for number, payload in enumerate(payloads) for member in payload.header(number, version)]


def contents(members: Members) -> Iterator[tuple[str, bytes]]:
    """What a manifest lists: version, header and payload files, by name."""
    for name, raw in members:
        if name == "version" or name.startswith("header"):
            yield name, raw
        elif name.startswith("data/"):
            base, _, suffix = name.partition(".tar")
            with tarfile.open(fileobj=io.BytesIO(UNPACKERS[suffix](raw))) as file:
                for info in file.getmembers():
                    read = file.extractfile(info)
                    yield f"{base}/{info.name}", b"" if read is None else read.read()


def lines(listed: Mapping[str, bytes] | Iterator[tuple[str, bytes]]) -> bytes:
    """A manifest of contents."""
    pairs = listed.items() if isinstance(listed, Mapping) else listed
    return "".join(f"{sha256(raw).hexdigest()}  {name}\n" for name, raw in pairs).encode()


def seal(members: Members, manifest: bytes | None = None, added: Sequence[str] = ()) -> bytes:
    """The artifact file. `added` names what belongs into manifest-augment, beside the augmented header."""
    listed = dict(contents(members)) if manifest is None else {}
    augment = {name: listed.pop(name) for name in list(listed) if name.startswith("header-augment") or name in added}
    made = [members[0], ("manifest", lines(listed) if manifest is None else manifest)]
    rest = members[1:]
    if rest and rest[0][0] == "manifest.sig":
        made.append(rest.pop(0))
    if augment:
        made.append(("manifest-augment", lines(augment)))
    return tar([*made, *rest])


def build(**options: Any) -> bytes:
    """A whole artifact; options as for `parts`."""
    augmented: Sequence[Payload] = options.get("augmented") or ()
    added = [f"data/{number:04d}/{name}" for number, payload in enumerate(augmented) for name in payload.files]
    return seal(parts(**options), added=added)


def write_big(file: BinaryIO, name: str, size: int) -> None:
    """An artifact with one uncompressed file of `size` bytes (MiB of one content), written without holding it."""
    block = random.Random(name).randbytes(1024 * 1024)
    whole, rest = divmod(size, len(block))
    digest = sha256()
    for piece in chain(repeat(block, whole), [block[:rest]]):
        digest.update(piece)
    small = dict(parts(name=name, suffix="", payloads=[Payload(files={"file": b""})]))
    header = small["header.tar"]
    listed = lines({"version": small["version"], "header.tar": header})
    manifest = listed + f"{digest.hexdigest()}  data/0000/file\n".encode()
    inner = tarfile.TarInfo("file")
    inner.size = size
    before, after = inner.tobuf(tarfile.USTAR_FORMAT), bytes(-size % 512 + 1024)
    data = tarfile.TarInfo("data/0000.tar")
    data.size = len(before) + size + len(after)
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as outer:
        for member, content in (("version", small["version"]), ("manifest", manifest), ("header.tar", header)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            outer.addfile(info, io.BytesIO(content))
        outer.addfile(data)
        for piece in chain([before], repeat(block, whole), [block[:rest], after, bytes(-data.size % 512)]):
            file.write(piece)
        outer.offset = file.tell()


def changed(members: Members, changes: Mapping[str, bytes | None]) -> Members:
    """The members with other contents, or without one where this is None."""
    assert changes.keys() <= {name for name, _ in members}
    found = [(name, changes.get(name, raw)) for name, raw in members]
    return [(name, raw) for name, raw in found if raw is not None]


# Headers that a test changes.

INFO: dict[str, Any] = {
    "payloads": [{"type": "single-file"}],
    "artifact_provides": {"artifact_name": "release-1"},
    "artifact_depends": {"device_type": ["board"]},
}
INFO_2: dict[str, Any] = {
    "artifact_name": "release-1",
    "updates": [{"type": "rootfs-image"}],
    "device_types_compatible": ["board"],
}
TYPE = ("headers/0000/type-info", b'{"type":"single-file"}')


def header(*members: tuple[str, bytes], suffix: str = ".gz") -> bytes:
    return PACKERS[suffix](tar(list(members)))


def with_info(**changes: Any) -> bytes:
    """An artifact with other fields in header-info; None drops one."""
    info = {key: value for key, value in (INFO | changes).items() if value is not None}
    return build(header_info=info)


def with_header(*members: tuple[str, bytes], **options: Any) -> bytes:
    """An artifact with another header behind header-info."""
    made = header(("header-info", dump(options.pop("info", INFO))), *members)
    return seal(changed(parts(**options), {"header.tar.gz": made}))


def file_entry(name: str, content: bytes, seconds: int = MTIME) -> dict[str, Any]:
    date = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"name": name, "checksum": sha256(content).hexdigest(), "size": len(content), "date": date}
