"""Running a workflow on files: what is asked for is looked at whole, then a job is made (ngenea 3.5).

What a job does is settled here: fields are put in their places, sites and queues are found, so that a later change of
the workflow changes no job.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core import clock
from app.core.calls import Caller
from app.core.errors import Conflict, Forbidden
from app.ngenea import definitions, graph, names, rights, rules, states, tasks
from app.ngenea.faults import Faults, refuse, refuse_one
from app.ngenea.rooted import PathError, components
from models.base import column
from models.ngenea.jobs import Job, JobInput, JobSpace, Workflow
from models.ngenea.sites import Queue, Site, Space, SpaceSite
from models.ngenea.users import User

Document = dict[str, Any]
MAX_PATH: Final = 2600  # bytes: what an index of PostgreSQL takes
SHOWN: Final = 20  # paths that are shown with a job
SEARCHED: Final = 65_536  # characters of a job that a keyword is looked for in
DEFAULT_QUEUE: Final = "default"
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


@dataclass(frozen=True, slots=True)
class Asked:
    """What a submission asks for, found: rows of the workflow, the site and the queue."""

    workflow: Any
    site: Any
    queue: Any
    fields: Mapping[str, Any]
    definition: Document


def submit(caller: Caller, body: Document) -> Document:
    """Make a job, or add paths to one; what was asked for, with its number. Raises BadRequest, Forbidden, Conflict."""
    site = _site(caller, body["site"])
    paths, spaces = _paths(caller, site, body.get("paths") or [])
    asked = _asked(caller, body, site)
    if body.get("job") is not None:
        number = _append(caller, body, asked, paths, spaces)
    elif not paths:
        raise refuse_one("/paths", "This list may not be empty.")
    else:
        number = make(caller, asked, paths, spaces, dry_run=bool(body.get("dry_run")), echo=_echo(body, asked))
    return _answer(number, body, asked)


def _answer(number: int, body: Document, asked: Asked) -> Document:
    shown = [{"path": path if isinstance(path, str) else path["path"]} for path in body.get("paths") or []]
    return {
        "id": number,
        "job": body.get("job"),
        "workflow": asked.workflow.name,
        "site": asked.site.name,
        "queue": asked.queue.name,
        "paths": shown,
        "dry_run": bool(body.get("dry_run")),
        **_echo(body, asked),
    }


def _echo(body: Document, asked: Asked) -> Document:
    return {
        "discovery": asked.definition["discovery"],
        "fields": dict(asked.fields),
        "include": body.get("include") or [],
        "exclude": body.get("exclude") or [],
        "ignore_site_includes": bool(body.get("ignore_site_includes")),
        "ignore_site_excludes": bool(body.get("ignore_site_excludes")),
    }


def _site(caller: Caller, name: str) -> Any:
    """The row of a site that the caller knows, or has a space on."""
    site: Any = Site.get_or_none(Site.name == name)
    if site is None or not _knows(caller, site):
        raise refuse_one("/site", NO_SITE)
    return site


def _knows(caller: Caller, site: Any) -> bool:
    """Whether a caller may know of a site, or of a space on it."""
    seen = Site.select().where(Site.pk == site.pk, rights.visible(caller, Site)).exists()
    return bool(seen or _spaces(caller, site))


def _spaces(caller: Caller, site: Any) -> dict[int, bytes]:
    """The mount points of the spaces of a site that the caller may know of, by number."""
    seen = Space.select(Space.pk).where(rights.visible(caller, Space))
    return {pk: mount for pk, mount in all_spaces(site.pk).items() if pk in set(column(seen))}


def all_spaces(site: int) -> dict[int, bytes]:
    """The mount points of all spaces of a site, by number."""
    found: Any = SpaceSite.select(SpaceSite.space, SpaceSite.mountpoint).join(Space).where(~Space.deleting)
    return {space: mount.encode() for space, mount in found.where(SpaceSite.site == site).tuples()}


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
    known, visible = all_spaces(site.pk), _spaces(caller, site)
    used = {}
    for path, at in found.items():
        inner = max(
            (pk for pk in known if rules.is_within(path, known[pk])), key=lambda pk: len(known[pk]), default=None
        )
        if inner is None:
            raise refuse_one(f"/paths/{at}", "The path is in no space of the site.")
        used[inner] = path
    if used.keys() - visible.keys():
        raise Forbidden(NOT_VISIBLE)
    return list(found), set(used)


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
    if len(path) > MAX_PATH:
        raise ValueError(f"A path has at most {MAX_PATH} bytes.")
    return path


def _asked(caller: Caller, body: Document, site: Any) -> Asked:
    workflow: Any = Workflow.get_or_none(Workflow.name == body["workflow"])
    if workflow is None:
        raise refuse_one("/workflow", "There is no such workflow.")
    refuse(_closed(workflow))
    discovery = _discovery(body, workflow)
    fields = _fields(caller, workflow.fields, body.get("fields") or {})
    queue = _queue(body.get("queue"), workflow.preferred_queue, site)
    own = (
        [] if body.get("ignore_site_includes") else site.include or [],
        [] if body.get("ignore_site_excludes") else site.exclude or [],
    )
    definition = {
        "label": workflow.label,
        "discovery": discovery,
        "skip_missing": bool(workflow.discovery_options.get("skip_missing")),
        "globs": [own, (body.get("include") or [], body.get("exclude") or [])],
        "rules": _rules(caller, workflow.filter_rules, fields, site, queue.name),
    }
    return Asked(workflow, site, queue, fields, definition)


def _closed(workflow: Any) -> Faults:
    """Why a workflow cannot be run, if so."""
    reasons = (
        (not workflow.enabled, "The workflow is disabled."),
        (workflow.schedule_only, "The workflow runs on a schedule only."),
        (workflow.external_only, "The workflow takes paths of external targets only."),
        (workflow.discovery not in definitions.DISCOVERIES, "The workflow's discovery is not offered."),
    )
    return [("/workflow", reason) for closed, reason in reasons if closed][:1]


def _discovery(body: Document, workflow: Any) -> str | None:
    """How files are found: as the request says, else the workflow. Raises BadRequest."""
    wanted: str | None = body.get("discovery") or workflow.discovery
    if wanted not in definitions.DISCOVERIES:
        later = wanted in definitions.LATER
        raise refuse_one("/discovery", "This discovery is not offered yet." if later else "There is no such discovery.")
    if wanted == "recursive" and all(rule["state"] != "all" for rule in workflow.filter_rules):
        raise refuse_one("/discovery", "No rule of the workflow takes what a recursive discovery finds.")
    return wanted


def _fields(caller: Caller, known: list[Document], given: Document) -> Document:
    """The values of all fields. Raises BadRequest."""
    by_name = {field["name"]: field for field in known}
    faults = [
        (f"/fields/{definitions.pointer(name)}", "There is no such field.") for name in given if name not in by_name
    ]
    values: Document = {}
    for name, field in by_name.items():
        value = given.get(name)
        values[name] = field.get("default") if value is None else value
        where = f"/fields/{definitions.pointer(name)}"
        if values[name] is None and field.get("required"):
            faults.append((where, "This field is required."))
        elif value is not None and (fault := definitions.value_fault(field, value)):
            faults.append((where, fault))
    refuse(faults)
    return values


def _queue(wanted: str | None, preferred: str, site: Any) -> Any:
    """The row of a queue of the site. Raises BadRequest."""
    known = {row.name: row for row in Queue.select().where(Queue.site == site.pk)}
    if wanted and wanted not in known:
        raise refuse_one("/queue", "The site has no such queue.")
    for name in (wanted, preferred, DEFAULT_QUEUE):
        if name and name in known:
            return known[name]
    raise refuse_one("/queue", "The site has no queue.")


def _rules(caller: Caller, given: list[Document], fields: Mapping[str, Any], site: Any, queue: str) -> list[Document]:
    """The rules with every action settled. Raises BadRequest."""
    return [
        {
            **{name: rule[name] for name in ("type", "state")},
            **{name: rule.get(name) or [] for name in ("include", "exclude")},
            "actions": [_action(caller, definitions.substituted(one, fields), site, queue) for one in rule["action"]],
        }
        for rule in given
    ]


def _action(caller: Caller, action: Document, site: Any, queue: str) -> Document:
    there, its_queue = site, queue
    if action.get("site") not in (None, "", site.name):
        there = Site.get_or_none(Site.name == action["site"])
        if there is None or not _knows(caller, there):
            raise refuse_one("/fields", f"There is no site {action['site']}.")
        its_queue = DEFAULT_QUEUE
    if action.get("queue"):
        its_queue = action["queue"]
        if not Queue.select().where(Queue.site == there.pk, Queue.name == its_queue).exists():
            raise refuse_one("/fields", f"Site {there.name} has no queue {its_queue}.")
    arguments = {name: value for name, value in definitions.arguments(action).items() if value is not None}
    refuse([("/fields", fault) for fault in tasks.faults(str(action["name"]), arguments)])
    task = tasks.find(str(action["name"]))
    assert task is not None  # noqa: S101 -- it has no faults
    return {"task": task.name, "arguments": arguments, "site": there.pk, "queue": its_queue}


def make(
    caller: Caller, asked: Asked, paths: Sequence[bytes], spaces: set[int], *, dry_run: bool, echo: Document
) -> int:
    """The number of a new job, on its way."""
    now = clock.now()
    owner: Any = User.get_by_id(int(caller.id))
    words = [asked.workflow.name, asked.workflow.label, owner.username, *map(names.show, paths)]
    number: int = Job.insert(
        workflow=asked.workflow.name,
        definition=asked.definition,
        site=asked.site.pk,
        queue=asked.queue.pk,
        owner=owner.pk,
        clientkey=int(caller.token) if caller.kind == "key" else None,
        by_system=False,
        request={**echo, "paths": [names.show(path) for path in paths[:SHOWN]], "count": len(paths)},
        state=states.NEW,
        dry_run=dry_run,
        search="\n".join(words).lower()[:SEARCHED],
        **dict.fromkeys(COUNTERS, 0),
        created_ts=now,
    ).execute()
    begin(number, asked.site.pk, asked.queue.name, paths, spaces)
    return number


def begin(job: int, site: int, queue: str, paths: Sequence[bytes], spaces: set[int]) -> None:
    """Add paths to a job, and a task that looks at them."""
    for at in range(0, len(paths), graph.ROWS):
        rows = [{"job": job, "path": path} for path in paths[at : at + graph.ROWS]]
        JobInput.insert_many(rows).on_conflict_ignore().execute()
    if spaces:
        JobSpace.insert_many([{"job": job, "space": pk} for pk in sorted(spaces)]).on_conflict_ignore().execute()
    new = graph.NewTask(graph.GIVEN, "Look at the given paths", site, queue, {}, discovery=True)
    (task,) = graph.add(job, [new]).values()
    graph.add_paths(job, task, ((path, "", 0) for path in paths))
    graph.release(site, queue, [task])


def _append(caller: Caller, body: Document, asked: Asked, paths: list[bytes], spaces: set[int]) -> int:
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
    same = (job.workflow, job.site_id, job.dry_run) == (asked.workflow.name, asked.site.pk, bool(body.get("dry_run")))
    echo = _echo(body, asked)
    differing = [name for name in ECHOED if name in body and body[name] is not None and echo[name] != job.request[name]]
    refuse([("/job", "The job is one of another workflow or site.")] if not same else [])
    refuse([(f"/{name}", "The job was made with another value.") for name in differing])
    if paths:
        queue = asked.queue.name if job.queue_id is None or body.get("queue") else Queue.get_by_id(job.queue_id).name
        begin(number, job.site_id, queue, paths, spaces)
        request = {**job.request, "count": JobInput.select().where(JobInput.job == number).count()}
        search = "\n".join([job.search, *map(names.show, paths)]).lower()[:SEARCHED]
        Job.update(request=request, search=search).where(Job.pk == number).execute()
    return number
