"""Making artifacts of one file for the `single-file` update module (mender 4.1, 4.2)."""

import gzip
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

import orjson

from app.core import clock

CHUNK: Final = 256 * 1024
LEVEL: Final = 4  # of gzip: a tenth larger than the default, three times as fast
BLOCK: Final = 512


@dataclass(frozen=True)
class SingleFile:
    """One file and where devices put it. `software` is what a device says it has: file system, name, version."""

    name: str
    device_types: list[str]
    dest_dir: str
    filename: str
    permissions: str
    software: tuple[str, str, str]

    @property
    def provides(self) -> dict[str, str]:
        system, name, version = self.software
        return {f"{system}.{name}.version": version}

    @property
    def clears(self) -> list[str]:
        return [f"{self.software[0]}.{self.software[1]}.*"]


def write(target: Path, made: SingleFile, payload: Path, size: int, checksum: str) -> None:
    """Write an artifact of format 3, gzip, not signed; `payload` has `size` bytes of SHA-256 `checksum`.

    Nothing is held in memory but the header.
    """
    version = orjson.dumps({"format": "mender", "version": 3})
    header = _header(made)
    texts = {
        "dest_dir": f"{made.dest_dir}\n".encode(),
        "filename": f"{made.filename}\n".encode(),
        "permissions": f"{made.permissions}\n".encode(),
    }
    sums = {"version": version, "header.tar.gz": header} | {f"data/0000/{name}": text for name, text in texts.items()}
    lines = {name: sha256(content).hexdigest() for name, content in sums.items()}
    lines[f"data/0000/{made.filename}"] = checksum
    manifest = "".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items())).encode()
    with target.open("wb") as out, tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as outer:
        _add(outer, "version", version)
        _add(outer, "manifest", manifest)
        _add(outer, "header.tar.gz", header)
        with _growing(outer, out, "data/0000.tar.gz") as packed:
            _pack(packed, texts, made.filename, payload, size)


def _header(made: SingleFile) -> bytes:
    header_info = {
        "payloads": [{"type": "single-file"}],
        "artifact_provides": {"artifact_name": made.name},
        "artifact_depends": {"device_type": made.device_types},
    }
    type_info = {
        "type": "single-file",
        "artifact_provides": made.provides,
        "clears_artifact_provides": made.clears,
    }
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as inner,
    ):
        _add(inner, "header-info", orjson.dumps(header_info))
        _add(inner, "headers/0000/type-info", orjson.dumps(type_info))
    return packed.getvalue()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, int(clock.now().timestamp())
    return member


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    archive.addfile(_member(name, len(content)), io.BytesIO(content))


@contextmanager
def _growing(outer: tarfile.TarFile, out: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """A member whose size is known at its end only: its header is written again then."""
    start = out.tell()
    outer.addfile(_member(name, 0))
    yield out
    end = out.tell()
    size = end - start - BLOCK
    out.write(b"\0" * (-size % BLOCK))
    outer.offset = out.tell()
    out.seek(start)
    out.write(_member(name, size).tobuf(tarfile.USTAR_FORMAT))
    out.seek(outer.offset)


def _pack(packed: BinaryIO, texts: dict[str, bytes], filename: str, payload: Path, size: int) -> None:
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=LEVEL, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", bufsize=CHUNK, format=tarfile.USTAR_FORMAT) as inner,
        payload.open("rb") as file,
    ):
        for name, text in texts.items():
            _add(inner, name, text)
        inner.addfile(_member(filename, size), file)
