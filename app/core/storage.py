"""Objects, in a folder or a bucket: staged in the spool, under their key when whole, read in chunks.

The row that names an object is written after the object is in place, so a crash leaves at most an object that nothing
lists; `reconcile` removes those.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, Protocol

from app.core import db, failpoints
from app.core.local_store import written_before

ORPHAN: Final = timedelta(hours=1)


class Store(Protocol):
    """Where objects are. A key is written once."""

    def claim(self, owner: str) -> None:
        """Raises ValueError when the place cannot be used, or is another owner's."""

    def adopt(self, staged: Path, key: str, media_type: str, filename: str) -> None:
        """Take a file over: afterwards the object is whole and durable, or not there."""

    def size(self, key: str) -> int:
        """Bytes of an object; raises NotFound."""

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """A part of an object, in chunks of at most 256 KiB."""

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    def older(self, prefix: str, age: timedelta) -> Iterator[str]:
        """Keys beneath `prefix` (all for "") of what was written longer ago than `age`."""

    def signed_url(self, key: str, lifetime: timedelta) -> str | None:
        """An address that gives the object to anyone until it ends; None where there is none."""


_store: Store | None = None
_spool: Path | None = None
_signs = False


def configure(store: Store, spool: Path, *, signed_downloads: bool = False) -> None:
    """Keep objects in `store`; `spool`, which is made, takes what is being received."""
    global _store, _spool, _signs
    spool.mkdir(parents=True, exist_ok=True, mode=0o700)
    _store, _spool, _signs = store, spool.resolve(), signed_downloads


def _configured() -> Store:
    if _store is None:
        raise RuntimeError("storage is not configured")
    return _store


def spool_dir() -> Path:
    """Where bodies are staged."""
    if _spool is None:
        raise RuntimeError("storage is not configured")
    return _spool


def claim(owner: str) -> None:
    """Make sure that the place is there and nobody else's: `reconcile` removes what its owner does not list."""
    _configured().claim(owner)


def _checked(key: str) -> str:
    if "\0" in key or any(part in ("", ".", "..") for part in key.split("/")):
        raise ValueError(f"not an object key: {key!r}")
    return key


def adopt(staged: Path, key: str, *, media_type: str = "application/octet-stream", filename: str = "") -> None:
    """Move a staged file to `key`, durably. Raises InsufficientStorage, Unavailable, ValueError.

    `key` is a new one: when this fails, nothing is left there. Media type and file name are for signed addresses.
    """
    db.outside("moving a file")
    _configured().adopt(staged, _checked(key), media_type, filename)
    failpoints.hit("storage.adopted")


def reader(key: str) -> Callable[[int, int], Iterator[bytes]]:
    """A function (offset, length) -> chunks of at most 256 KiB of an object. Raises NotFound when it is not there."""
    size(key)
    store = _configured()
    return lambda offset, length: store.read(key, offset, length)


def size(key: str) -> int:
    """Bytes of an object; raises NotFound, Unavailable."""
    return _configured().size(_checked(key))


def signed_url(key: str, lifetime: timedelta) -> str | None:
    """An address of the store that gives the object until it ends; None where this server gives it itself."""
    return _configured().signed_url(_checked(key), lifetime) if _signs else None


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error. Raises Unavailable."""
    db.outside("removing a file")
    _configured().delete(_checked(key))
    failpoints.hit("storage.removed")


def reconcile(known: Iterable[str], prefix: str = "") -> list[str]:
    """Remove the objects (beneath `prefix`) that nothing lists, and forgotten staged files; the keys removed.

    Only what is over an hour old: a younger object may be waiting for its row.
    """
    db.outside("removing files")
    store, listed = _configured(), set(known)
    removed = [key for key in store.older(prefix, ORPHAN) if key not in listed]
    for key in removed:
        store.delete(key)
    cutoff = time.time() - ORPHAN.total_seconds()
    for file in spool_dir().iterdir():
        if written_before(file, cutoff):
            file.unlink(missing_ok=True)
    return removed
