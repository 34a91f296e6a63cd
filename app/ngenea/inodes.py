"""What is done to the inode of a file in place: locks, holes, times, the mirror of its state (ngenea 5)."""

import ctypes
import errno
import fcntl
import os
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from app.ngenea import names

CHUNK: Final = 1024 * 1024
BLOCK: Final = 4096
STRETCH: Final = 16 * CHUNK  # of a long file, that the disk is told to begin with
SYNC_FILE_RANGE_WRITE: Final = 2
STATE: Final = "user.hub.state"
CAPABILITY: Final = "security.capability"
ROOM: Final = 16 * 1024 * 1024  # bytes of a file that is a hole, where a file system keeps any
PREMIGRATED: Final = "premigrated"
MIGRATED: Final = "migrated"

_libc = ctypes.CDLL(None, use_errno=True)


def lock(descriptor: int) -> bool:
    """Take the file's lock for as long as the descriptor is open; False when somebody else has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def lease(descriptor: int) -> Iterator[bool]:
    """Make whoever opens the file wait meanwhile; whether that is so, and nobody else has it open.

    Goes on without where the file system or an open file forbids it.
    """
    try:
        # The signal of a breaking lease would end this process if it were the usual one.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def flush(descriptor: int) -> None:
    """Have all that others write from now on show in the file's times.

    Who has a file mapped writes to a page that is dirty already without a trace; to one that is on disk, not.
    """
    with lease(descriptor) as alone:
        pass
    if not alone:
        with suppress(OSError):
            os.fdatasync(descriptor)


@contextmanager
def keeping_rights(descriptor: int) -> Iterator[None]:
    """Keep what writing takes from a program: the bits that set its user or group, and its capabilities."""
    mode, capability = stat.S_IMODE(os.fstat(descriptor).st_mode), _attribute(descriptor, CAPABILITY)
    try:
        yield
    finally:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
            os.fchmod(descriptor, mode)
        if capability is not None:
            with suppress(OSError):
                os.setxattr(descriptor, CAPABILITY, capability)


def _attribute(descriptor: int, name: str) -> bytes | None:
    try:
        return os.getxattr(descriptor, name)
    except OSError:
        return None


def data_from(descriptor: int, offset: int) -> int | None:
    """Where the first data at or after `offset` begins; None when there is none up to the end."""
    try:
        return os.lseek(descriptor, offset, os.SEEK_DATA)
    except OSError as exc:
        if exc.errno == errno.ENXIO:
            return None
        raise


def extents(descriptor: int, end: int, start: int = 0) -> Iterator[tuple[int, int]]:
    """Beginning and end of each piece of data from `start` to `end`; what lies between reads as zeros."""
    while start < end:
        found = data_from(descriptor, start)
        if found is None or found >= end:
            return
        start = min(os.lseek(descriptor, found, os.SEEK_HOLE), end)
        yield found, start


def is_whole(descriptor: int, size: int) -> bool:
    """Whether a file has data from its first byte to its last."""
    return list(extents(descriptor, size)) == ([(0, size)] if size else [])


def has_no_data(descriptor: int, head: int) -> bool:
    """Whether there is no data but in the first `head` bytes, counted in blocks."""
    return data_from(descriptor, -(-head // BLOCK) * BLOCK) is None


def can_be_stub(descriptor: int, head: int) -> bool:
    """Whether a file system keeps the holes of stubs with so much of their head; tried with a new file."""
    if head:
        os.pwrite(descriptor, b"x", head - 1)
    os.ftruncate(descriptor, head + ROOM)
    return has_no_data(descriptor, head)


def drop(descriptor: int, was: os.stat_result, head: int = 0) -> None:
    """Drop the data of a file but its first `head` bytes; its size, times and rights stay those of `was`.

    Raises OSError, also when data is left. Times come first: who may not set them must not cut, for nothing would tell
    the stub. So does the mark: a file that is cut and bears it was cut here.
    (Punching a hole would never show another size, but takes ten times as long on ext4.)
    """
    os.utime(descriptor, ns=(was.st_atime_ns, was.st_mtime_ns))
    if head < was.st_size:
        mirror(descriptor, MIGRATED)
        with keeping_rights(descriptor):
            os.ftruncate(descriptor, head)
            os.ftruncate(descriptor, was.st_size)
        if not has_no_data(descriptor, head):
            raise OSError(errno.EIO, "the file system keeps the data of a stub")
        os.utime(descriptor, ns=(was.st_atime_ns, was.st_mtime_ns))


def sync(descriptor: int) -> None:
    """Have all that was written to the file system of a descriptor on disk. Raises OSError."""
    if _libc.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def begin_writing(descriptor: int, start: int, end: int) -> None:
    """Have the disk begin with a part of a file while the next one is made; `sync` has less to wait for then.

    Only a hint: what it cannot do is left to `sync`, which also tells of errors.
    """
    _libc.sync_file_range(descriptor, ctypes.c_int64(start), ctypes.c_int64(end - start), SYNC_FILE_RANGE_WRITE)


def mirror(descriptor: int, state: str) -> None:
    """Note the state at the file itself, '' for resident; the database says what is true, so failing is no error."""
    with suppress(OSError):
        if state:
            os.setxattr(descriptor, STATE, state.encode())
        else:
            os.removexattr(descriptor, STATE)


def mirrored(descriptor: int) -> str | None:
    """The state that `mirror` noted, '' for none, None where that cannot be noted."""
    try:
        return os.getxattr(descriptor, STATE).decode(errors="replace")
    except OSError as exc:
        return "" if exc.errno == errno.ENODATA else None


def attributes(descriptor: int) -> dict[str, str]:
    """The user's extended attributes of a file, names as shown, values in hex; none where there cannot be any."""
    try:
        mine = [name for name in os.listxattr(descriptor) if name.startswith("user.") and name != STATE]
        return {names.show(os.fsencode(name)): os.getxattr(descriptor, name).hex() for name in mine}
    except OSError:
        return {}
