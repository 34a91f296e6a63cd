"""Cron jobs: schedules, defaults and numbers (nebula 2, 3, 4)."""

import pytest

from tests.support.nebula import CRON_JOB

DEFAULTS = {
    "env_vars": {},
    "running": True,
    "networks": ["nebula", "bridge"],
    "volumes": [],
    "devices": [],
    "privileged": False,
}


@pytest.mark.rule("nebula 3")
def test_a_cron_job_has_what_was_given_and_defaults_for_the_rest(boss):
    assert boss.cron_job("backup") == {"cron_job_id": 1, "cron_job_name": "backup", **CRON_JOB, **DEFAULTS}
    boss.cron_job("cleanup", env_vars={"A": "1"}, volumes="/a:/a")
    assert boss.done("GET", "/cron_jobs") == {"cron_jobs": ["backup", "cleanup"]}
    assert boss.done("GET", "/cron_jobs/cleanup")["volumes"] == ["/a:/a"]


@pytest.mark.rule("nebula 4")
def test_the_number_grows_with_each_update(boss):
    boss.cron_job("backup", env_vars={"A": "1"})
    assert boss.done("PUT", "/cron_jobs/backup/update", {"running": False, "cron_job_id": 9})["cron_job_id"] == 2
    assert boss.done("PATCH", "/cron_jobs/backup/update", {"running": False})["cron_job_id"] == 3
    replaced = boss.done("POST", "/cron_jobs/backup/update", CRON_JOB)
    assert replaced == {"cron_job_id": 4, "cron_job_name": "backup", **CRON_JOB, **DEFAULTS}
    assert boss.put("/cron_jobs/backup/update", {}).json() == {"missing_parameters": True}
    assert boss.put("/cron_jobs/backup/update", {"schedule": "often"}).json() == {"schedule_valid": False}
    assert boss.done("GET", "/cron_jobs/backup")["cron_job_id"] == 4


@pytest.mark.rule("nebula 2")
def test_not_there_and_there_already_are_403(boss):
    boss.cron_job("backup")
    taken = boss.post("/cron_jobs/backup", CRON_JOB)
    assert (taken.status_code, taken.json()) == (403, {"cron_job_exists": True})
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/update"), ("PATCH", "/update"), ("POST", "/update")):
        answer = boss.call(method, f"/cron_jobs/nope{path}", **({"json": CRON_JOB} if path else {}))
        assert (answer.status_code, answer.json()) == (403, {"cron_job_exists": False}), (method, path)
    assert boss.done("DELETE", "/cron_jobs/backup") == {}
    assert boss.get("/cron_jobs/backup").status_code == 403


@pytest.mark.rule("nebula 3")
@pytest.mark.parametrize(
    "schedule", ["* * * * *", "*/5 0-6,22 1 1 mon", "0 0 * * * 30", "@daily", "@hourly", "0 12 L * *"]
)
def test_schedules_that_workers_know(boss, schedule):
    assert boss.cron_job("backup", schedule=schedule)["schedule"] == schedule


@pytest.mark.rule("nebula 3")
@pytest.mark.parametrize(
    "schedule", ["x", "* * * *", "61 * * * *", "* * * * * * * *", "@often", " ", "*/0 * * * *", "٣ * * * *"]
)
def test_schedules_that_workers_do_not_know(boss, schedule):
    answer = boss.post("/cron_jobs/backup", {**CRON_JOB, "schedule": schedule})
    assert (answer.status_code, answer.json()) == (400, {"schedule_valid": False})
