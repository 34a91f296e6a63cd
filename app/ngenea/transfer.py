"""One file on its way into a store (ngenea 5): send, look at what arrived, look whether the file is still the same."""

import os
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from app.ngenea import catalogue, inodes, keys
from app.ngenea.context import Context, Stopped
from app.ngenea.held import MODIFIED, Held, fault, times
from app.ngenea.inodes import MIGRATED, PREMIGRATED
from app.ngenea.objects import Exists, Metadata, Missing, ObjectStore, Shrunk, Source, Stored, StoreError, owner
from app.ngenea.outcomes import Outcome
from models.ngenea.sites import Bucket, ExternalTarget

MISMATCH: Final = ("mismatch", "the bucket has a different object of this key")
# What is done with a file: `link` writes an entry alone, `punch` drops data that is in the bucket already.
UPLOAD: Final = "upload"
PUNCH: Final = "punch"
LINK: Final = "link"
SMALL: Final = 1024 * 1024  # bytes of a file that is sent before others notice
_turns: Final[dict[int, threading.Lock]] = defaultdict(threading.Lock)  # of buckets


@dataclass
class Job:
    """What is to be done with an open file, and what came of it. `begun`: a row of the journal is ours."""

    held: Held
    what: str
    space: int
    target: ExternalTarget
    bucket: Bucket
    key: str
    replace: bool = False
    stored: Stored | None = None
    outcome: Outcome | None = None
    begun: bool = False
    made: bool = False
    stopped: bool = False
    conflict: bool = False

    def fail(self, why: tuple[str, str]) -> None:
        """Note that nothing came of it."""
        self.outcome = self.held.outcome("failed", *why)

    @property
    def sha256(self) -> str:
        assert self.stored is not None
        assert self.stored.metadata is not None
        return self.stored.metadata.sha256


