"""What a task on a site's files works with: where, for whom, how fast, until when (ngenea 5)."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from app.ngenea.objects import ObjectStore, StoreError, open_store
from app.ngenea.rooted import Root
from models.ngenea.files import Entry
from models.ngenea.sites import Bucket

BURST: Final = 1.0  # seconds of the rate that may pass at once
PATIENCE: Final = 5.0  # seconds that a bucket may be away; what takes longer is an error of each file
NAP: Final = 0.2  # seconds; how long a wait goes on without asking whether to stop


class Stopped(Exception):
    """The task is to end: what is not done yet is left as it is."""


class Rate:
    """A token bucket that all copies of this process share: bytes a second, 0 for no limit."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens = 0.0
        self._at = time.monotonic()

    def wait(self, count: int, rate: float, stopped: Callable[[], bool]) -> None:
        """Take `count` bytes' worth, waiting until the debt is paid. Raises Stopped."""
        if rate <= 0:
            return
        with self._lock:
            now = time.monotonic()
            self._tokens = min(self._tokens + (now - self._at) * rate, rate * BURST) - count
            self._at = now
            until = now - min(self._tokens, 0) / rate
        while (left := until - time.monotonic()) > 0:
            if stopped():
                raise Stopped
            time.sleep(min(left, NAP))


_rate = Rate()


@dataclass
class Context:
    """One run of a task on one site.

    `site` is the site's pk and `claim` that of the unit of work it belongs to; `stopped()` is asked before each file
    and in long copies, by several threads. `bandwidth` in Mb/s, 0 or None for no limit. With `dry_run`
    nothing is changed anywhere. `since` is when the job began, and `again` says that this run goes on with one that was
    broken off.
    """

    site: int
    root: Root
    claim: str
    dry_run: bool = False
    stopped: Callable[[], bool] = lambda: False
    bandwidth: int | None = None
    since: datetime | None = None
    again: bool = False
    _stores: dict[int, ObjectStore] = field(default_factory=dict, repr=False)

    def did(self, entry: Entry, names: int) -> bool:
        """Whether the job that this run belongs to has made an entry what it is.

        In a run that was broken off, or under another of the file's `names`; what else was done since the job began is
        the work of another job.
        """
        return self.since is not None and (self.again or names > 1) and entry.updated_ts >= self.since

    def tick(self, count: int) -> None:
        """A copy is about to move so many bytes. Raises Stopped."""
        if self.stopped():
            raise Stopped
        _rate.wait(count, (self.bandwidth or 0) * 1_000_000 / 8, self.stopped)

    def is_back(self, bucket: Bucket) -> bool:
        """Whether a bucket that has failed answers, at once or within PATIENCE. Raises Stopped."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self.store(bucket).probe()
                return True
            except StoreError:
                if time.monotonic() >= until:
                    return False
            if self.stopped():
                raise Stopped
            time.sleep(NAP)

    def store(self, bucket: Bucket) -> ObjectStore:
        """The store of a bucket, opened once. Raises StoreError."""
        if bucket.pk not in self._stores:
            self._stores[bucket.pk] = open_store(bucket, self.claim)
        return self._stores[bucket.pk]
