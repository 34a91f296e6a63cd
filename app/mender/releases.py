"""Releases: all artifacts of one name, with tags and notes (mender 10)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import peewee

from app.core import clock, db, work
from app.core.errors import BadRequest, Conflict, NotFound
from app.mender import audit
from models.base import scoped, scoped_delete, scoped_update
from models.mender.artifacts import Artifact
from models.mender.deployments import Deployment
from models.mender.releases import ArtifactType, Release, ReleaseTag

MAX_TAGS: Final = 20
MAX_DIFFERENT_TAGS: Final = 100
ADD: Final = (
    "INSERT INTO mender_release (tenant_id, name, notes, modified, artifacts_count) VALUES (?, ?, '', ?, 1)"
    " ON CONFLICT (tenant_id, name) DO UPDATE SET artifacts_count = mender_release.artifacts_count + 1,"
    " modified = excluded.modified"
)
FIRST_TAG: Final = ReleaseTag.select(peewee.fn.MIN(ReleaseTag.tag)).where(ReleaseTag.release == Release.pk)
# What the keys of `sort` order by; the name decides where they are equal.
ORDERS: Final[dict[str, tuple[Any, ...]]] = {
    "name": (Release.name,),
    "modified": (Release.modified, Release.name),
    "artifacts_count": (Release.artifacts_count, Release.name),
    "tags": (peewee.fn.COALESCE(FIRST_TAG, ""), Release.name),
}


def artifact_added(artifact: Artifact) -> None:
    """An artifact was made in the caller's unit: its release has one more, or begins."""
    tenant = artifact.tenant_id
    db.execute(ADD, tenant, artifact.name, clock.micros(artifact.modified))
    types = {update["type_info"]["type"] for update in artifact.updates} - {None}
    if types:
        rows = [{"tenant_id": tenant, "artifact": artifact, "type": name} for name in sorted(types)]
        ArtifactType.insert_many(rows).execute()


def artifact_changed(artifact: Artifact) -> None:
    """An artifact was edited in the caller's unit."""
    scoped_update(Release, artifact.tenant_id, modified=artifact.modified).where(
        Release.name == artifact.name
    ).execute()


def artifact_removed(artifact: Artifact) -> None:
    """An artifact was deleted in the caller's unit: its release has one less, or ends."""
    named = Release.name == artifact.name
    scoped_update(Release, artifact.tenant_id, artifacts_count=Release.artifacts_count - 1, modified=clock.now()).where(
        named
    ).execute()
    scoped_delete(Release, artifact.tenant_id).where(named, Release.artifacts_count <= 0).execute()


def list_releases(
    tenant: str,
    prefix: str | None,
    tags: Sequence[str] | None,
    update_type: str | None,
    sort: str,
    page: int,
    size: int,
) -> tuple[list[Release], int]:
    """One page of releases, and how many there are. `tags`: any of them; `prefix` in upper or lower case (ASCII)."""
    query = scoped(Release, tenant)
    if prefix:
        start = "".join(char.lower() if char.isascii() else char for char in prefix)
        query = query.where(peewee.fn.SUBSTR(peewee.fn.LOWER(Release.name), 1, len(start)) == start)
    if tags:
        tagged = ReleaseTag.select(ReleaseTag.release).where(
            ReleaseTag.tenant_id == tenant, ReleaseTag.tag.in_([tag.lower() for tag in tags])
        )
        query = query.where(Release.pk.in_(tagged))
    if update_type is not None:
        names = scoped(Artifact, tenant, Artifact.name).join(ArtifactType).where(ArtifactType.type == update_type)
        query = query.where(Release.name.in_(names))
    key, _, direction = sort.partition(":")
    order = [field.desc() if direction == "desc" else field.asc() for field in ORDERS[key]]
    return list(query.order_by(*order).paginate(page, size)), query.count()


