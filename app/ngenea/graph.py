"""The graph of a job: its tasks and their paths, the counters, and how a job ends with its last task (ngenea 3.2, 3.3).

Every function belongs into a write unit that holds the job (`hold`): whoever changes a job's graph waits for whoever
does so already, and counters are bumped in SQL. So counters equal rows at the end of each unit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core import clock, db, ids, work
from app.ngenea import here, states
from app.ngenea.job_paths import ROWS, flat, rows_of
from app.ngenea.rules import Plan

WORK: Final = "ngenea.task"
FORGET: Final = "ngenea.forget_job"  # removes what is left of a job that was deleted

GIVEN: Final = "flotilla.tasks.given_paths"  # looks at the paths that were submitted
NAVIGATE: Final = "dynamo.tasks.recursive_navigate"  # looks into one folder
FEW: Final = 10  # so few tasks on paths may all be batches that are being filled
UNRELEASED: Final = (
    " AND NOT EXISTS (SELECT 1 FROM core_work w WHERE w.kind = 'ngenea.task' AND w.key = CAST(ngenea_task.pk AS TEXT))"
)

TASK_COLUMNS: Final = (
    "job_id, task_id, tasktype, friendly_name, site_id, queue, state, discovery, internal, rule, step, arguments,"
    " created_ts"
)


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is about to be. `task_id` is its public name: of two with the same one only the first comes to be."""

    tasktype: str
    friendly_name: str
    site: int
    queue: str
    arguments: Mapping[str, Any]
    rule: int = -1
    step: int = 0
    discovery: bool = False
    task_id: str = ""


def hold(job: int) -> str | None:
    """The state of a job, which nobody else changes until the unit ends; None when it is gone."""
    lock = " FOR UPDATE" if db.is_postgres() else ""
    found = db.row(f"SELECT state FROM ngenea_job WHERE pk = ?{lock}", job)  # noqa: S608
    return None if found is None else str(found[0])


def going() -> set[int]:
    """The jobs that are deleted, and of which some rows are still there. In a unit of work."""
    return {int(key) for (key,) in db.rows("SELECT key FROM core_work WHERE kind = ?", FORGET)}


def add(job: int, new: Sequence[NewTask], parent: int | None = None, *, dynamic: bool = False) -> dict[str, int]:
    """The numbers of new tasks by their public names; one whose name is taken is not among them. Queues nothing."""
    if not new:
        return {}
    now = clock.micros(clock.now())
    values = [
        (job, one.task_id or ids.uuid(), one.tasktype, one.friendly_name, one.site, one.queue, states.PENDING)
        + (one.discovery, one.discovery, one.rule, one.step, orjson.dumps(one.arguments).decode(), now)
        for one in new
    ]
    made = db.rows(
        f"INSERT INTO ngenea_task ({TASK_COLUMNS}) VALUES {rows_of(values)}"  # noqa: S608
        " ON CONFLICT (task_id) DO NOTHING RETURNING pk, task_id",
        *flat(values),
    )
    if parent is not None and made:
        edges = [(pk, parent, dynamic) for pk, _ in made]
        db.execute(
            f"INSERT INTO ngenea_task_parent (task_id, parent_id, dynamic) VALUES {rows_of(edges)}",  # noqa: S608
            *flat(edges),
        )
    db.execute(
        "UPDATE ngenea_job SET live = live + ?, discovering = discovering + ? WHERE pk = ?",
        len(made),
        len(made) if new[0].discovery else 0,
        job,
    )
    return {task_id: pk for pk, task_id in made}


def step(plan: Plan, rule: int, at: int) -> NewTask:
    """The task for a step of a rule's chain."""
    action = plan.rules[rule].actions[at]
    friendly = f"Step {at + 1} of rule {rule + 1}: {action.task.rpartition('.')[2]}"
    return NewTask(action.task, friendly, action.site, action.queue, action.arguments, rule=rule, step=at)


def join(task: int, parent: int) -> None:
    """A task that runs has a part in another one that was made before."""
    db.execute(
        "INSERT INTO ngenea_task_parent (task_id, parent_id, dynamic) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        task,
        parent,
        True,
    )


def release(site: int, queue: str, numbers: Sequence[int]) -> None:
    """Have tasks run by who serves the queue of the site."""
    for at in range(0, len(numbers), ROWS):
        work.enqueue_many(WORK, [str(pk) for pk in numbers[at : at + ROWS]], place=here.place(site, queue))


