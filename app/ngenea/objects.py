"""What the Ngenea system asks of a store of objects, whatever its kind (ngenea 5)."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final, Protocol

from app.core import secrets
from app.ngenea import inodes

PURPOSE: Final = "ngenea bucket"  # of Bucket.secrets: JSON with access_key_id and secret_access_key
OWN: Final = ".flotilla/"  # what begins so in a bucket is the store's own, never a file's
HASH_ALONE: Final = 16 * inodes.CHUNK  # larger files are hashed beside the copying
ZEROS: Final = bytes(inodes.CHUNK)
# What a long copy calls with the bytes it is about to move; it may wait, or raise to stop.
Tick = Callable[[int], None]


class StoreError(Exception):
    """A store that cannot do what was asked; the message is one line for people."""


class Missing(StoreError):
    """There is no object of that key."""


class Altered(StoreError):
    """The object is not what was stored there."""


class Exists(StoreError):
    """An object of that key is there already. `sha256` is that of what was to be stored, '' when it is not known.

    `blocked`: no object, but what a folder needs is in the way.
    """

    def __init__(self, key: str, sha256: str = "", *, blocked: bool = False) -> None:
        super().__init__(f"there is an object already: {key}")
        self.sha256 = sha256
        self.blocked = blocked


class Shrunk(Exception):
    """The file has become shorter while it was read."""


def seal_secrets(values: dict[str, str]) -> str:
    """What `Bucket.secrets` holds for these credentials."""
    return secrets.seal(json.dumps(values).encode(), PURPOSE)


def unseal_secrets(sealed: str) -> dict[str, str]:
    """The credentials of a bucket, none for ''. Raises app.core.secrets.SecretError."""
    return dict(json.loads(secrets.unseal(sealed, PURPOSE))) if sealed else {}


def owner() -> str:
    """What this server's objects say of whose they are; the same wherever its key file is."""
    return secrets.derive("ngenea objects").hex()[:32]


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an object says of the file it was made of; `xattrs` in hex, `mtime_ns` since 1970."""

    size: int
    mtime_ns: int
    mode: int
    uid: int | None
    gid: int | None
    sha256: str
    owner: str
    xattrs: dict[str, str] = field(default_factory=dict)

    def hashed(self, sha256: str) -> "Metadata":
        """The same of a file of that hash."""
        return Metadata(self.size, self.mtime_ns, self.mode, self.uid, self.gid, sha256, self.owner, self.xattrs)

    def to_text(self) -> dict[str, str]:
        """As an object's user metadata; xattrs apart, since stores take little."""
        numbers = {"size": self.size, "mtime_ns": self.mtime_ns, "mode": self.mode, "uid": self.uid, "gid": self.gid}
        texts = {name: str(value) for name, value in numbers.items() if value is not None}
        return {**texts, "sha256": self.sha256, "owner": self.owner}

    @classmethod
    def from_text(cls, texts: dict[str, str], xattrs: dict[str, str]) -> "Metadata | None":
        """The reverse; None for an object that says nothing of the kind."""
        try:
            size, mtime_ns, mode = (int(texts[name]) for name in ("size", "mtime_ns", "mode"))
            uid, gid = (int(texts[name]) if name in texts else None for name in ("uid", "gid"))
            return cls(size, mtime_ns, mode, uid, gid, texts["sha256"], texts["owner"], xattrs)
        except (KeyError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is there. `metadata` is None when we did not make it; `modified` by the store's clock."""

    size: int
    etag: str
    modified: datetime
    metadata: Metadata | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A key in a listing. `remnant`: no object, but what work that broke off has left of one of ours."""

    key: str
    size: int
    modified: datetime
    remnant: bool = False


class Digest:
    """SHA-256 of a stream; of a long one beside the thread that copies it."""

    def __init__(self, size: int) -> None:
        self._hash = hashlib.sha256()
        self._pool = ThreadPoolExecutor(1) if size > HASH_ALONE else None
        self._last: Future[None] | None = None

    def update(self, data: bytes) -> None:
        """The next bytes; they must not change afterwards."""
        if self._pool is None:
            self._hash.update(data)
            return
        if self._last is not None:
            self._last.result()
        self._last = self._pool.submit(self._hash.update, data)

    def zeros(self, count: int) -> None:
        """As many zeros."""
        for _ in range(count // len(ZEROS)):
            self.update(ZEROS)
        self.update(ZEROS[: count % len(ZEROS)])

    def hexdigest(self) -> str:
        """The hash of what has come. To be called once, at the end."""
        self.close()
        return self._hash.hexdigest()

    def close(self) -> None:
        """Give back the thread."""
        if self._pool is not None:
            self._pool.shutdown()


@dataclass(frozen=True, slots=True)
class Source:
    """An open file that is about to be stored: `size` bytes of it."""

    descriptor: int
    size: int
    tick: Tick

    def pieces(self) -> Iterator[tuple[int, bytes]]:
        """Offsets and bytes of what is no hole. Raises Shrunk, OSError and what `tick` raises."""
        for start, end in inodes.extents(self.descriptor, self.size):
            at = start
            while at < end:
                self.tick(min(inodes.CHUNK, end - at))
                data = os.pread(self.descriptor, min(inodes.CHUNK, end - at), at)
                if not data:
                    raise Shrunk
                yield at, data
                at += len(data)

    def filled(self) -> Iterator[bytes]:
        """All bytes in order, holes as zeros."""
        at = 0
        for offset, data in self.pieces():
            yield from _zeros(offset - at)
            yield data
            at = offset + len(data)
        yield from _zeros(self.size - at)

    def sha256(self) -> str:
        """The hash of the whole file."""
        digest = Digest(self.size)
        try:
            for data in self.filled():
                digest.update(data)
        finally:
            digest.close()
        return digest.hexdigest()


def _zeros(count: int) -> Iterator[bytes]:
    for _ in range(count // len(ZEROS)):
        yield ZEROS
    if count % len(ZEROS):
        yield ZEROS[: count % len(ZEROS)]


class ObjectStore(Protocol):
    """A bucket. Every method raises StoreError when the store does not do its part, in well under a minute.

    `at_once` is how many files it is worth to send at a time: where nobody waits for a network, threads cost more than
    they bring.
    """

    at_once: int

    def put(self, key: str, source: Source, metadata: Metadata, *, replace: bool) -> Stored:
        """Store a file; it is there in whole or not at all. The hash in `metadata` is filled in here.

        Raises Exists unless `replace`, also Shrunk, OSError of the file, and what the source's `tick` raises.
        """
        ...

    def head(self, key: str) -> Stored:
        """What is known of an object. Raises Missing."""
        ...

    def read(self, key: str, size: int) -> Iterator[tuple[int, bytes]]:
        """Offsets and bytes of an object of `size` bytes, in order; what is left out is zeros.

        Raises Missing, and Altered when it has another size.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...

    def listing(self, prefix: str) -> Iterator[list[Listed]]:
        """The objects whose key begins with `prefix` (which ends in `/`), some hundreds at a time, in no order."""
        ...

    def sync(self) -> None:
        """Have all that was put on disk, where that is ours to see to."""
        ...

    def prepare(self, *, wholly: bool = True) -> None:
        """Make what is missing of a store that nothing is in yet; itself only `wholly`. Raises StoreError."""
        ...

    def probe(self) -> datetime:
        """Write, read back and delete a small object; the store's clock. Raises StoreError."""
        ...

    def sweep(self, before: datetime, is_live: Callable[[list[str]], set[str]]) -> int:
        """Remove what broken off work has left of the store's own, older than `before`; how much that was.

        What a claim among `is_live(claims)` has made stays.
        """
        ...


def open_store(bucket: Any, claim: str = "") -> ObjectStore:
    """The store of a row of models.ngenea.sites.Bucket. `claim`: whose work it is for.

    Raises StoreError for a kind that there is not, and for settings it cannot use.
    """
    from app.ngenea.objects_fs import FolderStore
    from app.ngenea.objects_s3 import S3Objects

    kinds: dict[str, Callable[[], ObjectStore]] = {
        "FS": partial(FolderStore, bucket.migration_target_folder, claim),
        "S3": partial(S3Objects.of_bucket, bucket),
        "DS3": partial(S3Objects.of_bucket, bucket),
    }
    if bucket.storage_type not in kinds:
        raise StoreError(f"storage of type {bucket.storage_type} is not supported")
    return kinds[bucket.storage_type]()
