"""Deployments: creation, lists, abort and statistics (mender 4.3, 4.7, 4.8, 4.10)."""

import re
from typing import Any, Final

import peewee

from app.core import clock, db
from app.core.errors import NotFound, Unprocessable
from app.mender import audit
from app.mender.deployment_states import ALL, column
from models.base import scoped
from models.mender.artifacts import Artifact
from models.mender.deployments import Deployment, DeploymentLog, DeviceDeployment

WORD: Final = re.compile(r"\w+")
MAX_WORDS: Final = 20


def words(text: str) -> list[str]:
    """What the search of deployments compares."""
    return WORD.findall(text.casefold())


def list_deployments(
    tenant: str,
    status: str | None,
    search: str | None,
    created_before: int | None,
    created_after: int | None,
    page: int,
    per_page: int,
) -> tuple[list[dict[str, Any]], int]:
    """One page, newest first, and how many there are in all (mender 4.10). Bounds are Unix seconds, inclusive."""
    query = scoped(Deployment, tenant)
    if status is not None:
        query = query.where(_has_status(status))
    if created_before is not None:
        query = query.where(Deployment.created < clock.from_seconds(created_before + 1))
    if created_after is not None:
        query = query.where(Deployment.created >= clock.from_seconds(created_after))
    for word in words(search or "")[:MAX_WORDS]:
        query = query.where(
            peewee.fn.INSTR(Deployment.words, f" {word} ") > 0
            if not db.is_postgres()
            else peewee.fn.STRPOS(Deployment.words, f" {word} ") > 0
        )
    if search and not words(search):
        return [], 0
    total = query.count()
    found = list(query.order_by(Deployment.created.desc(), Deployment.id.desc()).paginate(page, per_page))
    return described(tenant, found), total


def _has_status(status: str) -> Any:
    """The condition of a status; scheduled is pending with a start in the future."""
    later = Deployment.start_ts > clock.now()
    if status == "scheduled":
        return (Deployment.status == "pending") & later
    if status == "pending":
        return (Deployment.status == "pending") & (Deployment.start_ts.is_null() | ~later)
    return Deployment.status == status


def described(tenant: str, deployments: list[Deployment]) -> list[dict[str, Any]]:
    """Deployments as users see them; the artifacts of all by one query."""
    artifacts: dict[str, list[str]] = {deployment.artifact_name: [] for deployment in deployments}
    if artifacts:
        named = scoped(Artifact, tenant, Artifact.name, Artifact.id).where(Artifact.name.in_(list(artifacts)))
        for name, artifact_id in named.order_by(Artifact.id).tuples():
            artifacts[name].append(artifact_id)
    return [_describe(deployment, artifacts[deployment.artifact_name]) for deployment in deployments]


def status_now(deployment: Deployment) -> str:
    """The status that users see."""
    waits = deployment.status == "pending" and deployment.start_ts is not None and deployment.start_ts > clock.now()
    return "scheduled" if waits else str(deployment.status)


def _describe(deployment: Deployment, artifacts: list[str]) -> dict[str, Any]:
    described = {
        "id": deployment.id,
        "name": deployment.name,
        "artifact_name": deployment.artifact_name,
        "status": status_now(deployment),
        "created": clock.rfc3339(deployment.created),
        "device_count": deployment.max_devices,
        "max_devices": deployment.max_devices,
        "artifacts": artifacts,
        "retries": deployment.retries,
        "force_installation": deployment.force_installation,
        "groups": [] if deployment.group_name is None else [deployment.group_name],
    }
    if deployment.finished is not None:
        described["finished"] = clock.rfc3339(deployment.finished)
    if deployment.phase_id is not None:
        described["phases"] = [_phase(deployment)]
    return described


def _phase(deployment: Deployment) -> dict[str, Any]:
    """The one phase of a deployment that was given a start."""
    start = clock.rfc3339(deployment.start_ts or deployment.created)
    asked = deployment.max_devices - deployment.n_pending
    return {"id": deployment.phase_id, "batch_size": 100, "start_ts": start, "device_count": asked}


def find(tenant: str, deployment_id: str, *, lock: bool = False) -> Deployment:
    """The deployment, held until the unit ends when `lock`; raises NotFound."""
    query = scoped(Deployment, tenant).where(Deployment.id == deployment_id.lower())
    deployment = (db.for_update(query) if lock else query).get_or_none()
    if deployment is None:
        raise NotFound("there is no such deployment")
    return deployment


def get(tenant: str, deployment_id: str) -> dict[str, Any]:
    """One deployment; raises NotFound."""
    return described(tenant, [find(tenant, deployment_id)])[0]


def statistics(tenant: str, deployment_id: str) -> dict[str, int]:
    """Devices by status, all statuses (mender 4.7); raises NotFound."""
    deployment = find(tenant, deployment_id)
    return {status: getattr(deployment, column(status)) for status in ALL}


