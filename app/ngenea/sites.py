"""Sites: places with storage of their own (ngenea 1, 4)."""

from collections import defaultdict
from contextlib import suppress
from typing import Any, Final
from zoneinfo import available_timezones

import peewee

from app.core import clock, db
from app.core.calls import Caller, Request
from app.core.errors import BadRequest, NotFound
from app.ngenea import here, pages, rights
from app.ngenea.faults import Faults, refuse, refuse_one
from models.base import column
from models.ngenea.jobs import Job
from models.ngenea.sites import Queue, Site, Space, SpaceSite

Document = dict[str, Any]
DEFAULT_QUEUE: Final = "default"
DEFAULTS: Final[Document] = {
    "label": "",
    "color": [128, 128, 128],
    "timezone": "UTC",
    "bandwidth": None,
    "type": "",
    "public_url": "",
    "am_i_configured": False,
    "ready_to_configure": False,
    "include": [],
    "exclude": [],
    "file_batch_size": 500,
    "file_batch_gb": 10,
    "enable_auto_file_batch_sizing": False,
}
FIELDS: Final = ("name", "shortcode", *DEFAULTS)
# Nobody counts all files of a site as yet.
UNKNOWN: Final = ("files_count", "directories_count", "files_hydrated_count", "files_stubbed_count")


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the sites that a caller may know of."""
    query = Site.select().where(rights.visible(caller, Site))
    return pages.page(request, query, page, page_size, lambda rows: describe_rows(caller, rows, request.base_url))


def describe_rows(caller: Caller, sites: list[Any], base_url: str) -> list[Document]:
    """Sites with the names of their spaces."""
    spaces = _spaces(caller, sites)
    shown = _shown(caller, sites, base_url)
    return [{**site, "spaces": [space.name for space in spaces[site["id"]]]} for site in shown]


def describe(caller: Caller, site: Any, base_url: str) -> Document:
    """A site with its spaces as objects."""
    spaces = _spaces(caller, [site])[site.pk]
    shown = [{"id": one.pk, "name": one.name, "url": f"{base_url}/api/spaces/{one.pk}/"} for one in spaces]
    return {**_shown(caller, [site], base_url)[0], "spaces": shown}


def _spaces(caller: Caller, sites: list[Any]) -> dict[int, list[Any]]:
    """By the number of a site: those of its spaces that a caller may know of."""
    found: dict[int, list[Any]] = defaultdict(list)
    joined: Any = Space.select(Space.pk, Space.name, SpaceSite.site.alias("at")).join(SpaceSite)
    wanted = (SpaceSite.site.in_([site.pk for site in sites]), rights.visible(caller, Space))
    for space in joined.where(*wanted).order_by(Space.pk).objects():
        found[space.at].append(space)
    return found


def _shown(caller: Caller, sites: list[Any], base_url: str) -> list[Document]:
    numbers = [site.pk for site in sites]
    mine = Site.select(Site.pk).where(Site.pk.in_(numbers), rights.permitted(caller, Site, ("change",)))
    editable = set(column(mine))
    return [
        {
            "id": site.pk,
            "url": f"{base_url}/api/sites/{site.pk}/",
            **{name: getattr(site, name) for name in FIELDS},
            "editable": site.pk in editable,
            **dict.fromkeys(UNKNOWN),
        }
        for site in sites
    ]


def create(body: Document) -> Any:
    """The row of a new site, with its default queue."""
    refuse(_faults(body))
    given = {name: value for name, value in body.items() if name in FIELDS}
    try:
        with db.savepoint():
            site = Site.create(**{**DEFAULTS, **given}, created_ts=clock.now())
    except peewee.IntegrityError:
        raise _taken(body) from None
    Queue.create(site=site.pk, name=DEFAULT_QUEUE)
    return site


def ensure(name: str) -> None:
    """Make a site of this name unless there is one. Opens its own units."""
    with db.read():
        if Site.select().where(Site.name == name).exists():
            return
    with db.write():
        if Site.select().where(Site.name == name).exists():
            return
        taken = set(column(Site.select(Site.shortcode)))
        number = 1
        while (shortcode := name if number == 1 else f"{name[:55]}-{number}") in taken:
            number += 1
        with suppress(BadRequest):  # another process has made it just now
            create({"name": name, "shortcode": shortcode})


def named(name: str) -> int:
    """The number of a site. Opens its own unit; raises NotFound."""
    with db.read():
        site = Site.get_or_none(Site.name == name)
    if site is None:
        raise NotFound(f"there is no site {name}")
    return int(site.pk)


def update(number: int, body: Document) -> Any:
    """The row of a site after a change; what is not given stays."""
    refuse(_faults(body))
    changes = {name: value for name, value in body.items() if name in FIELDS}
    if changes:
        try:
            with db.savepoint():
                Site.update(**changes).where(Site.pk == number).execute()
        except peewee.IntegrityError:
            raise _taken(body, number) from None
    return Site.get_by_id(number)


def _taken(body: Document, number: int = 0) -> Exception:
    if Site.select().where(Site.name == body.get("name"), Site.pk != number).exists():
        return refuse_one("/name", "There is a site with this name already.")
    return refuse_one("/shortcode", "There is a site with this shortcode already.")


def _faults(body: Document) -> Faults:
    if "timezone" in body and body["timezone"] not in available_timezones():
        return [("/timezone", "There is no such time zone.")]
    return []


def delete(caller: Caller, number: int) -> None:
    """Delete a site, with what waits for its workers; raises BadRequest while spaces are on it or jobs are of it."""
    if SpaceSite.select().where(SpaceSite.site == number).exists():
        names = [space.name for space in _spaces(caller, [Site.get_by_id(number)])[number][:3]]
        raise refuse_one("", f"There are spaces on this site: {', '.join(names) or 'none that you may see'}.")
    if Job.select().where(Job.site == number).exists():
        raise refuse_one("", "There are jobs of this site.")
    place = here.place(number)
    db.execute("DELETE FROM core_work WHERE place = ? OR place LIKE ?", place, f"{place}/%")
    try:
        with db.savepoint():
            Site.delete().where(Site.pk == number).execute()
            rights.forget(Site, number)
    except peewee.IntegrityError:  # tasks of jobs that were sent on here from another site
        raise refuse_one("", "There are tasks of jobs on this site.") from None
