"""Pages of devices in deployments, and of the deployments of a device (mender 4.7, 10)."""

from collections.abc import Sequence
from typing import Any, Final

import peewee

from app.mender import deployments
from app.mender.deployment_states import ALL, FINAL, ON_THE_WAY, column
from models.base import scoped
from models.mender.deployments import Deployment, DeploymentLog, DeviceDeployment

# Words for several statuses at once.
SEVERAL: Final = {"active": ("pending", *ON_THE_WAY), "finished": FINAL}


def _with_log(*models: Any) -> Any:
    return DeviceDeployment.select(DeviceDeployment, DeploymentLog.pk.alias("log_pk"), *models).join(
        DeploymentLog, peewee.JOIN.LEFT_OUTER
    )


def _of_status(query: Any, status: str | None) -> Any:
    return query if status is None else query.where(DeviceDeployment.status.in_(SEVERAL.get(status, (status,))))


def list_devices(
    tenant: str, deployment_id: str, status: str | None, page: int, per_page: int
) -> tuple[list[dict[str, Any]], int]:
    """One page of the devices that have asked, by id, and how many there are; raises NotFound."""
    deployment = deployments.find(tenant, deployment_id)
    query = _with_log().where(DeviceDeployment.deployment == deployment, DeviceDeployment.created.is_null(False))
    query = _of_status(query, status)
    found = query.order_by(DeviceDeployment.device_id).paginate(page, per_page).objects()
    return [deployments.describe_device(part) for part in found], query.count()


def list_deployments(
    tenant: str, device_id: str, status: str | None, page: int, per_page: int
) -> tuple[list[dict[str, Any]], int]:
    """One page of a device's parts with their deployments, the newest first, and how many there are. Four queries."""
    query = _of_status(_with_log().where(DeviceDeployment.tenant_id == tenant), status)
    query = query.where(DeviceDeployment.device_id == device_id)
    order = (DeviceDeployment.deployment_created.desc(), DeviceDeployment.pk.desc())
    parts = list(query.order_by(*order).paginate(page, per_page).objects())
    wanted = {part.deployment_id for part in parts}
    rows = list(scoped(Deployment, tenant).where(Deployment.pk.in_(wanted))) if wanted else []
    shown = dict(zip((row.pk for row in rows), deployments.described(tenant, rows), strict=True))
    listed = [{"deployment": shown[part.deployment_id], "device": deployments.describe_device(part)} for part in parts]
    return listed, query.count()


def statistics(tenant: str, deployment_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Devices by status of several deployments, in the order asked; those that are not known are left out."""
    wanted = [deployment_id.lower() for deployment_id in deployment_ids]
    rows = {row.id: row for row in scoped(Deployment, tenant).where(Deployment.id.in_(wanted))}
    return [
        {"id": row.id, "stats": {status: getattr(row, column(status)) for status in ALL}}
        for row in (rows[deployment_id] for deployment_id in dict.fromkeys(wanted) if deployment_id in rows)
    ]
