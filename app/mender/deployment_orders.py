"""Ordering deployments: to devices, to a group, to all (mender 4.3)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import peewee

from app.core import clock, db, ids
from app.core.errors import BadRequest, Unprocessable
from app.mender import audit
from app.mender.deployments import words
from models.base import scoped, scoped_update
from models.mender.artifacts import Artifact
from models.mender.deployments import Deployment, DeviceDeployment

ROWS_A_STATEMENT: Final = 500
PARTS: Final = (
    "INSERT INTO mender_device_deployment (tenant_id, deployment_id, device_id, status, open, deployment_created)"
)
OF_ALL: Final = (
    f"{PARTS} SELECT ?, ?, d.id, 'pending', ?, CAST(? AS BIGINT) FROM mender_device d"  # noqa: S608
    " WHERE d.tenant_id = ? AND d.status = 'accepted'"
)
OF_GROUP: Final = (
    f"{PARTS} SELECT ?, ?, i.device_id, 'pending', ?, CAST(? AS BIGINT) FROM mender_inventory i"  # noqa: S608
    " WHERE i.tenant_id = ? AND i.group_name = ? AND i.status = 'accepted'"
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a user orders: an artifact name for devices, by whichever of `devices`, `group` and all is given."""

    name: str
    artifact_name: str
    devices: list[str] | None = None
    group: str | None = None
    retries: int = 0
    force_installation: bool = False
    start: datetime | None = None  # in the future, aware; None for now
    is_phased: bool = False


def start_of(phases: list[dict[str, Any]] | None) -> datetime | None:
    """When the one phase starts; None for now. Raises BadRequest for a time that no calendar has."""
    text = phases[0].get("start_ts") if phases else None
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        raise BadRequest("phases: start_ts is no time") from None


def create(tenant: str, order: Order) -> str:
    """Make a deployment and give its id; a device that stands twice counts once (mender 4.3).

    Raises Unprocessable when there is no such artifact, BadRequest for no device at all or a start in the past.
    """
    now = clock.now()
    if order.start is not None and order.start <= now:
        raise BadRequest("phases: start_ts is in the past")
    if not scoped(Artifact, tenant).where(Artifact.name == order.artifact_name).exists():
        raise Unprocessable("there is no artifact of that name")
    deployment = Deployment.create(
        tenant_id=tenant,
        id=ids.uuid(),
        name=order.name,
        artifact_name=order.artifact_name,
        words=f" {' '.join(words(f'{order.name} {order.artifact_name}'))} ",
        created=now,
        max_devices=0,
        start_ts=order.start,
        phase_id=ids.uuid() if order.is_phased else None,
        retries=order.retries,
        force_installation=order.force_installation,
        group_name=order.group,
    )
    count = _add_parts(deployment, order, order.start or now)
    if not count:
        raise BadRequest("no accepted device is in the group" if order.group else "no device is accepted")
    scoped_update(Deployment, tenant, max_devices=count, n_pending=count).where(
        Deployment.pk == deployment.pk
    ).execute()
    change = {"artifact_name": order.artifact_name, "device_count": count, "group": order.group}
    audit.note(tenant, "create", "deployment", deployment.id, order.name, change)
    return str(deployment.id)


def _add_parts(deployment: Deployment, order: Order, since: datetime) -> int:
    """A part for each device; how many. Those of a group or of all never leave the database."""
    tenant = deployment.tenant_id
    if order.devices is None:
        moment = clock.micros(since)
        if order.group is not None:
            return db.execute(OF_GROUP, tenant, deployment.pk, True, moment, tenant, order.group)
        return db.execute(OF_ALL, tenant, deployment.pk, True, moment, tenant)
    rows = [
        {"tenant_id": tenant, "deployment": deployment.pk, "device_id": device, "deployment_created": since}
        for device in dict.fromkeys(order.devices)
    ]
    for part in peewee.chunked(rows, ROWS_A_STATEMENT):
        DeviceDeployment.insert_many(part).execute()
    return len(rows)
