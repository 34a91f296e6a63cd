"""The graph of a job: its tasks and their paths, the counters, and how a job ends with its last task (ngenea 3.2, 3.3).

Every function belongs into a write unit that holds the job (`hold`): whoever changes a job's graph waits for whoever
does so already, and counters are bumped in SQL. So counters equal rows at the end of each unit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core import clock, db, ids, work
from app.ngenea import here, states
from app.ngenea.outcomes import Outcome

WORK: Final = "ngenea.task"
ROWS: Final = 500  # rows of a statement, and of a transaction

GIVEN: Final = "flotilla.tasks.given_paths"  # looks at the paths that were submitted
NAVIGATE: Final = "dynamo.tasks.recursive_navigate"  # looks into one folder

TASK_COLUMNS: Final = (
    "job_id, task_id, tasktype, friendly_name, site_id, queue, state, discovery, internal, rule, step, arguments,"
    " created_ts"
)
COUNTED: Final = {
    states.PROCESSED: "processed",
    states.PATH_FAILED: "failed",
    states.PATH_SKIPPED: "skipped",
    states.ABORTED: "aborted",
}


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


def marks(count: int) -> str:
    """Placeholders of a list."""
    return ", ".join("?" * count)


def hold(job: int) -> str | None:
    """The state of a job, which nobody else changes until the unit ends; None when it is gone."""
    lock = " FOR UPDATE" if db.is_postgres() else ""
    found = db.row(f"SELECT state FROM ngenea_job WHERE pk = ?{lock}", job)  # noqa: S608
    return None if found is None else str(found[0])


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
        f"INSERT INTO ngenea_task ({TASK_COLUMNS}) VALUES {_rows(values)}"  # noqa: S608
        " ON CONFLICT (task_id) DO NOTHING RETURNING pk, task_id",
        *_flat(values),
    )
    if parent is not None and made:
        edges = [(pk, parent, dynamic) for pk, _ in made]
        db.execute(
            f"INSERT INTO ngenea_task_parent (task_id, parent_id, dynamic) VALUES {_rows(edges)}",  # noqa: S608
            *_flat(edges),
        )
    db.execute(
        "UPDATE ngenea_job SET live = live + ?, discovering = discovering + ? WHERE pk = ?",
        len(made),
        len(made) if new[0].discovery else 0,
        job,
    )
    return {task_id: pk for pk, task_id in made}


def release(site: int, queue: str, numbers: Sequence[int]) -> None:
    """Have tasks run by who serves the queue of the site."""
    for at in range(0, len(numbers), ROWS):
        work.enqueue_many(WORK, [str(pk) for pk in numbers[at : at + ROWS]], place=here.place(site, queue))


def add_paths(job: int, task: int, paths: Iterable[tuple[bytes, str, int]]) -> None:
    """Give a task paths: (path, type, size) each."""
    listed = list(paths)
    for at in range(0, len(listed), ROWS):
        values = [(task, job, path, kind, size, "", "", "") for path, kind, size in listed[at : at + ROWS]]
        db.execute(
            "INSERT INTO ngenea_task_path (task_id, job_id, path, type, size, state, code, message)"  # noqa: S608
            f" VALUES {_rows(values)}",
            *_flat(values),
        )


def discover(job: int, task: int, found: Sequence[tuple[bytes, int, str, str, str]]) -> set[bytes]:
    """Note paths of a job, (path, size, state, code, message) each; those that it did not have before."""
    if not found:
        return set()
    values = [(job, path, task, state, size, code, message) for path, size, state, code, message in found]
    made = db.rows(
        "INSERT INTO ngenea_job_path (job_id, path, task_id, state, size, code, message)"  # noqa: S608
        f" VALUES {_rows(values)} ON CONFLICT (job_id, path) DO NOTHING RETURNING path",
        *_flat(values),
    )
    new = {bytes(path) for (path,) in made}
    change = _Change()
    for path, size, state, _, _ in found:
        if path in new:
            change.add(state, 1, size)
            change.discovered_bytes += size
    change.write(job, len(new))
    return new


class _Change:
    """How the counters of a job change."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(COUNTED, 0)
        self.processed_bytes = self.discovered_bytes = 0

    def add(self, state: str, count: int, size: int) -> None:
        if state in self.counts:
            self.counts[state] += count
        if state == states.PROCESSED:
            self.processed_bytes += count * size

    def write(self, job: int, discovered: int = 0) -> None:
        columns = ("discovered", "discovered_bytes", "processed_bytes", *COUNTED.values())
        values = (discovered, self.discovered_bytes, self.processed_bytes, *self.counts.values())
        if any(values):
            changes = ", ".join(f"{name} = {name} + ?" for name in columns)
            db.execute(f"UPDATE ngenea_job SET {changes} WHERE pk = ?", *values, job)  # noqa: S608


