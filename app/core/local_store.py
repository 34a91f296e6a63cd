"""Objects as files beneath one folder: renamed into place when whole and on disk.

Own code beside `obstore` (docs/adr/0008): it renames a staged file instead of copying it, and makes content, name and
folder durable in this order.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final

from app.core import failpoints
from app.core.errors import InsufficientStorage, NotFound, is_disk_full

CHUNK: Final = 256 * 1024


class LocalStore:
    """The objects beneath `root`, which is made."""

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root = root.resolve()

    def _path(self, key: str) -> Path:
        """The file of an object, surely beneath the root; raises ValueError for a key that would lead outside."""
        path = self.root / key
        if not path.resolve().is_relative_to(self.root):  # by a symbolic link
            raise ValueError(f"not an object key: {key!r}")
        return path

    def claim(self, owner: str) -> None:
        """The folder is this server's own."""

    def adopt(self, staged: Path, key: str, media_type: str, filename: str) -> None:
        """Move a staged file to a new key, durably: the file, then its name. Raises InsufficientStorage."""
        target = self._path(key)
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
        except OSError as exc:
            with contextlib.suppress(OSError):
                target.unlink(missing_ok=True)
            if is_disk_full(exc):
                raise InsufficientStorage("no space left") from exc
            raise

    def size(self, key: str) -> int:
        """Bytes of an object; raises NotFound."""
        try:
            found = self._path(key).stat()
        except FileNotFoundError:
            raise NotFound("the file is not in the store") from None
        if not stat.S_ISREG(found.st_mode):
            raise NotFound("the file is not in the store")
        return found.st_size

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Chunks of at most 256 KiB; they go on when the object is deleted meanwhile."""
        with self._path(key).open("rb") as file:
            file.seek(offset)
            left = length
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        self._path(key).unlink(missing_ok=True)

    def older(self, prefix: str, age: timedelta) -> Iterator[str]:
        """Keys beneath `prefix` (all for "") of what was written longer ago than `age`."""
        cutoff = time.time() - age.total_seconds()
        folder = self._path(prefix) if prefix else self.root
        return (file.relative_to(self.root).as_posix() for file in folder.rglob("*") if written_before(file, cutoff))

    def signed_url(self, key: str, lifetime: timedelta) -> None:
        """A folder has no addresses."""


def written_before(file: Path, cutoff: float) -> bool:
    """Whether a file was last written before a moment, seconds since the epoch; no for folders and what is gone."""
    try:
        found = file.lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISDIR(found.st_mode) and found.st_mtime < cutoff


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
