"""What became of single paths in jobs, and which tasks had them (ngenea 3.4)."""

from collections import defaultdict
from typing import Any

from app.core.calls import Caller, Request
from app.core.errors import NotFound
from app.ngenea import job_filters, jobs, names, pages, rights, states
from models.ngenea.jobs import Job, JobPath, Task, TaskPath

Document = dict[str, Any]


def _query(caller: Caller, filters: job_filters.Filters) -> Any:
    """The paths of jobs that the caller may know of and the filters let pass."""
    query = JobPath.select().where(rights.of_visible_jobs(caller, JobPath.job))
    if filters.get("job") is not None:
        query = query.where(JobPath.job == filters["job"])
    if filters.get("path"):
        query = query.where(JobPath.path == job_filters.path_of(filters["path"]))
    wanted = [word.lower() for word in job_filters.items(filters.get("state") or [])]
    if wanted:
        ended = JobPath.job.in_(Job.select(Job.pk).where(Job.state.in_(states.ENDED)))
        query = query.where(jobs.hidden(wanted, ended))
    return query


def listed(caller: Caller, request: Request, filters: job_filters.Filters) -> Any:
    """A page of paths in jobs, with the tasks that had them where that is asked for."""
    with_history = job_filters.is_true(filters["history"])

    def describe(rows: list[Any]) -> list[Document]:
        found = _described(rows, request)
        histories = _histories(rows) if with_history else {}
        return [{**one, "history": histories[one["id"]]} if with_history else one for one in found]

    return pages.page(request, _query(caller, filters), filters["page"], filters["page_size"], describe)


def one(caller: Caller, request: Request, number: int) -> Document:
    """What became of a path in a job. Raises NotFound."""
    return _described([_find(caller, {}, number)], request)[0]


def history(caller: Caller, request: Request, number: int, filters: job_filters.Filters) -> Document:
    """The same with each task that had the path. Raises NotFound, also where a filter does not let it pass."""
    row = _find(caller, filters, number)
    found = _described([row], request)[0]
    wanted = filters["history"] is None or job_filters.is_true(filters["history"])
    return {**found, "history": _histories([row])[row.pk]} if wanted else found


def _find(caller: Caller, filters: job_filters.Filters, number: int) -> Any:
    row = _query(caller, filters).where(JobPath.pk == number).first()
    if row is None:
        raise NotFound("Not found.")
    return row


def _described(rows: list[Any], request: Request) -> list[Document]:
    numbers = {row.job_id for row in rows}
    states_of: Any = Job.select(Job.pk, Job.state).where(Job.pk.in_(numbers))
    of_jobs = dict(states_of.tuples())
    return [
        {
            "id": row.pk,
            "url": f"{request.base_url}/api/jobstats/{row.pk}/",
            "job": row.job_id,
            "task": row.task_id,
            "path": names.show(bytes(row.path)),
            "state": jobs.shown(row.state, of_jobs[row.job_id]),
            "code": row.code,
            "message": row.message,
        }
        for row in rows
    ]


def _histories(rows: list[Any]) -> dict[int, list[Document]]:
    """For each row the tasks that had its path in its job, in their order."""
    found: dict[int, list[Document]] = defaultdict(list)
    if not rows:
        return found
    by_path = {(row.job_id, bytes(row.path)): row.pk for row in rows}
    query: Any = TaskPath.select(TaskPath, Task.tasktype.alias("tasktype")).join(Task).objects()
    query = query.where(TaskPath.job.in_({job for job, _ in by_path}), TaskPath.path.in_({path for _, path in by_path}))
    for row in query.order_by(TaskPath.pk):
        number = by_path.get((row.job_id, bytes(row.path)))
        if number is not None:
            found[number].append(
                {
                    "task": row.task_id,
                    "tasktype": row.tasktype,
                    "state": row.state or jobs.OPEN_PATH,
                    "code": row.code,
                    "message": row.message,
                }
            )
    return found
