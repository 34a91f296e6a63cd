"""Changes of what workers are told: one after the other, and seen by every process at once (nebula 4, 5)."""

from typing import Final

from app.core import db

LOCK: Final = 0x6E6562756C61  # any number that nothing else in this database locks


def begin() -> None:
    """Wait for other changes to end, on PostgreSQL too: nothing that a change has looked at changes under it.

    They are few and short, and one order for all of them is what makes a deadlock impossible. Inside write() only.
    """
    if db.is_postgres():
        db.row("SELECT pg_advisory_xact_lock(?)", LOCK)


def touch(kind: str, name: str, *, removed: bool = False) -> None:
    """What the workers of each group with this app or cron job are told has changed.

    `removed`: it is gone, and workers stop what a group does not list any more only when its id has grown.
    """
    db.execute(
        "UPDATE nebula_device_group SET revision = revision + 1, number = number + ? WHERE pk IN"
        " (SELECT group_id FROM nebula_device_group_member WHERE kind = ? AND name = ?)",
        int(removed),
        kind,
        name,
    )
