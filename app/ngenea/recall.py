"""Recall: bring the data of stubs back from their bucket (ngenea 3.2, 5).

The data goes into the inode itself, so hard links and open files see it. Until its hash is known to be right the
journal says that what is there is not the file yet; a recall that fails leaves the stub as it was.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.core import db, failpoints
from app.ngenea import catalogue, inodes
from app.ngenea.context import Context, Stopped
from app.ngenea.held import BUSY, STUB_CHANGED, UNKNOWN_STUB, Held, fault, refusal, waves
from app.ngenea.inodes import MIGRATED, PREMIGRATED
from app.ngenea.objects import ZEROS, Altered, Digest, ObjectStore, StoreError
from app.ngenea.outcomes import Outcome
from models.ngenea.files import Entry

MISMATCH: Final = ("mismatch", "the bucket has other bytes than were stored")


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `recall` that change what is done (ngenea 3.2)."""

    skip_hash: bool = False
    endpoint: str | None = None
    default_uid: int | None = None
    default_gid: int | None = None
    update_atime: bool = False
    update_mtime: bool = False
    delete_remote: bool = False


@dataclass
class Job:
    """A file that is to be here, and what came of it. `same` are the entries that say so, of all its names.

    `begun`: a row of the journal is ours; `unsure`: it has to stay.
    """

    held: Held
    entry: Entry
    fetches: bool
    removes: bool
    same: dict[bytes, Entry]
    outcome: Outcome | None = None
    stopped: bool = False
    begun: bool = False
    unsure: bool = False

    @property
    def object(self) -> tuple[int, str]:
        """Where its data is: bucket and key."""
        return self.entry.target.bucket.pk, self.entry.key


def recall(context: Context, paths: Sequence[bytes], options: Options = Options()) -> Iterator[Outcome]:
    """Recall files; an outcome for each path that was come to before `context.stopped()`, in no order."""
    db.outside("a recall")
    task = _Recall(context, options)
    for files, outcomes in waves(context, paths, os.O_RDONLY if context.dry_run else os.O_RDWR, refusal):
        yield from outcomes
        yield from task.run(files)