def described(tenant: str, releases: Sequence[Release]) -> list[dict[str, Any]]:
    """Releases as users see them, without their artifacts; the tags of all by one query."""
    tags: defaultdict[int, list[str]] = defaultdict(list)
    pks = [release.pk for release in releases]
    if pks:
        found = scoped(ReleaseTag, tenant, ReleaseTag.release, ReleaseTag.tag).where(ReleaseTag.release.in_(pks))
        for pk, tag in found.order_by(ReleaseTag.tag).tuples():
            tags[pk].append(tag)
    return [
        {
            "name": release.name,
            "modified": clock.rfc3339(release.modified),
            "artifacts_count": release.artifacts_count,
            "tags": tags[release.pk],
            "notes": release.notes,
        }
        for release in releases
    ]


def find(tenant: str, name: str, *, lock: bool = False) -> Release:
    """One release; raises NotFound."""
    query = scoped(Release, tenant).where(Release.name == name)
    release: Release | None = (db.for_update(query) if lock else query).get_or_none()
    if release is None:
        raise NotFound("there is no such release")
    return release


def set_notes(tenant: str, name: str, notes: str) -> None:
    """Replace the notes; raises NotFound."""
    release = find(tenant, name, lock=True)
    release.notes, release.modified = notes, clock.now()
    release.save(only=[Release.notes, Release.modified])
    audit.note(tenant, "update", "release", name, name, {"notes": notes})


def set_tags(tenant: str, name: str, tags: Sequence[str]) -> None:
    """Replace the tags; they are kept in lower case, each once.

    Raises NotFound, BadRequest for more than 20, Conflict when all releases together would have more than 100.
    """
    wanted = sorted({tag.lower() for tag in tags})
    if len(wanted) > MAX_TAGS:
        raise BadRequest(f"a release may have {MAX_TAGS} tags at most")
    release = find(tenant, name, lock=True)
    scoped_delete(ReleaseTag, tenant).where(ReleaseTag.release == release).execute()
    if wanted:
        rows = [{"tenant_id": tenant, "release": release, "tag": tag} for tag in wanted]
        ReleaseTag.insert_many(rows).execute()
    if len(all_tags(tenant)) > MAX_DIFFERENT_TAGS:
        raise Conflict(f"all releases together may have {MAX_DIFFERENT_TAGS} different tags at most")
    release.modified = clock.now()
    release.save(only=[Release.modified])
    audit.note(tenant, "update", "release", name, name, {"tags": wanted})


def all_tags(tenant: str) -> list[str]:
    """Every tag there is, sorted."""
    found = scoped(ReleaseTag, tenant, ReleaseTag.tag).distinct().order_by(ReleaseTag.tag)
    return [tag for (tag,) in found.tuples()]


def all_types(tenant: str) -> list[str]:
    """Every type of payload there is, sorted."""
    found = scoped(ArtifactType, tenant, ArtifactType.type).distinct().order_by(ArtifactType.type)
    return [name for (name,) in found.tuples()]


def delete(tenant: str, names: Sequence[str]) -> None:
    """Delete releases with all their artifacts, all or none; those that are not known are passed over.

    Raises Conflict, naming the deployments, while an unfinished one uses one of them.
    """
    artifacts = list(db.for_update(scoped(Artifact, tenant).where(Artifact.name.in_(names)).order_by(Artifact.pk)))
    used = scoped(Deployment, tenant, Deployment.id).where(
        Deployment.artifact_name.in_(names), Deployment.status != "finished"
    )
    deployments = [deployment_id for (deployment_id,) in used.order_by(Deployment.pk).tuples()]
    if deployments and artifacts:
        raise Conflict("unfinished deployments use a release", body={"deployments": deployments})
    for artifact in artifacts:
        artifact.delete_instance()
        artifact_removed(artifact)
        work.enqueue("mender.remove_file", artifact.object_key)
    for name in sorted({artifact.name for artifact in artifacts}):
        count = sum(artifact.name == name for artifact in artifacts)
        audit.note(tenant, "delete", "release", name, name, {"artifacts": count})
