"""Jobs (ngenea 3.3, 3.4)."""

from app.core.calls import Caller, Request
from app.ngenea import job_actions, job_removal, jobs, submissions


def list_jobs(
    page,
    page_size,
    created,
    created_time_from,
    created_time_to,
    completed_time_from,
    completed_time_to,
    workflow,
    state,
    owner_ids,
    clientkey_ids,
    schedule_ids,
    site,
    site_id,
    input_paths_prefix,
    search_keyword,
    hide_noop,
    queue,
    queue_id,
    caller: Caller,
    request: Request,
):
    """Jobs in pages."""
    return jobs.listed(caller, request, locals())


def create_job(body: dict, caller: Caller):
    """Run a workflow on files."""
    return submissions.submit(caller, body), 201


def list_recent_jobs(page, page_size, caller: Caller, request: Request):
    """The last jobs."""
    return jobs.recent(caller, request, page, page_size)


def get_job_stats(
    page,
    page_size,
    created,
    created_time_from,
    created_time_to,
    completed_time_from,
    completed_time_to,
    workflow,
    state,
    owner_ids,
    clientkey_ids,
    schedule_ids,
    site,
    site_id,
    input_paths_prefix,
    search_keyword,
    hide_noop,
    queue,
    queue_id,
    caller: Caller,
    request: Request,
):
    """How many jobs there are in each state."""
    return jobs.stats(caller, request, locals())


def list_job_types(page, page_size, caller: Caller, request: Request):
    """The names of workflows that jobs can have."""
    return jobs.types(caller, request, page, page_size)


def get_job(id_: int, request: Request):
    """One job."""
    return jobs.one(id_, request)


def delete_job(id_: int):
    """Forget a job."""
    job_removal.delete(id_)
    return None, 204


def pause_job(id_: int, request: Request):
    """Pause a job."""
    job_actions.pause(id_)
    return jobs.one(id_, request)


def resume_job(id_: int, request: Request):
    """Go on with a job."""
    job_actions.resume(id_)
    return jobs.one(id_, request)


def cancel_job(id_: int, request: Request):
    """Cancel a job."""
    job_actions.cancel(id_)
    return jobs.one(id_, request)


def resubmit_job(id_: int, caller: Caller, request: Request):
    """Run a job once more."""
    return jobs.one(job_actions.resubmit(caller, id_), request)


def get_job_progress(id_: int):
    """How far a job is."""
    return jobs.progress(id_)


def get_job_statistics(id_: int):
    """What became of the paths of a job, in numbers."""
    return jobs.statistics(id_)


def list_job_files(id_: int, category, page, page_size, request: Request):
    """What became of each path of a job."""
    return jobs.files(id_, request, category, page, page_size)
