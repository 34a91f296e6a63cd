"""Spaces: named trees of files, each at one mount point on one site or more (ngenea 1, 4)."""

from typing import Any, Final

import peewee

from app.core import clock, db, ids
from app.core.calls import Caller, Request
from app.ngenea import folders, names, pages, rights, rooted, settings_tasks, space_views
from app.ngenea.faults import Faults, refuse, refuse_one
from models.base import column
from models.ngenea.files import Entry
from models.ngenea.sites import ExternalTarget, Site, Space, SpaceSite, TargetSite

Document = dict[str, Any]
DEFAULTS: Final[Document] = {"color": [128, 128, 128], "size": None}
FIELDS: Final = ("name", *DEFAULTS)
LONGEST: Final = 255  # bytes of a folder's name


def listed(
    caller: Caller, request: Request, page: str | None, page_size: str | None, site: int | None, keyword: str | None
) -> Any:
    """A page of the spaces that a caller may know of: of a site, and with a text in name or mount point."""
    query = Space.select().where(rights.visible(caller, Space))
    if site is not None:
        query = query.where(Space.pk.in_(SpaceSite.select(SpaceSite.space).where(SpaceSite.site == site)))
    if keyword:
        query = query.where(Space.name.contains(keyword) | Space.mountpoint.contains(keyword))
    describe = space_views.describe
    return pages.page(request, query, page, page_size, lambda rows: describe(caller, rows, request.base_url))


def create(caller: Caller, body: Document) -> Any:
    """The row of a new space; its folder is made on each site by a settings task."""
    faults = _faults(body)
    mountpoint = _mountpoint(body["mountpoint"], faults)
    sites = _sites(caller, body["sites"], faults)
    refuse(faults)
    given = {name: body[name] for name in FIELDS if name in body}
    fixed = {"uuid": ids.uuid(), "mountpoint": mountpoint, "immutable": False, "deleting": False}
    try:
        with db.savepoint():
            space = Space.create(**{**DEFAULTS, **given}, **fixed, created_ts=clock.now())
    except peewee.IntegrityError:
        raise _taken() from None
    _join(space, sites)
    return space


def _taken() -> Exception:
    return refuse_one("/name", "There is a space with this name already.")


def _faults(body: Document) -> Faults:
    name = body.get("name", "x")
    if name in (".", "..") or name != name.strip():
        return [("/name", "A name is not . or .. and has no blank at its ends.")]
    return []


def _mountpoint(text: str, faults: Faults) -> str:
    """A mount point as it is kept."""
    try:
        path = names.read(text.rstrip("/") or "/")
        parts = rooted.components(path)
        if parts and max(map(len, parts)) <= LONGEST:
            return names.show(path)
        fault = "No folder has a name that long." if parts else "A space is not all of a site."
        faults.append(("/mountpoint", fault))
    except ValueError as exc:
        faults.append(("/mountpoint", f"This is no path: {exc}."))
    return ""


def _sites(caller: Caller, wanted: list[Document], faults: Faults) -> list[int]:
    """The numbers of the sites that are named, of those that a caller may know of."""
    query = Site.select(Site.pk, Site.name).where(rights.visible(caller, Site))
    known = {site.name: site.pk for site in query.where(Site.name.in_([one["name"] for one in wanted]))}
    faults += [
        (f"/sites/{at}/name", "There is no such site.") for at, one in enumerate(wanted) if one["name"] not in known
    ]
    return list(dict.fromkeys(known[one["name"]] for one in wanted if one["name"] in known))


def _join(space: Any, sites: list[int]) -> None:
    """Put a space on sites, and have its folder made there."""
    for site in sites:
        try:
            with db.savepoint():
                columns = {"mountpoint": space.mountpoint, "pool": None, "ready": False}
                SpaceSite.create(space=space.pk, site=site, **columns)
        except peewee.IntegrityError:
            raise refuse_one("/mountpoint", "On one of the sites another space has this mount point.") from None
        folders.queue(space, site)


def update(caller: Caller, number: int, body: Document) -> Any:
    """The row of a space after a change; what is not given stays."""
    space = db.for_update(Space.select().where(Space.pk == number)).get()
    if space.immutable:
        raise refuse_one("", "This space cannot be changed.")
    faults = _faults(body)
    if "mountpoint" in body and _mountpoint(body["mountpoint"], faults) != space.mountpoint and not faults:
        faults.append(("/mountpoint", "A space stays at its mount point."))
    sites = _sites(caller, body["sites"], faults) if "sites" in body else None
    refuse(faults)
    changes = {name: body[name] for name in FIELDS if name in body}
    if changes:
        try:
            with db.savepoint():
                Space.update(**changes).where(Space.pk == number).execute()
        except peewee.IntegrityError:
            raise _taken() from None
    if sites is not None:
        _replace(caller, space, sites)
    return Space.get_by_id(number)


def _replace(caller: Caller, space: Any, sites: list[int]) -> None:
    """Have a space on these sites, and on those that the caller may not know of."""
    rows: Any = SpaceSite.select().where(SpaceSite.space == space.pk)
    present = {row.site_id: row for row in rows}
    seen = set(column(Site.select(Site.pk).where(Site.pk.in_(list(present)), rights.visible(caller, Site))))
    for site in sorted(seen - set(sites)):
        _leave(space, site)
    _join(space, [site for site in sites if site not in present])
    for site in sites:
        if site in present and not present[site].ready and not settings_tasks.is_open(present[site].task_id):
            folders.queue(space, site)


def _leave(space: Any, site: int) -> None:
    """Take a space off a site; raises BadRequest while anything refers to it there."""
    name = Site.get_by_id(site).name
    targets = ExternalTarget.select(ExternalTarget.name).join(TargetSite)
    used = column(targets.where(ExternalTarget.space == space.pk, TargetSite.site == site).limit(1))
    if used:
        raise refuse_one("/sites", f"The target {used[0]} is for the site {name}.")
    if Entry.select().where(Entry.space == space.pk, Entry.site == site).exists():
        raise refuse_one("/sites", f"Data of files of the site {name} is in buckets.")
    SpaceSite.delete().where(SpaceSite.space == space.pk, SpaceSite.site == site).execute()


def delete(caller: Caller, number: int) -> None:
    """Delete a space; its files stay. Raises BadRequest while anything refers to it."""
    space = db.for_update(Space.select().where(Space.pk == number)).get()
    if space.immutable:
        raise refuse_one("", "This space cannot be deleted.")
    if Entry.select().where(Entry.space == number).exists():
        raise refuse_one("", "Data of its files is in buckets.")
    related = space_views.relationships(caller, [number])[number]
    if (
        related
        or space_views.within([number])
        or ExternalTarget.select().where(ExternalTarget.space == number).exists()
    ):
        kinds = {"space": "the space", "external_target": "the target"}
        first = ", ".join(f"{kinds[one['type']]} {one['name']}" for one in related[:3])
        raise refuse_one("", f"It is in use by {first or 'something you may not see'}.")
    try:
        with db.savepoint():
            Space.delete().where(Space.pk == number).execute()
    except peewee.IntegrityError:
        raise refuse_one("", "Something refers to it.") from None
    rights.forget_gone(Space)
