"""Mender artifacts, formats 2 and 3: one pass, every checksum verified, nothing kept in memory (mender 4.1)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from app.mender.artifact_header import (
    ArtifactError,
    Header,
    combine,
    load_json,
    merge_augment,
    parse_augment,
    parse_header,
    printable,
)
from app.mender.compression import ERRORS, SUFFIXES, decompress
from app.mender.tar_stream import CHUNK, Member, TarError, members

MAX_VERSION: Final = 4096
MAX_MANIFEST: Final = 4 * 1024 * 1024
MAX_HEADER: Final = 16 * 1024 * 1024  # decompressed, scripts included
MAX_PAYLOAD: Final = 64 * 1024**3  # decompressed: more than any device holds, so only a bomb is larger
MAX_FILES: Final = 10_000

LINE: Final = re.compile(r"([0-9a-f]{64})  (\S.*)")
FILE_NAME: Final = re.compile(r"[A-Za-z0-9.,_-]{1,255}")
DATA_MEMBER: Final = re.compile(r"data/([0-9]{4})\.tar(\.[a-z0-9]+)?")
HEADER_MEMBER: Final = re.compile(r"header\.tar(\.[a-z0-9]+)?")
AUGMENT_MEMBER: Final = re.compile(r"header-augment\.tar(\.[a-z0-9]+)?")


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


def parse(file: Path) -> ArtifactFile:
    """Read and verify a whole artifact file. Raises ArtifactError (a BadRequest) for anything that is not right."""
    try:
        with file.open("rb") as stream:
            return _Parser().run(members(iter(lambda: stream.read(CHUNK), b"")))
    except TarError as exc:
        raise ArtifactError(f"not a valid artifact: {exc}") from exc
    except ERRORS as exc:
        raise ArtifactError("not a valid artifact: the compressed data is damaged") from exc


class _Parser:
    """One pass over the members of an artifact. `manifest` holds the checksums that have not been met yet."""

    def __init__(self) -> None:
        self.version = 0
        self.signed = False
        self.manifest: dict[str, str] = {}
        self.header: Header | None = None
        self.files: list[list[dict[str, Any]]] = []
        self.count = 0

    def run(self, parts: Iterator[Member]) -> ArtifactFile:
        part = self._expect(next(parts, None), "version")
        version_digest = self._version(part)
        part = self._expect(next(parts, None), "manifest")
        self._manifest(part)
        self._verify("version", version_digest)
        part = _present(next(parts, None), "header.tar")
        if part.name == "manifest.sig":
            self.signed = True
            part = _present(next(parts, None), "header.tar")
        if part.name == "manifest-augment":
            self._manifest(part)
            part = _present(next(parts, None), "header.tar")
        self._header(part)
        following = next(parts, None)
        if following is not None and AUGMENT_MEMBER.fullmatch(following.name):
            self._augment(following)
            following = next(parts, None)
        while following is not None:
            self._payload(following)
            following = next(parts, None)
        return self._finish()

    @staticmethod
    def _expect(part: Member | None, name: str) -> Member:
        if part is None or part.name != name or part.directory:
            raise ArtifactError(f"not a valid artifact: {name} is not where it belongs")
        return part

    def _version(self, part: Member) -> str:
        raw = part.read(MAX_VERSION)
        value = load_json(raw, "version")
        if not isinstance(value, dict) or value.keys() != {"format", "version"} or value["format"] != "mender":
            raise ArtifactError("version: not a Mender artifact")
        if value["version"] == 1:
            raise ArtifactError("artifact format version 1 is no longer supported, write version 2 or 3")
        if value["version"] not in (2, 3) or isinstance(value["version"], bool | float):
            raise ArtifactError("version: only artifact formats 2 and 3 are supported")
        self.version = value["version"]
        return sha256(raw).hexdigest()

    def _manifest(self, part: Member) -> None:
        try:
            text = part.read(MAX_MANIFEST).decode()
        except UnicodeDecodeError:
            raise ArtifactError(f"{part.name} is not text") from None
        for line in text.splitlines():
            match = LINE.fullmatch(line)
            if match is None:
                raise ArtifactError(f"{part.name}: a line is garbled")
            if match[2] in self.manifest:
                raise ArtifactError(f"{part.name}: {printable(match[2])} is listed twice")
            self.manifest[match[2]] = match[1]

    def _verify(self, name: str, digest: str) -> None:
        expected = self.manifest.pop(name, None)
        if expected is None:
            raise ArtifactError(f"{printable(name)} is not listed in the manifest")
        if expected != digest:
            raise ArtifactError(f"invalid checksum of {printable(name)}")

    def _header(self, part: Member) -> None:
        suffix = _suffix(HEADER_MEMBER.fullmatch(part.name), part.name)
        source = _Hashed(part.data)
        self.header = parse_header(_limited(decompress(suffix, source), MAX_HEADER), self.version)
        self._verify(part.name, source.drain())
        self.files = [[] for _ in self.header.payloads]

    def _augment(self, part: Member) -> None:
        assert self.header is not None
        suffix = _suffix(AUGMENT_MEMBER.fullmatch(part.name), part.name)
        source = _Hashed(part.data)
        plain = _limited(decompress(suffix, source), MAX_HEADER)
        merge_augment(self.header, parse_augment(plain, len(self.header.payloads)))
        self._verify(part.name, source.drain())

    def _payload(self, part: Member) -> None:
        match = DATA_MEMBER.fullmatch(part.name)
        suffix = _suffix(match, part.name, group=2)
        assert match is not None and self.header is not None
        number = int(match[1])
        if number != self.count or number >= len(self.header.payloads):
            raise ArtifactError(f"{printable(part.name)} is not where it belongs")
        self.count += 1
        source = _Hashed(part.data)
        for member in members(_limited(decompress(suffix, source), MAX_PAYLOAD)):
            self._payload_file(number, match[1], member)
        source.drain()

    def _payload_file(self, number: int, folder: str, member: Member) -> None:
        assert self.header is not None
        if member.directory or not FILE_NAME.fullmatch(member.name) or member.name in (".", ".."):
            raise ArtifactError(f"data/{folder}: {printable(member.name)} is no file name for a payload")
        if self.header.payloads[number].type is None:
            raise ArtifactError(f"data/{folder}: a payload without a type may hold no files")
        if sum(map(len, self.files)) >= MAX_FILES:
            raise ArtifactError(f"more than {MAX_FILES} payload files")
        digest = sha256()
        for piece in member.data:
            digest.update(piece)
        self._verify(f"data/{folder}/{member.name}", digest.hexdigest())
        self.files[number].append(
            {
                "name": member.name,
                "checksum": digest.hexdigest(),
                "size": member.size,
                "date": _date(member.mtime),
            }
        )

    def _finish(self) -> ArtifactFile:
        assert self.header is not None
        if self.manifest:
            raise ArtifactError(f"{printable(min(self.manifest))} is listed in the manifest but not in the file")
        missing = [payload for payload in self.header.payloads[self.count :] if payload.type is not None]
        if missing:
            raise ArtifactError("a payload is missing")
        provides, depends, clears = combine(self.header)
        return ArtifactFile(
            name=self.header.name,
            version=self.version,
            device_types=self.header.device_types,
            signed=self.signed,
            updates=[
                {"type_info": {"type": payload.type}, "files": files, "meta_data": payload.meta_data}
                for payload, files in zip(self.header.payloads, self.files, strict=True)
            ],
            provides=provides,
            depends=depends,
            clears_provides=clears,
        )


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


def _limited(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise ArtifactError("the artifact unpacks to too much data")
        yield chunk


def _present(part: Member | None, wanted: str) -> Member:
    if part is None:
        raise ArtifactError(f"not a valid artifact: {wanted} is missing")
    return part


def _suffix(match: re.Match[str] | None, name: str, group: int = 1) -> str:
    """The compression suffix of a member; raises ArtifactError for an unexpected member or compression."""
    if match is None:
        raise ArtifactError(f"not a valid artifact: unexpected {printable(name)}")
    suffix = match[group] or ""
    if suffix not in SUFFIXES:
        raise ArtifactError(
            f"{printable(name)}: compression {suffix.lstrip('.')} is not supported, use gzip, lzma or none"
        )
    return suffix


def _date(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        raise ArtifactError("a payload file has an impossible date") from None
