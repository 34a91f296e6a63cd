"""Settings tasks: each makes something true on one site, and says what came of it (ngenea 3.4).

A task is queued in the transaction that asks for it and done by a worker of its site. What a type of task does is said
with `tasktype`; it may be done again after a crash, so it must do no harm the second time.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from app.core import clock, db, failpoints, ids, work
from app.core.calls import Caller, Request
from app.ngenea import here, pages, rights
from models.ngenea.sites import SettingsTask, Site

Document = dict[str, Any]
KIND: Final = "ngenea.settings"
ATTEMPTS: Final = 5  # some 20 seconds
PENDING, STARTED, SUCCESS, FAILURE = "PENDING", "STARTED", "SUCCESS", "FAILURE"
OPEN: Final = (PENDING, STARTED)

log = structlog.get_logger("flotilla.ngenea")


@dataclass(frozen=True, slots=True)
class Order:
    """What a task has to do: `site` is the site's pk, `request` what was asked for, `claim` that of its unit."""

    task_id: str
    site: int
    request: Document
    claim: str


class Impossible(Exception):
    """Raised by a type's function: the task fails at once, trying again would not help. One line for people."""


# Order -> results, a JSON object. Outside of units of work on the database.
Do = Callable[[Order], Document]
_types: dict[str, Do] = {}


def tasktype(name: str) -> Callable[[Do], Do]:
    """Decorator: `function(order)` does the tasks of type `name` and returns their results.

    What it raises is an error of the task, an OSError where it was to be expected: it is tried again some times, then
    the message is kept. It sets the flags that it makes true itself, where they still name this task.
    """

    def register(function: Do) -> Do:
        if name in _types:
            raise ValueError(f"two functions for settings tasks of type {name}")
        _types[name] = function
        return function

    return register


def queue(site: int, name: str, friendly_name: str, request: Document) -> str:
    """Have a task done on a site; its id. In a write unit."""
    if name not in _types:
        raise ValueError(f"no function for settings tasks of type {name}")
    task = SettingsTask.create(
        site=site,
        task_id=ids.uuid(),
        tasktype=name,
        friendly_name=friendly_name,
        request=request,
        results=None,
        state=PENDING,
        created_ts=clock.now(),
        started_ts=None,
        completed_ts=None,
    )
    work.enqueue(KIND, task.task_id, place=here.place(site))
    return str(task.task_id)


@work.kind(KIND, attempts=ATTEMPTS)
def run(unit: work.Unit) -> None:
    """Do the task that a unit of work is for."""
    with db.write():
        task: Any = SettingsTask.get_or_none(SettingsTask.task_id == unit.key)
        if task is None or task.state not in OPEN:
            return
        _change(unit.key, state=STARTED, started_ts=task.started_ts or clock.now())
    try:
        results = _do(task.tasktype)(Order(unit.key, task.site_id, task.request, unit.claim))
    except work.LeaseLost:
        raise
    except Exception as exc:
        if not _ended(unit, exc):
            raise
        return
    failpoints.hit("ngenea.settings.done")
    with db.write():
        _change(unit.key, state=SUCCESS, results=results, completed_ts=clock.now())


def _do(name: str) -> Do:
    def unknown(_: Order) -> Document:
        raise Impossible(f"this worker knows no tasks of type {name}: it is of another release")

    return _types.get(name, unknown)


def _ended(unit: work.Unit, exc: Exception) -> bool:
    """Keep the message of an error; whether the task has failed for good."""
    error = {"error": (str(exc) or type(exc).__name__).splitlines()[0][: work.MAX_ERROR].replace("\0", "")}
    final = isinstance(exc, Impossible) or unit.attempts >= ATTEMPTS
    if final:
        expected = isinstance(exc, Impossible | OSError)
        log.warning("settings task failed", task=unit.key, **error, exc_info=None if expected else exc)
    ended = {"state": FAILURE, "completed_ts": clock.now()} if final else {}
    with db.write():
        _change(unit.key, results=error, **ended)
    return final


def _change(task_id: str, **changes: Any) -> None:
    SettingsTask.update(**changes).where(SettingsTask.task_id == task_id, SettingsTask.state.in_(OPEN)).execute()


def is_open(task_id: str) -> bool:
    """Whether a task is not at its end yet."""
    return bool(SettingsTask.select().where(SettingsTask.task_id == task_id, SettingsTask.state.in_(OPEN)).exists())


def give_up(site: int) -> None:
    """Tasks whose unit was given up, since each worker that began it died, have failed. Opens its own units."""
    with db.read():
        lost = db.rows(
            "SELECT t.task_id FROM ngenea_settings_task t JOIN core_work w ON w.kind = ? AND w.key = t.task_id"
            " WHERE t.site_id = ? AND t.state IN (?, ?) AND w.state = 'failed'",
            *(KIND, site, *OPEN),
        )
    for (task_id,) in lost:
        with db.write():
            _change(task_id, state=FAILURE, results={"error": "its workers died or hung"}, completed_ts=clock.now())


def filtered(caller: Caller, wanted: str | None, states: Iterable[str] | None, job_id: int | None) -> Any:
    """The tasks that a caller may know of: of a type, and in one of the states (also lists with commas).

    No task is of a job as yet.
    """
    query = SettingsTask.select(SettingsTask, Site).join(Site).where(rights.visible(caller, SettingsTask))
    if wanted:
        query = query.where(SettingsTask.tasktype == wanted)
    named = [state.strip() for part in states or () for state in part.split(",") if state.strip()]
    if named:
        query = query.where(SettingsTask.state.in_(named))
    return query if job_id is None else query.where(rights.NONE)


def listed(request: Request, query: Any, page: str | None, page_size: str | None) -> Any:
    """A page of tasks."""
    return pages.page(request, query, page, page_size, lambda rows: [_row(row, request.base_url) for row in rows])


def _time(moment: Any) -> str | None:
    return None if moment is None else clock.rfc3339(moment)


def _row(task: Any, base_url: str) -> Document:
    return {
        "id": task.pk,
        "url": f"{base_url}/api/settingstasks/{task.pk}/",
        "task_id": task.task_id,
        "tasktype": task.tasktype,
        "site": task.site.name,
        "state": task.state,
        "job": None,
        "started": _time(task.started_ts),
    }


def describe(number: int, base_url: str) -> Document:
    """A task with what was asked for and what came of it."""
    task = SettingsTask.get_by_id(number)
    ended = task.started_ts is not None and task.completed_ts is not None
    return {
        **_row(task, base_url),
        "friendly_name": task.friendly_name,
        "request": task.request,
        "results": task.results,
        "completed": _time(task.completed_ts),
        "runtime": (task.completed_ts - task.started_ts).total_seconds() if ended else None,
    }
