"""Artifacts: upload, description, deletion and the file itself (mender 4.2)."""

import contextlib
import itertools
import math
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

import orjson
import peewee

from app.core import clock, db, ids, schedule, storage, work
from app.core.calls import StagedFile, Stream
from app.core.errors import BadRequest, Conflict, NotFound, Unprocessable
from app.mender import artifact_lists, audit, deployments, limits, links, releases
from app.mender.artifact_file import ArtifactFile, parse
from models.base import scoped
from models.mender.artifacts import Artifact, ArtifactCombination

MEDIA_TYPE: Final = "application/vnd.mender-artifact"
MAX_COMBINATIONS: Final = 10_000
FOLDER: Final = "mender/artifacts"


def upload(tenant: str, staged: StagedFile, size: int | None, description: str) -> str:
    """Verify an artifact file and list it; its id. Opens its own units of work.

    The object is in place before the row that names it. Raises ArtifactError, BadRequest (the size given is not the
    real one), Conflict (the name is taken for the same devices), PayloadTooLarge (the limit of storage).
    """
    if size is not None and size != staged.size:
        raise BadRequest(f"size: the file has {staged.size} bytes, not {size}")
    parsed = parse(staged.path)
    combinations = _combinations(parsed.depends)
    artifact_id = ids.uuid()
    key = f"{FOLDER}/{artifact_id}"
    with db.read():
        limits.check_storage(tenant, staged.size)
        _refuse_taken(tenant, parsed.name, combinations)
    storage.adopt(staged.path, key, media_type=MEDIA_TYPE, filename=f"{parsed.name}.mender")
    try:
        with db.write():
            limits.check_storage(tenant, staged.size, hold=True)
            _insert(tenant, artifact_id, key, parsed, staged, description, combinations)
    except BaseException as exc:
        _withdraw(tenant, artifact_id, key)
        if isinstance(exc, peewee.IntegrityError):
            with db.read():
                _refuse_taken(tenant, parsed.name, combinations)
        raise
    return artifact_id


def _withdraw(tenant: str, artifact_id: str, key: str) -> None:
    """Remove the file of a row that was not written.

    A connection that is lost at the end leaves open whether it was; a row without its file would be worse than a file
    without its row, which `reconcile` finds.
    """
    with contextlib.suppress(Exception):
        with db.read():
            written = scoped(Artifact, tenant).where(Artifact.id == artifact_id).exists()
        if not written:
            storage.delete(key)


def _insert(
    tenant: str,
    artifact_id: str,
    key: str,
    parsed: ArtifactFile,
    staged: StagedFile,
    description: str,
    combinations: dict[str, dict[str, str]],
) -> None:
    artifact = Artifact.create(
        tenant_id=tenant,
        id=artifact_id,
        name=parsed.name,
        description=description,
        format_version=parsed.version,
        signed=parsed.signed,
        device_types=parsed.device_types,
        updates=parsed.updates,
        provides=parsed.provides,
        depends=parsed.depends,
        clears_provides=parsed.clears_provides,
        size=staged.size,
        sha256=staged.sha256,
        object_key=key,
        modified=clock.now(),
    )
    rows = [
        {"tenant_id": tenant, "name": parsed.name, "digest": digest, "artifact": artifact.pk} for digest in combinations
    ]
    for part in peewee.chunked(rows, 500):
        ArtifactCombination.insert_many(part).execute()
    releases.artifact_added(artifact)
    audit.note(tenant, "create", "artifact", artifact_id, parsed.name, {"size": staged.size, "sha256": staged.sha256})


