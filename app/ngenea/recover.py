"""Finish or undo what a unit of work left when it died: its rows of the journal say how far it was (ngenea 5).

Nothing is dropped here that is not in the bucket byte for byte: what might be a user's is compared first.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from app.core import db
from app.ngenea import catalogue, inodes
from app.ngenea.catalogue import Inode
from app.ngenea.context import Context
from app.ngenea.inodes import MIGRATED
from app.ngenea.objects import Altered, Missing, StoreError
from app.ngenea.rooted import NotRegular, PathError
from models.ngenea.files import Entry, Journal
from models.ngenea.sites import Bucket


class Busy(Exception):
    """Whoever left the row still has the file locked."""


@dataclass
class Settled:
    """What could not be settled, by path and by inode; `tainted` paths may yet get an object from the dead."""

    faults: dict[bytes, Exception] = field(default_factory=dict)
    inode_faults: dict[Inode, Exception] = field(default_factory=dict)
    tainted: set[bytes] = field(default_factory=set)


def settle(context: Context, rows: Iterable[Journal]) -> Settled:
    """Settle stale rows of the journal, each by itself: this is rare."""
    settled = Settled()
    for row in rows:
        with db.write():
            if not catalogue.take_over(row, context.claim):
                continue
        path = bytes(row.path)
        try:
            if _STEPS[row.operation, row.step](context, row, path):
                settled.tainted.add(path)
        except (StoreError, OSError, Busy) as exc:
            settled.faults[path] = exc
            if row.inode is not None:
                settled.inode_faults[catalogue.inode_of(row)] = exc
            continue
        with db.write():
            catalogue.end(context.site, context.claim, [path])
    return settled


def _open(context: Context, row: Journal, path: bytes) -> int | None:
    """The row's file, locked; None when the path is another inode's now, or nobody's. Raises Busy, OSError."""
    try:
        descriptor = context.root.open_file(path, os.O_RDWR)
    except (FileNotFoundError, NotADirectoryError, NotRegular, PathError):
        return None
    found = os.fstat(descriptor)
    if catalogue.inode_at(found) != catalogue.inode_of(row):
        os.close(descriptor)
        return None
    if not inodes.lock(descriptor):
        os.close(descriptor)
        raise Busy
    return descriptor


def _entries(context: Context, row: Journal, path: bytes) -> list[Entry]:
    """The entries of the row's file, that of its path first."""
    with db.read():
        found = catalogue.entries(context.site, [path], [catalogue.inode_of(row)])
    mine = [one for one in found if catalogue.inode_of(one) == catalogue.inode_of(row)]
    return sorted(mine, key=lambda one: bytes(one.path) != path)


def _migrate_begun(context: Context, row: Journal, path: bytes) -> bool:
    """The file is whole; its object, if it got one, is found by the next try or removed as an orphan."""
    descriptor = _open(context, row, path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


def _migrate_uploaded(context: Context, row: Journal, path: bytes) -> bool:
    """The object is there and the entry says so; the file's data may be dropped or not, in whole or in part."""
    known = _entries(context, row, path)
    if not known:
        return False
    descriptor = _open(context, row, path)
    if descriptor is None:
        # Wherever its inode is now, it may be a stub.
        _mark(context, known)
        return False
    try:
        if _is_untouched(descriptor, known[0]):
            return False
        whole = inodes.is_whole(descriptor, known[0].size)
        if _is_ours(context, descriptor, known[0]):
            _punch(descriptor, known[0])
            _mark(context, known)
        elif not whole:
            _mark(context, known)
    finally:
        os.close(descriptor)
    return False


def _is_untouched(descriptor: int, entry: Entry) -> bool:
    found = os.fstat(descriptor)
    same = (found.st_size, found.st_mtime_ns, found.st_ctime_ns) == (entry.size, entry.mtime_ns, entry.ctime_ns)
    return same and entry.size > 0


def _mark(context: Context, known: list[Entry]) -> None:
    with db.write():
        catalogue.set_state(context.site, [bytes(one.path) for one in known], MIGRATED)


def _punch(descriptor: int, entry: Entry) -> None:
    """Make the file the stub of an entry."""
    atime = os.fstat(descriptor).st_atime_ns
    os.ftruncate(descriptor, entry.size)
    inodes.drop(descriptor, os.fstat(descriptor), entry.head)
    os.utime(descriptor, ns=(atime, entry.mtime_ns))


def _is_ours(context: Context, descriptor: int, entry: Entry) -> bool:
    """Whether all data in a file is what the entry's object has at the same place. Holes fit anything.

    A stub in the making has for a moment the size of its head; it bears our mark then, where it can.
    """
    size = os.fstat(descriptor).st_size
    cut = size == entry.head and inodes.mirrored(descriptor) in (MIGRATED, None)
    if size != entry.size and not cut:
        return False
    if inodes.has_no_data(descriptor, entry.head):
        return True
    store, end = context.store(entry.target.bucket), 0
    try:
        for at, data in store.read(entry.key, entry.size):
            context.tick(len(data))
            if not _fits(descriptor, end, bytes(0), at - end) or not _fits(descriptor, at, data, len(data)):
                return False
            end = at + len(data)
    except (Missing, Altered):
        return False
    return _fits(descriptor, end, bytes(0), size - end)


def _fits(descriptor: int, at: int, remote: bytes, length: int) -> bool:
    """Whether the data that a file has in a range is `remote`'s (zeros where that ends); holes fit anything."""
    for start, end in inodes.extents(descriptor, at + length, at):
        for begin in range(start, end, inodes.CHUNK):
            local = os.pread(descriptor, min(inodes.CHUNK, end - begin), begin)
            if local != remote[begin - at : begin - at + len(local)].ljust(len(local), b"\0"):
                return False
    return True


def _recall_begun(context: Context, row: Journal, path: bytes) -> bool:
    """Some of the data may have been written: make it the stub it was, unless it is not ours."""
    known = [one for one in _entries(context, row, path) if one.state == MIGRATED]
    descriptor = _open(context, row, path) if known else None
    if descriptor is None:
        return False
    try:
        if _is_ours(context, descriptor, known[0]):
            _punch(descriptor, known[0])
    finally:
        os.close(descriptor)
    return False


def _remove(context: Context, row: Any, path: bytes) -> bool:
    """The file is resident; its object goes, unless another file's data is in it."""
    with db.read():
        used = catalogue.referring([(row.bucket_id, row.key)])
        bucket = Bucket.get_by_id(row.bucket_id)
    if not used:
        context.store(bucket).delete(row.key)
    return False


def _nothing(context: Context, row: Journal, path: bytes) -> bool:
    return False


_STEPS: Final[dict[tuple[Any, Any], Callable[[Context, Journal, bytes], bool]]] = {
    ("migrate", "begun"): _migrate_begun,
    ("migrate", "uploaded"): _migrate_uploaded,
    ("recall", "begun"): _recall_begun,
    ("recall", "removing"): _remove,
    ("sweep", "begun"): _nothing,
}
