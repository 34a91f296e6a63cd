"""Limits of a tenant: accepted devices, bytes of artifacts. 0, as where none was set, is none (mender 2.6, 4.2)."""

from typing import Final, Literal, get_args

from app.core import db
from app.core.errors import PayloadTooLarge
from app.mender import audit, counters

Name = Literal["max_devices", "storage"]
NAMES: Final[tuple[Name, ...]] = get_args(Name)
SELECT: Final = "SELECT value FROM mender_limit WHERE tenant_id = ? AND name = ?"


def get(tenant: str, name: Name) -> int:
    """The limit: devices, or bytes; 0 for none."""
    found = db.row(SELECT, tenant, name)
    return int(found[0]) if found else 0


def put(tenant: str, name: Name, value: int) -> None:
    """Set a limit. What a tenant has beyond it already stays."""
    if not 0 <= value < 2**63:
        raise ValueError("a limit is 0 (none) or more")
    db.execute(
        "INSERT INTO mender_limit (tenant_id, name, value) VALUES (?, ?, ?)"
        " ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value",
        tenant,
        name,
        value,
    )
    audit.note(tenant, "update", "limit", name, change={"value": value})


def _hold(tenant: str, name: Name) -> int:
    """The limit, held until the unit ends: of two that want the last place the second waits, and sees it taken."""
    found = db.row(SELECT + (" FOR UPDATE" if db.is_postgres() else ""), tenant, name)
    return int(found[0]) if found else 0


def usage(tenant: str) -> int:
    """Bytes of all artifacts."""
    found = db.row("SELECT COALESCE(SUM(size), 0) FROM mender_artifact WHERE tenant_id = ?", tenant)
    return int(found[0]) if found else 0


def check_storage(tenant: str, size: int, *, hold: bool = False) -> None:
    """Raises PayloadTooLarge when `size` bytes more are too many; with `hold` nobody else adds until the unit ends."""
    limit = _hold(tenant, "storage") if hold else get(tenant, "storage")
    if limit and usage(tenant) + size > limit:
        raise PayloadTooLarge(f"the artifacts would take more than {limit} bytes, the limit of storage")


def device_fits(tenant: str) -> bool:
    """Whether one more device may be accepted; only accepted ones count. The caller's unit accepts it."""
    limit = _hold(tenant, "max_devices")
    return not limit or counters.total(tenant, "device", "accepted") < limit
