"""The paths of jobs and of their tasks, and what became of them (ngenea 3.2).

Every function belongs into a write unit that holds the job (`graph.hold`): counters are bumped in SQL, with the rows
that they count.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from app.core import db
from app.ngenea import states
from app.ngenea.outcomes import Outcome

ROWS: Final = 500  # rows of a statement, and of a transaction
MAX_PATH: Final = 2600  # bytes: what an index of PostgreSQL takes
COUNTED: Final = {
    states.PROCESSED: "processed",
    states.PATH_FAILED: "failed",
    states.PATH_SKIPPED: "skipped",
    states.ABORTED: "aborted",
}


def add(job: int, task: int, paths: Iterable[tuple[bytes, str, int]]) -> None:
    """Give a task paths: (path, type, size) each."""
    listed = list(paths)
    for at in range(0, len(listed), ROWS):
        values = listed[at : at + ROWS]
        # What all rows share is given once: on PostgreSQL parameters cost more than rows.
        db.execute(
            "INSERT INTO ngenea_task_path (task_id, job_id, path, type, size, state, code, message)"  # noqa: S608
            f" SELECT ?, ?, v.column1, v.column2, v.column3, '', '', '' FROM (VALUES {rows_of(values)}) AS v",
            task,
            job,
            *flat(values),
        )


def discover(job: int, task: int, found: Sequence[tuple[bytes, int]]) -> set[bytes]:
    """Note paths of a job, (path, size) each; those that it did not have before."""
    if not found:
        return set()
    made = db.rows(
        "INSERT INTO ngenea_job_path (job_id, path, task_id, state, size, code, message)"  # noqa: S608
        f" SELECT ?, v.column1, ?, '', v.column2, '', '' FROM (VALUES {rows_of(found)}) AS v WHERE 1 = 1"
        " ON CONFLICT (job_id, path) DO NOTHING RETURNING path",
        job,
        task,
        *flat(found),
    )
    new = {bytes(path) for (path,) in made}
    change = _Change()
    change.discovered_bytes = sum(size for path, size in found if path in new)
    change.write(job, len(new))
    return new


def discover_failed(job: int, task: int, failed: Sequence[Outcome]) -> None:
    """Note paths of a job that cannot even be looked at; one that it had before stays as it is."""
    new = discover(job, task, [(one.path, one.size) for one in failed])
    _decide(job, task, [one for one in failed if one.path in new], last=True)


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


def record(job: int, task: int, outcomes: Sequence[Outcome], *, first: bool = True, last: bool) -> None:
    """Note what became of paths in a task; a path that has an outcome there keeps it.

    In the job a path counts by the `last` step of its chain, and what is worse stays. One that is passed over there
    counts as processed where a step before, if this is not the `first`, has done something to it.
    """
    new = note(task, outcomes)
    decided = [one for one in outcomes if one.path in new]
    _decide(job, task, decided if first or not last else _by_chain(job, decided), last=last)


def _by_chain(job: int, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Outcomes of last steps, with what the steps before have done."""
    skipped = [one.path for one in outcomes if one.state == states.PATH_SKIPPED]
    if not skipped:
        return list(outcomes)
    rows = db.rows(
        "SELECT DISTINCT p.path FROM ngenea_task_path p JOIN ngenea_task t ON t.pk = p.task_id"  # noqa: S608
        f" WHERE p.job_id = ? AND p.path IN ({marks(len(skipped))}) AND p.state = 'processed' AND NOT t.discovery",
        job,
        *skipped,
    )
    done = {bytes(path) for (path,) in rows}
    return [Outcome(one.path, "processed", one.size) if one.path in done else one for one in outcomes]


def note(task: int, outcomes: Sequence[Outcome]) -> set[bytes]:
    """Note what became of paths in a task alone; those that had no outcome there before."""
    if not outcomes:
        return set()
    values = [(one.path, one.state, one.size, one.code, one.message) for one in outcomes]
    noted = db.rows(
        "UPDATE ngenea_task_path SET state = v.column2, size = v.column3, code = v.column4, message = v.column5"  # noqa: S608
        f" FROM (VALUES {rows_of(values)}) AS v WHERE ngenea_task_path.task_id = ?"
        " AND ngenea_task_path.path = v.column1 AND ngenea_task_path.state = '' RETURNING ngenea_task_path.path",
        *flat(values),
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
        state = one.state if last or one.state not in states.PASSED_ON else ""
        if states.RANKS[state] < states.RANKS[old]:
            continue
        size = one.size if state == states.PROCESSED else old_size
        change.add(old, -1, old_size)
        change.add(state, 1, size)
        values.append((one.path, state, size, one.code, one.message))
    if values:
        db.execute(
            "UPDATE ngenea_job_path SET task_id = ?, state = v.column2, size = v.column3, code = v.column4,"  # noqa: S608
            f" message = v.column5 FROM (VALUES {rows_of(values)}) AS v"
            " WHERE ngenea_job_path.job_id = ? AND ngenea_job_path.path = v.column1",
            task,
            *flat(values),
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


def marks(count: int) -> str:
    """Placeholders of a list."""
    return ", ".join("?" * count)


def rows_of(values: Sequence[tuple[Any, ...]]) -> str:
    """Placeholders of rows."""
    return ", ".join([f"({marks(len(values[0]))})"] * len(values))


def flat(values: Iterable[tuple[Any, ...]]) -> list[Any]:
    """The values of rows, one after the other."""
    return [value for row in values for value in row]
