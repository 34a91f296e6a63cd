"""Artifacts uploaded without HTTP, and what is then in the database and in the store."""

from hashlib import sha256
from typing import Any

from app.core import db, ids, storage
from app.core.calls import StagedFile
from app.mender import artifact_lists, artifacts
from models.mender.artifacts import Artifact, ArtifactCombination
from tests.support.artifacts import build


def staged(content: bytes) -> StagedFile:
    """A file as the pipeline leaves it in the spool."""
    path = storage.spool_dir() / ids.uuid()
    path.write_bytes(content)
    return StagedFile(path, len(content), sha256(content).hexdigest(), "a.mender", "application/octet-stream")


def upload(tenant: str = "", description: str = "", **made: Any) -> str:
    return artifacts.upload(tenant, staged(build(**made)), None, description)


def listed(tenant: str = "") -> list[dict[str, Any]]:
    with db.read():
        return artifact_lists.list_all(tenant, artifact_lists.Filter())


def shown(artifact_id: str, tenant: str = "") -> dict[str, Any]:
    with db.read():
        return artifacts.get(tenant, artifact_id)


def objects(database: Any) -> set[str]:
    return {path.name for path in (database.folder / "objects").rglob("*") if path.is_file()}


def rows() -> tuple[int, int]:
    with db.read():
        return Artifact.select().count(), ArtifactCombination.select().count()


Depends = dict[str, list[str]]
ONE: Depends = {"device_type": ["a", "b"], "rootfs": ["1", "2"]}


def upload_for(depends: Depends, name: str = "r", tenant: str = "") -> str:
    rest = {key: values for key, values in depends.items() if key != "device_type"}
    return upload(tenant, name=name, device_types=depends["device_type"], depends=rest)