def record(job: int, task: int, outcomes: Sequence[Outcome], *, last: bool) -> None:
    """Note what became of paths in a task; a path that has an outcome there keeps it.

    In the job a path counts as processed by the `last` step of its chain alone, and what is worse stays.
    """
    new = note(task, outcomes)
    _decide(job, task, [one for one in outcomes if one.path in new], last=last)


def note(task: int, outcomes: Sequence[Outcome]) -> set[bytes]:
    """Note what became of paths in a task alone; those that had no outcome there before."""
    if not outcomes:
        return set()
    values = [(one.path, one.state, one.size, one.code, one.message) for one in outcomes]
    noted = db.rows(
        "UPDATE ngenea_task_path SET state = v.column2, size = v.column3, code = v.column4, message = v.column5"  # noqa: S608
        f" FROM (VALUES {_rows(values)}) AS v WHERE ngenea_task_path.task_id = ? AND ngenea_task_path.path = v.column1"
        " AND ngenea_task_path.state = '' RETURNING ngenea_task_path.path",
        *_flat(values),
        task,
    )
    return {bytes(path) for (path,) in noted}


def _decide(job: int, task: int, outcomes: Sequence[Outcome], *, last: bool) -> None:
    """Change the paths of the job, and its counters with them."""
    if not outcomes:
        return
    rows = db.rows(
        f"SELECT path, state, size FROM ngenea_job_path WHERE job_id = ? AND path IN ({marks(len(outcomes))})",  # noqa: S608
        job,
        *(one.path for one in outcomes),
    )
    before = {bytes(path): (state, size) for path, state, size in rows}
    change, values = _Change(), []
    for one in outcomes:
        old, old_size = before[one.path]
        state = one.state if last or one.state != states.PROCESSED else ""
        if states.RANKS[state] < states.RANKS[old]:
            continue
        size = one.size if state == states.PROCESSED else old_size
        change.add(old, -1, old_size)
        change.add(state, 1, size)
        values.append((one.path, state, size, one.code, one.message))
    if values:
        db.execute(
            "UPDATE ngenea_job_path SET task_id = ?, state = v.column2, size = v.column3, code = v.column4,"  # noqa: S608
            f" message = v.column5 FROM (VALUES {_rows(values)}) AS v"
            " WHERE ngenea_job_path.job_id = ? AND ngenea_job_path.path = v.column1",
            task,
            *_flat(values),
            job,
        )
    change.write(job)


def open_paths(task: int, limit: int) -> list[tuple[bytes, str, int]]:
    """Paths of a task without an outcome, the first `limit` of them: path, type, size."""
    rows = db.rows(
        "SELECT path, type, size FROM ngenea_task_path WHERE task_id = ? AND state = '' ORDER BY pk LIMIT ?",
        task,
        limit,
    )
    return [(bytes(path), kind, size) for path, kind, size in rows]


def fail_rest(job: int, task: int, code: str, message: str) -> None:
    """Note that the paths of a task that have no outcome have failed."""
    while rest := open_paths(task, ROWS):
        failed = [Outcome(path, "failed", size, code, message) for path, _, size in rest]
        record(job, task, failed, last=True)


def outcome_counts(task: int) -> dict[str, int]:
    """How many paths of a task came to each outcome."""
    return dict(db.rows("SELECT state, COUNT(*) FROM ngenea_task_path WHERE task_id = ? GROUP BY state", task))


def pass_on(job: int, task: int, new: NewTask) -> None:
    """A task for the next step of a chain, with the paths that `task` has processed."""
    (number,) = add(job, [new], task).values()
    db.execute(
        "INSERT INTO ngenea_task_path (task_id, job_id, path, type, size, state, code, message)"
        " SELECT ?, job_id, path, type, size, '', '', '' FROM ngenea_task_path"
        " WHERE task_id = ? AND state = 'processed' ORDER BY pk",
        number,
        task,
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
    if found:
        db.execute(
            "UPDATE ngenea_job SET live = live - 1, discovering = discovering - ? WHERE pk = ?", int(found[0][0]), job
        )
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
        progress = progress if after == states.CANCELLED else 100
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


def _rows(values: Sequence[tuple[Any, ...]]) -> str:
    return ", ".join([f"({marks(len(values[0]))})"] * len(values))


def _flat(values: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [value for row in values for value in row]
