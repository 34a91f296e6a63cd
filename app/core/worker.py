"""The threads that do work in the background, in a server or in a process of their own (`flotilla worker`).

Huey carries the wake-up: in memory, or through PostgreSQL between hosts. A wake-up says nothing but that there is work;
the woken thread claims what is due until nothing is left. One more thread, the keeper, renews leases, puts back those
that ended, queues scheduled work and sends wake-ups, so that a lost message costs a few seconds.
"""

import contextlib
import threading
import time
from typing import Any, Final

import structlog
from huey import Huey, MemoryHuey, PostgresHuey
from huey.consumer import Consumer
from huey.serializer import SignedSerializer

from app.core import clock, db, schedule, secrets, work

THREADS: Final = 3  # PostgreSQL: a connection each that listens for wake-ups, one more for all
SWEEP_SECONDS: Final = 5.0
RENEW_SECONDS: Final = 10.0
GRACE_SECONDS: Final = 3.0
TABLES: Final = "core_huey"
MIN_PAUSE: Final = 0.05
MAX_POLL: Final = 0.5  # seconds between two looks at the queue in memory

log = structlog.get_logger("flotilla.worker")


class _Consumer(Consumer):
    """Huey's threads without its signal handlers: the server has its own."""

    def _set_signal_handlers(self) -> None:
        pass


class Worker:
    """Threads that run the units of a place until `stop`; with none, only those that carry wake-ups to other processes.

    `pause` is the longest time in seconds until the threads look by themselves, for work of processes that send no
    wake-ups here.
    """

    def __init__(
        self,
        threads: int = THREADS,
        *,
        place: str = "",
        pause: float | None = None,
        postgres_url: str | None = None,
    ) -> None:
        self._place, self._pause = place, pause
        self._huey = _queue(postgres_url)
        self._message = self._huey.task(name="work")(self._drain)
        self._threads = threads
        self._consumer: Any = None
        self._claims: set[str] = set()
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="flotilla-keeper", daemon=True)

    def start(self) -> None:
        """Begin; what is in the table from before is found by the keeper at once."""
        work.on_queued(self._wanted.set)
        if self._threads:
            self._consumer = _Consumer(
                self._huey,
                workers=self._threads,
                periodic=False,
                initial_delay=0.05,
                max_delay=MAX_POLL,
                scheduler_interval=60,
                check_worker_health=False,
            )
            self._consumer.start()
        self._keeper.start()

    def begin_stop(self) -> None:
        """Claim nothing more; returns at once."""
        self._stopping.set()
        self._wanted.set()
        if self._consumer is not None:
            self._consumer.stop_flag.set()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Let running units end within `grace` seconds, and hand the leases of the rest back."""
        self.begin_stop()
        deadline = time.monotonic() + grace
        if self._consumer is not None:
            for _, thread in self._consumer.worker_threads:
                thread.join(max(0.0, deadline - time.monotonic()))
        self._keeper.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            left = set(self._claims)
        if left:
            log.warning("work handed back", units=len(left))
            work.hand_back(left)
        with contextlib.suppress(Exception):
            self._huey.storage.close()

    def _drain(self) -> None:
        """Run units until none is due."""
        while not self._stopping.is_set():
            unit = work.claim(self._place)
            if unit is None:
                return
            with self._lock:
                self._claims.add(unit.claim)
            try:
                work.run(unit)
            finally:
                with self._lock:
                    self._claims.discard(unit.claim)

    def _keep(self) -> None:
        renewed = time.monotonic()
        swept = wait = 0.0
        while not self._stopping.is_set():
            if self._wanted.wait(wait):
                self._wanted.clear()
            try:
                if time.monotonic() - renewed >= RENEW_SECONDS:
                    renewed = time.monotonic()
                    self._renew()
                if self._threads and time.monotonic() - swept >= SWEEP_SECONDS:
                    swept = time.monotonic()
                    schedule.queue_due()
                    work.sweep()
                wait = self._wake()
            except Exception as exc:
                log.warning("work cannot be kept", error=str(exc))
                wait = SWEEP_SECONDS

    def _renew(self) -> None:
        with self._lock:
            held = set(self._claims)
        if held:
            work.renew(held)

    def _wake(self) -> float:
        """Send a message for each thread that may help; how many seconds until there may be need for the next.

        Threads that find nothing left go back to sleep.
        """
        pause = self._pause or SWEEP_SECONDS
        ready, later = work.due(max(THREADS, self._threads), self._place)
        for _ in range(ready - self._huey.storage.queue_size()):
            self._message()
        until = (later - clock.now()).total_seconds() if later is not None else pause
        return min(max(until, MIN_PAUSE), pause)


def _queue(postgres_url: str | None) -> Huey:
    if postgres_url is None:
        return MemoryHuey("flotilla", results=False)
    # Messages are pickles: only what this installation signed is opened.
    signed = SignedSerializer(secret=secrets.derive("work messages").hex(), salt=TABLES)
    return PostgresHuey(
        "flotilla", dsn=postgres_url, table_prefix=TABLES, results=False, serializer=signed, create_tables=False
    )


def prepare(postgres_url: str | None) -> None:
    """Make the tables that carry wake-ups on PostgreSQL, once, before any process uses them."""
    if postgres_url is not None:
        with db.migration():
            huey = _queue(postgres_url)
            huey.storage.initialize_schema()
            huey.storage.close()
