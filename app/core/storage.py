"""Files on the local disk: staged in the spool, renamed into place when whole, read in chunks.

The row that names an object is written after the object is in place, so a crash leaves at most an object that nothing
lists; `reconcile` removes those.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from app.core import db, failpoints
from app.core.errors import InsufficientStorage, NotFound, is_disk_full

CHUNK: Final = 256 * 1024
ORPHAN_SECONDS: Final = 3600

_root: Path | None = None
_spool: Path | None = None


def configure(root: Path, spool: Path) -> None:
    """Use `root` for objects and `spool` for what is being received; both are made."""
    global _root, _spool
    for folder in (root, spool):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _root, _spool = root.resolve(), spool.resolve()


def _configured(folder: Path | None) -> Path:
    if folder is None:
        raise RuntimeError("storage is not configured")
    return folder


def spool_dir() -> Path:
    """Where bodies are staged."""
    return _configured(_spool)


def _path(key: str) -> Path:
    """The file of an object, surely beneath the root; raises ValueError for a key that would lead outside."""
    root = _configured(_root)
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not an object key: {key!r}")
    path = root.joinpath(*parts)
    if not path.resolve().is_relative_to(root):  # by a symbolic link
        raise ValueError(f"not an object key: {key!r}")
    return path


def adopt(staged: Path, key: str) -> None:
    """Move a staged file to `key`, durably: the file, then its name. Raises InsufficientStorage, ValueError.

    `key` is a new one: when this fails, nothing is left there.
    """
    db.outside("moving a file")
    target = _path(key)
    try:
        _make_folder(target.parent)
        _sync(staged)
        failpoints.hit("storage.synced")
        try:
            staged.rename(target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:  # the spool is on another file system
                raise
            _copy(staged, target)
        failpoints.hit("storage.renamed")
        _sync(target.parent)
        failpoints.hit("storage.adopted")
    except OSError as exc:
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
        if is_disk_full(exc):
            raise InsufficientStorage("no space left") from exc
        raise


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, durably: a file is lost with the name of its folder."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=0o700)
        _sync(folder.parent)


def _copy(source: Path, target: Path) -> None:
    """Copy beside the target, then rename: a half copy never has the object's name."""
    part = target.with_name(f"{target.name}.{os.urandom(8).hex()}.part")
    try:
        with source.open("rb") as reading, part.open("wb") as writing:
            while chunk := reading.read(CHUNK):
                writing.write(chunk)
            writing.flush()
            os.fsync(writing.fileno())
        part.rename(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    source.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reader(key: str) -> Callable[[int, int], Iterator[bytes]]:
    """A function (offset, length) -> chunks of at most 256 KiB of an object. Raises NotFound when it is not there."""
    path = _path(key)
    if not path.is_file():
        raise NotFound("the file is not in the store")

    def read(offset: int, length: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(offset)
            left = length
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    return read


def size(key: str) -> int:
    """Bytes of an object; raises NotFound."""
    try:
        return _path(key).stat().st_size
    except FileNotFoundError:
        raise NotFound("the file is not in the store") from None


def delete(key: str) -> None:
    """Remove an object; one that is not there is no error."""
    db.outside("removing a file")
    _path(key).unlink(missing_ok=True)
    failpoints.hit("storage.removed")


def reconcile(known: Iterable[str], prefix: str = "") -> list[str]:
    """Remove the objects (beneath `prefix`) that nothing lists, and forgotten staged files; the keys removed.

    Only what is over an hour old: a younger object may be waiting for its row.
    """
    db.outside("removing files")
    listed = set(known)
    root = _configured(_root)
    cutoff = time.time() - ORPHAN_SECONDS
    removed = []
    for file in (_path(prefix) if prefix else root).rglob("*"):
        key = file.relative_to(root).as_posix()
        if key not in listed and _forgotten(file, cutoff):
            file.unlink(missing_ok=True)
            removed.append(key)
    for file in spool_dir().iterdir():
        if _forgotten(file, cutoff):
            file.unlink(missing_ok=True)
    return removed


def _forgotten(file: Path, cutoff: float) -> bool:
    try:
        found = file.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISDIR(found.st_mode) and found.st_mtime < cutoff
