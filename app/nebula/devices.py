"""The devices of a group, as their reports describe them: when each was seen, and whether it runs what it should."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson

from app.core import clock, db
from app.nebula import info
from app.nebula.definitions import Document

KEPT: Final = timedelta(days=7)  # a worker in a new container has a new name, and the old one is seen no more
NUMBERS: Final = ("device_group_id", "prune_id")


def seen(report: Document, now: int) -> None:
    """Note in the unit that is open what a report says; `now` in microseconds."""
    ids = _ids(report)
    db.execute(
        "INSERT INTO nebula_device (device_group, hostname, seen_ts, created, ids, ids_digest)"
        " VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (device_group, hostname) DO UPDATE SET seen_ts = excluded.seen_ts, created = excluded.created,"
        " ids = excluded.ids, ids_digest = excluded.ids_digest",
        report["device_group"],
        report["hostname"],
        now,
        report["report_creation_time"],
        orjson.dumps(ids).decode(),
        info.digest(ids),
    )


def _ids(report: Mapping[str, Any]) -> Document:
    """The ids in `current_device_group_config`, which is the answer that the worker goes by; what is no id is None."""
    reply = _member(_member(report, "current_device_group_config", dict), "reply", dict)
    numbers = {name: reply[name] if _is_id(reply.get(name)) else None for name in NUMBERS}
    return {**numbers, "apps": _named(reply, "apps", "app"), "cron_jobs": _named(reply, "cron_jobs", "cron_job")}


def _named(reply: Mapping[str, Any], member: str, kind: str) -> dict[str, int]:
    found = [entry for entry in _member(reply, member, list) if isinstance(entry, dict)]
    pairs: list[tuple[Any, Any]] = [(entry.get(f"{kind}_name"), entry.get(f"{kind}_id")) for entry in found]
    return {name: number for name, number in pairs if isinstance(name, str) and _is_id(number)}


def _member(value: Mapping[str, Any], name: str, kind: type) -> Any:
    found = value.get(name)
    return found if isinstance(found, kind) else kind()


def _is_id(value: Any) -> bool:
    return type(value) is int


def page(group: str, page_size: int, after: str | None, up_to_date: bool | None) -> tuple[list[Document], str | None]:
    """The devices of a group by hostname, and the last hostname when there are more. Raises Forbidden."""
    current = info.get(group).ids_digest
    wanted, values = "device_group = ? AND hostname > ?", [group, after or ""]
    if up_to_date is not None:
        wanted += f" AND ids_digest {'=' if up_to_date else '<>'} ?"
        values.append(current)
    rows = db.rows(
        "SELECT hostname, seen_ts, created, ids, ids_digest FROM nebula_device"  # noqa: S608
        f" WHERE {wanted} ORDER BY hostname LIMIT ?",
        *values,
        page_size + 1,
    )
    found = [
        {
            "hostname": hostname,
            "last_seen": clock.rfc3339(clock.from_micros(when)),
            "report_creation_time": created,
            "up_to_date": digest == current,
            **orjson.loads(ids),
        }
        for hostname, when, created, ids, digest in rows[:page_size]
    ]
    return found, found[-1]["hostname"] if len(rows) > page_size else None


def forget() -> None:
    """Remove the devices that were not seen for a week. Opens its own unit."""
    with db.write():
        db.execute("DELETE FROM nebula_device WHERE seen_ts <= ?", clock.micros(clock.now() - KEPT))