def abort(tenant: str, deployment_id: str) -> None:
    """End a deployment now: devices without a final status become aborted (mender 4.8). Raises NotFound, Unprocessable.

    The deployment's row is taken before any device's, here and by every report: so the two never wait in a ring.
    """
    deployment = find(tenant, deployment_id, lock=True)
    if deployment.status == "finished":
        raise Unprocessable("the deployment has finished already")
    now = clock.micros(clock.now())
    db.execute(
        "UPDATE mender_device_deployment SET status = 'aborted', open = ?, finished = ?"
        " WHERE deployment_id = ? AND open = ?",
        False,
        now,
        deployment.pk,
        True,
    )
    db.execute(
        "UPDATE mender_deployment SET status = 'finished', finished = ?,"
        " n_aborted = n_aborted + n_pending + n_downloading + n_installing + n_rebooting,"
        " n_pending = 0, n_downloading = 0, n_installing = 0, n_rebooting = 0 WHERE pk = ?",
        now,
        deployment.pk,
    )
    audit.note(tenant, "abort", "deployment", deployment.id, deployment.name)


def list_devices(tenant: str, deployment_id: str) -> list[dict[str, Any]]:
    """The devices that have asked, by when they did (mender 4.7); raises NotFound. Two queries."""
    deployment = find(tenant, deployment_id)
    query = (
        DeviceDeployment.select(DeviceDeployment, DeploymentLog.pk.alias("log_pk"))
        .join(DeploymentLog, peewee.JOIN.LEFT_OUTER)
        .where(DeviceDeployment.deployment == deployment, DeviceDeployment.created.is_null(False))
        .order_by(DeviceDeployment.created, DeviceDeployment.device_id)
    )
    return [describe_device(part) for part in query.objects()]


def describe_device(part: Any) -> dict[str, Any]:
    """A device's part as users see it; `part.log_pk` says whether there is a log."""
    described: dict[str, Any] = {"id": part.device_id, "status": part.status, "log": part.log_pk is not None}
    for name in ("created", "started", "finished"):
        moment = getattr(part, name)
        if moment is not None:
            described[name] = clock.rfc3339(moment)
    for name in ("device_type", "state", "substate"):
        if getattr(part, name) is not None:
            described[name] = getattr(part, name)
    return described


def list_device_ids(tenant: str, deployment_id: str) -> list[str]:
    """The ids of all devices it was made for, sorted; raises NotFound."""
    deployment = find(tenant, deployment_id)
    query: Any = DeviceDeployment.select(DeviceDeployment.device_id).where(DeviceDeployment.deployment == deployment)
    return [device_id for (device_id,) in query.order_by(DeviceDeployment.device_id).tuples()]


def settle(deployment_pk: int, before: str, after: str) -> None:
    """Count one device from a status to another and bring the deployment's own status in line, in one statement.

    The caller holds the deployment's row. `finished` is set once, when the last device has ended (mender 4.7).
    """
    finals = "n_success + n_failure + n_noartifact + n_already_installed + n_aborted + n_decommissioned"
    db.execute(
        f"UPDATE mender_deployment SET {column(before)} = {column(before)} - 1, {column(after)} = {column(after)} + 1"  # noqa: S608
        " WHERE pk = ?",
        deployment_pk,
    )
    db.execute(
        f"UPDATE mender_deployment SET finished = CASE WHEN {finals} >= max_devices THEN ? ELSE NULL END,"  # noqa: S608
        f" status = CASE WHEN {finals} >= max_devices THEN 'finished'"
        " WHEN n_pending < max_devices THEN 'inprogress' ELSE status END WHERE pk = ? AND finished IS NULL",
        clock.micros(clock.now()),
        deployment_pk,
    )


def device_gone(tenant: str, device_id: str, status: str = "decommissioned") -> None:
    """Take a device out of its open deployments: it was decommissioned, or a user aborts it there (mender 2.4, 4.8)."""
    open_parts = (
        "SELECT p.pk, p.deployment_id FROM mender_device_deployment p"
        " WHERE p.tenant_id = ? AND p.device_id = ? AND p.open = ? ORDER BY p.deployment_id"
    )
    for part_pk, deployment_pk in db.rows(open_parts, tenant, device_id, True):
        db.for_update(Deployment.select().where(Deployment.pk == deployment_pk)).get()
        found = db.row("SELECT status FROM mender_device_deployment WHERE pk = ? AND open = ?", part_pk, True)
        if found is None:
            continue
        db.execute(
            "UPDATE mender_device_deployment SET status = ?, open = ?, finished = ? WHERE pk = ?",
            status,
            False,
            clock.micros(clock.now()),
            part_pk,
        )
        settle(deployment_pk, found[0], status)
    if status == "aborted":
        audit.note(tenant, "abort_deployments", "device", device_id)


def artifact_in_use(tenant: str, artifact_pk: int, name: str, *, active_only: bool) -> bool:
    """Whether a deployment uses an artifact: one by its name, or a device's part that was given it."""
    by_name = scoped(Deployment, tenant).where(Deployment.artifact_name == name)
    if active_only:
        by_name = by_name.where(Deployment.status != "finished")
    if by_name.exists():
        return True
    return not active_only and DeviceDeployment.select().where(DeviceDeployment.artifact == artifact_pk).exists()