class _Recall:
    def __init__(self, context: Context, options: Options) -> None:
        self._context = context
        self._options = options
        self._broken: dict[int, tuple[str, str]] = {}

    def run(self, files: list[Held]) -> Iterator[Outcome]:
        """Recall the files of a wave."""
        jobs: list[Job] = []
        for held in files:
            decided = self._decide(held)
            if isinstance(decided, Job):
                jobs.append(decided)
            else:
                yield decided
        if jobs and not self._context.dry_run:
            self._carry_out(jobs)
        for job in jobs:
            if not job.stopped:
                yield job.outcome or job.held.outcome("processed")

    def _decide(self, held: Held) -> Outcome | Job:
        """What is to be done with a file, or its outcome when that is nothing."""
        entry = held.described()
        known = held.known()
        if entry is None and any(one.state == MIGRATED for one in known):
            return held.outcome("failed", *STUB_CHANGED)
        if entry is None and held.is_marked_stub():
            return held.outcome("failed", *UNKNOWN_STUB)
        if entry is None and not known:
            return held.outcome("skipped", "resident", "its data is here, and in no bucket")
        # One that was changed after it was premigrated is here in whole; its object is of no use to it.
        entry = entry or known[0]
        if self._options.endpoint not in (None, entry.target.name):
            return held.outcome("failed", "no_target", f"its data is in the target {entry.target.name}")
        removes = bool(self._options.delete_remote or entry.target.delete_on_recall)
        fetches = held.is_stub(entry)
        if not fetches and not removes and self._context.did(entry, held.stat.st_nlink):
            return held.outcome("processed")
        if not fetches and not removes:
            return held.outcome("skipped", PREMIGRATED, "its data is here already")
        same = {bytes(one.path): one for one in known if one.state == entry.state and one.key == entry.key}
        return Job(held, entry, fetches, removes, same)

    def _carry_out(self, jobs: list[Job]) -> None:
        with db.write():
            taken = catalogue.begin([self._row(job) for job in jobs])
        for job in jobs:
            job.begun = job.held.path in taken
            if not job.begun:
                job.outcome = job.held.outcome("failed", *BUSY)
        failpoints.hit("ngenea.journal")
        for job in _good(jobs):
            if job.fetches:
                self._fetch(job)
        self._sync(_good(jobs))
        self._note(jobs)
        self._remove([job for job in _good(jobs) if job.removes])

    def _row(self, job: Job) -> dict[str, object]:
        bucket, key = job.object
        return {
            "site": self._context.site,
            "path": job.held.path,
            "device": job.held.inode.device,
            "inode": job.held.inode.number,
            "operation": "recall",
            "step": "begun",
            "bucket": bucket if job.removes else None,
            "key": key if job.removes else None,
            "claim": self._context.claim,
        }

    def _fetch(self, job: Job) -> None:
        """Fill the stub; when that fails it is a stub again."""
        bucket = job.entry.target.bucket
        if bucket.pk in self._broken:
            job.outcome = job.held.outcome("failed", *self._broken[bucket.pk])
            return
        try:
            with inodes.lease(job.held.descriptor), inodes.keeping_rights(job.held.descriptor):
                try:
                    self._bring(job)
                except Altered:
                    raise
                except StoreError as exc:
                    if not self._context.is_back(bucket):
                        self._broken[bucket.pk] = fault(exc)
                        raise
                    self._bring(job)
            return
        except Altered:
            job.outcome = job.held.outcome("failed", *MISMATCH)
        except Stopped:
            job.stopped = True
        except (StoreError, OSError) as exc:
            job.outcome = job.held.outcome("failed", *fault(exc))
        self._empty(job)

    def _bring(self, job: Job) -> None:
        store = self._context.store(job.entry.target.bucket)
        self._fill(job, store)
        self._restore(job, store)

    def _empty(self, job: Job) -> None:
        """Make the file a stub again. Where that fails the journal keeps it, for whoever comes next."""
        try:
            inodes.drop(job.held.descriptor, job.held.stat, job.entry.head)
        except OSError:
            job.unsure = True

    def _fill(self, job: Job, store: ObjectStore) -> None:
        """Write the object's bytes into the file. Raises Altered when they are not those that were stored."""
        descriptor, size = job.held.descriptor, job.held.stat.st_size
        digest, end, begun = Digest(size), 0, 0
        try:
            for at, data in store.read(job.entry.key, size):
                self._context.tick(len(data))
                if not self._options.skip_hash:
                    digest.zeros(at - end)
                    digest.update(data)
                _write(descriptor, data, at)
                end = at + len(data)
                if end - begun >= inodes.STRETCH:
                    inodes.begin_writing(descriptor, begun, end)
                    begun = end
                failpoints.hit("ngenea.recalling")
            if self._options.skip_hash:
                return
            digest.zeros(size - end)
            if digest.hexdigest() != job.entry.sha256:
                raise Altered(job.entry.key)
        finally:
            digest.close()

    def _restore(self, job: Job, store: ObjectStore) -> None:
        """Times and owner. The inode has kept its own; writing may have changed them."""
        stat, descriptor = job.held.stat, job.held.descriptor
        owners = self._options.default_uid, self._options.default_gid
        if owners != (None, None):
            metadata = store.head(job.entry.key).metadata
            uid, gid = (metadata.uid, metadata.gid) if metadata else (None, None)
            default_uid, default_gid = owners
            uid = -1 if uid is not None or default_uid is None else default_uid
            gid = -1 if gid is not None or default_gid is None else default_gid
            os.fchown(descriptor, uid, gid)
        inodes.mirror(descriptor, "" if job.removes else PREMIGRATED)
        now = os.fstat(descriptor)
        atime = now.st_atime_ns if self._options.update_atime else stat.st_atime_ns
        mtime = now.st_mtime_ns if self._options.update_mtime else stat.st_mtime_ns
        os.utime(descriptor, ns=(atime, mtime))

    def _sync(self, jobs: list[Job]) -> None:
        """Have what was written on disk before an entry says that it is here."""
        fetched = [job for job in jobs if job.fetches]
        for device in {job.held.inode.device for job in fetched}:
            mine = [job for job in fetched if job.held.inode.device == device]
            try:
                inodes.sync(mine[0].held.descriptor)
            except OSError as exc:
                for job in mine:
                    job.outcome = job.held.outcome("failed", *fault(exc))
                    self._empty(job)

    def _note(self, jobs: list[Job]) -> None:
        """The entries say what is here now; those whose object goes keep their row of the journal."""
        good = _good(jobs)
        removing = [job for job in good if job.removes]
        rows = [row for job in good if not job.removes for row in self._premigrated(job)]
        kept = {job.held.path for job in removing}
        ended = {job.held.path for job in jobs if job.begun and not job.unsure} - kept
        with db.write():
            catalogue.put(rows)
            catalogue.remove(self._context.site, [name for job in good for name in job.held.former()])
            catalogue.remove(self._context.site, [name for job in removing for name in job.same])
            catalogue.step(self._context.site, self._context.claim, kept, "removing")
            catalogue.end(self._context.site, self._context.claim, ended)

    def _premigrated(self, job: Job) -> list[dict[str, object]]:
        stat = os.fstat(job.held.descriptor)
        known = {
            "state": PREMIGRATED,
            "inode": job.held.inode.number,
            "device": job.held.inode.device,
            "mtime_ns": stat.st_mtime_ns,
            "ctime_ns": stat.st_ctime_ns,
            "head": 0,
        }
        named = {bytes(one.path): one for one in job.held.names()} | {job.held.path: job.entry}
        return [
            catalogue.copy_of(job.same.get(path, entry), **known, path=path)
            for path, entry in named.items()
            if path == job.held.path or path in job.same
        ]

    def _remove(self, jobs: list[Job]) -> None:
        """Delete the objects that no entry names any more; one that cannot be deleted is an orphan, for `reconcile`."""
        if not jobs:
            return
        with db.read():
            used = catalogue.referring(job.object for job in jobs)
        for job in jobs:
            if job.object not in used:
                with suppress(StoreError):
                    self._context.store(job.entry.target.bucket).delete(job.entry.key)
        with db.write():
            catalogue.end(self._context.site, self._context.claim, [job.held.path for job in jobs])


def _good(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if job.outcome is None and not job.stopped]


def _write(descriptor: int, data: bytes, at: int) -> None:
    """Write, but leave long runs of zeros the holes they are."""
    for start in range(0, len(data), inodes.CHUNK):
        piece = data[start : start + inodes.CHUNK]
        if piece == ZEROS[: len(piece)]:
            continue
        written = 0
        while written < len(piece):
            written += os.pwrite(descriptor, memoryview(piece)[written:], at + start + written)
