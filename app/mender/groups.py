"""Groups of devices in the inventory: a group exists as long as a device is in it (mender 3.3)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import peewee

from app.core import db
from app.core.errors import NotFound
from app.mender import audit, counters
from app.mender.device_document import Row, dump, load, locked_all, put

GROUP: Final = ("system", "group")
ROWS_A_STATEMENT: Final = 500
# A group may be of a million devices: its counter says whether it exists, the index whether a status occurs in it.
GROUPS: Final = (
    "SELECT c.key FROM mender_counter c WHERE c.tenant_id = ? AND c.kind = 'inventory_group'"
    " GROUP BY c.key HAVING SUM(c.n) > 0"
)
WITH_STATUS: Final = (
    f"SELECT g.key FROM ({GROUPS}) g WHERE EXISTS (SELECT 1 FROM mender_inventory i"  # noqa: S608
    " WHERE i.tenant_id = ? AND i.group_name = g.key AND i.status = ?)"
)

FIRST: Final = (
    "SELECT device_id FROM mender_inventory WHERE tenant_id = ? AND group_name = ? ORDER BY device_id LIMIT ?"
)


def names(tenant: str, status: str | None) -> list[str]:
    """All groups, or those with a device of a status, sorted by code point."""
    found = db.rows(GROUPS, tenant) if status is None else db.rows(WITH_STATUS, tenant, tenant, status)
    return sorted(name for (name,) in found)


def get(tenant: str, device_id: str) -> str | None:
    """The group of a device, None for none; raises NotFound."""
    found = db.row("SELECT group_name FROM mender_inventory WHERE tenant_id = ? AND device_id = ?", tenant, device_id)
    if found is None:
        raise NotFound("there is no such device")
    return None if found[0] is None else str(found[0])


def set_group(tenant: str, device_id: str, group: str) -> None:
    """Put a device into a group; it leaves the one it was in. Raises NotFound."""
    if not add_all(tenant, group, [device_id])["matched_count"]:
        raise NotFound("there is no such device")


def remove(tenant: str, device_id: str, group: str) -> None:
    """Take a device out of a group; raises NotFound, also when it is not in that one."""
    if not remove_all(tenant, group, [device_id])["matched_count"]:
        raise NotFound("there is no such device in the group")


def members(tenant: str, group: str, page: int, per_page: int) -> tuple[list[str], int]:
    """One page of the sorted ids of a group's devices, and how many there are. Raises NotFound for an empty group."""
    total = counters.total(tenant, "inventory_group", group)
    if not total:
        raise NotFound("there is no such group")
    found = db.rows(
        "SELECT device_id FROM mender_inventory WHERE tenant_id = ? AND group_name = ?"
        " ORDER BY device_id LIMIT ? OFFSET ?",
        tenant,
        group,
        per_page,
        (page - 1) * per_page,
    )
    return [device_id for (device_id,) in found], total


def add_all(tenant: str, group: str, device_ids: Iterable[str]) -> dict[str, int]:
    """Put devices into a group: how many are known, how many really changed. Other ids are passed over."""
    return _noted(tenant, group, "added", _move_all(tenant, device_ids, group, lambda row: True))


def remove_all(tenant: str, group: str, device_ids: Iterable[str]) -> dict[str, int]:
    """Take devices out of a group; those that are not in it are passed over."""
    return _noted(tenant, group, "removed", _move_all(tenant, device_ids, None, lambda row: row.group == group))


def _noted(tenant: str, group: str, what: str, counts: dict[str, int]) -> dict[str, int]:
    if counts["updated_count"]:
        audit.note(tenant, "update", "group", group, group, {what: counts["updated_count"]})
    return counts


def dissolve(tenant: str, group: str) -> None:
    """Have all devices leave a group. Opens its own units, for a part of it each. Raises NotFound for an empty one."""
    with db.read():
        found, _ = members(tenant, group, 1, ROWS_A_STATEMENT)
    while found:
        with db.write():
            remove_all(tenant, group, found)
            found = [row[0] for row in db.rows(FIRST, tenant, group, ROWS_A_STATEMENT)]


def _move_all(
    tenant: str, device_ids: Iterable[str], group: str | None, meant: Callable[[Row], bool]
) -> dict[str, int]:
    matched = updated = 0
    changes: Counter[tuple[counters.Kind, str]] = Counter()
    for part in peewee.chunked(sorted(set(device_ids)), ROWS_A_STATEMENT):
        rows = [row for row in locked_all(tenant, part) if meant(row)]
        moving = [row for row in rows if row.group != group]
        _write(moving, group)
        matched, updated = matched + len(rows), updated + len(moving)
        for row in moving:
            changes.update(_counts(row, group))
    # Counters come last: whoever holds one of them waits for no device any more.
    counters.bump(tenant, changes)
    return {"updated_count": updated, "matched_count": matched}


def _counts(row: Row, group: str | None) -> dict[tuple[counters.Kind, str], int]:
    """What a device's move changes in the counters."""
    changes: dict[tuple[counters.Kind, str], int] = {}
    if row.group is not None:
        changes["inventory_group", row.group] = -1
    if group is not None:
        changes["inventory_group", group] = 1
    return changes


def _write(rows: Sequence[Row], group: str | None) -> None:
    """Give rows that are held another group, by one statement; the document shows it among the system attributes."""
    if not rows:
        return
    params: list[Any] = []
    for row in rows:
        document = load(row.document)
        document.pop(GROUP, None)
        if group is not None:
            put(document, *GROUP, group)
        params += [row.pk, dump(row.device_id, document, row.updated)]
    values = ", ".join(["(CAST(? AS BIGINT), ?)"] * len(rows))
    db.execute(
        f"WITH moved (pk, document) AS (VALUES {values}) UPDATE mender_inventory SET group_name = ?,"  # noqa: S608
        " document = (SELECT m.document FROM moved m WHERE m.pk = mender_inventory.pk)"
        " WHERE pk IN (SELECT m.pk FROM moved m)",
        *params,
        group,
    )
