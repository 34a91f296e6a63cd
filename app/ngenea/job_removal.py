"""Forgetting jobs: one that is deleted is gone at once for all who ask, and its rows go in parts (ngenea 3.3)."""

from typing import Final

from app.core import db, failpoints, work
from app.core.errors import Conflict, NotFound
from app.ngenea import graph, rights, states
from models.ngenea.jobs import Job, Task

ROWS: Final = 5_000  # of a transaction; what goes with a task comes on top
TASKS: Final = "ngenea_task"
PARTS: Final = ("ngenea_task_path", "ngenea_job_path", TASKS, "ngenea_job_input", "ngenea_job_space")
ACTIVE: Final = "A job that has not ended cannot be deleted."


def delete(job: int) -> None:
    """Forget a job that has ended, with its tasks and what became of its paths. Raises Conflict, NotFound."""
    state = graph.hold(job)
    if state is None or job in graph.going():
        raise NotFound("Not found.")
    if state not in states.ENDED:
        raise Conflict(ACTIVE)
    if not _remove(job):
        work.enqueue(graph.FORGET, str(job))


@work.kind(graph.FORGET)
def forget(unit: work.Unit) -> None:
    """Remove what is left of a job. Outside of units."""
    gone = False
    while not gone:
        failpoints.hit("ngenea.forgetting")
        with db.write():
            unit.hold()
            gone = _remove(int(unit.key))
            if gone:  # the unit with it, so that `going` never names a job that is not there
                unit.end()


def _remove(job: int) -> bool:
    """Remove some of the rows of a job, and the job when none is left; whether it is gone."""
    gone = _remove_rows(job, ROWS)
    rights.forget_gone(Job, Task)
    return gone


def _remove_rows(job: int, left: int) -> bool:
    for table in PARTS:
        order = "ORDER BY pk" if table == TASKS else ""
        some = f"SELECT pk FROM {table} WHERE job_id = ? {order} LIMIT ?"  # noqa: S608
        if table == TASKS:
            _drop_work(some, job, left)
        left -= db.execute(f"DELETE FROM {table} WHERE pk IN ({some})", job, left)  # noqa: S608
        if left <= 0:
            return False
    db.execute("DELETE FROM ngenea_job WHERE pk = ?", job)
    return True


def _drop_work(tasks: str, *parameters: int) -> None:
    """Forget what is queued for tasks: those that were cancelled may wait for workers that never come."""
    db.execute(
        "DELETE FROM core_work WHERE kind = ? AND state <> 'running'"  # noqa: S608
        f" AND key IN (SELECT CAST(pk AS TEXT) FROM ({tasks}) AS removed)",
        graph.WORK,
        *parameters,
    )
