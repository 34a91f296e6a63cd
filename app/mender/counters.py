"""Totals kept up to date by whoever changes what they count, bumped in SQL (design section 4, fleet size)."""

import threading
from collections.abc import Mapping
from typing import Final, Literal

from app.core import db

Kind = Literal["device", "inventory", "inventory_status", "inventory_group"]

SHARDS: Final = 8
BUMP: Final = (
    "INSERT INTO mender_counter (tenant_id, kind, key, shard, n) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (tenant_id, kind, key, shard) DO UPDATE SET n = mender_counter.n + excluded.n"
)


def bump(tenant: str, changes: Mapping[tuple[Kind, str], int]) -> None:
    """Add to several counters; in one order for all callers, so that two never wait for each other in a ring."""
    shard = threading.get_native_id() % SHARDS
    for (kind, key), by in sorted(changes.items()):
        if by:
            db.execute(BUMP, tenant, kind, key, shard, by)


def total(tenant: str, kind: Kind, key: str | None = None) -> int:
    """The count of one key, or of all keys of a kind."""
    if key is None:
        found = db.row("SELECT SUM(n) FROM mender_counter WHERE tenant_id = ? AND kind = ?", tenant, kind)
    else:
        found = db.row(
            "SELECT SUM(n) FROM mender_counter WHERE tenant_id = ? AND kind = ? AND key = ?", tenant, kind, key
        )
    return int(found[0] or 0) if found else 0
