"""Running a workflow on files: what is asked for is looked at whole, then a job is made (ngenea 3.5)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core import clock
from app.core.calls import Caller
from app.core.errors import Conflict, Forbidden
from app.ngenea import (
    asked,
    graph,
    job_paths,
    known,
    names,
    rights,
    rules,
    run_tasks,  # noqa: F401 -- what queues tasks makes known how they are run
    states,
)
from app.ngenea.asked import Asked
from app.ngenea.faults import Faults, refuse, refuse_one
from app.ngenea.rooted import PathError, components
from models.base import column
from models.ngenea.jobs import Job, JobInput, JobSpace
from models.ngenea.sites import Queue, Site
from models.ngenea.users import User

Document = dict[str, Any]
SHOWN: Final = 20  # paths that are shown with a job
SEARCHED: Final = 65_536  # characters of a job that a keyword is looked for in
NOT_VISIBLE: Final = "You do not have permission to run workflows on this path."
NO_SITE: Final = "There is no such site."
ECHOED: Final = ("discovery", "fields", "include", "exclude", "ignore_site_includes", "ignore_site_excludes")
COUNTERS: Final = (
    "live",
    "discovering",
    "discovered",
    "discovered_bytes",
    "processed",
    "processed_bytes",
    "failed",
    "skipped",
    "aborted",
    "progress",
)


def submit(caller: Caller, body: Document) -> Document:
    """Make a job, or add paths to one; what was asked for, with its number. Raises BadRequest, Forbidden, Conflict."""
    site = known.site_named(caller, body["site"])
    if site is None:
        raise refuse_one("/site", NO_SITE)
    paths, spaces = _paths(caller, site, body.get("paths") or [])
    found = asked.find(caller, body, site)
    _look_elsewhere(caller, found, paths)
    entered = known.entered(caller, site, found.definition["discovery"], paths)
    if body.get("job") is not None:
        number = _append(caller, body, found, paths, spaces, entered)
    elif not paths:
        raise refuse_one("/paths", "This list may not be empty.")
    else:
        dry, echo = bool(body.get("dry_run")), _echo(body, found)
        number = make(caller, found, paths, spaces | entered, dry_run=dry, echo=echo)
    return _answer(number, body, found)


def _answer(number: int, body: Document, wanted: Asked) -> Document:
    shown = [{"path": path if isinstance(path, str) else path["path"]} for path in body.get("paths") or []]
    return {
        "id": number,
        "job": body.get("job"),
        "workflow": wanted.workflow.name,
        "site": wanted.site.name,
        "queue": wanted.queue.name,
        "paths": shown,
        "dry_run": bool(body.get("dry_run")),
        **_echo(body, wanted),
    }


def _echo(body: Document, wanted: Asked) -> Document:
    return {
        "discovery": wanted.definition["discovery"],
        "fields": dict(wanted.fields),
        "include": body.get("include") or [],
        "exclude": body.get("exclude") or [],
        "ignore_site_includes": bool(body.get("ignore_site_includes")),
        "ignore_site_excludes": bool(body.get("ignore_site_excludes")),
    }


def _paths(caller: Caller, site: Any, given: list[Any]) -> tuple[list[bytes], set[int]]:
    """Paths as bytes, each once, and the spaces they are in. Raises BadRequest, Forbidden."""
    found: dict[bytes, int] = {}
    faults: Faults = []
    for at, one in enumerate(given):
        where, text = (f"/paths/{at}", one) if isinstance(one, str) else (f"/paths/{at}/path", one["path"])
        try:
            found.setdefault(_path(text), at)
        except ValueError as exc:
            faults.append((where, str(exc)))
    refuse(faults)
    every, visible = known.all_spaces(site.pk), known.spaces(caller, site)
    used = {}
    for path, at in found.items():
        inner = _innermost(path, every)
        if inner is None:
            raise refuse_one(f"/paths/{at}", "The path is in no space of the site.")
        used[inner] = path
    if used.keys() - visible.keys():
        raise Forbidden(NOT_VISIBLE)
    return list(found), set(used)


def _innermost(path: bytes, spaces: Mapping[int, bytes]) -> int | None:
    """The number of the space that a path is in."""
    around = (pk for pk in spaces if rules.is_within(path, spaces[pk]))
    return max(around, key=lambda pk: len(spaces[pk]), default=None)


def _look_elsewhere(caller: Caller, wanted: Asked, paths: list[bytes]) -> None:
    """Raises Forbidden where an action on another site would come into a space there that the caller may not see."""
    actions = [action for rule in wanted.definition["rules"] for action in rule["actions"]]
    for number in {action["site"] for action in actions} - {wanted.site.pk}:
        there: Any = Site.get_by_id(number)
        every, visible = known.all_spaces(number), known.spaces(caller, there)
        if {_innermost(path, every) for path in paths} - visible.keys() - {None}:
            raise Forbidden(NOT_VISIBLE)


def _path(text: str) -> bytes:
    """An absolute path; one `/` at its end is left out. Raises ValueError."""
    path = names.read(text)
    path = path[:-1] if path.endswith(b"/") and len(path) > 1 else path
    if not path.startswith(b"/"):
        raise ValueError("The path must be absolute.")
    try:
        components(path)
    except PathError as exc:
        raise ValueError(f"Not a path: {exc}.") from None
    if len(path) > job_paths.MAX_PATH:
        raise ValueError(f"A path has at most {job_paths.MAX_PATH} bytes.")
    return path


def make(
    caller: Caller, wanted: Asked, paths: Sequence[bytes], spaces: set[int], *, dry_run: bool, echo: Document
) -> int:
    """The number of a new job, on its way."""
    now = clock.now()
    owner: Any = User.get_by_id(int(caller.id))
    number: int = Job.insert(
        workflow=wanted.workflow.name,
        definition=wanted.definition,
        site=wanted.site.pk,
        queue=wanted.queue.pk,
        owner=owner.pk,
        clientkey=int(caller.token) if caller.kind == "key" else None,
        by_system=False,
        request={**echo, "paths": [names.show(path) for path in paths[:SHOWN]], "count": len(paths)},
        state=states.NEW,
        dry_run=dry_run,
        search=searched(wanted.workflow.name, wanted.workflow.label, owner.username, paths),
        **dict.fromkeys(COUNTERS, 0),
        created_ts=now,
    ).execute()
    begin(number, wanted.site.pk, wanted.queue.name, paths, spaces)
    return number


def searched(workflow: str, label: str, owner: str, paths: Sequence[bytes]) -> str:
    """What keywords are looked for in."""
    return "\n".join([workflow, label, owner, *map(names.show, paths)]).lower()[:SEARCHED]


def begin(job: int, site: int, queue: str, paths: Sequence[bytes], spaces: set[int]) -> None:
    """Add paths to a job, and a task that looks at them."""
    for at in range(0, len(paths), job_paths.ROWS):
        rows = [{"job": job, "path": path} for path in paths[at : at + job_paths.ROWS]]
        JobInput.insert_many(rows).on_conflict_ignore().execute()
    if spaces:
        JobSpace.insert_many([{"job": job, "space": pk} for pk in sorted(spaces)]).on_conflict_ignore().execute()
    new = graph.NewTask(graph.GIVEN, "Look at the given paths", site, queue, {}, discovery=True)
    (task,) = graph.add(job, [new]).values()
    job_paths.add(job, task, ((path, "", 0) for path in paths))
    graph.release(site, queue, [task])


def _closed_to(job: Any) -> set[int]:
    """The spaces of its site that a job does not go into."""
    closed = {mount.encode() for mount in job.definition.get("closed", ())}
    return {pk for pk, mount in known.all_spaces(job.site_id).items() if mount in closed}


def _append(
    caller: Caller, body: Document, wanted: Asked, paths: list[bytes], spaces: set[int], entered: set[int]
) -> int:
    """Add paths to a job of the same workflow and site that has not ended. Raises BadRequest, Forbidden, Conflict."""
    number = int(body["job"])
    visible = Job.select().where(Job.pk == number, rights.visible(caller, Job))
    if graph.hold(number) is None or not visible.exists():
        raise refuse_one("/job", "There is no such job.")
    if not visible.where(rights.permitted(caller, Job, ("change",))).exists():
        raise Forbidden("You do not have permission to perform this action.")
    job: Any = Job.get_by_id(number)
    if job.state in states.ENDED or job.state == states.CANCELLING:
        raise Conflict("The job has ended, or is about to.")
    same = (job.workflow, job.site_id, job.dry_run) == (wanted.workflow.name, wanted.site.pk, bool(body.get("dry_run")))
    echo = _echo(body, wanted)
    differing = [name for name in ECHOED if name in body and body[name] is not None and echo[name] != job.request[name]]
    refuse([("/job", "The job is one of another workflow or site.")] if not same else [])
    refuse([(f"/{name}", "The job was made with another value.") for name in differing])
    closed = _closed_to(job)
    if spaces & closed:
        raise refuse_one("/paths", "The job does not go into this space.")
    if paths:
        queue = wanted.queue.name if job.queue_id is None or body.get("queue") else Queue.get_by_id(job.queue_id).name
        begin(number, job.site_id, queue, paths, spaces | (entered - closed))
        every = JobInput.select(JobInput.path).where(JobInput.job == number).order_by(JobInput.pk)
        first = [names.show(bytes(path)) for path in column(every.limit(SHOWN))]
        request = {**job.request, "paths": first, "count": every.count()}
        search = "\n".join([job.search, *map(names.show, paths)]).lower()[:SEARCHED]
        Job.update(request=request, search=search).where(Job.pk == number).execute()
    return number
