"""Batches of paths that are being filled (ngenea 3.2).

The tasks of discovery of a job fill one batch of each rule together, so that many small folders make few batches. It is
a task that waits and that no worker has been told of; all else about it is counted from its rows. Workers are told when
it is full, when nothing more can come into it, or when they would have nothing to do. Every function belongs into a
write unit that holds the job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core import db
from app.ngenea import graph, job_paths
from app.ngenea.rules import Plan

SMALLEST: Final = 10  # paths of the first batch, where batches grow: every worker soon has one
DOUBLINGS: Final = 20  # after as many a batch has room for more than any site asks for


@dataclass
class _Batch:
    number: int
    limit: int
    count: int = 0
    size: int = 0

    def is_full(self, most_bytes: int) -> bool:
        return self.count >= self.limit or 0 < most_bytes <= self.size


def fill(job: int, finder: int, plan: Plan, rule: int, paths: Sequence[tuple[bytes, str, int]]) -> None:
    """Put paths that a task of discovery has found, (path, type, size) each, into batches of a rule."""
    action = plan.rules[rule].actions[0]
    while paths:
        batch = _waiting(job, finder, plan, rule) or _new(job, finder, plan, rule)
        count = 0
        while count < len(paths) and not batch.is_full(plan.batch_bytes):
            batch.count += 1
            batch.size += paths[count][2]
            count += 1
        job_paths.add(job, batch.number, paths[:count])
        paths = paths[count:]
        if batch.is_full(plan.batch_bytes):
            graph.release(action.site, action.queue, [batch.number])


def _waiting(job: int, finder: int, plan: Plan, rule: int) -> _Batch | None:
    """The batch that others have begun to fill: the newest, if no worker has been told of it."""
    found = db.row(
        "SELECT pk FROM ngenea_task WHERE job_id = ? AND state = 'PENDING' AND rule = ? AND step = 0"
        " ORDER BY pk DESC LIMIT 1",
        job,
        rule,
    )
    if found is None or graph.is_released(found[0]):
        return None
    number = found[0]
    graph.join(number, finder)
    filled = db.row("SELECT COUNT(*), COALESCE(SUM(size), 0) FROM ngenea_task_path WHERE task_id = ?", number)
    count, size = filled or (0, 0)
    return _Batch(number, _limit(job, plan, rule, number), count, int(size))


def _new(job: int, finder: int, plan: Plan, rule: int) -> _Batch:
    (number,) = graph.add(job, [graph.step(plan, rule, 0)], finder, dynamic=True).values()
    return _Batch(number, _limit(job, plan, rule, number))


def _limit(job: int, plan: Plan, rule: int, number: int) -> int:
    """How many paths a batch has: as the site says, or twice as many as the one before."""
    most = max(plan.batch_size, 1)
    if not plan.growing:
        return most
    before = db.rows(
        "SELECT 1 FROM ngenea_task WHERE job_id = ? AND rule = ? AND step = 0 AND pk < ? LIMIT ?",
        job,
        rule,
        number,
        DOUBLINGS,
    )
    return min(SMALLEST * 2 ** len(before), most)
