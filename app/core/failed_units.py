"""Units of work that failed for good: seen by operators, and queued again on their word (design section 5)."""

from dataclasses import dataclass

from app.core import clock, db, work


@dataclass(frozen=True, slots=True)
class Failed:
    """A unit that failed for good."""

    pk: int
    kind: str
    key: str
    attempts: int
    error: str


def oldest(limit: int = 100) -> list[Failed]:
    """The units that failed for good, the oldest first."""
    with db.read():
        rows = db.rows(
            "SELECT pk, kind, key, attempts, error FROM core_work WHERE state = 'failed' ORDER BY due_ts, pk LIMIT ?",
            limit,
        )
    return [Failed(*found) for found in rows]


def retry(pk: int) -> bool:
    """Queue a unit that failed for good once more; whether there was such a unit."""
    with db.write():
        changed = db.execute(
            "UPDATE core_work SET state = 'queued', attempts = 0, due_ts = ? WHERE pk = ? AND state = 'failed'",
            clock.micros(clock.now()),
            pk,
        )
        work.wake()
    return changed == 1
