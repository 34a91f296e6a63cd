"""Mender artifacts, formats 2 and 3: one pass, every checksum verified, nothing kept in memory (mender 4.1)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, TypeVar

from app.core.compression import SUFFIXES, CompressionError, decompress
from app.core.tar_stream import CHUNK, Member, TarError, members, printable
from app.mender.artifact_header import ArtifactError, Header, Payload, augment, combine, load_json, parse_header

MAX_VERSION: Final = 4096
MAX_MANIFEST: Final = 4 * 1024 * 1024
MAX_HEADER: Final = 16 * 1024 * 1024  # decompressed, scripts included
MAX_PAYLOAD: Final = 64 * 1024**3  # decompressed, all together: more than any device holds, so only a bomb is larger
MAX_FILES: Final = 10_000

LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)")
FILE_NAME: Final = re.compile(r"[A-Za-z0-9.,_-]{1,255}")
ADDED_NAME: Final = re.compile(r"header-augment\.tar.*|data/.+")
SUFFIX: Final = re.compile(r"\.[a-z0-9]+")


@dataclass(frozen=True)
class ArtifactFile:
    """What an artifact says of itself. `updates` are as served: type, files with checksum, size and date, meta data."""

    name: str
    version: int
    device_types: list[str]
    signed: bool
    updates: list[dict[str, Any]]
    provides: dict[str, str]
    depends: dict[str, list[str]]
    clears_provides: list[str]


T = TypeVar("T")


def parse(file: Path) -> ArtifactFile:
    """Read and verify a whole artifact file. Raises ArtifactError (a BadRequest) for anything that is not right.

    Signatures are not verified: devices do that, with keys the server need not know.
    """
    try:
        with file.open("rb") as stream:
            return _Parser(members(iter(lambda: stream.read(CHUNK), b""))).run()
    except (TarError, CompressionError) as exc:
        raise ArtifactError(f"not a valid artifact: {exc}") from exc


class _Parser:
    """One pass over the members of an artifact. `manifest` holds the checksums that have not been met yet."""

    def __init__(self, parts: Iterator[Member]) -> None:
        self._parts = parts
        self._ahead: Member | None = None
        self._unpacked = 0
        self._files = 0
        self.version = 0
        self.manifest: dict[str, str] = {}

    def run(self) -> ArtifactFile:
        digest = self._version(self._take("version"))
        self.manifest = _lines(self._take("manifest"))
        self._verify("version", digest)
        signed = self._take_if("manifest.sig") is not None
        added = self._take_if("manifest-augment") if self.version == 3 else None
        if added is not None:
            self._add(_lines(added))
        header = self._header("header.tar", lambda chunks: parse_header(chunks, self.version))
        if added is not None:
            self._header("header-augment.tar", lambda chunks: augment(header, chunks))
        updates = [self._update(number, payload) for number, payload in enumerate(header.payloads)]
        self._finish()
        return _described(header, self.version, signed, updates)

    def _peek(self) -> Member | None:
        """The next member. What came before must have been read: its data is gone after this."""
        if self._ahead is None:
            self._ahead = next(self._parts, None)
        return self._ahead

    def _take_if(self, name: str) -> Member | None:
        part = self._peek()
        if part is None or part.name != name or part.directory:
            return None
        self._ahead = None
        return part

    def _take(self, name: str) -> Member:
        part = self._take_if(name)
        if part is None:
            raise self._misplaced(name)
        return part

    def _take_packed(self, name: str) -> tuple[Member, str]:
        """The next member, which must be `name` with or without a compression suffix, and this."""
        part = self._peek()
        if part is None or part.directory or not part.name.startswith(name):
            raise self._misplaced(name)
        suffix = part.name[len(name) :]
        if suffix not in SUFFIXES:
            if not SUFFIX.fullmatch(suffix):
                raise self._misplaced(name)
            kind = suffix[1:]
            raise ArtifactError(
                f"{printable(part.name)}: compression {kind} is not supported, use gzip, lzma, zstd or none"
            )
        self._ahead = None
        return part, suffix

    def _misplaced(self, wanted: str) -> ArtifactError:
        found = "the end" if self._ahead is None else printable(self._ahead.name)
        return ArtifactError(f"not a valid artifact: {found} stands where {wanted} belongs")

    def _version(self, part: Member) -> str:
        raw = part.read(MAX_VERSION)
        value = load_json(raw, "version")
        if not isinstance(value, dict) or value.keys() != {"format", "version"} or value["format"] != "mender":
            raise ArtifactError("version: not a Mender artifact")
        if value["version"] == 1:
            raise ArtifactError("artifact format version 1 is no longer supported, write version 2 or 3")
        if value["version"] not in (2, 3) or isinstance(value["version"], float):
            raise ArtifactError("version: only artifact formats 2 and 3 are supported")
        self.version = value["version"]
        return sha256(raw).hexdigest()

    def _add(self, lines: dict[str, str]) -> None:
        """Take the lines of manifest-augment, which is not signed, so it may name only what is added."""
        for name in lines:
            if not ADDED_NAME.fullmatch(name) or name in self.manifest:
                raise ArtifactError(f"manifest-augment may not list {printable(name)}")
        self.manifest |= lines

    def _verify(self, name: str, digest: str) -> None:
        expected = self.manifest.pop(name, None)
        if expected is None:
            raise ArtifactError(f"{printable(name)} is not listed in the manifest, or stands there twice")
        if expected != digest:
            raise ArtifactError(f"invalid checksum of {printable(name)}")

    def _header(self, name: str, read: Callable[[Iterator[bytes]], T]) -> T:
        part, suffix = self._take_packed(name)
        source = _Hashed(part.data)
        try:
            header = read(_limited(decompress(suffix, source)))
        except (ArtifactError, TarError, CompressionError):
            # Of a header that was damaged on its way, the checksum says more than what is found in it.
            self._verify(part.name, source.drain())
            raise
        self._verify(part.name, source.drain())
        return header

    def _update(self, number: int, payload: Payload) -> dict[str, Any]:
        """Verify a payload; the update as served."""
        files: list[dict[str, Any]] = []
        # An artifact without payload need not have an archive of no files.
        if payload.type is not None or self._peek() is not None:
            part, suffix = self._take_packed(f"data/{number:04d}.tar")
            for member in members(self._counted(decompress(suffix, part.data))):
                if payload.type is None:
                    raise ArtifactError(f"{printable(part.name)}: a payload without a type may hold no files")
                files.append(self._file(f"data/{number:04d}", member))
        if payload.files is not None and sorted(payload.files) != sorted(file["name"] for file in files):
            raise ArtifactError(f"headers/{number:04d}/files does not list what the payload holds")
        return {"type_info": {"type": payload.type}, "files": files, "meta_data": payload.meta_data}

    def _file(self, folder: str, member: Member) -> dict[str, Any]:
        if member.directory or not FILE_NAME.fullmatch(member.name) or member.name in (".", ".."):
            raise ArtifactError(f"{folder}: {printable(member.name)} is no file name for a payload")
        self._files += 1
        if self._files > MAX_FILES:
            raise ArtifactError(f"more than {MAX_FILES} payload files")
        digest = sha256()
        for piece in member.data:
            digest.update(piece)
        self._verify(f"{folder}/{member.name}", digest.hexdigest())
        return {
            "name": member.name,
            "checksum": digest.hexdigest(),
            "size": member.size,
            "date": _date(member.mtime),
        }

    def _counted(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._unpacked += len(chunk)
            if self._unpacked > MAX_PAYLOAD:
                raise ArtifactError("the payloads unpack to too much data")
            yield chunk

    def _finish(self) -> None:
        if self._peek() is not None:
            raise self._misplaced("the end")
        if self.manifest:
            raise ArtifactError(f"{printable(min(self.manifest))} is listed in the manifest but not in the file")


class _Hashed:
    """Passes chunks on and hashes them; `drain()` reads what the consumer left over and gives the digest."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._digest = sha256()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._chunks)
        self._digest.update(chunk)
        return chunk

    def drain(self) -> str:
        for _ in self:
            pass
        return self._digest.hexdigest()


def _limited(chunks: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_HEADER:
            raise ArtifactError("the header unpacks to too much data")
        yield chunk


def _lines(part: Member) -> dict[str, str]:
    """name -> checksum, of a manifest."""
    try:
        text = part.read(MAX_MANIFEST).decode()
    except UnicodeDecodeError:
        raise ArtifactError(f"{part.name} is not text") from None
    lines: dict[str, str] = {}
    for line in text.removesuffix("\n").split("\n"):
        match = LINE.fullmatch(line)
        if match is None:
            raise ArtifactError(f"{part.name}: a line is garbled")
        if match[2] in lines:
            raise ArtifactError(f"{part.name}: {printable(match[2])} is listed twice")
        lines[match[2]] = match[1]
    return lines


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        raise ArtifactError("a payload file has an impossible date") from None


def _described(header: Header, version: int, signed: bool, updates: list[dict[str, Any]]) -> ArtifactFile:
    provides, depends, clears = combine(header)
    return ArtifactFile(header.name, version, header.device_types, signed, updates, provides, depends, clears)
