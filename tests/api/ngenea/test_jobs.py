"""Jobs over HTTP: lists and filters, one, counts, files, calls, and who may what (ngenea 3.3, 3.4)."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock, db
from models.ngenea.jobs import Job
from models.ngenea.sites import Queue
from tests.support.ngenea import make_group, make_user
from tests.support.ngenea_jobs import COPY, SHOUT, SPACE, make_hall, make_space, make_workflow

pytestmark = pytest.mark.rule("ngenea 3.4")


@pytest.fixture
def loud(hall):
    make_workflow("loud", {"name": SHOUT})
    make_workflow("copy", {"name": COPY}, label="Make copies")
    return hall


def run(hub, *paths, workflow="loud", **changes):
    """The number of a new job."""
    body = {"workflow": workflow, "site": "london", "paths": list(paths) or [SPACE], **changes}
    return hub.post("/jobs/", body)["id"]


def numbers(hub, **query):
    return [job["id"] for job in hub.get("/jobs/", **query)["results"]]


def change(number, **values):
    with db.write():
        Job.update(**values).where(Job.pk == number).execute()


def test_a_job_from_beginning_to_end(root, loud):
    loud.file(b"a")
    loud.file(b"bad", b"fail")
    number = run(root)
    job = root.get(f"/jobs/{number}/")
    assert (job["state"], job["started"], job["completed"], job["runtime"]) == ("NEW", None, None, None)
    assert root.get(f"/jobs/{number}/progress/") == {"progress": 0}
    loud.work_off()
    job = root.get(f"/jobs/{number}/")
    assert job["url"].endswith(f"/api/jobs/{number}/")
    assert (job["state"], job["workflow"], job["workflow_label"], job["site"]) == ("ERROR", "loud", "Loud", "london")
    assert (job["discovered"], job["processed"], job["failed"], job["processed_bytes"]) == (2, 1, 1, 3)
    assert job["runtime"] >= 0
    assert root.get(f"/jobs/{number}/progress/") == {"progress": 100}
    found = root.get(f"/jobs/{number}/statistics/")
    assert found["total"] == {"files": 2, "bytes": 7}
    assert found["paths"]["processed"] == {"files": 1, "bytes": 3}
    assert found["paths"]["failed"] == {"files": 1, "bytes": 4}
    assert found["tasks"] == {"SUCCESS": 2, "ERROR": 1}
    root.delete(f"/jobs/{number}/")
    root.refused(404, "GET", f"/jobs/{number}/")


def test_files_by_category(root, loud):
    loud.file(b"a")
    loud.file(b"bad", b"fail")
    loud.file(b"\xff", b"skip")
    number = run(root)
    files = f"/jobs/{number}/files/"
    loud.work_off(2)
    assert {one["state"] for one in root.get(files)["results"]} == {"pending"}
    assert root.get(files, category="pending")["count"] == 3
    loud.work_off()
    assert root.get(files)["count"] == 3
    (bad,) = root.get(files, category="failed")["results"]
    assert (bad["path"], bad["code"], bad["message"], bad["size"]) == (f"{SPACE}/bad", "refused", "the file says so", 4)
    (odd,) = root.get(files, category="skipped")["results"]
    assert odd["path"] == f"{SPACE}/\uf7ff"
    assert root.get(files, category="cancelled")["count"] == 0
    assert root.get(files, category="aborted")["count"] == 0
    root.refused(400, "GET", f"{files}?category=odd")
    # What is shown leads back to the file.
    loud.file(b"\xff")
    again = run(root, odd["path"])
    loud.work_off()
    assert root.get(f"/jobs/{again}/")["state"] == "SUCCESS"
    assert root.get(f"/jobs/{again}/")["paths"] == [odd["path"]]


def test_filters(nobody, root, loud, tmp_path):
    paris = make_hall(tmp_path / "paris", "paris")
    with db.write():
        big: int = Queue.create(site=loud.site, name="big").pk
    make_user("eve", might=True)
    eve = nobody.log_in("eve")
    loud.file(b"film/a")
    loud.file(b"films/b", b"skip")
    first = run(root, f"{SPACE}/film")
    second = run(eve, f"{SPACE}/films", workflow="loud", queue="big")
    third = run(root, f"{SPACE}/film/a", f"{SPACE}/none", workflow="copy")
    fourth = root.post("/jobs/", {"workflow": "loud", "site": "paris", "paths": [SPACE]})["id"]
    key = eve.post("/auth/clientkeys/", {"name": "ingest"})
    keyed = type(eve)(eve.http, f"Api-Key {key['api_key']}")
    fifth = run(keyed)
    loud.work_off()
    loud.work_off(queue="big")
    change(fourth, owner=None, by_system=True)
    change(first, owner=None)
    me = next(one["id"] for one in root.get("/users/")["results"] if one["username"] == "eve")
    every = [first, second, third, fourth, fifth]
    assert numbers(root) == every
    assert root.get(f"/jobs/{first}/")["owner"] == "Unknown"
    assert root.get(f"/jobs/{fourth}/")["owner"] == "System"
    assert root.get(f"/jobs/{fifth}/")["clientkey"] == "ingest"
    expected = [
        ({"workflow": "copy"}, [third]),
        ({"state": "ERROR"}, [third]),
        (
            {"state": ["NEW", "ERROR"]},
            [third, fourth],
        ),
        ({"state": "new,error"}, [third, fourth]),
        ({"owner_ids": str(me)}, [second, fifth]),
        ({"owner_ids": "-1"}, [first]),
        ({"owner_ids": "-2"}, [fourth]),
        ({"owner_ids": "-1,-2"}, [first, fourth]),
        ({"owner_ids": [-1, me]}, [first, second, fifth]),
        ({"clientkey_ids": str(key["id"])}, [fifth]),
        ({"schedule_ids": "1"}, []),
        ({"site": "paris"}, [fourth]),
        ({"site_id": paris.site}, [fourth]),
        ({"site": "rome"}, []),
        ({"queue": "big"}, [second]),
        ({"queue_id": big}, [second]),
        ({"input_paths_prefix": f"{SPACE}/film"}, [first, third]),
        ({"input_paths_prefix": f"{SPACE}/film/"}, [first, third]),
        ({"input_paths_prefix": f"{SPACE}/film/a"}, [third]),
        ({"input_paths_prefix": "/"}, every),
        ({"search_keyword": "FILMS"}, [second]),
        ({"search_keyword": "copies"}, [third]),
        ({"search_keyword": "%"}, []),
        ({"search_keyword": "eve"}, [second, fifth]),
        ({"workflow": "loud", "owner_ids": str(me)}, [second, fifth]),
        ({"created": "hour"}, every),
        ({"created": "null"}, every),
        ({"nonsense": "1"}, every),
        ({"owner_ids": ""}, every),
        ({"state": ",", "clientkey_ids": "", "schedule_ids": "", "workflow": "", "queue": ""}, every),
    ]
    for query, wanted in expected:
        assert numbers(root, **query) == wanted, query
        counted = root.get("/jobs/stats/", **query)
        assert counted["total"] == len(wanted) == sum(counted["states"].values())
    assert first in numbers(root, search_keyword=str(first))
    assert second not in numbers(root, hide_noop="true")
    assert first in numbers(root, hide_noop="1")
    assert second in numbers(root, hide_noop="false")
    for query in ({"created": "decade"}, {"owner_ids": "me"}, {"site_id": "x"}, {"hide_noop": "maybe"},
                  {"created_time_from": "yesterday"}, {"completed_time_to": "x"}):  # fmt: skip
        root.refused(400, "GET", "/jobs/", params=query)
        root.refused(400, "GET", "/jobs/stats/", params=query)


def test_times(root, loud):
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    jobs = [run(root) for _ in range(3)]
    for hours, number in enumerate(jobs):
        moment = noon + timedelta(hours=hours)
        change(number, created_ts=moment, completed_ts=moment + timedelta(minutes=30))
    with clock.freeze(noon + timedelta(hours=2, minutes=30)):
        root = root.log_in("root")
        assert numbers(root, created="hour") == jobs[2:]
        assert numbers(root, created="day") == jobs
        assert numbers(root, created_time_from="2026-11-29T13:00:00Z") == jobs[1:]
        assert numbers(root, created_time_from="2026-11-29T13:00:00") == jobs[1:]
        assert numbers(root, created_time_from="2026-11-29T14:00:00+01:00") == jobs[1:]
        assert numbers(root, created_time_to="2026-11-29T12:59:59Z") == jobs[:1]
        assert numbers(root, created="hour", created_time_to="2026-11-29T12:59:59Z") == jobs[2:]
        assert numbers(root, completed_time_from="2026-11-29T13:30:00Z") == jobs[1:]
        assert numbers(root, completed_time_to="2026-11-29") == []


def test_counts_and_choices_and_the_last_ones(root, loud):
    loud.file(b"a")
    jobs = [run(root, workflow=name) for name in ("loud", "copy", "copy", "loud", "loud", "loud")]
    loud.work_off()
    counted = root.get("/jobs/stats/")
    assert counted["count"] == 2
    assert [(one["workflow"], one["total"]) for one in counted["results"]] == [("copy", 2), ("loud", 4)]
    assert counted["states"]["SUCCESS"] + counted["states"]["SKIPPED"] + counted["states"]["ERROR"] == 6
    assert [job["id"] for job in root.get("/jobs/recent/")["results"]] == jobs[:0:-1]
    root.refused(404, "GET", "/jobs/recent/?page=2")
    choices = {one["name"]: one["label"] for one in root.get("/jobs/jobtype_choices/")["results"]}
    assert choices["copy"] == "Make copies"
    assert {"migrate", "recall", "loud"} <= choices.keys()
    workflow = next(one["id"] for one in root.get("/workflows/")["results"] if one["name"] == "copy")
    root.delete(f"/workflows/{workflow}/")
    assert {one["name"]: one["label"] for one in root.get("/jobs/jobtype_choices/")["results"]}["copy"] == "copy"


@pytest.mark.rule("ngenea 3.3")
def test_calls_over_http(root, loud):
    loud.file(b"a")
    number = run(root)
    path = f"/jobs/{number}"
    root.refused(409, "POST", f"{path}/pause/")
    root.refused(409, "DELETE", f"{path}/")
    assert root.post(f"{path}/resubmit/")["id"] == number
    loud.work_off(1)
    assert root.post(f"{path}/pause/")["state"] == "PAUSED"
    assert root.post(f"{path}/resume/")["state"] == "STARTED"
    assert root.post(f"{path}/cancel/")["state"] == "CANCELLED"
    for verb in ("pause", "resume", "cancel"):
        assert "CANCELLED" in root.refused(409, "POST", f"{path}/{verb}/")["detail"]
    new = root.post(f"{path}/resubmit/")
    assert (new["state"], new["id"] > number, new["paths"]) == ("NEW", True, [SPACE])
    loud.work_off()
    assert root.get(f"/jobs/{new['id']}/")["state"] == "SUCCESS"
    assert root.get(f"{path}/files/")["count"] == 0
    root.delete(f"{path}/")


@pytest.mark.rule("ngenea 8")
def test_a_dry_run_tells_what_would_be_done(root, loud):
    for number in range(25):
        loud.file(b"f%02d" % number, b"abcd")
    loud.file(b"bad", b"fail")
    answer = root.post("/jobs/", {"workflow": "loud", "site": "london", "paths": [SPACE], "dry_run": True})
    assert answer["dry_run"] is True
    plan = root.get(f"/jobs/{answer['id']}/")["plan"]
    assert plan == {"complete": False, "paths": 0, "bytes": 0, "skipped": 0, "failed": 0, "sample": []}
    loud.work_off()
    plan = root.get(f"/jobs/{answer['id']}/")["plan"]
    assert (plan["complete"], plan["paths"], plan["bytes"], plan["failed"]) == (True, 25, 100, 1)
    assert len(plan["sample"]) == 20
    assert set(plan["sample"]) <= {f"{SPACE}/f{number:02}" for number in range(25)}
    assert loud.text("f01") == b"abcd"
    assert root.get(f"/jobs/{run(root)}/")["plan"] is None


READS = ("", "progress/", "statistics/", "files/")
VERBS = ("pause/", "resume/", "cancel/", "resubmit/")


@pytest.mark.rule("ngenea 2")
def test_who_may_see_and_do_what(nobody, root, loud):
    """Owner, who sees the space, who may change jobs, and who may nothing."""
    with db.write():
        make_space("other", "/mmfs1/data/other", loud.site)
    make_group("film", "view_space", on=("space", loud.space))
    make_group("operators", "change_job", "delete_job")
    for name, groups in (("owner", ["film"]), ("viewer", ["film"]), ("operator", ["operators"]), ("stranger", [])):
        make_user(name, *groups)
    hubs = {name: nobody.log_in(name) for name in ("owner", "viewer", "operator", "stranger")}
    number = run(hubs["owner"])
    path = f"/jobs/{number}"
    assert [name for name in hubs if numbers(hubs[name]) == [number]] == ["owner", "viewer", "operator"]
    assert [name for name in hubs if hubs[name].get("/tasks/")["count"]] == ["owner", "viewer"]
    for name, read in itertools.product(hubs, READS):
        assert hubs[name].call("GET", f"{path}/{read}").status_code == (404 if name == "stranger" else 200)
    for name, verb in itertools.product(("viewer", "stranger"), (*VERBS, "")):
        method = "POST" if verb else "DELETE"
        assert hubs[name].call(method, f"{path}/{verb}").status_code == (404 if name == "stranger" else 403)
    assert hubs["stranger"].get("/jobs/stats/")["total"] == 0
    assert hubs["stranger"].get("/jobs/recent/")["count"] == 0
    assert hubs["operator"].post(f"{path}/cancel/")["state"] == "CANCELLED"
    hubs["owner"].delete(f"{path}/")
    for read in (*READS,):
        nobody.refused(401, "GET", f"{path}/{read}")
    for hub in hubs.values():
        assert hub.call("POST", f"{path}/cancel/").status_code == 404


def test_a_page_of_jobs_costs_the_same_as_one(root, loud):
    for _ in range(30):
        run(root)
    costs = []
    for size in (20, 100):
        with db.count_queries() as queries:
            root.get("/jobs/", page_size=size)
        costs.append(queries.count)
    assert costs[0] == costs[1]
    everything = root.get("/jobs/", page_size=0)
    assert everything["count"] == len(everything["results"]) == 30
