"""Files that a task has open and locked, some hundreds at a time, with what the catalogue says of them (ngenea 5)."""

import errno
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from app.core import db
from app.ngenea import catalogue, inodes, recover
from app.ngenea.catalogue import Inode
from app.ngenea.context import Context
from app.ngenea.inodes import MIGRATED, PREMIGRATED
from app.ngenea.objects import Shrunk, StoreError
from app.ngenea.outcomes import Outcome
from app.ngenea.rooted import NotRegular, PathError
from models.ngenea.files import Entry, Journal

OPEN_FILES: Final = 65_536
LIMIT: Final = 2**63
TICK: Final = 12_000_000  # nanoseconds; the slowest clock that kernels have is 10 ms
BUSY: Final = ("busy", "another task is at work on this file")
MODIFIED: Final = ("modified", "the file was changed while the task was at work on it")
FAR: Final = ("time_out_of_range", "its time of change cannot be noted: it is beyond the year 2262")
NOT_OWNER: Final = "the worker may not set its times: only the owner of a file, and root, may"
UNKNOWN_STUB: Final = ("unknown_stub", "its data is in a bucket, but the catalogue does not say where")
STUB_CHANGED: Final = ("modified", "the stub was written to while its data is in the bucket")
# What the code of an error of the file system is for programs.
CODES: Final = {
    errno.ENOENT: "missing",
    errno.ENOTDIR: "missing",
    errno.EACCES: "unreadable",
    errno.EPERM: "unreadable",
    errno.EAGAIN: "busy",
    errno.ETXTBSY: "in_use",
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
}


@dataclass
class Held:
    """An open file. `entry` is that of its path, `twins` are those of its inode under other paths.

    The number of an inode alone proves nothing, a new file may have it: a twin is as the entry says, or bears our mark.
    """

    path: bytes
    descriptor: int
    stat: os.stat_result
    entry: Entry | None = None
    twins: list[Entry] = field(default_factory=list)
    tainted: bool = False

    @property
    def inode(self) -> Inode:
        return catalogue.inode_at(self.stat)

    def outcome(self, state: str, code: str = "", message: str = "") -> Outcome:
        """What became of this file."""
        return Outcome(self.path, state, self.stat.st_size, code, message)  # type: ignore[arg-type]

    def described(self) -> Entry | None:
        """The entry that tells where this file's data is: it is a stub of it, or unchanged since it was stored.

        One of this inode is believed first: a stub moved onto another's path is still the stub it was.
        """
        if self.entry is None and not self.twins:
            return None
        known = sorted(self.known(), key=lambda one: not self.is_of(one))
        return next((one for one in known if self.is_as(one)), None)

    def known(self) -> list[Entry]:
        """The entry of the path, if there is one, and those of the inode."""
        return [self.entry, *self.twins] if self.entry else list(self.twins)

    def names(self) -> list[Entry]:
        """The entries of other names that the inode has."""
        return self.twins if self.stat.st_nlink > 1 else []

    def former(self) -> list[bytes]:
        """The paths of entries that the inode had before it was renamed."""
        return [] if self.stat.st_nlink > 1 else [bytes(one.path) for one in self.twins]

    def is_as(self, entry: Entry) -> bool:
        """Whether the file is as the entry says."""
        return self.is_stub(entry) or self.is_unchanged(entry)

    def is_of(self, entry: Entry) -> bool:
        """Whether the entry is of this very inode."""
        return catalogue.inode_of(entry) == self.inode

    def is_stub(self, entry: Entry) -> bool:
        """Whether this is the stub of an entry that nobody wrote to, also of one that says less than the file's mark.

        Where its mark says so too, it may have got another time: `touch` writes nothing.
        """
        if entry.size != self.stat.st_size or not inodes.has_no_data(self.descriptor, entry.head):
            return False
        marked = self.is_marked_stub()
        same = entry.mtime_ns == self.stat.st_mtime_ns or (marked and self.is_of(entry))
        return same and (marked or entry.state == MIGRATED)

    def is_unchanged(self, entry: Entry) -> bool:
        """Whether this is the file that an entry's object was made of, and nobody has touched it since."""
        known = (entry.size, entry.mtime_ns, entry.ctime_ns)
        return entry.state == PREMIGRATED and self.is_of(entry) and known == times(self.stat)

    def is_marked_stub(self) -> bool:
        """Whether the file itself says that its data is in a bucket: the database may have been restored since."""
        if self.stat.st_size == 0 or not inodes.has_no_data(self.descriptor, 0):
            return False
        return inodes.mirrored(self.descriptor) == MIGRATED

    def is_spoilt(self) -> bool:
        """Whether this is a stub that was written to: some of its data is here, some may be in the bucket alone."""
        if not any(one.state == MIGRATED and self.is_of(one) for one in self.known()):
            return False
        # A new file may have got the inode's number; it has not got the stub's attribute.
        if inodes.mirrored(self.descriptor) == "":
            return False
        return self.stat.st_size > 0 and not inodes.is_whole(self.descriptor, self.stat.st_size)


