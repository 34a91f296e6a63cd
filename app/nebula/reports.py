"""What workers report of themselves: kept as sent, for a while, and read in pages (nebula 3, 7)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import orjson

from app.core import clock, db, schedule, work
from app.core.calls import Caller
from app.nebula import devices, rights
from app.nebula.definitions import Document

SECOND: Final = 1_000_000  # microseconds
LOW: Final = 2**44
BATCH: Final = 5000
COMPARISONS: Final = {"eq": "=", "ne": "<>", "gt": ">", "lt": "<", "gte": ">=", "lte": "<="}
READABLE: Final = (
    "device_group IN (SELECT r.name FROM nebula_right r JOIN nebula_user_group_member m ON m.group_id = r.group_id"
    " WHERE m.user_name = ? AND r.kind = 'device_groups')"
)

LIFETIME: Final = timedelta(hours=1)

_lifetime = LIFETIME


@dataclass(frozen=True)
class Query:
    """Which reports are asked for; None: any. `last_id` is that of the last report of the page before."""

    page_size: int
    hostname: str | None = None
    device_group: str | None = None
    created: int | None = None
    comparison: str = "eq"
    updated: bool | None = None
    last_id: str | None = None


def configure(lifetime: timedelta) -> None:
    """Keep a report for so long after it arrived; zero: for ever."""
    global _lifetime
    _lifetime = lifetime


def create(caller: Caller, report: Document) -> str:
    """Keep a report, and note that its device was seen; its id. Raises Forbidden (nebula 7)."""
    group = report["device_group"]
    if not rights.of(caller, "device_groups", group).level:
        raise rights.refusal()
    now = clock.micros(clock.now())
    found = db.rows(
        "INSERT INTO nebula_report (inserted_ts, device_group, hostname, created, updated, document)"
        " VALUES (?, ?, ?, ?, ?, ?) RETURNING pk",
        now,
        group,
        report["hostname"],
        report["report_creation_time"],
        report.get("updated", False),
        orjson.dumps(report).decode(),
    )
    devices.seen(report, now)
    return _id(now, found[0][0])


def page(caller: Caller, query: Query) -> tuple[list[Document] | None, str | None]:
    """The next reports that a caller may see, the oldest first, and the id of the last; None and None when none are."""
    wanted = _conditions(caller, query)
    rows = db.rows(
        "SELECT inserted_ts, pk, document FROM nebula_report WHERE "  # noqa: S608
        + (" AND ".join(text for text, _ in wanted) or "1 = 1")
        + " ORDER BY inserted_ts, pk LIMIT ?",
        *(value for _, values in wanted for value in values),
        query.page_size,
    )
    if not rows:
        return None, None
    reports = [
        {
            **orjson.loads(document),
            "_id": {"$oid": _id(inserted, pk)},
            "report_insert_date": {"$date": inserted // 1000},
        }
        for inserted, pk, document in rows
    ]
    return reports, reports[-1]["_id"]["$oid"]


def _conditions(caller: Caller, query: Query) -> list[tuple[str, tuple[Any, ...]]]:
    found: list[tuple[str, tuple[Any, ...]]] = []
    if _lifetime:
        found.append(("inserted_ts > ?", (clock.micros(clock.now() - _lifetime),)))
    if query.last_id is not None:
        found.append(("(inserted_ts, pk) > (?, ?)", _place(query.last_id)))
    if query.created is not None:
        found.append((f"created {COMPARISONS[query.comparison]} ?", (query.created,)))
    for column in ("hostname", "device_group", "updated"):
        if getattr(query, column) is not None:
            found.append((f"{column} = ?", (getattr(query, column),)))
    if not rights.of(caller).admin:
        found.append((READABLE, (caller.id,)))
    return found


def _id(inserted: int, pk: int) -> str:
    """24 hex digits that grow as reports arrive: the second, as in an ObjectId, its microseconds, the row."""
    return f"{inserted // SECOND:08x}{inserted % SECOND:05x}{pk % LOW:011x}"


def _place(last_id: str) -> tuple[int, int]:
    """(inserted_ts, pk) of an id."""
    return int(last_id[:8], 16) * SECOND + int(last_id[8:13], 16), int(last_id[13:], 16)


@schedule.scheduled("nebula.forget_reports", "*/10 * * * *")
def forget(unit: work.Unit) -> None:
    """Remove reports that nobody is shown any more, some at a time, and devices that were not seen for long."""
    devices.forget()
    if not _lifetime:
        return
    old = clock.micros(clock.now() - _lifetime)
    while True:
        with db.write():
            gone = db.execute(
                "DELETE FROM nebula_report WHERE pk IN (SELECT pk FROM nebula_report WHERE inserted_ts <= ?"
                " ORDER BY inserted_ts, pk LIMIT ?)",
                old,
                BATCH,
            )
        if gone < BATCH:
            return
        unit.check()
