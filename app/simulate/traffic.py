"""What simulated clients of any system share: one HTTP client, a pace, and how long requests took."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from app.simulate.latency import Latencies
from app.simulate.pace import Pace

CONNECTIONS: Final = 100  # requests at once; a device that waits for its turn waits for no server
PATIENCE: Final = 30.0
IDLE: Final = 2.0


class SimulationError(Exception):
    """The simulation cannot begin."""


@dataclass
class Traffic:
    """The requests of all devices."""

    http: httpx.AsyncClient
    pace: Pace
    connections: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONNECTIONS), kw_only=True)
    latencies: Latencies = field(default_factory=Latencies, kw_only=True)

    @asynccontextmanager
    async def request(self, operation: str) -> AsyncIterator["Exchange"]:
        """Take a turn and a connection for a request; one that is not answered is noted, and passed over."""
        await self.pace.turn()
        async with self.connections:
            try:
                yield Exchange(self.latencies, operation)
            except httpx.HTTPError as exc:
                self.latencies.fault(operation, type(exc).__name__)

    async def send(
        self, operation: str, method: str, path: str, good: tuple[int, ...], **options: Any
    ) -> httpx.Response | None:
        """A request and its answer, None when there was none; a status that is not one of `good` is a fault."""
        answer = None
        async with self.request(operation) as exchange:
            answer = await self.http.request(method, path, **options)
            exchange.ended(answer.status_code, good)
        return answer

    def summary(self, seconds: float) -> dict[str, Any]:
        """What came of the requests, for people and programs."""
        requests = self.latencies.requests
        return {
            "seconds": round(seconds, 1),
            "requests": requests,
            "rate": round(requests / seconds, 1) if seconds else 0.0,
            "faults": {f"{operation}: {what}": count for (operation, what), count in self.latencies.faults.items()},
            "latency_ms": self.latencies.summary(),
        }


class Exchange:
    """One request under way."""

    def __init__(self, latencies: Latencies, operation: str) -> None:
        self._latencies, self._operation = latencies, operation
        self._started = time.perf_counter()

    def ended(self, status: int, good: tuple[int, ...]) -> None:
        """It was answered; a status that is not one of `good` is a fault."""
        self._latencies.add(self._operation, time.perf_counter() - self._started)
        if status not in good:
            self._latencies.fault(self._operation, str(status))


def client(url: str, *, verify: bool) -> httpx.AsyncClient:
    """Servers close what has been idle for some seconds; a request that meets this would count as a fault."""
    limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE)
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=PATIENCE, verify=verify)


async def live(lives: Sequence[Coroutine[Any, Any, None]], duration: float, progress: Callable[[float], None]) -> float:
    """Let devices live until the end of the time (0: for ever), or SIGINT or SIGTERM; the seconds that it took."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    started = time.perf_counter()
    tasks = [asyncio.create_task(one) for one in lives]
    try:
        while not stopped.is_set() and (not duration or time.perf_counter() - started < duration):
            left = duration - (time.perf_counter() - started) if duration else 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), min(1.0, max(left, 0.01)))
            for task in tasks:
                if task.done():
                    task.result()
            progress(time.perf_counter() - started)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return time.perf_counter() - started
