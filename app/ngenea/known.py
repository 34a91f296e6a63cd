"""Which sites and spaces somebody may run workflows on (ngenea 2, 3.5)."""

from collections.abc import Collection
from typing import Any

from app.core.calls import Caller
from app.ngenea import rights
from models.base import column
from models.ngenea.sites import Site, Space, SpaceSite


def site(caller: Caller, row: Any) -> bool:
    """Whether a caller may know of a site, or of a space on it."""
    seen = Site.select().where(Site.pk == row.pk, rights.visible(caller, Site)).exists()
    return bool(seen or spaces(caller, row))


def site_named(caller: Caller, name: str) -> Any:
    """The row of a site that a caller may know of; None when there is none."""
    row: Any = Site.get_or_none(Site.name == name)
    return row if row is not None and site(caller, row) else None


def spaces(caller: Caller, row: Any) -> dict[int, bytes]:
    """The mount points of the spaces of a site that the caller may know of, by number."""
    seen = Space.select(Space.pk).where(rights.visible(caller, Space))
    return {pk: mount for pk, mount in all_spaces(row.pk).items() if pk in set(column(seen))}


def closed(caller: Caller, row: Any) -> list[str]:
    """The mount points of the spaces of a site that the caller may not know of."""
    seen = spaces(caller, row)
    return sorted(mount.decode() for pk, mount in all_spaces(row.pk).items() if pk not in seen)


def entered(caller: Caller, row: Any, discovery: str | None, paths: Collection[bytes]) -> set[int]:
    """The numbers of the spaces beneath some paths that a job of the caller's goes into."""
    given = set(paths) if discovery == "recursive" else set()
    return {pk for pk, mount in spaces(caller, row).items() if not given.isdisjoint(_above(mount))} if given else set()


def _above(mount: bytes) -> set[bytes]:
    parts = mount.split(b"/")
    return {b"/".join(parts[:count]) for count in range(2, len(parts) + 1)}


def all_spaces(site: int) -> dict[int, bytes]:
    """The mount points of all spaces of a site, by number."""
    found: Any = SpaceSite.select(SpaceSite.space, SpaceSite.mountpoint).join(Space).where(~Space.deleting)
    return {space: mount.encode() for space, mount in found.where(SpaceSite.site == site).tuples()}
