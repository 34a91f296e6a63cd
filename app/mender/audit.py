"""The audit log: who changed what, and when (mender 10). An entry is written in the unit of work that it tells of.

Who asked is known from `app.core.calls.under_way`; nobody is (`system`) for the command line and the server itself.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import orjson

from app.core import clock, db, schedule, work
from app.core.calls import under_way
from models.base import scoped
from models.mender.audit import AuditEntry

Kind = Literal["artifact", "deployment", "device", "group", "limit", "release", "settings", "token", "user"]
COLUMNS: Final = (
    "time",
    "action",
    "actor_type",
    "actor_id",
    "actor_email",
    "object_type",
    "object_id",
    "object_name",
    "change",
    "request_id",
)
# What makes a spreadsheet run a cell instead of showing it.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
ROWS_A_STATEMENT: Final = 500
INSERT: Final = (
    "INSERT INTO mender_audit_entry (tenant_id, time, actor_type, actor_id, actor_email, action, object_type,"
    " object_id, object_name, change, request_id) VALUES (?, ?, ?, ?,"
    " COALESCE((SELECT email FROM mender_user WHERE tenant_id = ? AND id = ?), ''), ?, ?, ?, ?, ?, ?)"
)
OLDEST: Final = (
    "DELETE FROM mender_audit_entry WHERE pk IN (SELECT pk FROM mender_audit_entry WHERE time < ? ORDER BY pk LIMIT ?)"
)

_keep: timedelta | None = None


def configure(days: int) -> None:
    """Keep entries for so many days; 0 for ever."""
    global _keep
    _keep = timedelta(days=days) if days else None


def note(
    tenant: str, action: str, kind: Kind, object_id: str, name: str = "", change: Mapping[str, Any] | None = None
) -> None:
    """Write down what is done in the caller's unit of work. `change` holds no secret: whoever reads the log sees it."""
    call = under_way.get()
    user_id = call.caller.id if call is not None and call.caller.kind == "user" else ""
    db.execute(
        INSERT,
        tenant,
        clock.micros(clock.now()),
        "user" if user_id else "system",
        user_id,
        tenant,
        user_id,
        action,
        kind,
        object_id,
        name,
        None if change is None else orjson.dumps(change).decode(),
        "" if call is None else call.request_id,
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """What entries shall be like; None for any. Times are Unix seconds, both inclusive."""

    actor_id: str | None = None
    actor_type: str | None = None
    actor_email: str | None = None
    action: str | None = None
    object_id: str | None = None
    object_type: str | None = None
    object_deployment_name: str | None = None
    created_after: int | None = None
    created_before: int | None = None


def _found(tenant: str, wanted: Filter) -> Any:
    query = scoped(AuditEntry, tenant)
    for name in ("actor_id", "actor_type", "actor_email", "action", "object_id", "object_type"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(getattr(AuditEntry, name) == value)
    if wanted.object_deployment_name is not None:
        query = query.where(
            AuditEntry.object_type == "deployment", AuditEntry.object_name == wanted.object_deployment_name
        )
    if wanted.created_after is not None:
        query = query.where(AuditEntry.time >= clock.from_seconds(wanted.created_after))
    if wanted.created_before is not None:
        query = query.where(AuditEntry.time < clock.from_seconds(wanted.created_before + 1))
    return query


def _ordered(query: Any, sort: str) -> Any:
    by = (AuditEntry.time, AuditEntry.pk)
    return query.order_by(*by) if sort == "asc" else query.order_by(*(field.desc() for field in by))


def list_entries(tenant: str, wanted: Filter, sort: str, page: int, per_page: int) -> tuple[list[dict[str, Any]], int]:
    """One page of entries, and how many there are on all."""
    query = _found(tenant, wanted)
    return [_describe(entry) for entry in _ordered(query, sort).paginate(page, per_page)], query.count()


def _describe(entry: AuditEntry) -> dict[str, Any]:
    actor = {"type": entry.actor_type}
    if entry.actor_id:
        actor |= {"id": entry.actor_id, "email": entry.actor_email}
    described = {
        "time": clock.rfc3339(entry.time),
        "action": entry.action,
        "actor": actor,
        "object": {"type": entry.object_type, "id": entry.object_id, "name": entry.object_name},
        "request_id": entry.request_id,
    }
    if entry.change is not None:
        described["change"] = entry.change
    return described


def export(tenant: str, wanted: Filter, sort: str, limit: int) -> str:
    """Entries as CSV (RFC 4180) with a line of names; a cell that a spreadsheet would run begins with an apostrophe."""
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    lines.writerows(map(_cells, _ordered(_found(tenant, wanted), sort).limit(limit).iterator()))
    return written.getvalue()


def _cells(entry: AuditEntry) -> list[str]:
    cells = {name: str(getattr(entry, name)) for name in COLUMNS}
    cells["time"] = clock.rfc3339(entry.time)
    cells["change"] = "" if entry.change is None else orjson.dumps(entry.change).decode()
    return [f"'{text}" if text.startswith(FORMULA) else text for text in cells.values()]


@schedule.scheduled("mender.forget_audit_entries", "23 4 * * *")
def forget(_: work.Unit) -> None:
    """Each night, remove the entries that are older than they shall be kept."""
    if _keep is None:
        return
    limit, gone = clock.micros(clock.now() - _keep), ROWS_A_STATEMENT
    while gone == ROWS_A_STATEMENT:
        with db.write():
            gone = db.execute(OLDEST, limit, ROWS_A_STATEMENT)
