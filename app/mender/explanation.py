"""Why a device gets a deployment or does not, rule by rule (beyond upstream; mender 4.5, 4.6, 9.8).

The rules are those of `assignment`, in its order. What a device has installed is known from its inventory; what it will
say when it asks may differ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.core import clock, db
from app.mender import assignment, deployments
from app.mender.deployments import status_now
from models.base import scoped
from models.mender.artifacts import Artifact
from models.mender.deployments import Deployment, DeviceDeployment
from models.mender.devauth import Device


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule: whether it is met (None where the device has not said enough), and what was found."""

    rule: str
    met: bool | None
    detail: str


def explain(tenant: str, deployment_id: str, device_id: str) -> dict[str, Any]:
    """Each rule, and what follows: `gets` is true, false, or null where it depends on what the device will say.

    Raises NotFound for an unknown deployment. What comes after a rule that is not met is not judged.
    """
    deployment = deployments.find(tenant, deployment_id)
    verdicts: list[Verdict] = []
    for verdict in _judge(tenant, deployment, device_id):
        verdicts.append(verdict)
        if verdict.met is False:
            break
    last = verdicts[-1]
    gets = None if last.met is not False and any(verdict.met is None for verdict in verdicts) else last.met is not False
    unsure = next((verdict.detail for verdict in verdicts if verdict.met is None), "")
    reason = last.detail if last.met is False else unsure or "it gets the deployment when it asks next"
    listed = [{"rule": verdict.rule, "met": verdict.met, "detail": verdict.detail} for verdict in verdicts]
    return {"gets": gets, "reason": reason, "rules": listed}


def _judge(tenant: str, deployment: Deployment, device_id: str) -> Iterator[Verdict]:
    device = scoped(Device, tenant).where(Device.id == device_id).get_or_none()
    found = "not known" if device is None else device.status
    yield Verdict("device-accepted", found == "accepted", f"the device is {found}: only an accepted one may ask")
    query = scoped(DeviceDeployment, tenant).where(DeviceDeployment.device_id == device_id)
    part = query.where(DeviceDeployment.deployment == deployment).get_or_none()
    target = "is" if part is not None else "is not"
    yield Verdict("device-targeted", part is not None, f"the device {target} among those the deployment is for")
    assert part is not None
    yield Verdict("deployment-open", deployment.status != "finished", f"the deployment is {status_now(deployment)}")
    start = deployment.start_ts or deployment.created
    yield Verdict("deployment-started", start <= clock.now(), f"the deployment starts at {clock.rfc3339(start)}")
    yield Verdict("part-open", part.open, f"the device's part is {part.status}")
    yield from _order(query, part)
    yield from _artifact(tenant, deployment, part, _provides(tenant, device_id))


def _order(query: Any, part: DeviceDeployment) -> Iterator[Verdict]:
    """A device gets its deployments in the order they were made, and none older than one it has ended."""
    mine: datetime = part.deployment_created
    begun = DeviceDeployment.finished >= DeviceDeployment.deployment_created  # not aborted before its start
    ended = query.where(~DeviceDeployment.open, begun, DeviceDeployment.deployment_created > mine).first()
    newer = "no newer deployment" if ended is None else f"the newer deployment {ended.deployment.id}"
    yield Verdict("newer-than-ended", ended is None, f"the device has ended {newer}")
    waiting = query.where(DeviceDeployment.open, DeviceDeployment.deployment_created <= clock.now())
    first = waiting.order_by(DeviceDeployment.deployment_created, DeviceDeployment.pk).first()
    mine_is_first = first is not None and first.pk == part.pk
    before = "none is" if mine_is_first or first is None else f"deployment {first.deployment.id} is"
    yield Verdict("first-in-line", mine_is_first, f"of the device's open deployments {before} before this one")


def _provides(tenant: str, device_id: str) -> dict[str, str]:
    """What the device's inventory says it has, as far as it says so."""
    row = db.row("SELECT document FROM mender_inventory WHERE tenant_id = ? AND device_id = ?", tenant, device_id)
    listed = orjson.loads(row[0])["attributes"] if row is not None else []
    return {a["name"]: a["value"] for a in listed if a["scope"] == "inventory" and isinstance(a["value"], str)}


def _artifact(
    tenant: str, deployment: Deployment, part: DeviceDeployment, provides: dict[str, str]
) -> Iterator[Verdict]:
    named = list(scoped(Artifact, tenant).where(Artifact.name == deployment.artifact_name))
    count = f"{len(named)} artifacts are called {deployment.artifact_name}"
    yield Verdict("artifact-exists", bool(named), count)
    kind = provides.get("device_type", part.device_type)
    if kind is None:
        yield Verdict("device-type", None, "the device has not said of which type it is")
        return
    fitting = [artifact for artifact in named if kind in artifact.device_types]
    yield Verdict("device-type", bool(fitting), f"{len(fitting)} of them suit a {kind}")
    has = {"artifact_name": "", **provides, "device_type": kind}
    wanted = sorted({key for artifact in fitting for key in artifact.depends} - {"device_type"})
    unsaid = [key for key in wanted if key not in provides]
    chosen = assignment.choose(tenant, deployment.artifact_name, has, use_depends=True)
    met = True if chosen is not None else None if unsaid else False
    words = ", ".join(f"{key} ({provides.get(key, 'not said')})" for key in wanted) or "nothing else"
    yield Verdict("depends", met, f"they depend on {words}")
    installed = provides.get("artifact_name")
    same = installed == deployment.artifact_name and part.status == "pending"
    forced = ", and it is installed again" if deployment.force_installation else ""
    told = "has not said what it has installed" if installed is None else f"has {installed} installed{forced}"
    unknown = installed is None and not deployment.force_installation
    needed = None if unknown else not same or deployment.force_installation
    yield Verdict("not-installed", needed, f"the device {told}")
