"""Which deployment a device gets next, and which artifact of it (mender 4.6)."""

from typing import Any, Final

from app.core import clock, db
from app.mender import deployments, links
from app.mender.deployment_states import RETRIED
from models.base import scoped
from models.mender.artifacts import Artifact
from models.mender.deployments import Deployment, DeviceDeployment

# The oldest open part of a deployment that has started, newer than the newest one this device has ended. One that was
# aborted before its start is none of those: it never concerned the device.
NEXT: Final = (
    "SELECT p.pk, p.deployment_id FROM mender_device_deployment p"
    " WHERE p.tenant_id = ? AND p.device_id = ? AND p.open = ? AND p.deployment_created <= ?"
    " AND p.deployment_created >= COALESCE("
    "(SELECT f.deployment_created FROM mender_device_deployment f"
    " WHERE f.tenant_id = ? AND f.device_id = ? AND f.open = ? AND f.finished >= f.deployment_created"
    " ORDER BY f.deployment_created DESC LIMIT 1), 0)"
    " ORDER BY p.deployment_created, p.pk LIMIT 1"
)


def next_deployment(
    tenant: str, device_id: str, provides: dict[str, str], base_url: str, *, use_depends: bool
) -> dict[str, Any] | None:
    """What the device shall install now, None for nothing. Opens its own units; a poll for nothing writes nothing.

    `provides` holds device_type, artifact_name and what else the device says it has.
    """
    with db.read():
        found = db.row(NEXT, tenant, device_id, True, clock.micros(clock.now()), tenant, device_id, False)
    if found is None:
        return None
    with db.write():
        assigned = _assign(tenant, found, provides, use_depends)
    if assigned is None:
        return None
    deployment_id, artifact = assigned
    return {
        "id": deployment_id,
        "artifact": {
            "id": artifact.id,
            "artifact_name": artifact.name,
            "device_types_compatible": artifact.device_types,
            "source": links.make(tenant, artifact, base_url, links.DEVICE),
        },
    }


def _assign(
    tenant: str, found: tuple[int, int], provides: dict[str, str], use_depends: bool
) -> tuple[str, Artifact] | None:
    part_pk, deployment_pk = found
    deployment = db.for_update(Deployment.select().where(Deployment.pk == deployment_pk)).get()
    part = DeviceDeployment.select().where(DeviceDeployment.pk == part_pk, DeviceDeployment.open).get_or_none()
    if part is None:
        # Aborted or ended since it was looked up; the device asks again soon.
        return None
    if part.created is None or part.state == RETRIED:
        part.created, part.device_type, part.state = part.created or clock.now(), provides["device_type"], None
        part.save(only=[DeviceDeployment.created, DeviceDeployment.device_type, DeviceDeployment.state])
    artifact = part.artifact or choose(tenant, deployment.artifact_name, provides, use_depends=use_depends)
    if artifact is None:
        _end(part, "noartifact")
        return None
    installed = part.status == "pending" and provides["artifact_name"] == artifact.name
    if installed and not deployment.force_installation:
        _end(part, "already-installed")
        return None
    if part.artifact_id != artifact.pk:
        part.artifact = artifact
        part.save(only=[DeviceDeployment.artifact])
    return deployment.id, artifact


def choose(tenant: str, name: str, provides: dict[str, str], *, use_depends: bool) -> Artifact | None:
    """The smallest artifact of a name that suits the device, by id where sizes are equal."""
    named = scoped(Artifact, tenant).where(Artifact.name == name).order_by(Artifact.size, Artifact.id)
    return next((artifact for artifact in named if suits(artifact, provides, use_depends)), None)


def suits(artifact: Artifact, provides: dict[str, str], use_depends: bool) -> bool:
    """Whether the device has one of the artifact's types and, with `use_depends`, a listed value per dependency."""
    if provides["device_type"] not in artifact.device_types:
        return False
    return not use_depends or all(provides.get(key) in values for key, values in artifact.depends.items())


def _end(part: DeviceDeployment, status: str) -> None:
    """The server ends a device's part: nothing suits it, or it has the artifact already."""
    before = part.status
    part.status, part.open, part.finished = status, False, clock.now()
    part.save(only=[DeviceDeployment.status, DeviceDeployment.open, DeviceDeployment.finished])
    deployments.settle(part.deployment_id, before, status)
