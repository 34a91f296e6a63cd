"""Jobs as they are read: one, lists, counts, what became of their paths (ngenea 3.4)."""

from collections import defaultdict
from typing import Any, Final

from peewee import fn

from app.core import clock, db
from app.core.calls import Caller, Request
from app.ngenea import job_filters, names, pages, states
from models.base import column
from models.ngenea.jobs import Job, JobPath, Task, Workflow
from models.ngenea.sites import Queue, Site
from models.ngenea.users import ClientKey, User

Document = dict[str, Any]
RECENT: Final = 5
SAMPLE: Final = 20
UNKNOWN, SYSTEM = "Unknown", "System"
OPEN_PATH, CUT_OFF = "pending", "cancelled"  # a path without an outcome, of a job that is under way, or has ended
COUNTS: Final = ("discovered", "discovered_bytes", "processed", "processed_bytes", "failed", "skipped", "aborted")


def listed(caller: Caller, request: Request, filters: job_filters.Filters) -> Any:
    """A page of jobs."""
    query = job_filters.jobs(caller, filters)
    return pages.page(request, query, filters["page"], filters["page_size"], lambda rows: describe(rows, request))


def recent(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Document:
    """The jobs made last, the newest first."""
    query = job_filters.jobs(caller, {})
    last = column(query.select(Job.pk).order_by(Job.pk.desc()).limit(RECENT))
    rows = list(Job.select().where(Job.pk.in_(last)).order_by(Job.pk.desc()))
    return pages.of_list(request, describe(rows, request), page, page_size)


def one(number: int, request: Request) -> Document:
    """A job."""
    return describe([Job.get_by_id(number)], request)[0]


def describe(rows: list[Any], request: Request) -> list[Document]:
    """Jobs as objects; what they refer to is read once for all."""
    sites = _names(Site.name, [row.site_id for row in rows])
    queues = _names(Queue.name, [row.queue_id for row in rows])
    owners = _names(User.username, [row.owner_id for row in rows])
    keys = _names(ClientKey.name, [row.clientkey_id for row in rows])
    samples = _samples([row.pk for row in rows if row.dry_run])
    return [
        {
            "id": row.pk,
            "url": f"{request.base_url}/api/jobs/{row.pk}/",
            "workflow": row.workflow,
            "workflow_label": row.definition["label"],
            "site": sites[row.site_id],
            "queue": queues.get(row.queue_id),
            "state": row.state,
            "progress": row.progress,
            "created": clock.rfc3339(row.created_ts),
            "started": _time(row.started_ts),
            "completed": _time(row.completed_ts),
            "runtime": runtime(row.started_ts, row.completed_ts),
            "owner": SYSTEM if row.by_system else owners.get(row.owner_id, UNKNOWN),
            "owner_id": row.owner_id,
            "clientkey": keys.get(row.clientkey_id),
            "schedule": None,
            "discovery": row.request["discovery"],
            "fields": row.request["fields"],
            "paths": row.request["paths"],
            "path_count": row.request["count"],
            "dry_run": row.dry_run,
            **{name: getattr(row, name) for name in COUNTS},
            "plan": _plan(row, samples[row.pk]) if row.dry_run else None,
        }
        for row in rows
    ]


def _plan(row: Any, sample: list[str]) -> Document:
    """What the job would do; exact once it has ended."""
    return {
        "complete": row.state in states.ENDED,
        "paths": row.processed,
        "bytes": row.processed_bytes,
        "skipped": row.skipped,
        "failed": row.failed,
        "sample": sample,
    }


def _samples(numbers: list[int]) -> dict[int, list[str]]:
    """The first paths that each of some dry runs would do something with: a short walk along an index for each."""
    found: dict[int, list[str]] = defaultdict(list)
    part = (
        "SELECT * FROM (SELECT job_id, path FROM ngenea_job_path WHERE job_id = ? AND state = 'processed'"
        " ORDER BY pk LIMIT ?) AS s"
    )
    parameters = [value for number in numbers for value in (number, SAMPLE)]
    if numbers:
        for job, path in db.rows(" UNION ALL ".join([part] * len(numbers)), *parameters):
            found[job].append(names.show(bytes(path)))
    return found


def _names(field: Any, numbers: list[int | None]) -> dict[int | None, str]:
    """The names of rows by their numbers."""
    wanted = sorted({number for number in numbers if number is not None})
    model = field.model
    return dict(model.select(model.pk, field).where(model.pk.in_(wanted)).tuples()) if wanted else {}


def _time(moment: Any) -> str | None:
    return None if moment is None else clock.rfc3339(moment)


def runtime(started: Any, completed: Any) -> float | None:
    """Seconds from beginning to end, or until now; None before it has begun."""
    if started is None:
        return None
    return float(((completed or clock.now()) - started).total_seconds())


def stats(caller: Caller, request: Request, filters: job_filters.Filters) -> Document:
    """How many jobs there are in each state: of all together, and of each workflow in pages."""
    query = job_filters.jobs(caller, filters)
    counted = query.select(Job.workflow, Job.state, fn.COUNT(Job.pk)).group_by(Job.workflow, Job.state)
    by_workflow: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(states.JOB_STATES, 0))
    total = dict.fromkeys(states.JOB_STATES, 0)
    for workflow, state, count in counted.tuples():
        by_workflow[workflow][state] += count
        total[state] += count
    rows = [
        {"workflow": name, "total": sum(counts.values()), "states": counts}
        for name, counts in sorted(by_workflow.items())
    ]
    around = {"total": sum(total.values()), "states": total}
    return around | pages.of_list(request, rows, filters["page"], filters["page_size"])


