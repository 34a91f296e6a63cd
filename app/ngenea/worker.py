"""A worker of a site: it tells of itself, and does the work that waits for the site (ngenea 1, 5; design section 5).

It runs in a process of its own (`flotilla ngenea-worker`), or in the server where NGENEA_SITE is set. Each queue has
threads of its own, so that a full one keeps no other waiting; so have who looks at files and what makes settings true.
"""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeVar

import structlog

from app.core import db
from app.core.worker import Worker
from app.ngenea import announce, buckets, folders, here, looking, probes, questions, reconciling, settings_tasks
from models.ngenea.sites import Site

BEAT: Final = 40.0  # seconds; a third of the time after which a node counts as offline
LOOK: Final = 2.0  # seconds between two looks for a site that is not there yet, and whether its node is still known
SETTINGS_THREADS: Final = 4  # a bucket that does not answer holds one for long
WINDOW_THREADS: Final = 2
GRACE_SECONDS: Final = 5.0
# What a worker is asked and told to do; each has said so to `questions` or `settings_tasks`.
DOES: Final = (buckets, folders, looking, probes)

T = TypeVar("T")

log = structlog.get_logger("flotilla.ngenea")


class SiteWorker:
    """Does the work for the site of a name, whose files lie beneath `folder`, until `stop`.

    `queues`: how many threads each has. A site that is not there is waited for.
    """

    def __init__(self, site: str, folder: Path, queues: Mapping[str, int], node: str, *, beat: float = BEAT) -> None:
        self._name, self._folder, self._node = site, folder.resolve(), node
        self._queues, self._beat = dict(queues), beat
        self._stopping = threading.Event()
        self._ready = threading.Event()
        self._workers: list[Worker] = []
        self._next_look = 0.0
        self._thread = threading.Thread(target=self._run, name="flotilla-site", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def wait_ready(self, seconds: float) -> bool:
        """Whether it has told of itself and works, within so many seconds."""
        return self._ready.wait(seconds)

    def begin_stop(self) -> None:
        """Take nothing more; returns at once."""
        self._stopping.set()
        for worker in list(self._workers):
            worker.begin_stop()

    def stop(self) -> None:
        """Let running work end within 5 seconds, hand the rest back, and tell that the node is offline."""
        self.begin_stop()
        self._thread.join(2 * GRACE_SECONDS)

    def _run(self) -> None:
        told = False
        while not self._stopping.is_set():
            site = self._tried("the site cannot be looked up", self._find)
            if site is not None:
                told = False
                self._serve(site)
            elif not told:
                log.warning("no such site yet: waiting for it", site=self._name)
                told = True
            self._stopping.wait(LOOK)

    def _find(self) -> int | None:
        with db.read():
            site = Site.get_or_none(Site.name == self._name)
        return None if site is None else int(site.pk)

    def _serve(self, site: int) -> None:
        """Work until told to stop, or until the site is deleted."""
        if not self._tell(site):
            return
        here.serve(site, self._folder)
        self._workers = [
            Worker(threads, place=here.place(site, queue), pause=0.5) for queue, threads in self._queues.items()
        ]
        self._workers.append(Worker(SETTINGS_THREADS, place=here.place(site), pause=0.5))
        self._workers.append(Worker(WINDOW_THREADS, place=here.window(site), pause=0.2))
        for worker in self._workers:
            worker.start()
        log.info("working on a site", site=self._name, node=self._node, queues=",".join(self._queues))
        self._ready.set()
        while self._wait(site):
            if self._tell(site) is False:
                log.warning("the site was deleted", site=self._name)
                break
        self._end(site)

    def _wait(self, site: int) -> bool:
        """Until the next heartbeat is due; False when told to stop.

        It is due at once when another process of this host has said that the node ends.
        """
        deadline = time.monotonic() + self._beat
        while (left := deadline - time.monotonic()) > 0:
            if self._stopping.wait(min(LOOK, left)):
                return False
            if (
                self._tried("the node cannot be looked up", lambda: announce.known(site, self._node, self._queues))
                is False
            ):
                break
        return not self._stopping.is_set()

    def _tell(self, site: int) -> bool | None:
        """A heartbeat; False when the site is gone, None when it could not be told."""

        def beat() -> bool:
            settings_tasks.give_up(site)
            questions.purge()
            self._look_after(site)
            return announce.tell(site, self._node, self._queues, self._folder)

        return self._tried("a heartbeat failed", beat)

    def _look_after(self, site: int) -> None:
        """Have what must come right by itself do so, at the first beat and once an hour."""
        if time.monotonic() >= self._next_look:
            reconciling.queue(site)
            self._next_look = time.monotonic() + reconciling.EVERY.total_seconds()

    def _end(self, site: int) -> None:
        self._ready.clear()
        for worker in self._workers:
            worker.begin_stop()
        deadline = time.monotonic() + GRACE_SECONDS
        for worker in self._workers:
            worker.stop(max(0.1, deadline - time.monotonic()))
        self._workers = []
        self._tried("the node could not be told offline", lambda: announce.end(site, self._node, self._queues))
        here.leave(site)

    def _tried(self, what: str, call: Callable[[], T]) -> T | None:
        try:
            return call()
        except Exception as exc:
            log.warning(what, site=self._name, error=str(exc))
            return None
