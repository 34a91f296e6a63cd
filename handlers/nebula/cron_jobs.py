"""Cron jobs: containers that run when their schedule says so (nebula 2)."""

from app.nebula import definitions
from app.nebula.definitions import CRON_JOBS


def list_cron_jobs():
    """The names of all cron jobs."""
    return {"cron_jobs": definitions.names(CRON_JOBS)}


def create_cron_job(cron_job_name: str, body: dict):
    """A cron job more."""
    return definitions.create(CRON_JOBS, cron_job_name, body)


def get_cron_job(cron_job_name: str):
    """One cron job."""
    return definitions.get(CRON_JOBS, cron_job_name)


def delete_cron_job(cron_job_name: str):
    """Remove a cron job; workers schedule it no more."""
    definitions.delete(CRON_JOBS, cron_job_name)
    return {}


def replace_cron_job(cron_job_name: str, body: dict):
    """Change all of a cron job."""
    return definitions.replace(CRON_JOBS, cron_job_name, body), 202


def update_cron_job(cron_job_name: str, body: dict):
    """Change the given fields of a cron job."""
    return definitions.update(CRON_JOBS, cron_job_name, body), 202


def patch_cron_job(cron_job_name: str, body: dict):
    """Change the given fields of a cron job."""
    return definitions.update(CRON_JOBS, cron_job_name, body), 202
