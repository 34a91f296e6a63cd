"""Calls of the file system that a store in a folder is made of, and how it tells of their errors (ngenea 5)."""

import ctypes
import errno
import os
from types import TracebackType
from typing import Final

from app.ngenea.objects import Missing, StoreError

MAX_META: Final = 1024 * 1024  # bytes, more than extended attributes take
NOREPLACE: Final = 1
AT_FDCWD: Final = -100

_libc = ctypes.CDLL(None, use_errno=True)


def read(path: str) -> bytes:
    """All of a small file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, MAX_META)
    finally:
        os.close(descriptor)


def rename_new(old: str, new: str) -> None:
    """Rename, unless there is something of the new name. Where the file system cannot, look first."""
    if _libc.renameat2(AT_FDCWD, old.encode(), AT_FDCWD, new.encode(), NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), new)
    os.rename(old, new)


def _shown(exc: OSError) -> str:
    return f"{exc.strerror}: {os.fsdecode(exc.filename)}" if exc.filename else str(exc.strerror)


class _Told:
    """A context in which the folder's errors are a store's; a class, since there are several for each file."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(exc, FileNotFoundError):
            raise Missing(f"not in the folder: {_shown(exc)}") from exc
        if isinstance(exc, OSError):
            raise StoreError(f"the folder fails: {_shown(exc)}") from exc


TOLD: Final = _Told()
