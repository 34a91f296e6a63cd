"""Artifacts in lists, pages and releases (mender 4.2, 10)."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core import clock
from app.mender import releases
from models.base import scoped
from models.mender.artifacts import Artifact
from models.mender.releases import Release

ORDERS: Final = {"name": (Artifact.name, Artifact.id), "modified": (Artifact.modified, Artifact.id)}


@dataclass(frozen=True, slots=True)
class Filter:
    """What of an artifact holds which text, in upper or lower case; None or empty for any."""

    name: str | None = None
    description: str | None = None
    device_type: str | None = None

    def fits(self, name: str, description: str, device_types: Sequence[str]) -> bool:
        """Whether an artifact is meant."""
        return (
            _holds(name, self.name)
            and _holds(description, self.description)
            and any(_holds(device_type, self.device_type) for device_type in device_types)
        )


def _holds(text: str, part: str | None) -> bool:
    return not part or part.casefold() in text.casefold()


def describe(artifact: Artifact) -> dict[str, Any]:
    """An artifact as users see it."""
    return {
        "id": artifact.id,
        "name": artifact.name,
        "description": artifact.description,
        "device_types_compatible": artifact.device_types,
        "info": {"format": "mender", "version": artifact.format_version},
        "signed": artifact.signed,
        "updates": artifact.updates,
        "artifact_provides": artifact.provides,
        "artifact_depends": artifact.depends,
        "clears_artifact_provides": artifact.clears_provides,
        "size": artifact.size,
        "modified": clock.rfc3339(artifact.modified),
    }


def list_all(tenant: str, wanted: Filter) -> list[dict[str, Any]]:
    """All artifacts that are meant, by name and id."""
    found = scoped(Artifact, tenant).order_by(*ORDERS["name"])
    return [_listed(one) for one in found if wanted.fits(one.name, one.description, one.device_types)]


def list_page(tenant: str, wanted: Filter, sort: str, page: int, per_page: int) -> tuple[list[dict[str, Any]], int]:
    """One page of the artifacts that are meant, and how many there are. Two queries."""
    key, _, direction = sort.partition(":")
    order = [field.desc() if direction == "desc" else field.asc() for field in ORDERS[key]]
    columns = (Artifact.pk, Artifact.name, Artifact.description, Artifact.device_types)
    found = scoped(Artifact, tenant, *columns).order_by(*order).tuples()
    meant = [pk for pk, *texts in found if wanted.fits(*texts)]
    chosen = meant[(page - 1) * per_page : page * per_page]
    rows = {one.pk: one for one in scoped(Artifact, tenant).where(Artifact.pk.in_(chosen))} if chosen else {}
    return [_listed(rows[pk]) for pk in chosen if pk in rows], len(meant)


def _listed(artifact: Artifact) -> dict[str, Any]:
    """An artifact in a list, meta data as pairs: mender-cli reads no object there (mender-clients, item 10)."""
    entry = describe(artifact)
    for update in entry["updates"]:
        if update["meta_data"] is not None:
            update["meta_data"] = [{"Key": key, "Value": value} for key, value in update["meta_data"].items()]
    return entry


def list_releases(tenant: str, prefix: str | None) -> list[dict[str, Any]]:
    """Artifacts by name, those names that begin with `prefix` in any case (mender 4.2). One query."""
    start = (prefix or "").casefold()
    named = itertools.groupby(list_all(tenant, Filter()), key=lambda entry: entry["name"])
    return [{"Name": name, "Artifacts": list(found)} for name, found in named if name.casefold().startswith(start)]


def in_releases(tenant: str, found: Sequence[Release]) -> list[dict[str, Any]]:
    """Releases with their artifacts, by id. Two queries."""
    named: dict[str, list[dict[str, Any]]] = {release.name: [] for release in found}
    if named:
        query = scoped(Artifact, tenant).where(Artifact.name.in_(list(named)))
        for artifact in query.order_by(Artifact.name, Artifact.id):
            named[artifact.name].append(describe(artifact))
    return [{**described, "artifacts": named[described["name"]]} for described in releases.described(tenant, found)]
