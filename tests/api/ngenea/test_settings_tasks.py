"""Settings tasks (ngenea 3.4)."""

from datetime import timedelta

import pytest

from app.core import db
from app.ngenea import settings_tasks
from tests.support.ngenea import make_group
from tests.support.sites import join, make_site, make_space, ready, settled
from tests.support.waiting import eventually

pytestmark = pytest.mark.rule("ngenea 3.4")


@pytest.fixture
def told(monkeypatch):
    """A type of task that does what the test says, and the orders it got."""
    orders = []

    def do(order):
        orders.append(order)
        return outcome["do"](order)

    outcome = {"do": lambda order: {"done": order.request["n"]}}
    monkeypatch.setitem(settings_tasks._types, "test", do)
    monkeypatch.setattr("app.core.work.delay", lambda attempts: timedelta(0))
    outcome["orders"] = orders
    return outcome


def queue(site, n=1):
    with db.write():
        return settings_tasks.queue(site, "test", "Count", {"n": n})


def test_a_task_is_done_on_its_site(root, london, told):
    task_id = queue(london.number, 7)
    row = settled(root)[0]
    assert (row["task_id"], row["tasktype"], row["site"], row["state"]) == (task_id, "test", "london", "SUCCESS")
    task = root.get(f"/settingstasks/{row['id']}/")
    assert (task["request"], task["results"], task["friendly_name"]) == ({"n": 7}, {"done": 7}, "Count")
    assert task["started"] <= task["completed"]
    assert task["runtime"] >= 0
    assert len(told["orders"]) == 1


def test_what_fails_is_tried_again_and_then_told(root, london, told):
    def refuse(order):
        raise OSError("the disk is asleep\nsecond line")

    told["do"] = refuse
    queue(london.number)
    row = settled(root)[0]
    assert row["state"] == "FAILURE"
    assert root.get(f"/settingstasks/{row['id']}/")["results"] == {"error": "the disk is asleep"}
    assert len(told["orders"]) == settings_tasks.ATTEMPTS


def test_what_fails_once_succeeds_the_next_time(root, london, told):
    def hesitate(order):
        if len(told["orders"]) == 1:
            raise OSError("not yet")
        return {}

    told["do"] = hesitate
    queue(london.number)
    assert settled(root)[0]["state"] == "SUCCESS"


def test_what_is_impossible_is_not_tried_again(root, london, told):
    def refuse(order):
        raise settings_tasks.Impossible("never")

    told["do"] = refuse
    queue(london.number)
    assert settled(root)[0]["state"] == "FAILURE"
    assert len(told["orders"]) == 1


def test_a_task_whose_workers_all_died_has_failed(root, told):
    """The unit was given up by a sweep, so nobody told the task."""
    site = make_site(root)
    queue(site)
    with db.write():
        db.execute("UPDATE core_work SET state = 'failed' WHERE kind = 'ngenea.settings'")
    settings_tasks.give_up(site)
    row = root.get("/settingstasks/")["results"][0]
    assert row["state"] == "FAILURE"
    assert root.get(f"/settingstasks/{row['id']}/")["results"]["error"] == "its workers died or hung"


def test_a_task_waits_for_a_worker_of_its_own_site(root, london, told):
    paris = make_site(root, "paris")
    queue(paris)
    queue(london.number)
    states = eventually(
        lambda: (
            (found := {task["site"]: task["state"] for task in root.get("/settingstasks/")["results"]})
            and found["london"] == "SUCCESS"
            and found
        )
    )
    assert states["paris"] == "PENDING"


def test_tasks_are_found_by_type_and_state(root, london, told):
    number = make_space(root)
    ready(root, f"/spaces/{number}/")
    queue(make_site(root, "paris"))
    settled_one = eventually(lambda: root.get("/settingstasks/", state="SUCCESS")["results"])
    assert [task["tasktype"] for task in settled_one] == ["create_space"]

    def found(query):
        return {task["tasktype"] for task in root.done("GET", f"/settingstasks/?{query}")["results"]}

    assert found("tasktype=test") == {"test"}
    assert found("state=PENDING,SUCCESS") == {"test", "create_space"}
    assert found("state=PENDING&state=SUCCESS") == {"test", "create_space"}
    assert found("state=STARTED") == found("tasktype=x") == found("job_id=1") == set()
    root.refused(400, "GET", "/settingstasks/?job_id=x")


@pytest.mark.rule("ngenea 2")
def test_who_may_see_tasks(nobody, root, ada):
    site = make_site(root)
    make_space(root)
    number = root.get("/settingstasks/")["results"][0]["id"]
    nobody.refused(401, "GET", f"/settingstasks/{number}/")
    ada.refused(404, "GET", f"/settingstasks/{number}/")
    make_group("seers", "view_site", on=("site", site))
    join("ada", "seers")
    ada.get(f"/settingstasks/{number}/")
    assert ada.get("/settingstasks/")["count"] == 1
