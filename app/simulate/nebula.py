"""A fleet of simulated Nebula workers against a running server."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any, Final

import httpx

from app.simulate.nebula_worker import Document, Worker, WorkerEnds
from app.simulate.pace import Pace
from app.simulate.traffic import SimulationError, Traffic, client, live

API: Final = "/api/v2"
TRIES: Final = 10
WAIT: Final = (0.2, 1.0)  # seconds between them


@dataclass(frozen=True)
class Plan:
    """What to simulate. `rate` is requests a second of all workers, 0 for as fast as they can; `duration` in seconds,
    0 until interrupted. Workers sign in by `token`, else by `user` and `password`, else not at all."""

    url: str
    workers: int
    rate: float
    duration: float
    group: str
    user: str = ""
    password: str = ""
    token: str = ""
    conditional: bool = False
    reports: bool = True
    verify: bool = True


@dataclass
class Containers:
    """A Docker that does at once what it is told; what was done is counted for the whole fleet."""

    done: Counter[str]
    running: dict[str, str] = field(default_factory=dict)
    scheduled: set[str] = field(default_factory=set)

    def run(self, app: str, name: str, document: Document, ports: dict[int, int]) -> None:
        self.done["started"] += 1
        self.running[name] = app

    def stop(self, name: str) -> None:
        self.done["stopped"] += 1
        del self.running[name]

    def names(self, app: str | None = None) -> list[str]:
        return [name for name, of in self.running.items() if app in (None, of)]

    def schedule(self, cron_job: str, document: Document) -> None:
        self.scheduled.add(cron_job)

    def unschedule(self, cron_job: str) -> None:
        self.scheduled.discard(cron_job)

    def prune(self) -> None:
        self.done["pruned"] += 1


@dataclass
class Fleet(Traffic):
    """What all workers share, and what became of them."""

    plan: Plan
    done: Counter[str] = field(default_factory=Counter)
    workers: list["Simulated"] = field(default_factory=list)

    @property
    def running(self) -> int:
        """How many containers run."""
        return sum(len(worker.containers.running) for worker in self.workers)

    @property
    def waiting(self) -> int:
        """How many workers have found no device group yet."""
        return sum(worker.worker.info is None for worker in self.workers)


class Simulated:
    """Worker `number` of a fleet: it asks what to run, runs it, and reports."""

    def __init__(self, fleet: Fleet, number: int) -> None:
        self._fleet, self._number = fleet, number
        self._random = Random(number)  # noqa: S311
        self._etag = ""
        self.containers = Containers(fleet.done)
        self.worker = Worker(self.containers)

    async def live(self) -> None:
        """Do what a worker does, until cancelled; one that ends is started again, as its container is."""
        while True:
            try:
                await self._follow()
            except WorkerEnds:
                self._fleet.done["ended"] += 1
                self.worker, self._etag = Worker(self.containers), ""

    async def _follow(self) -> None:
        told = await self._ask()
        if told is not None and self.worker.info is None:
            if told.get("device_group_exists") is False:
                return
            if "apps" not in told:
                raise WorkerEnds("no apps")
            self.worker.begin(told)
        elif told is not None:
            self.worker.follow(told)
        if self._fleet.plan.reports and self.worker.info is not None:
            await self._report()

    async def _ask(self) -> Document | None:
        """The answer of `info`, None when nothing has changed. What is not answered is asked again (nebula 9)."""
        path = f"{API}/device_groups/{self._fleet.plan.group}/info"
        good = (200, 304) if self.worker.info is not None else (200, 403)
        for _ in range(TRIES):
            headers = {"If-None-Match": self._etag} if self._etag else {}
            answer = await self._fleet.send("info", "GET", path, good, headers=headers)
            if answer is not None:
                break
            await asyncio.sleep(self._random.uniform(*WAIT))
        else:
            raise WorkerEnds("no answer")
        if answer.status_code == 304:
            self._fleet.done["not modified"] += 1
            return None
        if self._fleet.plan.conditional:
            self._etag = answer.headers.get("ETag", "")
        try:
            told: Document = answer.json()
        except ValueError as exc:
            raise WorkerEnds("no JSON") from exc
        return told

    async def _report(self) -> None:
        host = self.worker.host
        used = 100 + 20 * len(self.containers.running)
        left = host.memory_mb - used
        report = {
            "hostname": f"simulated-{self._number:06d}",
            "device_group": self._fleet.plan.group,
            "report_creation_time": int(time.time()),
            "updated": self.worker.updated,
            "memory_usage": {"total": host.memory_mb, "used": used, "free": left, "available": left},
            "root_disk_usage": {"total": 8000, "used": 2000, "free": 6000},
            "cpu_usage": {"cores": host.cores, "used_percent": round(self._random.uniform(1, 60), 1)},
            "apps_containers": [{"name": name} for name in self.containers.running],
            "cron_jobs_containers": [],
            "current_device_group_config": {"status_code": 200, "reply": self.worker.info},
        }
        await self._fleet.send("report", "POST", f"{API}/reports", (201,), json=report)


def run(plan: Plan, progress: Callable[[Fleet, float], None]) -> dict[str, Any]:
    """Simulate until the end or an interrupt; what came of it. `progress` is called each second with the seconds gone.

    Raises SimulationError when the server does not answer, or refuses the credential.
    """
    return asyncio.run(_run(plan, progress))


async def _run(plan: Plan, progress: Callable[[Fleet, float], None]) -> dict[str, Any]:
    async with client(plan.url, verify=plan.verify) as http:
        if plan.token:
            http.headers["Authorization"] = f"Bearer {plan.token}"
        elif plan.user:
            http.auth = httpx.BasicAuth(plan.user, plan.password)
        await _begin(http, plan)
        fleet = Fleet(http, Pace(plan.rate), plan)
        fleet.workers = [Simulated(fleet, number) for number in range(plan.workers)]
        seconds = await live([worker.live() for worker in fleet.workers], plan.duration, partial(progress, fleet))
    done = {name: fleet.done[name] for name in ("started", "stopped", "pruned", "not modified", "ended")}
    return {
        "workers": plan.workers,
        "waiting": fleet.waiting,
        "containers": fleet.running,
        **done,
        **fleet.summary(seconds),
    }


async def _begin(http: httpx.AsyncClient, plan: Plan) -> None:
    """A worker that finds no manager at its start gives up (nebula 9)."""
    try:
        answer = await http.get(f"{API}/status")
    except httpx.HTTPError as exc:
        raise SimulationError(f"{plan.url} does not answer: {exc}") from exc
    if answer.status_code != 200:
        raise SimulationError(f"{API}/status answered {answer.status_code}: {answer.text[:200]}")
