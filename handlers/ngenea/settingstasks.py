"""Settings tasks (ngenea 3.4)."""

from app.core.calls import Caller, Request
from app.ngenea import settings_tasks


def list_settings_tasks(page, page_size, tasktype, state, job_id, caller: Caller, request: Request):
    """Settings tasks in pages."""
    query = settings_tasks.filtered(caller, tasktype, state, job_id)
    return settings_tasks.listed(request, query, page, page_size)


def get_settings_task(id_: int, request: Request):
    """One settings task."""
    return settings_tasks.describe(id_, request.base_url)
