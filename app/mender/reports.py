"""What devices report of a deployment: status and log (mender 4.7, 4.9)."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from app.core import clock
from app.core.errors import Conflict, NotFound
from app.mender import deployments
from app.mender.deployment_states import FINAL, PENDING, RETRIED, TAKEN_AWAY, accepts
from models.base import scoped
from models.mender.deployments import Deployment, DeploymentLog, DeviceDeployment

TIMESTAMP: Final = re.compile(r"(.{19})(?:\.([0-9]+))?(Z|z|[+-][0-9]{2}:[0-9]{2})")


def _part(tenant: str, deployment: Deployment, device_id: str) -> DeviceDeployment:
    """The device's part, once it has asked; raises NotFound."""
    part = (
        scoped(DeviceDeployment, tenant)
        .where(DeviceDeployment.deployment == deployment, DeviceDeployment.device_id == device_id)
        .get_or_none()
    )
    if part is None or part.created is None:
        raise NotFound("the device is not part of the deployment")
    return part


def update_status(tenant: str, device_id: str, deployment_id: str, status: str, substate: str | None) -> None:
    """Note what a device reports (mender 4.7). Raises NotFound; Conflict when the device's part has ended otherwise.

    A failure with retries left puts the part back to pending: the device gets it again when it asks.
    """
    deployment = deployments.find(tenant, deployment_id, lock=True)
    part = _part(tenant, deployment, device_id)
    if not accepts(part.status, status):
        taken = part.status in TAKEN_AWAY
        raise Conflict(f"the deployment was {part.status}" if taken else f"the device has ended with {part.status}")
    if part.status == PENDING and part.state == status == RETRIED:
        return  # said again, for want of an answer
    now = clock.now()
    before = part.status
    part.status = part.state = status
    part.substate = substate if substate is not None else part.substate
    part.started = part.started or now
    if status == "failure" and before != status and part.attempts < deployment.retries:
        part.status, part.attempts = PENDING, part.attempts + 1
    elif status in FINAL:
        part.open, part.finished = False, part.finished or now
    part.save()
    if before != part.status:
        deployments.settle(deployment.pk, before, part.status)


def store_log(tenant: str, device_id: str, deployment_id: str, messages: list[dict[str, Any]]) -> None:
    """Keep a device's log; a second one replaces the first (mender 4.9). Raises NotFound."""
    part = _part(tenant, deployments.find(tenant, deployment_id), device_id)
    kept = [{key: message[key] for key in ("timestamp", "level", "message")} for message in messages]
    text = orjson.dumps(kept).decode()
    DeploymentLog.insert(tenant_id=tenant, device_deployment=part, messages=text).on_conflict(
        conflict_target=[DeploymentLog.device_deployment], update={DeploymentLog.messages: text}
    ).execute()


def read_log(tenant: str, device_id: str, deployment_id: str) -> str:
    """A device's log, one line per message (mender 4.9); raises NotFound when there is none."""
    deployment = deployments.find(tenant, deployment_id)
    log = (
        scoped(DeploymentLog, tenant)
        .join(DeviceDeployment)
        .where(DeviceDeployment.deployment == deployment, DeviceDeployment.device_id == device_id)
        .get_or_none()
    )
    if log is None:
        raise NotFound("there is no log")
    return "".join(
        f"{go_time(message['timestamp'])} {message['level']}: {message['message']}\n"
        for message in orjson.loads(log.messages)
    )


def go_time(text: str) -> str:
    """An RFC 3339 time as Go prints it: `2016-03-11 13:03:17.063493443 +0000 UTC`, the fraction as short as it goes."""
    match = TIMESTAMP.fullmatch(text)
    if match is None:
        return text
    try:
        moment = datetime.fromisoformat(match[1] + match[3].upper().replace("Z", "+00:00")).astimezone(UTC)
    except (ValueError, OverflowError):
        # A leap second, or a time that UTC puts before year 1 or after 9999.
        return text
    fraction = (match[2] or "")[:9].rstrip("0")
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (f".{fraction}" if fraction else "") + " +0000 UTC"
