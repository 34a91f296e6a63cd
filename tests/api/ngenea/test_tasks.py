"""Tasks of jobs, and what became of single paths, over HTTP (ngenea 3.4)."""

import pytest

from app.core import db
from tests.support.ngenea import make_group, make_user
from tests.support.ngenea_jobs import COPY, SHOUT, SPACE, call, make_workflow

pytestmark = pytest.mark.rule("ngenea 3.4")


@pytest.fixture
def job(root, hall):
    """A job of two steps with a good and a bad file."""
    make_workflow("both", {"name": SHOUT}, {"name": COPY})
    hall.file(b"good")
    hall.file(b"bad", b"fail")
    number = root.post("/jobs/", {"workflow": "both", "site": "london", "paths": [SPACE]})["id"]
    hall.work_off()
    return number


def test_tasks_in_pages_and_by_filters(root, job):
    listed = root.get("/tasks/")
    assert listed["count"] == 4
    given, navigate, first, second = listed["results"]
    assert [one["tasktype"] for one in listed["results"]] == [
        "flotilla.tasks.given_paths",
        "dynamo.tasks.recursive_navigate",
        SHOUT,
        COPY,
    ]
    assert (given["parents"], given["dynamic_parents"]) == ([], [])
    assert (navigate["parents"], navigate["dynamic_parents"]) == ([], [given["id"]])
    assert (first["parents"], first["dynamic_parents"]) == ([], [navigate["id"]])
    assert (second["parents"], second["dynamic_parents"]) == ([first["id"]], [])
    assert {one["job"] for one in listed["results"]} == {job}
    for query, found in (
        ({"tasktype": COPY}, [second]),
        ({"task_id": first["task_id"]}, [first]),
        ({"state": "ERROR"}, [first]),
        ({"state": "error,CANCELLED"}, [first]),
        ({"job_id": job + 1}, []),
        ({"job_id": job}, listed["results"]),
        ({"internal": "true"}, [given, navigate]),
        ({"internal": "0"}, [first, second]),
    ):
        assert root.get("/tasks/", **query)["results"] == found
    root.refused(400, "GET", "/tasks/?job_id=x")


def test_a_task_and_its_files(root, job):
    first = root.get("/tasks/", tasktype=SHOUT)["results"][0]
    task = root.get(f"/tasks/{first['id']}/")
    assert task.items() >= first.items()
    assert (task["result"], task["path_count"]) == ({"processed": 1, "failed": 1}, 2)
    assert sorted(task["paths"]) == [f"{SPACE}/bad", f"{SPACE}/good"]
    assert task["runtime"] >= 0
    assert task["friendly_name"]
    files = f"/tasks/{first['id']}/files/"
    found = root.get(files)
    assert all(found[key] == task[key] for key in task)
    assert {(one["path"], one["state"], one["type"], one["size"], one["site"]) for one in found["results"]} == {
        (f"{SPACE}/bad", "failed", "file", 4, "london"),
        (f"{SPACE}/good", "processed", "file", 3, "london"),
    }
    assert root.get(files, state="failed")["count"] == 1
    assert root.get(files, state="pending")["count"] == 0
    assert root.get(files, type="directory")["count"] == 0
    assert root.get(files, type="file", site="london")["count"] == 2
    assert root.get(files, site="paris")["count"] == 0
    root.refused(404, "GET", "/tasks/999999/files/")
    assert root.get(files, page_size=0)["count"] == 2


def test_all_files_of_a_task_are_streamed_with_the_task_around(root, hall):
    make_workflow("loud", {"name": SHOUT})
    for number in range(120):
        hall.file(b"f%d" % number)
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 500")
    root.post("/jobs/", {"workflow": "loud", "site": "london", "paths": [SPACE]})
    hall.work_off()
    (task,) = root.get("/tasks/", tasktype=SHOUT)["results"]
    found = root.get(f"/tasks/{task['id']}/files/", page_size=0)
    assert (found["count"], len(found["results"]), found["path_count"]) == (120, 120, 120)
    assert found["parents"] == []


def test_paths_of_cancelled_tasks(root, hall):
    make_workflow("loud", {"name": SHOUT})
    hall.file(b"a")
    number = root.post("/jobs/", {"workflow": "loud", "site": "london", "paths": [SPACE]})["id"]
    hall.work_off(2)
    call("cancel", number)
    (task,) = root.get("/tasks/", tasktype=SHOUT)["results"]
    assert task["state"] == "CANCELLED"
    assert root.get(f"/tasks/{task['id']}/files/", state="cancelled")["count"] == 1
    assert root.get(f"/jobs/{number}/files/", category="cancelled")["count"] == 1
    assert root.get("/jobstats/", state="cancelled")["count"] == 1
    assert root.get("/jobstats/", state="pending")["count"] == 0
    assert root.get(f"/jobs/{number}/statistics/")["paths"]["cancelled"] == {"files": 1, "bytes": 3}


def test_what_became_of_paths(root, job):
    stats = {one["path"].rpartition("/")[2]: one for one in root.get("/jobstats/")["results"]}
    assert {name: one["state"] for name, one in stats.items()} == {"good": "processed", "bad": "failed"}
    bad = stats["bad"]
    assert (bad["code"], bad["message"], bad["job"]) == ("refused", "the file says so", job)
    assert root.get(f"/jobstats/{bad['id']}/") == bad
    for query, count in (
        ({"job": job}, 2),
        ({"job": job + 1}, 0),
        ({"path": f"{SPACE}/bad"}, 1),
        ({"path": f"{SPACE}/ba"}, 0),
        ({"state": "failed"}, 1),
        ({"state": "failed,processed"}, 2),
        ({"state": ["failed", "aborted"]}, 1),
        ({"state": "odd"}, 0),
    ):
        assert root.done("GET", "/jobstats/", params=query)["count"] == count, query
    root.refused(400, "GET", "/jobstats/?job=x")
    root.refused(404, "GET", "/jobstats/999999/")


def test_history_is_each_task_that_had_a_path(root, job):
    good = root.done("GET", "/jobstats/", params={"path": f"{SPACE}/good"})["results"][0]
    history = root.get(f"/jobstats/{good['id']}/history/")
    assert [(one["tasktype"], one["state"]) for one in history["history"]] == [
        (SHOUT, "processed"),
        (COPY, "processed"),
    ]
    assert history["task"] == history["history"][1]["task"]
    listed = root.get("/jobstats/", history="true")["results"]
    assert {len(one["history"]) for one in listed} == {1, 2}
    assert "history" not in root.get("/jobstats/", history="false")["results"][0]
    assert "history" not in root.get(f"/jobstats/{good['id']}/history/", history="false")
    root.refused(404, "GET", f"/jobstats/{good['id']}/history/?state=failed")
    root.refused(404, "GET", f"/jobstats/{good['id']}/history/?job={job + 1}")


@pytest.mark.rule("ngenea 2")
def test_who_may_see_them(nobody, ada, job, hall):
    make_group("film", "view_space", on=("space", hall.space))
    make_user("eve", "film")
    eve = nobody.log_in("eve")
    stat, task = eve.get("/jobstats/")["results"][0]["id"], eve.get("/tasks/")["results"][0]["id"]
    for path in (f"/jobstats/{stat}/", f"/jobstats/{stat}/history/", f"/tasks/{task}/", f"/tasks/{task}/files/"):
        eve.get(path)
        ada.refused(404, "GET", path)
        nobody.refused(401, "GET", path)
    assert ada.get("/jobstats/")["count"] == ada.get("/tasks/")["count"] == 0