def is_released(task: int) -> bool:
    """Whether workers have been told of a task that waits."""
    return db.row(f"SELECT 1 FROM ngenea_task WHERE pk = ?{UNRELEASED}", task) is None  # noqa: S608


def release_waiting(job: int) -> None:
    """Have the tasks of a job that wait be run."""
    _release_all(_waiting(job))


def _waiting(job: int, more: str = "") -> list[tuple[int, str, int]]:
    sql = f"SELECT site_id, queue, pk FROM ngenea_task WHERE job_id = ? AND state = 'PENDING'{more} ORDER BY pk"  # noqa: S608
    return [(site, queue, pk) for site, queue, pk in db.rows(sql, job)]


def _release_all(tasks: Sequence[tuple[int, str, int]]) -> None:
    numbers: dict[tuple[int, str], list[int]] = {}
    for site, queue, pk in tasks:
        numbers.setdefault((site, queue), []).append(pk)
    for (site, queue), waiting in numbers.items():
        release(site, queue, waiting)


def _release_filling(job: int, live: int, discovering: int) -> None:
    """A task of discovery has ended: release what was being filled, if it was the last or no other task has paths."""
    if discovering and live - discovering > FEW:
        return
    filling = _waiting(job, UNRELEASED)
    if not discovering or len(filling) == live - discovering:
        _release_all(filling)


def pass_on(job: int, task: int, new: NewTask) -> None:
    """A task for the next step of a chain, with the paths that `task` has processed or found done already."""
    (number,) = add(job, [new], task).values()
    db.execute(
        "INSERT INTO ngenea_task_path (task_id, job_id, path, type, size, state, code, message)"
        " SELECT ?, job_id, path, type, size, '', '', '' FROM ngenea_task_path"
        " WHERE task_id = ? AND state IN (?, ?) ORDER BY pk",
        number,
        task,
        *states.PASSED_ON,
    )
    release(new.site, new.queue, [number])


def end(job: int, task: int, state: str, result: Mapping[str, Any]) -> None:
    """A task is at its end; the job too when it was the last. One that is there already stays as it is."""
    now = clock.micros(clock.now())
    found = db.rows(
        "UPDATE ngenea_task SET state = ?, result = ?, completed_ts = ?"
        " WHERE pk = ? AND state IN ('PENDING', 'STARTED') RETURNING discovery",
        state,
        orjson.dumps(result).decode(),
        now,
        task,
    )
    for (discovery,) in found:
        ((live, discovering),) = db.rows(
            "UPDATE ngenea_job SET live = live - 1, discovering = discovering - ? WHERE pk = ?"
            " RETURNING live, discovering",
            int(discovery),
            job,
        )
        if discovery:
            _release_filling(job, live, discovering)
    settle(job)


def put_back(job: int, task: int) -> None:
    """A task that has begun waits again: its job is held."""
    db.execute("UPDATE ngenea_task SET state = 'PENDING' WHERE pk = ? AND state = 'STARTED'", task)
    settle(job)


def settle(job: int) -> None:
    """Give a job the state that its tasks make true, and its progress."""
    columns = "state, live, discovering, discovered, processed + failed + skipped + aborted, processed, progress"
    found = db.row(f"SELECT {columns} FROM ngenea_job WHERE pk = ?", job)  # noqa: S608
    if found is None:
        return
    state, live, discovering, discovered, done, processed, progress = found
    after = state
    if live == 0 and state not in states.ENDED:
        rows = db.rows("SELECT DISTINCT state FROM ngenea_task WHERE job_id = ?", job)
        rolled = states.rolled_up({name for (name,) in rows}, processed)
        after = states.CANCELLED if state == states.CANCELLING else rolled
    elif state == states.PAUSING and not _has(job, states.STARTED):
        after = states.PAUSED
    if after in states.ENDED:
        progress = 100  # also of a job that was cancelled: none of its tasks is open any more
    elif not discovering and discovered:
        progress = max(progress, min(99, 100 * done // discovered))
    ended = clock.micros(clock.now()) if after in states.ENDED and state not in states.ENDED else None
    db.execute(
        "UPDATE ngenea_job SET state = ?, progress = ?, completed_ts = COALESCE(completed_ts, ?) WHERE pk = ?",
        after,
        progress,
        ended,
        job,
    )


def _has(job: int, state: str) -> bool:
    return db.row("SELECT 1 FROM ngenea_task WHERE job_id = ? AND state = ? LIMIT 1", job, state) is not None