def times(stat: os.stat_result) -> tuple[int, int, int]:
    """What changes when a file does: size, mtime and ctime in nanoseconds."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def fault(exc: Exception) -> tuple[str, str]:
    """Code and message, of one line, of what went wrong with a file."""
    if isinstance(exc, StoreError):
        return "store", str(exc)
    if isinstance(exc, Shrunk):
        return MODIFIED
    if isinstance(exc, OSError) and exc.errno is not None:
        return CODES.get(exc.errno, "io"), exc.strerror or str(exc)
    return "path", str(exc)


def waves(
    context: Context, paths: Sequence[bytes], flags: int, refused: Callable[[bytes, Exception], Outcome]
) -> Iterator[tuple[list[Held], list[Outcome]]]:
    """Open and lock the files, so many at a time; with them come the outcomes of those that could not be.

    Names of one inode come in different waves. What broken off work left with these files is settled first. A wave's
    files are closed when the next one is asked for.
    """
    _make_room()
    waiting = list(dict.fromkeys(paths))
    while waiting and not context.stopped():
        part, waiting = waiting[: catalogue.BATCH], waiting[catalogue.BATCH :]
        wave = _Wave(context, flags, refused)
        try:
            later = wave.open(part)
            wave.settle()
            wave.lock()
            wave.look_up()
            yield wave.files, wave.outcomes
        finally:
            wave.close()
        waiting = later + waiting


def _make_room() -> None:
    """Let this process have many files open, where it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _Wave:
    def __init__(self, context: Context, flags: int, refused: Callable[[bytes, Exception], Outcome]) -> None:
        self._context = context
        self._flags = flags
        self._refused = refused
        self._tainted: set[bytes] = set()
        self.files: list[Held] = []
        self.outcomes: list[Outcome] = []

    def open(self, paths: list[bytes]) -> list[bytes]:
        """Open what can be; the paths whose inode is open already."""
        seen: set[Inode] = set()
        later = []
        with self._context.root.opener() as opener:
            for path in paths:
                try:
                    descriptor = self._open(opener, path)
                except (OSError, PathError) as exc:
                    self.outcomes.append(self._refused(path, exc))
                    continue
                held = Held(path, descriptor, os.fstat(descriptor))
                if held.inode in seen:
                    os.close(descriptor)
                    later.append(path)
                    continue
                seen.add(held.inode)
                self.files.append(held)
        return later

    def _open(self, opener: Callable[[bytes, int], int], path: bytes) -> int:
        """Open without a trace in atime, which is the owner's (and root's) to ask for, as setting times is."""
        try:
            return opener(path, self._flags | os.O_NOATIME)
        except PermissionError:
            descriptor = opener(path, self._flags)
        if self._flags & os.O_RDWR:
            os.close(descriptor)
            raise PermissionError(errno.EPERM, NOT_OWNER)
        return descriptor

    def settle(self) -> None:
        """Finish or undo what broken off work left."""
        if self._context.dry_run or not self.files:
            return
        with db.read():
            rows = catalogue.stale(self._under_way(), self._context.claim)
        left = recover.settle(self._context, rows) if rows else recover.Settled()
        self._tainted = left.tainted
        for held in list(self.files):
            found = left.faults.get(held.path) or left.inode_faults.get(held.inode)
            if found is not None:
                self._drop(held, BUSY if isinstance(found, recover.Busy) else fault(found))

    def lock(self) -> None:
        """Keep the files that nobody else has locked, and see how they are now.

        Within one tick of the file system's clock two changes look like one. So a file that was changed just now is
        looked at when the tick is over.
        """
        newest = max((held.stat.st_ctime_ns for held in self.files), default=0)
        if 0 <= time.time_ns() - newest < TICK:
            time.sleep(TICK / 1e9)
        for held in list(self.files):
            if not inodes.lock(held.descriptor):
                self._drop(held, BUSY)
                continue
            held.stat = os.fstat(held.descriptor)
            if not -LIMIT <= held.stat.st_mtime_ns < LIMIT:
                self._drop(held, FAR)

    def _under_way(self) -> list[Journal]:
        return catalogue.under_way(
            self._context.site, [held.path for held in self.files], {held.inode for held in self.files}
        )

    def look_up(self) -> None:
        """Read the entries. A file that somebody is at work on, under this or another name, is as no entry says."""
        with db.read():
            if not self._context.dry_run:
                self._leave(self._under_way())
            known = catalogue.entries(
                self._context.site, [held.path for held in self.files], {held.inode for held in self.files}
            )
        by_path = {bytes(entry.path): entry for entry in known}
        by_inode: dict[Inode, list[Entry]] = {}
        for entry in known:
            by_inode.setdefault(catalogue.inode_of(entry), []).append(entry)
        for held in self.files:
            held.entry = by_path.get(held.path)
            held.twins = [
                one
                for one in by_inode.get(held.inode, [])
                if bytes(one.path) != held.path and (held.is_as(one) or inodes.mirrored(held.descriptor))
            ]
            held.tainted = held.path in self._tainted

    def _leave(self, rows: list[Journal]) -> None:
        """Others are at work on the files of these rows, or have died at it and still have a lease."""
        paths, nodes = {bytes(row.path) for row in rows}, {catalogue.inode_of(row) for row in rows}
        for held in list(self.files):
            if held.path in paths or held.inode in nodes:
                self._drop(held, BUSY)

    def _drop(self, held: Held, why: tuple[str, str]) -> None:
        self.outcomes.append(held.outcome("failed", *why))
        self.files.remove(held)
        os.close(held.descriptor)

    def close(self) -> None:
        """Close all, which gives the locks back."""
        for held in self.files:
            os.close(held.descriptor)


def refusal(path: bytes, exc: Exception) -> Outcome:
    """The outcome of a path that could not be opened: what is no file is passed over, all else failed."""
    if isinstance(exc, NotRegular):
        return Outcome(path, "skipped", 0, exc.kind, f"is a {exc.kind}" if exc.kind != "other" else "is no file")
    return Outcome(path, "failed", 0, *fault(exc))
