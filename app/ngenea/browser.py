"""Looking at the files of sites: who may look where, and what they are told (ngenea 3.8)."""

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlencode

from app.core import db
from app.core.calls import Caller, Request
from app.core.errors import GatewayTimeout, NotFound
from app.ngenea import health, names, questions, rights, rooted
from app.ngenea.faults import refuse, refuse_one
from models.ngenea.sites import Site, Space, SpaceSite

Document = dict[str, Any]
SECONDS: Final = 10.0
TRUE: Final = ("true", "True", "1")


def is_set(flag: str | None) -> bool:
    """Whether a flag of a query says yes."""
    return flag in TRUE


def question(path: str, asked: Document) -> Document:
    """What a worker is asked, of the parameters of a request."""
    wanted = {name: asked[name] for name in ("page", "page_size", "type")}
    flags = {name: is_set(asked[name]) for name in ("details", "restricted")}
    return {"kind": questions.LOOK, "path": path, **wanted, **flags}


def _read(text: str) -> bytes:
    """A path of a site; raises BadRequest for what is none."""
    try:
        path = names.read(text.rstrip("/") or "/")
        rooted.components(path)
    except ValueError as exc:
        raise refuse_one("/path", f"This is no path: {exc}.") from None
    return path


def file(caller: Caller, request: Request, path: str | None, site: str | None, asked: Document) -> Document:
    """What is at a path of a site, or why that cannot be told. Opens its own units.

    Raises BadRequest, NotFound, and GatewayTimeout where that is asked for.
    """
    given = {"path": path, "site": site}
    refuse([(f"/{name}", "This field is required.") for name, value in given.items() if not value])
    wanted = _read(path or "")
    with db.read():
        found = Site.get_or_none(Site.name == site)
        if found is None or not _may_look(caller, found, wanted):
            raise NotFound("Not found.")
    shown = names.show(wanted)
    answers = questions.ask([found], question(shown, asked), SECONDS)
    _refuse(answers, asked)
    return _entry_or_error(request, found, shown, answers[0])


def _refuse(answers: list[Document | str], asked: Document) -> None:
    """Raises NotFound where no site has the path, and GatewayTimeout for silence where that is asked for."""
    silent = [answer for answer in answers if isinstance(answer, str)]
    if silent and is_set(asked["raise_exception"]):
        raise GatewayTimeout(silent[0])
    missing = [answer for answer in answers if isinstance(answer, dict) and answer.get("there") is False]
    if answers and len(missing) == len(answers):
        raise NotFound(missing[0]["error"])


def _may_look(caller: Caller, site: Any, path: bytes) -> bool:
    """Whether the innermost space that a path is in may be seen; outside of all, whether the site may."""
    space = _space_at(site.pk, path)
    model, number = (Site, site.pk) if space is None else (Space, space)
    return bool(model.select().where(model.pk == number, rights.visible(caller, model)).exists())


def _space_at(site: int, path: bytes) -> int | None:
    rows: Any = SpaceSite.select().where(SpaceSite.site == site, SpaceSite.mountpoint.in_(list(_above(path))))
    innermost = max(rows, key=lambda row: len(row.mountpoint), default=None)
    return None if innermost is None else int(innermost.space_id)


def _above(path: bytes) -> Iterable[str]:
    """A path and all above it, as mount points are kept."""
    parts = rooted.components(path)
    return (names.show(b"/" + b"/".join(parts[:count])) for count in range(1, len(parts) + 1))


def of_space(
    caller: Caller, request: Request, number: int, path: str | None, site: str | None, asked: Document
) -> list[Document]:
    """What is at a path of a space, on each of its sites or one. Opens its own units.

    Raises BadRequest, NotFound where it is on none, and GatewayTimeout where that is asked for.
    """
    with db.read():
        space = Space.get_by_id(number)
        wanted = _read(_within(space.mountpoint, path or ""))
        sites = _sites(caller, number, site, wanted)
        if is_set(asked["check_available_sites"]):
            sites = [one for one in sites if health.has_node(one.pk)]
    seconds = float(asked["custom_timeout"] or SECONDS)
    answers = questions.ask(sites, question(names.show(wanted), asked), seconds)
    _refuse(answers, asked)
    shown = names.show(wanted)
    return [_entry_or_error(request, one, shown, answer) for one, answer in zip(sites, answers, strict=True)]


def _within(mountpoint: str, path: str) -> str:
    """A path of a request as one of the site; raises BadRequest for one that is not in the space."""
    whole = path if path.startswith("/") else f"{mountpoint}/{path}"
    if whole.rstrip("/") != mountpoint and not whole.startswith(f"{mountpoint}/"):
        raise refuse_one("/path", f"The space is at {mountpoint}.")
    return whole


def _sites(caller: Caller, space: int, name: str | None, path: bytes) -> list[Any]:
    """The sites of a space, or the one that is named, where the path is in no inner space that is hidden."""
    query = Site.select().join(SpaceSite).where(SpaceSite.space == space).order_by(Site.pk)
    found = list(query.where(Site.name == name) if name else query)
    if name and not found:
        raise refuse_one("/site", "The space is not on such a site.")
    allowed = [site for site in found if _may_look(caller, site, path)]
    if found and not allowed:
        raise NotFound("Not found.")
    return allowed


def _entry_or_error(request: Request, site: Any, path: str, answer: Document | str) -> Document:
    if isinstance(answer, dict) and answer.get("there"):
        return _entry(request, site, answer)
    error = answer if isinstance(answer, str) else answer["error"]
    empty = {"time_refreshed": None, "error": error, "children": None}
    return {**_placed(request, site, {"name": path.rpartition("/")[2] or "/", "path": path}), **empty}


def _placed(request: Request, site: Any, shown: Document) -> Document:
    """What is shown, with its site and its address."""
    where = urlencode({"path": shown["path"], "site": site.name})
    return {**shown, "site": site.name, "url": f"{request.base_url}/api/file/?{where}"}


def _entry(request: Request, site: Any, answer: Document) -> Document:
    shown = answer["entry"]
    children = shown["children"]
    if children is not None:
        page, last = children["page"], children["last"]
        children = {
            "count": children["count"],
            "next": _link(request, site, page + 1) if page < last else None,
            "previous": _link(request, site, page - 1) if page > 1 else None,
            "results": [_placed(request, site, child) for child in children["results"]],
        }
    return {**_placed(request, site, shown), "time_refreshed": answer["at"], "error": None, "children": children}


def _link(request: Request, site: Any, page: int) -> str:
    """Another page of a folder on one site, with all else of the query as it was."""
    kept = [(key, value) for key, value in request.query if key not in ("page", "site")]
    query = urlencode([*kept, ("site", site.name), ("page", page)])
    return f"{request.base_url}{request.path}?{query}"