class Sender:
    """Sends files; thread-safe. Once a store is known to be away the others of its files fail without a wait."""

    def __init__(self, context: Context, *, fail_on_mismatch: bool) -> None:
        self._context = context
        self._fail_on_mismatch = fail_on_mismatch
        self._owner = owner()
        self._broken: dict[int, tuple[str, str]] = {}

    def send_all(self, jobs: list[Job]) -> None:
        """Send some at a time, as many as their stores make worth while; an error is raised when all are done.

        Where one at a time is best, batches take turns with their small files: measured, four threads that meet at each
        call of the file system take twice as long as one after the other. What waits for the disk does not.
        """
        try:
            at_once = max(self._context.store(job.bucket).at_once for job in jobs)
        except (StoreError, ValueError):
            at_once = 1
        if at_once > 1:
            with ThreadPoolExecutor(min(at_once, len(jobs))) as pool:
                list(pool.map(self.send, jobs))
            return
        small = [job for job in jobs if job.held.stat.st_size <= SMALL]
        large = [job for job in jobs if job.held.stat.st_size > SMALL]
        for bucket in {job.bucket.pk for job in small}:
            with _turns[bucket]:
                for job in small:
                    if job.bucket.pk == bucket:
                        self.send(job)
        for job in large:
            self.send(job)

    def send(self, job: Job) -> None:
        """Upload the job's file, or find its object there; `outcome`, `stopped` or `conflict` say when it is not."""
        if job.bucket.pk in self._broken:
            job.fail(self._broken[job.bucket.pk])
            return
        try:
            self._context.tick(0)
            try:
                self._send(job, self._context.store(job.bucket))
            except StoreError as exc:
                if not self._context.is_back(job.bucket):
                    self._broken[job.bucket.pk] = fault(exc)
                    raise
                self._send(job, self._context.store(job.bucket))
            self.check_same(job)
        except Stopped:
            job.stopped = True
        except (StoreError, Shrunk, OSError) as exc:
            job.fail(fault(exc))

    def _send(self, job: Job, store: ObjectStore) -> None:
        held = job.held
        source = Source(held.descriptor, held.stat.st_size, self._context.tick)
        if job.what == PUNCH:
            if not self._is_there(job, store):
                # It has to go there again, and only who has the key's lock may send.
                job.what, job.conflict = UPLOAD, True
            return
        inodes.flush(held.descriptor)
        try:
            job.stored = store.put(job.key, source, describe(held, self._owner), replace=job.replace)
            job.made = True
        except Exists as exc:
            self._meet(job, store, source, exc)

    def _is_there(self, job: Job, store: ObjectStore) -> bool:
        """Whether the object that the entry names is as it was: never drop data on the word of a row alone."""
        entry = job.held.described()
        try:
            found = store.head(job.key)
        except Missing:
            return False
        if entry is None or found.metadata is None or (found.size, found.metadata.sha256) != (entry.size, entry.sha256):
            return False
        job.stored = found
        return True

    def _meet(self, job: Job, store: ObjectStore, source: Source, exists: Exists) -> None:
        """An object of this key was there before: ours if it has the same bytes, else another key is needed."""
        if not exists.blocked:
            try:
                found = store.head(job.key)
            except Missing:
                job.conflict = True
                return
            sha256 = exists.sha256 or source.sha256()
            if found.metadata and (found.size, found.metadata.sha256) == (source.size, sha256):
                job.stored = found
                return
        if self._fail_on_mismatch:
            job.fail(MISMATCH)
            return
        job.conflict = True
        job.key = keys.aside(job.key) if exists.blocked else keys.sibling(job.key)

    def check_same(self, job: Job) -> None:
        """Fail what was changed since it was opened. The object that was made of it is removed, or is an orphan."""
        if job.outcome is not None or job.stored is None:
            return
        if times(os.fstat(job.held.descriptor)) == times(job.held.stat):
            return
        job.fail(MODIFIED)
        if job.made and not job.replace:
            with suppress(StoreError):
                self._context.store(job.bucket).delete(job.key)

    def predict(self, job: Job) -> None:
        """What sending would come to, as far as looking tells; changes nothing."""
        if job.bucket.pk in self._broken:
            job.fail(self._broken[job.bucket.pk])
            return
        if job.what != UPLOAD or job.replace or not self._fail_on_mismatch:
            return
        try:
            found = self._context.store(job.bucket).head(job.key)
            source = Source(job.held.descriptor, job.held.stat.st_size, self._context.tick)
            if found.metadata is None or (found.size, found.metadata.sha256) != (source.size, source.sha256()):
                job.fail(MISMATCH)
        except Missing:
            return
        except Stopped:
            job.stopped = True
        except StoreError as exc:
            job.fail(fault(exc))
            self._broken[job.bucket.pk] = fault(exc)


def describe(held: Held, owned: str) -> Metadata:
    """What the object will say of the file; its hash comes with its bytes."""
    stat = held.stat
    xattrs = inodes.attributes(held.descriptor)
    return Metadata(stat.st_size, stat.st_mtime_ns, stat.st_mode, stat.st_uid, stat.st_gid, "", owned, xattrs)


def entry_rows(site: int, job: Job, head: int) -> list[dict[str, object]]:
    """The entries of a file that is in the bucket and still here: of its path, and of its inode's other names."""
    held = job.held
    described = held.described()
    if job.what == LINK:
        assert described is not None
        row = catalogue.copy_of(described, space=job.space, path=held.path)
        row |= {"device": held.inode.device, "inode": held.inode.number}
        rows = [row]
    else:
        assert job.stored is not None
        assert job.stored.metadata is not None
        stat = held.stat
        row = {
            "site": site,
            "space": job.space,
            "path": held.path,
            "inode": held.inode.number,
            "device": held.inode.device,
            "size": stat.st_size,
            "mtime_ns": stat.st_mtime_ns,
            "ctime_ns": stat.st_ctime_ns,
            "mode": stat.st_mode,
            "uid": stat.st_uid,
            "gid": stat.st_gid,
            "xattrs": job.stored.metadata.xattrs,
            "state": PREMIGRATED,
            "head": head,
            "target": job.target.pk,
            "key": job.key,
            "sha256": job.sha256,
            "etag": job.stored.etag,
        }
        rows = [row, *({**row, "path": bytes(twin.path), "space": twin.__data__["space"]} for twin in held.names())]
    if held.entry is not None and held.entry.state == MIGRATED and not held.is_of(held.entry):
        rows.append(catalogue.lost(held.entry))
    return rows