def types(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Document:
    """The names that jobs can have been made with: those of workflows, and of workflows gone that jobs tell of."""
    known: Any = Workflow.select(Workflow.name, Workflow.label).tuples()
    found: dict[str, str] = dict(known)
    for name in column(job_filters.jobs(caller, {}).select(Job.workflow).distinct()):
        found.setdefault(name, name)
    rows = [{"name": name, "label": label} for name, label in sorted(found.items())]
    return pages.of_list(request, rows, page, page_size)


def progress(number: int) -> Document:
    """How far a job is, in percent: it only grows, and is 100 only at the end."""
    return {"progress": Job.get_by_id(number).progress}


def statistics(number: int) -> Document:
    """How many paths of a job came to each outcome, and their bytes."""
    job: Any = Job.get_by_id(number)
    found = {name: {"files": 0, "bytes": 0} for name in (*states.OUTCOMES, OPEN_PATH, CUT_OFF)}
    for state, files, size in db.rows(
        "SELECT state, COUNT(*), SUM(size) FROM ngenea_job_path WHERE job_id = ? GROUP BY state", number
    ):
        found[shown(state, job.state)] = {"files": files, "bytes": int(size)}
    counted: Any = Task.select(Task.state, fn.COUNT(Task.pk)).where(Task.job == number).group_by(Task.state)
    tasks = dict(counted.tuples())
    total = {name: sum(one[name] for one in found.values()) for name in ("files", "bytes")}
    return {"job": number, "state": job.state, "total": total, "paths": found, "tasks": tasks}


def shown(state: str, job_state: str) -> str:
    """The state of a path in words: one without an outcome waits, or was cut off when its job ended."""
    return state or (CUT_OFF if job_state in states.ENDED else OPEN_PATH)


def hidden(wanted: list[str], ended: Any) -> Any:
    """The condition for paths in one of these states; `ended` says whether the job of a row has."""
    condition = JobPath.state.in_([state for state in wanted if state in states.OUTCOMES])
    for word, reached in ((OPEN_PATH, ~ended), (CUT_OFF, ended)):
        if word in wanted:
            condition = condition | ((JobPath.state == "") & reached)
    return condition


def files(number: int, request: Request, category: str | None, page: str | None, page_size: str | None) -> Any:
    """A page of the paths of a job, of one outcome or of all."""
    job: Any = Job.get_by_id(number)
    query = JobPath.select().where(JobPath.job == number)
    if category is not None:
        if category in states.OUTCOMES:
            query = query.where(JobPath.state == category)
        else:
            is_so = shown("", job.state) == category
            query = query.where(JobPath.state == "") if is_so else query.where(JobPath.pk < 0)
    return pages.page(request, query, page, page_size, lambda rows: [_file(row, job.state) for row in rows])


def _file(row: Any, job_state: str) -> Document:
    return {
        "path": names.show(bytes(row.path)),
        "size": row.size,
        "state": shown(row.state, job_state),
        "code": row.code,
        "message": row.message,
        "task": row.task_id,
    }
