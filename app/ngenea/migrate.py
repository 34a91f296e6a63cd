"""Migrate: bring the data of files into their target's bucket, and drop it here unless it is to stay (ngenea 3.2, 5).

In batches: one transaction says what is begun, one that the objects are there, one that the data is dropped. Whatever a
crash leaves, each byte is in the file or in the bucket, and `recover` knows where.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.core import db, failpoints
from app.ngenea import catalogue, inodes, keys
from app.ngenea.context import Context
from app.ngenea.held import BUSY, MODIFIED, STUB_CHANGED, UNKNOWN_STUB, Held, fault, refusal, times, waves
from app.ngenea.inodes import MIGRATED, PREMIGRATED
from app.ngenea.outcomes import Outcome
from app.ngenea.targets import NoTarget, Plan
from app.ngenea.transfer import LINK, PUNCH, UPLOAD, Job, Sender, entry_rows

NO_HOLES: Final = ("no_stubs", "its file system keeps no holes, so no file on it can be a stub")
ROUNDS: Final = 3  # keys that are tried for one file


@dataclass(frozen=True, slots=True)
class Options:
    """The arguments of `migrate` that change what is done (ngenea 3.2)."""

    premigrate: bool = False
    stub_size: int = 0
    overwrite: bool = False
    fail_on_mismatch: bool = False
    endpoint: str | None = None
    abort_missing: bool = False


def migrate(context: Context, paths: Sequence[bytes], options: Options = Options()) -> Iterator[Outcome]:
    """Migrate files; an outcome for each path that was come to before `context.stopped()`, in no order."""
    db.outside("a migration")
    task = _Migration(context, options)
    flags = os.O_RDONLY if options.premigrate or context.dry_run else os.O_RDWR
    for files, outcomes in waves(context, paths, flags, task.refused):
        yield from outcomes
        yield from task.run(files)


class _Migration:
    def __init__(self, context: Context, options: Options) -> None:
        self._context = context
        self._options = options
        self._plan = Plan(context.site, context.root.folder)
        self._no_stubs: dict[int, tuple[str, str] | None] = {}
        self._sender = Sender(context, fail_on_mismatch=options.fail_on_mismatch and not options.overwrite)

    def refused(self, path: bytes, exc: Exception) -> Outcome:
        """The outcome of a path that could not be opened."""
        if self._options.abort_missing and isinstance(exc, FileNotFoundError):
            return Outcome(path, "aborted", 0, *fault(exc))
        return refusal(path, exc)

    def run(self, files: list[Held]) -> Iterator[Outcome]:
        """Migrate the files of a wave."""
        jobs: list[Job] = []
        for held in files:
            decided = self._decide(held)
            if isinstance(decided, Job):
                jobs.append(decided)
            else:
                yield decided
        self._allow_replacing(jobs)
        if not (self._options.premigrate or self._context.dry_run):
            self._refuse_where_no_stub_can_be(jobs)
        if self._context.dry_run:
            for job in jobs:
                self._sender.predict(job)
        elif jobs:
            self._carry_out(jobs)
        for job in jobs:
            if not job.stopped:
                yield job.outcome or job.held.outcome("processed")

    def _decide(self, held: Held) -> Outcome | Job:
        """What is to be done with a file, or its outcome when that is nothing."""
        entry = held.described()
        if entry is None and held.is_spoilt():
            return held.outcome("failed", *STUB_CHANGED)
        if entry is None and held.is_marked_stub():
            return held.outcome("failed", *UNKNOWN_STUB)
        space = self._plan.space_of(held.path)
        if space is None:
            return held.outcome("failed", "no_target", "the path is in no space of this site")
        if entry is not None and (entry.state == MIGRATED or self._options.premigrate):
            if entry is held.entry and self._context.did(entry, held.stat.st_nlink):
                return held.outcome("processed")
            if entry is held.entry:
                return held.outcome("skipped", entry.state, f"is {entry.state} already")
            return Job(held, LINK, space.space.pk, entry.target, entry.target.bucket, entry.key)
        if entry is not None:
            return Job(held, PUNCH, space.space.pk, entry.target, entry.target.bucket, entry.key)
        try:
            key = space.key(held.path)
            target = self._plan.target_of(
                space, held.path, premigrate=self._options.premigrate, endpoint=self._options.endpoint
            )
        except NoTarget as exc:
            return held.outcome("failed", "no_target", str(exc))
        except ValueError as exc:
            return held.outcome("failed", "key_too_long", str(exc))
        if held.tainted:
            key = keys.sibling(key)
        return Job(held, UPLOAD, space.space.pk, target.row, target.bucket, key)

    def _refuse_where_no_stub_can_be(self, jobs: list[Job]) -> None:
        """Fail the files of file systems that keep no holes, before anything is done with them."""
        for job in jobs:
            device = job.held.inode.device
            if device not in self._no_stubs:
                self._no_stubs[device] = self._why_no_stub(job.held)
            if why := self._no_stubs[device]:
                job.fail(why)

    def _why_no_stub(self, held: Held) -> tuple[str, str] | None:
        """Why the file system of a file cannot have stubs, None when it can; tried beside the file, or at the root."""
        why = NO_HOLES
        for beside in (held.path, b"/file"):
            try:
                descriptor = self._context.root.scratch(beside)
            except OSError as exc:
                why = (NO_HOLES[0], f"it cannot be tried whether its file system keeps holes: {exc.strerror}")
                continue
            try:
                if os.fstat(descriptor).st_dev == held.stat.st_dev:
                    return None if inodes.can_be_stub(descriptor, self._options.stub_size) else NO_HOLES
            finally:
                os.close(descriptor)
        return why

    def _allow_replacing(self, jobs: list[Job]) -> None:
        """Let an upload replace its own former object, or any with `overwrite`, unless another file's data is in it."""
        uploads = [job for job in jobs if job.what == UPLOAD and not job.held.tainted]
        if not uploads:
            return
        with db.read():
            used = catalogue.referring((job.bucket.pk, job.key) for job in uploads)
        for job in uploads:
            held = job.held
            mine = {bytes(one.path) for one in held.known()}
            users = used.get((job.bucket.pk, job.key), [])
            alone = all(site == self._context.site and path in mine for site, path in users)
            # The former inode's stub may live on under another name, and its data is there alone.
            gone = held.entry is not None and held.entry.state == MIGRATED and not held.is_of(held.entry)
            job.replace = alone and not gone and (bool(users) or self._options.overwrite)

    def _carry_out(self, jobs: list[Job]) -> None:
        uploads = [job for job in _good(jobs) if job.what != LINK]
        if self._begin(uploads):
            failpoints.hit("ngenea.journal")
            self._send(uploads)
            for bucket in {job.bucket.pk: job.bucket for job in _good(uploads)}.values():
                self._sync(bucket.pk, uploads)
            failpoints.hit("ngenea.uploaded")
        self._note_uploaded(jobs)
        if not self._options.premigrate:
            self._drop([job for job in _good(jobs) if job.what != LINK])

    def _begin(self, jobs: list[Job]) -> bool:
        """Write the journal. Who meets another's lock gets another key; who then still does is busy."""
        waiting = jobs
        for _ in range(2):
            if not waiting:
                break
            with db.write():
                taken = catalogue.begin([self._row(job) for job in waiting])
            for job in waiting:
                job.begun = job.held.path in taken
            waiting = [job for job in waiting if not job.begun]
            for job in waiting:
                job.key, job.replace = (keys.sibling(job.key), False) if job.what == UPLOAD else (job.key, False)
        for job in waiting:
            job.fail(BUSY)
        return len(waiting) < len(jobs)

    def _row(self, job: Job) -> dict[str, object]:
        uploads = job.what == UPLOAD
        return {
            "site": self._context.site,
            "path": job.held.path,
            "device": job.held.inode.device,
            "inode": job.held.inode.number,
            "operation": "migrate",
            "step": "begun",
            "bucket": job.bucket.pk if uploads else None,
            "key": job.key if uploads else None,
            "claim": self._context.claim,
        }

    def _send(self, jobs: list[Job]) -> None:
        """Send all files; those whose key proves taken get another one, noted first."""
        waiting = _good(jobs)
        for _ in range(ROUNDS):
            self._sender.send_all(waiting)
            waiting = [job for job in waiting if job.conflict]
            if not waiting:
                return
            with db.write():
                catalogue.end(self._context.site, self._context.claim, [job.held.path for job in waiting])
                taken = catalogue.begin([self._row(job) for job in waiting])
            for job in waiting:
                job.conflict, job.begun = False, job.held.path in taken
                if not job.begun:
                    job.fail(BUSY)
            waiting = _good(waiting)
        for job in waiting:
            job.fail(BUSY)

    def _sync(self, bucket: int, jobs: list[Job]) -> None:
        """Have what was stored on disk before anything relies on it."""
        mine = [job for job in _good(jobs) if job.bucket.pk == bucket]
        try:
            self._context.store(mine[0].bucket).sync()
        except Exception as exc:
            for job in mine:
                job.fail(fault(exc))

    def _note_uploaded(self, jobs: list[Job]) -> None:
        """The objects are there: entries say so; what is to be dropped stays in the journal."""
        for job in _good(jobs):
            self._sender.check_same(job)
            if self._options.premigrate and job.what != LINK and job.outcome is None:
                self._mark_premigrated(job)
        rows = [row for job in _good(jobs) for row in entry_rows(self._context.site, job, self._options.stub_size)]
        to_drop = [job.held.path for job in _good(jobs) if job.what != LINK and not self._options.premigrate]
        others = {job.held.path for job in jobs if job.begun} - set(to_drop)
        former = [path for job in _good(jobs) for path in job.held.former()]
        with db.write():
            catalogue.put(rows)
            catalogue.remove(self._context.site, former)
            catalogue.step(self._context.site, self._context.claim, to_drop, "uploaded")
            catalogue.end(self._context.site, self._context.claim, others)

    def _mark_premigrated(self, job: Job) -> None:
        """Note the state at the file. That changes its ctime, and nothing else may have changed."""
        held = job.held
        before = times(held.stat)
        inodes.mirror(held.descriptor, PREMIGRATED)
        held.stat = os.fstat(held.descriptor)
        if times(held.stat)[:2] != before[:2]:
            job.fail(MODIFIED)

    def _drop(self, jobs: list[Job]) -> None:
        """Drop the data of the files; the entries follow."""
        unsure: set[bytes] = set()
        for job in jobs:
            failpoints.hit("ngenea.punching")
            try:
                self._punch(job)
            except OSError as exc:
                # Some of it may be gone: the journal keeps the file until that is looked into.
                job.fail(fault(exc))
                unsure.add(job.held.path)
            failpoints.hit("ngenea.punched")
        names = [
            path for job in _good(jobs) for path in (job.held.path, *(bytes(one.path) for one in job.held.names()))
        ]
        with db.write():
            catalogue.set_state(self._context.site, names, MIGRATED)
            catalogue.end(self._context.site, self._context.claim, {job.held.path for job in jobs} - unsure)

    def _punch(self, job: Job) -> None:
        descriptor, stat = job.held.descriptor, job.held.stat
        with inodes.lease(descriptor):
            if times(os.fstat(descriptor)) != times(stat):
                job.fail(MODIFIED)
                return
            inodes.drop(descriptor, stat, self._options.stub_size)


def _good(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if job.outcome is None and not job.stopped]
