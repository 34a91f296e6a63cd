"""Tasks of jobs (ngenea 3.4)."""

from app.core.calls import Caller, Request
from app.ngenea import job_tasks


def list_tasks(page, page_size, tasktype, task_id, state, job_id, internal, caller: Caller, request: Request):
    """Tasks in pages."""
    return job_tasks.listed(caller, request, locals())


def get_task(id_: int, request: Request):
    """One task."""
    return job_tasks.one(id_, request)


def list_task_files(id_: int, page, page_size, state, type_, site, request: Request):
    """What became of each path of a task."""
    return job_tasks.files(id_, request, {**locals(), "type": type_})
