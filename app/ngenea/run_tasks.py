"""The work of tasks on files: a batch of paths goes through one function, and what it did is noted (ngenea 3.2, 3.3).

Outcomes are noted as they come, so that whoever runs the task after a crash does only what is left. An exception of the
function is a failure: the paths of the batch go no further, other batches do.
"""

import time
from collections.abc import Iterator
from typing import Any, Final

import structlog

from app.core import db, failpoints, work
from app.core.errors import InsufficientStorage, Unavailable
from app.ngenea import discovery, graph, job_paths, running, states, tasks
from app.ngenea.context import Context, Stopped
from app.ngenea.outcomes import Outcome
from app.ngenea.running import Run

ATTEMPTS: Final = 5
BATCH: Final = 200  # outcomes that are written together
ALL: Final = 2**31  # a task has as many paths as its batch had room for
WRITE_SECONDS: Final = 2.0  # or after so long
UNKNOWN: Final = "The task said nothing about this path."
# The database cannot now: the work is done again later.
PASSING: Final = (work.LeaseLost, Unavailable, InsufficientStorage)

log = structlog.get_logger("flotilla.ngenea")


@work.kind(graph.WORK, attempts=ATTEMPTS, given_up=running.given_up)
def run_task(unit: work.Unit) -> None:
    """Do a task, or what is left of it. Outside of units."""
    run = running.begin(unit)
    if run is None:
        return
    if run.task.discovery:
        discovery.Finder(run).run()
    else:
        _Batch(run).run()


class _Batch:
    """One run of a function on the paths of a task."""

    def __init__(self, run: Run) -> None:
        self._run = run
        actions = run.plan.rules[run.task.rule].actions
        self._last = run.task.step == len(actions) - 1
        self._done: list[Outcome] = []
        self._written = time.monotonic()

    def run(self) -> None:
        error = self._do()
        failpoints.hit("ngenea.batch")
        with db.write():
            state = self._run.hold()
            self._note()
            self._end(state, error)

    def _do(self) -> str:
        """Work through the paths; what went wrong with all of it, '' if nothing."""
        run = self._run
        with db.read():
            paths = [path for path, _, _ in job_paths.open_paths(run.number, ALL)]
        given = set(paths)
        context = Context(
            site=run.site.pk,
            root=run.root,
            claim=run.unit.claim,
            dry_run=run.dry_run,
            stopped=run.stopped,
            bandwidth=run.site.bandwidth,
            since=None if run.dry_run else run.since,
            again=run.again,
        )
        try:
            for outcome in self._outcomes(context, paths):
                if outcome.path not in given:
                    raise RuntimeError("the task told of a path that it was not given")
                self._done.append(outcome)
                if len(self._done) >= BATCH or time.monotonic() - self._written >= WRITE_SECONDS:
                    self._write()
        except Stopped:
            return ""
        except PASSING:
            raise
        except failpoints.Failure:
            raise
        except Exception as exc:
            log.warning("task failed", task=run.number, exc_info=exc)
            return f"{type(exc).__name__}: {exc}"
        return ""

    def _outcomes(self, context: Context, paths: list[bytes]) -> Iterator[Outcome]:
        return tasks.run(self._run.task.tasktype, context, paths, self._run.task.arguments) if paths else iter(())

    def _write(self) -> None:
        failpoints.hit("ngenea.batch")
        with db.write(durable=False):
            self._run.hold()
            self._note()
            graph.settle(self._run.job)
        self._done.clear()
        self._written = time.monotonic()

    def _note(self) -> None:
        task = self._run.task
        job_paths.record(self._run.job, task.pk, self._done, first=task.step == 0, last=self._last)

    def _end(self, state: str, error: str) -> None:
        """In a write unit that holds the job: the task is at its end, or stops for now."""
        run = self._run
        if error:
            running.fail(run.job, run.number, error)
            return
        if job_paths.open_paths(run.number, 1):
            if run.stopped_before(state):
                run.leave(state)
                return
            job_paths.fail_rest(run.job, run.number, "no_outcome", UNKNOWN)
        counts: dict[str, Any] = job_paths.outcome_counts(run.number)
        goes_on = any(counts.get(name) for name in states.PASSED_ON)
        if goes_on and not self._last and state in (*states.RUNNING, *states.HELD):
            graph.pass_on(run.job, run.number, graph.step(run.plan, run.task.rule, run.task.step + 1))
        graph.end(run.job, run.number, states.of_task(counts), counts)
