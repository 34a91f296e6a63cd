"""The tasks of jobs as they are read (ngenea 3.4)."""

from collections import defaultdict
from typing import Any, Final

from peewee import fn

from app.core import clock
from app.core.calls import Caller, Request
from app.ngenea import job_filters, jobs, names, pages, rights, states
from models.ngenea.jobs import Task, TaskParent, TaskPath
from models.ngenea.sites import Site

Document = dict[str, Any]
SHOWN: Final = 100  # paths that are shown with a task
TYPES: Final = ("file", "directory", "symlink", "other")
NOTHING: Final = TaskPath.pk < 0


def listed(caller: Caller, request: Request, filters: job_filters.Filters) -> Any:
    """A page of tasks."""
    query = Task.select().where(rights.visible(caller, Task))
    for name, column in (("tasktype", Task.tasktype), ("task_id", Task.task_id), ("job_id", Task.job)):
        if filters[name] not in (None, ""):
            query = query.where(column == filters[name])
    wanted = [state.upper() for state in job_filters.items(filters["state"] or [])]
    if wanted:
        query = query.where(Task.state.in_(wanted))
    if filters["internal"] is not None:
        query = query.where(Task.internal == job_filters.is_true(filters["internal"]))
    return pages.page(request, query, filters["page"], filters["page_size"], lambda rows: describe(rows, request))


def describe(rows: list[Any], request: Request) -> list[Document]:
    """Tasks as objects; what they refer to is read once for all."""
    known: Any = Site.select(Site.pk, Site.name).where(Site.pk.in_({row.site_id for row in rows}))
    sites = dict(known.tuples())
    edges: dict[tuple[int, bool], list[int]] = defaultdict(list)
    parents: Any = TaskParent.select().where(TaskParent.task.in_([row.pk for row in rows])).order_by(TaskParent.pk)
    for edge in parents:
        edges[edge.task_id, edge.dynamic].append(edge.parent_id)
    return [
        {
            "id": row.pk,
            "url": f"{request.base_url}/api/tasks/{row.pk}/",
            "job": row.job_id,
            "task_id": row.task_id,
            "tasktype": row.tasktype,
            "friendly_name": row.friendly_name,
            "site": sites[row.site_id],
            "queue": row.queue,
            "state": row.state,
            "started": None if row.started_ts is None else clock.rfc3339(row.started_ts),
            "completed": None if row.completed_ts is None else clock.rfc3339(row.completed_ts),
            "internal": row.internal,
            "parents": edges[row.pk, False],
            "dynamic_parents": edges[row.pk, True],
        }
        for row in rows
    ]


def one(number: int, request: Request) -> Document:
    """A task, with its first paths and what it says of them."""
    row: Any = Task.get_by_id(number)
    paths: Any = TaskPath.select(TaskPath.path).where(TaskPath.task == number).order_by(TaskPath.pk).limit(SHOWN)
    count = TaskPath.select(fn.COUNT(TaskPath.pk)).where(TaskPath.task == number).scalar()
    return {
        **describe([row], request)[0],
        "arguments": row.arguments,
        "paths": [names.show(bytes(path)) for (path,) in paths.tuples()],
        "path_count": count,
        "result": row.result,
        "runtime": jobs.runtime(row.started_ts, row.completed_ts),
    }


def files(number: int, request: Request, filters: job_filters.Filters) -> Any:
    """A page of the paths of a task, and the task around it."""
    row: Any = Task.get_by_id(number)
    around = one(number, request)
    query = TaskPath.select().where(TaskPath.task == number)
    if filters["type"]:
        query = query.where(TaskPath.type == filters["type"])
    if filters["site"] and filters["site"] != around["site"]:
        query = query.where(NOTHING)
    if filters["state"]:
        query = query.where(_in_state(filters["state"].lower(), row.state))

    def described(rows: list[Any]) -> list[Document]:
        return [
            {
                "path": names.show(bytes(path.path)),
                "type": path.type or None,
                "size": path.size,
                "state": _shown(path.state, row.state),
                "code": path.code,
                "message": path.message,
                "site": around["site"],
            }
            for path in rows
        ]

    return pages.page(request, query, filters["page"], filters["page_size"], described, around)


def _shown(state: str, task_state: str) -> str:
    return state or (jobs.CUT_OFF if task_state in states.ENDED else jobs.OPEN_PATH)


def _in_state(wanted: str, task_state: str) -> Any:
    if wanted in states.OUTCOMES:
        return TaskPath.state == wanted
    return TaskPath.state == "" if _shown("", task_state) == wanted else NOTHING
