"""What became of single paths (ngenea 3.4)."""

from app.core.calls import Caller, Request
from app.ngenea import job_stats


def list_jobstats(page, page_size, state, job, path, history, caller: Caller, request: Request):
    """Paths of jobs in pages."""
    return job_stats.listed(caller, request, locals())


def get_jobstat(id_: int, caller: Caller, request: Request):
    """What became of a path in a job."""
    return job_stats.one(caller, request, id_)


def get_jobstat_history(id_: int, state, job, path, history, caller: Caller, request: Request):
    """Each task that had a path."""
    return job_stats.history(caller, request, id_, locals())
