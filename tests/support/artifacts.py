"""Artifacts made byte by byte, so that tests can break any part of one."""

import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

PACKERS: Mapping[str, Callable[[bytes], bytes]] = {
    "": lambda raw: raw,
    ".gz": lambda raw: gzip.compress(raw, mtime=0),
    ".xz": lambda raw: lzma.compress(raw, preset=0),
}
MTIME = 1_795_600_000


def tar(parts: Sequence[tuple[str, bytes]], **options: Any) -> bytes:
    """A tar file of named contents, in order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=options.get("format", tarfile.USTAR_FORMAT)) as file:
        for name, content in parts:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), MTIME
            file.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def parts(
    *,
    name: str = "release-1",
    device_types: Sequence[str] = ("board",),
    version: int = 3,
    files: Mapping[str, bytes] | None = None,
    payload_type: str | None = "single-file",
    suffix: str = ".gz",
    provides: Mapping[str, str] | None = None,
    depends: Mapping[str, Any] | None = None,
    clears: Sequence[str] = (),
    meta_data: Any = None,
    signed: bool = False,
    scripts: Mapping[str, bytes] | None = None,
    header_info: Mapping[str, Any] | None = None,
    type_info: Mapping[str, Any] | None = None,
) -> list[tuple[str, bytes]]:
    """The members of an artifact, in order, so that a test may change one before `seal` writes the manifest."""
    files = {"file": b"payload" * 100} if files is None else files
    if version == 2:
        info: dict[str, Any] = {
            "updates": [{"type": payload_type}],
            "device_types_compatible": list(device_types),
            "artifact_name": name,
        }
    else:
        info = {
            "payloads": [{"type": payload_type}],
            "artifact_provides": {"artifact_name": name},
            "artifact_depends": {"device_type": list(device_types)},
        }
    described = {"type": payload_type}
    if provides or depends or clears:
        described |= {"artifact_provides": provides or {}, "artifact_depends": depends or {}}
        described |= {"clears_artifact_provides": list(clears)} if clears else {}
    header = [("header-info", json.dumps(header_info or info).encode())]
    header += [(f"scripts/{key}", value) for key, value in (scripts or {}).items()]
    if version == 2:
        header.append(("headers/0000/files", json.dumps({"files": list(files)}).encode()))
    header.append(("headers/0000/type-info", json.dumps(type_info or described).encode()))
    if meta_data is not None:
        header.append(
            ("headers/0000/meta-data", meta_data if isinstance(meta_data, bytes) else json.dumps(meta_data).encode())
        )
    pack = PACKERS[suffix]
    made = [("version", json.dumps({"format": "mender", "version": version}).encode())]
    made += [("manifest.sig", b"c2lnbmF0dXJl")] if signed else []
    made.append((f"header.tar{suffix}", pack(tar(header))))
    made.append((f"data/0000.tar{suffix}", pack(tar(list(files.items())))))
    return made


def manifest(members: Sequence[tuple[str, bytes]], files: Mapping[str, bytes]) -> bytes:
    """The manifest of an artifact's members and payload files."""
    listed = [(name, content) for name, content in members if name == "version" or name.startswith("header.tar")]
    listed += [(f"data/0000/{name}", content) for name, content in files.items()]
    return "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in listed).encode()


def seal(members: list[tuple[str, bytes]], files: Mapping[str, bytes] | None = None) -> bytes:
    """The artifact file: the manifest goes behind the version."""
    files = {"file": b"payload" * 100} if files is None else files
    return tar([members[0], ("manifest", manifest(members, files)), *members[1:]])


def build(**options: Any) -> bytes:
    """A whole artifact; options as for `parts`."""
    return seal(parts(**options), options.get("files"))
