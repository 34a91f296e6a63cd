"""Spaces as they are read (ngenea 4)."""

from collections import defaultdict
from typing import Any

from app.core import clock, db
from app.core.calls import Caller
from app.ngenea import rights
from models.base import column
from models.ngenea.sites import ExternalTarget, Site, Space, SpaceSite

Document = dict[str, Any]


def describe(caller: Caller, spaces: list[Any], base_url: str) -> list[Document]:
    """Spaces with their sites, and what refers to them."""
    numbers = [space.pk for space in spaces]
    related = relationships(numbers)
    mine = Space.select(Space.pk).where(Space.pk.in_(numbers), rights.permitted(caller, Space, ("change",)))
    editable = set(column(mine))
    sites: dict[int, list[Any]] = defaultdict(list)
    rows: Any = SpaceSite.select(SpaceSite, Site).join(Site).where(SpaceSite.space.in_(numbers))
    for row in rows.order_by(SpaceSite.pk):
        sites[row.space_id].append(row)
    return [
        {
            "id": space.pk,
            "url": f"{base_url}/api/spaces/{space.pk}/",
            "uuid": space.uuid,
            "name": space.name,
            "mountpoint": space.mountpoint,
            "color": space.color,
            "size": space.size,
            "created": clock.rfc3339(space.created_ts),
            "immutable": space.immutable,
            "editable": space.pk in editable and not space.immutable,
            "is_ready": all(row.ready for row in sites[space.pk]),
            "on_sites": [row.site.name for row in sites[space.pk] if row.ready],
            "relationships": related[space.pk],
            "sites": [
                {"id": row.site.pk, "name": row.site.name, "label": row.site.label, "pool": row.pool}
                for row in sites[space.pk]
            ],
        }
        for space in spaces
    ]


def relationships(spaces: list[int]) -> dict[int, list[Document]]:
    """By the number of a space: its targets, and the spaces that lie within it on a site."""
    found: dict[int, list[Document]] = defaultdict(list)
    if not spaces:
        return found
    targets: Any = ExternalTarget.select(ExternalTarget.pk, ExternalTarget.name, ExternalTarget.space)
    for row in targets.where(ExternalTarget.space.in_(spaces)).order_by(ExternalTarget.pk):
        found[row.space_id].append({"type": "external_target", "id": row.pk, "name": row.name})
    marks = ", ".join("?" * len(spaces))
    within = db.rows(
        "SELECT DISTINCT o.space_id, s.pk, s.name FROM ngenea_space_site o"  # noqa: S608
        " JOIN ngenea_space_site i ON i.site_id = o.site_id AND i.space_id <> o.space_id"
        " AND substr(i.mountpoint, 1, length(o.mountpoint) + 1) = o.mountpoint || '/'"
        f" JOIN ngenea_space s ON s.pk = i.space_id WHERE o.space_id IN ({marks}) ORDER BY o.space_id, s.pk",
        *spaces,
    )
    for outer, number, name in within:
        found[outer].append({"type": "space", "id": number, "name": name})
    return found
