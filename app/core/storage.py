"""Files on the local disk: staged in the spool, renamed into place when whole, read in chunks.

The row that names an object is written after the object is in place, so a crash leaves at most an object that nothing
lists; `reconcile` removes those.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from app.core import db
from app.core.errors import InsufficientStorage, NotFound

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


def spool_dir() -> Path:
    """Where bodies are staged."""
    assert _spool is not None, "storage is not configured"
    return _spool


def _path(key: str) -> Path:
    """The file of an object, surely beneath the root; raises ValueError for a key that would lead outside."""
    assert _root is not None, "storage is not configured"
    parts = key.split("/")
    if "\0" in key or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not an object key: {key!r}")
    return _root.joinpath(*parts)


def adopt(staged: Path, key: str) -> None:
    """Move a staged file to `key`, durably: the file, then its name. Raises InsufficientStorage, ValueError."""
    db.outside("moving a file")
    target = _path(key)
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sync(staged)
        try:
            os.rename(staged, target)
        except OSError as exc:
            if exc.errno != 18:  # EXDEV: the spool is on another file system
                raise
            _copy(staged, target)
        _sync(target.parent)
    except OSError as exc:
        if exc.errno == 28:
            raise InsufficientStorage("no space left") from exc
        raise


def _copy(source: Path, target: Path) -> None:
    """Copy beside the target, then rename: a half copy never has the object's name."""
    part = target.with_name(target.name + ".part")
    with source.open("rb") as reading, part.open("wb") as writing:
        while chunk := reading.read(CHUNK):
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    os.rename(part, target)
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


def reconcile(prefix: str, known: Iterable[str]) -> list[str]:
    """Remove the objects beneath `prefix` that nothing lists, and forgotten staged files; both only when over an hour old."""
    listed = set(known)
    assert _root is not None, "storage is not configured"
    cutoff = time.time() - ORPHAN_SECONDS
    removed = []
    for file in _path(prefix).rglob("*"):
        key = file.relative_to(_root).as_posix()
        if key not in listed and file.is_file() and file.stat().st_mtime < cutoff:
            file.unlink(missing_ok=True)
            removed.append(key)
    for file in spool_dir().iterdir():
        if file.is_file() and file.stat().st_mtime < cutoff:
            file.unlink(missing_ok=True)
    return removed
