"""A task in the hands of a worker: how it begins, when it has to stop, how it fails for good (ngenea 3.3)."""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.core import clock, db, schedule, work
from app.ngenea import graph, here, job_paths, known, rules, states
from app.ngenea.rooted import Root
from models.ngenea.jobs import Job, Task
from models.ngenea.sites import Site

LOOK_SECONDS: Final = 1.0
GIGABYTE: Final = 10**9
MAX_MESSAGE: Final = 500  # characters of an error that are kept

ALIVE: Final = (
    "SELECT j.state FROM ngenea_job j, core_work w WHERE j.pk = ? AND w.pk = ? AND w.claim = ?"  # one row or none
)


@dataclass
class Run:
    """A task that this thread runs: the unit, the rows as they were when it began, what the job does, and where."""

    unit: work.Unit
    task: Any
    job: int
    dry_run: bool
    plan: rules.Plan
    site: Any
    folder: Path
    since: datetime
    again: bool
    _looked: float = field(default=0.0, repr=False)
    _stopped: bool = field(default=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def number(self) -> int:
        """The number of the task."""
        return int(self.task.pk)

    @property
    def root(self) -> Root:
        """The files of the site."""
        return Root(self.folder)

    def stopped(self) -> bool:
        """Whether to stop at the next file; looked up once a second at most. Outside of units."""
        if self._stopped or time.monotonic() - self._looked < LOOK_SECONDS:
            return self._stopped
        with self._lock:
            if not self._stopped and time.monotonic() - self._looked >= LOOK_SECONDS:
                with db.read():
                    found = db.row(ALIVE, self.job, self.unit.pk, self.unit.claim)
                self._looked = time.monotonic()
                self._stopped = found is None or found[0] not in states.RUNNING
            return self._stopped

    def stopped_before(self, state: str) -> bool:
        """Whether the task was told to stop, as far as it knows, or its job's state now says so."""
        return self._stopped or state not in states.RUNNING

    def hold(self) -> str:
        """In a write unit: the state of the job, held, and the unit with it. Raises LeaseLost."""
        state = graph.hold(self.job)
        if state is None:
            raise work.LeaseLost(f"job {self.job} is gone")
        self.unit.hold()
        return state

    def leave(self, state: str) -> None:
        """In a write unit that holds the job: the task stops before its end, because its job does, or did."""
        if state == states.CANCELLING or state in states.ENDED:
            graph.end(self.job, self.number, states.CANCELLED, {})
            return
        graph.put_back(self.job, self.number)
        if state in states.RUNNING:  # resumed meanwhile
            graph.release(self.task.site_id, self.task.queue, [self.number])


def begin(unit: work.Unit) -> Run | None:
    """A task that is ours now; None when there is nothing to be done, or not now. Opens its own units."""
    number = int(unit.key)
    with db.write(durable=False):
        found = db.row("SELECT job_id FROM ngenea_task WHERE pk = ?", number)
        state = graph.hold(found[0]) if found is not None else None
        if found is None or state is None:
            return None
        unit.hold()
        task: Any = Task.get_by_id(number)
        if task.state not in states.OPEN_TASKS:
            return None
        if state in states.HELD:
            graph.put_back(task.job_id, number)
            return None
        after = states.BEGINNINGS.get((state, task.discovery))
        if after is None:
            graph.end(task.job_id, number, states.CANCELLED, {})
            return None
        _mark(task, state, after)
        return _run(unit, task)


def _mark(task: Any, state: str, after: str) -> None:
    now = clock.micros(clock.now())
    if task.state == states.PENDING:
        db.execute(
            "UPDATE ngenea_task SET state = 'STARTED', started_ts = COALESCE(started_ts, ?) WHERE pk = ?", now, task.pk
        )
    if state != after:
        db.execute(
            "UPDATE ngenea_job SET state = ?, started_ts = COALESCE(started_ts, ?) WHERE pk = ?",
            after,
            now,
            task.job_id,
        )


def _run(unit: work.Unit, task: Any) -> Run:
    job: Any = Job.select(Job.definition, Job.dry_run, Job.site, Job.created_ts).where(Job.pk == task.job_id).get()
    site: Any = Site.get_by_id(task.site_id)
    spaces = known.all_spaces(job.site_id)
    limits = (site.file_batch_size, site.file_batch_gb * GIGABYTE)
    growing = site.enable_auto_file_batch_sizing
    plan = rules.plan(job.definition, list(spaces.values()), *limits, growing=growing)
    folder = here.folder(task.site_id)
    again = task.started_ts is not None
    return Run(unit, task, task.job_id, job.dry_run, plan, site, folder, job.created_ts, again)


def given_up(key: str, error: str) -> None:
    """In the write unit that fails the unit of a task for good: the task has failed."""
    found = db.row("SELECT job_id FROM ngenea_task WHERE pk = ?", int(key))
    if found is not None and graph.hold(found[0]) is not None:
        fail(found[0], int(key), error)


def fail(job: int, task: int, message: str) -> None:
    """In a write unit that holds the job: a task is a failure. Its paths go no further."""
    found = db.row("SELECT state, discovery FROM ngenea_task WHERE pk = ?", task)
    if found is None or found[0] not in states.OPEN_TASKS:
        return
    message = message.replace("\0", "")[:MAX_MESSAGE]
    if not found[1]:
        job_paths.fail_rest(job, task, "failure", message)
    graph.end(job, task, states.FAILURE, {"error": message, **job_paths.outcome_counts(task)})


def settle_idle(job: int) -> None:
    """In a write unit that holds a job which stops: see to its tasks that no worker has in hand any more."""
    state = graph.hold(job)
    if state not in (states.PAUSING, states.CANCELLING):
        return
    busy = work.running(graph.WORK)
    started = db.rows("SELECT pk FROM ngenea_task WHERE job_id = ? AND state = 'STARTED'", job)
    for (pk,) in started:
        if str(pk) in busy:
            continue
        if state == states.CANCELLING:
            graph.end(job, pk, states.CANCELLED, {})
        else:
            graph.put_back(job, pk)
    graph.settle(job)


@schedule.scheduled("ngenea.settle", "* * * * *")
def settle_all(_: work.Unit) -> None:
    """Jobs that are to stop do so, also when the workers that had their tasks are gone."""
    with db.read():
        wanted = db.rows("SELECT pk FROM ngenea_job WHERE state IN ('PAUSING', 'CANCELLING')")
    for (pk,) in wanted:
        with db.write():
            settle_idle(pk)
