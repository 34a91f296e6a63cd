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
    related = relationships(caller, numbers)
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


def relationships(caller: Caller, spaces: list[int]) -> dict[int, list[Document]]:
    """By the number of a space: its targets, and the spaces that lie within it, of those the caller may know of."""
    found: dict[int, list[Document]] = defaultdict(list)
    targets: Any = ExternalTarget.select(ExternalTarget.pk, ExternalTarget.name, ExternalTarget.space)
    mine = (ExternalTarget.space.in_(spaces), rights.visible(caller, ExternalTarget))
    for row in targets.where(*mine).order_by(ExternalTarget.pk):
        found[row.space_id].append({"type": "external_target", "id": row.pk, "name": row.name})
    inner = within(spaces)
    numbers = [number for _, number in inner]
    rows = Space.select(Space.pk, Space.name).where(Space.pk.in_(numbers), rights.visible(caller, Space))
    names = {row.pk: row.name for row in rows}
    for outer, number in inner:
        if number in names:
            found[outer].append({"type": "space", "id": number, "name": names[number]})
    return found


def within(spaces: list[int]) -> list[tuple[int, int]]:
    """The numbers of these spaces with those of spaces that lie within them on a site."""
    if not spaces:
        return []
    marks = ", ".join("?" * len(spaces))
    rows = db.rows(
        "SELECT DISTINCT o.space_id, i.space_id FROM ngenea_space_site o"  # noqa: S608
        " JOIN ngenea_space_site i ON i.site_id = o.site_id AND i.space_id <> o.space_id"
        " AND substr(i.mountpoint, 1, length(o.mountpoint) + 1) = o.mountpoint || '/'"
        f" WHERE o.space_id IN ({marks}) ORDER BY o.space_id, i.space_id",
        *spaces,
    )
    return [(outer, inner) for outer, inner in rows]