def _combinations(depends: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    """digest -> combination, for each way to pick one value per key (mender 4.2)."""
    values = {key: list(dict.fromkeys(listed)) for key, listed in sorted(depends.items())}
    if math.prod(map(len, values.values())) > MAX_COMBINATIONS:
        raise BadRequest(f"the artifact suits more than {MAX_COMBINATIONS} combinations of dependencies")
    found = {}
    for picked in itertools.product(*values.values()):
        combination = dict(zip(values, picked, strict=True))
        found[sha256(orjson.dumps(combination)).hexdigest()] = combination
    return found


def _refuse_taken(tenant: str, name: str, combinations: dict[str, dict[str, str]]) -> None:
    """Raise Conflict when an artifact of this name suits one of the combinations already."""
    for part in peewee.chunked(list(combinations), 500):
        taken = (
            scoped(ArtifactCombination, tenant)
            .where(ArtifactCombination.name == name, ArtifactCombination.digest.in_(part))
            .first()
        )
        if taken is not None:
            conflict = {"artifact_name": name, "depends": combinations[taken.digest]}
            raise Conflict(
                "an artifact of this name with the same dependencies exists", body={"metadata": {"conflict": conflict}}
            )


def get(tenant: str, artifact_id: str) -> dict[str, Any]:
    """One artifact; raises NotFound."""
    return artifact_lists.describe(_artifact(tenant, artifact_id))


def _artifact(tenant: str, artifact_id: str, *, lock: bool = False) -> Artifact:
    query = scoped(Artifact, tenant).where(Artifact.id == artifact_id.lower())
    artifact = (db.for_update(query) if lock else query).get_or_none()
    if artifact is None:
        raise NotFound("there is no such artifact")
    return artifact


def edit(tenant: str, artifact_id: str, description: str) -> None:
    """Change the description; raises NotFound, or Unprocessable once the artifact was used in a deployment."""
    artifact = _artifact(tenant, artifact_id, lock=True)
    if deployments.artifact_in_use(tenant, artifact.pk, artifact.name, active_only=False):
        raise Unprocessable("the artifact has been used in a deployment")
    artifact.description, artifact.modified = description, clock.now()
    artifact.save(only=[Artifact.description, Artifact.modified])
    releases.artifact_changed(artifact)
    audit.note(tenant, "update", "artifact", artifact.id, artifact.name, {"description": description})


def delete(tenant: str, artifact_id: str) -> None:
    """Delete an artifact; its file goes in the background, once no row names it. Raises NotFound, Conflict (in use)."""
    with db.write():
        artifact = _artifact(tenant, artifact_id, lock=True)
        if deployments.artifact_in_use(tenant, artifact.pk, artifact.name, active_only=True):
            raise Conflict("an unfinished deployment uses the artifact")
        artifact.delete_instance()
        releases.artifact_removed(artifact)
        audit.note(tenant, "delete", "artifact", artifact.id, artifact.name)
        work.enqueue("mender.remove_file", artifact.object_key)


@work.kind("mender.remove_file")
def remove_file(unit: work.Unit) -> None:
    """Remove the file (`unit.key`) of an artifact that was deleted."""
    storage.delete(unit.key)


@schedule.scheduled("mender.reconcile_files", "17 * * * *")
def reconcile_files(_: work.Unit) -> None:
    """Each hour, remove the files that a crash has left between file and row."""
    reconcile()


def reconcile() -> list[str]:
    """Remove files that no artifact names. Opens its own unit; gives the keys."""
    with db.read():
        known = [key for (key,) in db.rows("SELECT object_key FROM mender_artifact")]
    return storage.reconcile(known, FOLDER)


def link(tenant: str, artifact_id: str, base_url: str) -> dict[str, str]:
    """A link for users. Opens its own unit; raises NotFound."""
    with db.read():
        artifact = _artifact(tenant, artifact_id)
    return links.make(tenant, artifact, base_url, links.MANAGEMENT)


def open_file(tenant: str, artifact_id: str) -> Stream:
    """The file, for download. Opens its own unit; raises NotFound."""
    with db.read():
        artifact = _artifact(tenant, artifact_id)
    return Stream(
        read=storage.reader(artifact.object_key),
        size=artifact.size,
        media_type=MEDIA_TYPE,
        etag=f'"{artifact.sha256}"',
        modified=artifact.modified,
        headers={"Content-Disposition": _disposition(f"{artifact.name}.mender")},
    )


def _disposition(filename: str) -> str:
    """Content-Disposition with any name (RFC 6266): a plain form for old clients, and the exact one."""
    plain = "".join(char if char.isascii() and char.isalnum() or char in " ._-" else "_" for char in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
