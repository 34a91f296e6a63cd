"""Workflows, and what a submission may ask for (ngenea 3.1, 3.5)."""

import pytest

from app.core import db
from app.ngenea import definitions, install, tasks, workflows
from models.ngenea.jobs import Job
from models.ngenea.sites import Queue, Space, SpaceSite
from tests.support.ngenea import make_group, make_user
from tests.support.ngenea_jobs import COPY, SHOUT, SPACE, make_hall, make_space, make_workflow

pytestmark = pytest.mark.rule("ngenea 3.1")

RULE = {"type": "file", "state": "all", "action": [{"name": "dynamo.tasks.migrate"}]}
NEW = {"name": "archive", "label": "Archive", "filter_rules": [RULE]}


def test_the_built_in_ones_are_there_and_sound(root, database):
    found = {one["name"]: one for one in root.get("/workflows/")["results"]}
    assert list(found) == ["migrate", "premigrate", "recall"]
    assert {name: one["fields"][0]["default"] for name, one in found.items()} == {
        "migrate": "partial",
        "premigrate": "implicit",
        "recall": "implicit",
    }
    assert found["premigrate"]["filter_rules"][0]["action"][0]["premigrate"] is True
    assert {one["discovery"] for one in found.values()} == {"recursive"}
    assert [definitions.faults(one) for one in workflows.BUILTINS] == [[], [], []]
    install.ensure()
    assert root.get("/workflows/")["count"] == 3


def test_made_read_changed_and_deleted(root):
    made = root.post("/workflows/", NEW | {"id": 999})
    assert made == root.get(f"/workflows/{made['id']}/")
    assert made["filter_rules"] == [RULE | {"include": [], "exclude": []}]
    assert (made["enabled"], made["visible"], made["schedule_only"], made["discovery"]) == (True, True, False, None)
    assert root.refused(400, "POST", "/workflows/", NEW) == {"name": ["A workflow with this name already exists."]}
    path = f"/workflows/{made['id']}/"
    changed = root.patch(path, {"discovery": "recursive", "filter_rules": [], "external_only": True})
    assert changed == {**made, "discovery": "recursive", "filter_rules": []}
    assert root.refused(400, "PATCH", path, {"name": "recall"})["name"]
    root.delete(path)
    root.refused(404, "GET", path)
    root.refused(404, "PATCH", path, {})
    root.refused(404, "DELETE", path)


def test_built_in_ones_are_protected(root):
    number = root.get("/workflows/")["results"][0]["id"]
    changes = {"label": "Away", "enabled": False, "visible": False, "preferred_queue": "big"}
    assert root.patch(f"/workflows/{number}/", changes).items() >= changes.items()
    for name, value in (("name", "x"), ("fields", []), ("filter_rules", []), ("discovery", None), ("icon_classes", [])):
        refused = root.refused(400, "PATCH", f"/workflows/{number}/", {name: value})
        assert refused == {name: ["A built-in workflow keeps this."]}
    root.refused(400, "DELETE", f"/workflows/{number}/")
    install.ensure()
    assert root.get(f"/workflows/{number}/")["label"] == "Away"


def test_all_may_see_them_and_some_may_change_them(nobody, root, ada):
    made = root.post("/workflows/", NEW)
    assert ada.get("/workflows/")["count"] == 4
    assert ada.get(f"/workflows/{made['id']}/") == made
    ada.refused(403, "POST", "/workflows/", NEW | {"name": "other"})
    ada.refused(403, "PATCH", f"/workflows/{made['id']}/", {"label": "x"})
    ada.refused(403, "DELETE", f"/workflows/{made['id']}/")
    ada.refused(404, "DELETE", "/workflows/999/")
    nobody.refused(401, "GET", "/workflows/")
    make_group("makers", "add_workflow", "change_workflow", "delete_workflow")
    make_user("eve", "makers")
    eve = nobody.log_in("eve")
    number = eve.post("/workflows/", NEW | {"name": "other"})["id"]
    eve.patch(f"/workflows/{number}/", {"label": "x"})
    eve.delete(f"/workflows/{number}/")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "two words"}, "name"),
        ({"name": ""}, "name"),
        ({"label": "x" * 101}, "label"),
        ({"discovery": "snapdiff"}, "discovery"),
        ({"discovery": "bidirectional_snapdiff"}, "discovery"),
        ({"discovery": "magic"}, "discovery"),
        ({"discovery_options": {"skip_old_ctimes": True}}, "discovery_options"),
        ({"discovery_options": {"skip_missing": "yes"}}, "discovery_options"),
        ({"fields": [{"name": "a"}]}, "fields"),
        ({"fields": [{"name": "a", "type": "float"}]}, "fields"),
        ({"fields": [{"name": "a", "type": "choice"}]}, "fields"),
        ({"fields": [{"name": "a", "type": "choice", "choices": [1, 2], "default": True}]}, "fields"),
        ({"fields": [{"name": "a", "type": "int", "default": "1"}]}, "fields"),
        ({"fields": [{"name": "a", "type": "bool"}, {"name": "a", "type": "bool"}]}, "fields"),
        ({"filter_rules": [{**RULE, "type": "pipe"}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "state": "odd"}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "action": []}]}, "filter_rules"),
        ({"filter_rules": [{"type": "file", "action": RULE["action"]}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "include": "*.mov"}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "action": [{"name": "dynamo.tasks.explode"}]}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "action": [{"name": "dynamo.tasks.migrate", "colour": 1}]}]}, "filter_rules"),
        ({"filter_rules": [{**RULE, "action": [{"name": "dynamo.tasks.migrate", "overwrite": 1}]}]}, "filter_rules"),
        (
            {"filter_rules": [{**RULE, "action": [{"name": "dynamo.tasks.migrate", "overwrite": "*no"}]}]},
            "filter_rules",
        ),
        ({"filter_rules": [{**RULE, "action": [{"name": "dynamo.tasks.migrate", "site": 7}]}]}, "filter_rules"),
    ],
)
def test_what_a_workflow_may_not_say(root, changes, field):
    assert list(root.refused(400, "POST", "/workflows/", NEW | changes)) == [field]
    assert root.get("/workflows/")["count"] == 3


def test_an_argument_may_be_a_field(root):
    action = {"name": "dynamo.tasks.migrate", "overwrite": "*again", "site": "*where", "queue": "*who"}
    fields = [{"name": "again", "type": "bool"}, {"name": "where", "type": "site"}, {"name": "who", "type": "queue"}]
    body = NEW | {"fields": fields, "filter_rules": [{**RULE, "action": [action]}]}
    assert root.post("/workflows/", body)["filter_rules"][0]["action"] == [action]
    wrong = body | {"name": "b", "fields": [{**fields[0], "type": "string"}, *fields[1:]]}
    assert "filter_rules" in root.refused(400, "POST", "/workflows/", wrong)


def ask(**changes):
    return {"workflow": "loud", "site": "london", "paths": [{"path": SPACE}], **changes}


@pytest.fixture
def loud(hall):
    make_workflow("loud", {"name": SHOUT})
    return hall


@pytest.mark.rule("ngenea 3.5")
@pytest.mark.parametrize("path", ["/file/workflow/", "/jobs/"])
def test_a_submission_is_echoed_with_its_number(root, loud, path):
    name = loud.file(b"a")
    asked = ask(paths=[name, {"path": f"{SPACE}/", "size": 3}], include=["*"], discovery="recursive")
    answer = root.post(path, asked)
    assert answer == {
        "id": answer["id"],
        "job": None,
        "workflow": "loud",
        "site": "london",
        "queue": "default",
        "paths": [{"path": name}, {"path": f"{SPACE}/"}],
        "dry_run": False,
        "discovery": "recursive",
        "fields": {},
        "include": ["*"],
        "exclude": [],
        "ignore_site_includes": False,
        "ignore_site_excludes": False,
    }
    loud.work_off()
    job = root.get(f"/jobs/{answer['id']}/")
    assert (job["state"], job["owner"], job["clientkey"], job["paths"]) == ("SUCCESS", "root", None, [name, SPACE])


@pytest.mark.rule("ngenea 3.5")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"workflow": "none"}, "workflow"),
        ({"workflow": "off"}, "workflow"),
        ({"workflow": "timed"}, "workflow"),
        ({"workflow": "import"}, "workflow"),
        ({"site": "paris"}, "site"),
        ({"queue": "big"}, "queue"),
        ({"paths": []}, "paths"),
        ({"paths": None}, "paths"),
        ({"paths": ["mmfs1/data"]}, "paths"),
        ({"paths": [f"{SPACE}/../film"]}, "paths"),
        ({"paths": [f"{SPACE}//a"]}, "paths"),
        ({"paths": [f"{SPACE}/./a"]}, "paths"),
        ({"paths": ["/mmfs1/data"]}, "paths"),
        ({"paths": ["/mmfs1/data/films/a"]}, "paths"),
        ({"paths": [f"{SPACE}/{'x' * 2600}"]}, "paths"),
        ({"paths": [f"{SPACE}/{chr(0)}"]}, "paths"),
        ({"paths": [{"name": SPACE}]}, "paths"),
        ({"paths": [SPACE] * 10_001}, "paths"),
        ({"discovery": "snapdiff"}, "discovery"),
        ({"discovery": "magic"}, "discovery"),
        ({"workflow": "given", "discovery": "recursive"}, "discovery"),
        ({"fields": {"colour": 1}}, "fields"),
        ({"workflow": "fields"}, "fields"),
        ({"workflow": "fields", "fields": {"must": 1, "pick": "c"}}, "fields"),
        ({"workflow": "fields", "fields": {"must": True}}, "fields"),
        ({"workflow": "fields", "fields": {"must": 1, "to": "paris"}}, "fields"),
        ({"workflow": "fields", "fields": {"must": 1, "to": "london", "queue": "big"}}, "fields"),
        ({"job": 999}, "job"),
        ({"include": [""]}, "include"),
    ],
)
def test_what_a_submission_may_not_say(root, loud, changes, field):
    make_workflow("off", {"name": SHOUT}, enabled=False)
    make_workflow("timed", {"name": SHOUT}, schedule_only=True)
    make_workflow("import", {"name": SHOUT}, external_only=True)
    make_workflow("given", rules=[{"type": "file", "state": "default", "action": [{"name": SHOUT}]}], discovery=None)
    fields = [
        {"name": "must", "type": "int", "required": True},
        {"name": "pick", "type": "choice", "choices": ["a", "b"]},
        {"name": "to", "type": "site"},
        {"name": "queue", "type": "queue"},
    ]
    make_workflow("fields", {"name": SHOUT, "site": "*to", "queue": "*queue"}, fields=fields)
    assert list(root.refused(400, "POST", "/file/workflow/", ask(**changes))) == [field]
    with db.read():
        assert Job.select().count() == 0


@pytest.mark.rule("ngenea 3.5")
def test_the_queue_is_the_one_asked_for_else_preferred_else_default(root, loud):
    with db.write():
        Queue.create(site=loud.site, name="big")
    make_workflow("heavy", {"name": SHOUT}, preferred_queue="big")
    make_workflow("elsewhere", {"name": SHOUT}, preferred_queue="none")
    heavy = {"workflow": "heavy"}
    asked = ({}, {"queue": "big"}, heavy, {**heavy, "queue": "default"}, {"workflow": "elsewhere"})
    queues = [root.post("/jobs/", ask(**one))["queue"] for one in asked]
    assert queues == ["default", "big", "big", "default", "default"]


@pytest.mark.rule("ngenea 3.5")
def test_a_space_that_one_may_not_see_is_forbidden(nobody, root, loud):
    with db.write():
        other = make_space("secret", "/mmfs1/data/secret", loud.site)
    make_group("film", "view_space", on=("space", loud.space))
    make_user("eve", "film")
    eve = nobody.log_in("eve")
    loud.file(b"a")
    number = eve.post("/jobs/", ask())["id"]
    assert eve.get(f"/jobs/{number}/")["owner"] == "eve"
    eve.refused(403, "POST", "/jobs/", ask(paths=["/mmfs1/data/secret/a"]))
    eve.refused(403, "POST", "/jobs/", ask(paths=[SPACE, "/mmfs1/data/secret"]))
    eve.refused(400, "POST", "/jobs/", ask(paths=["/mmfs1/data/nowhere"]))
    root.post("/jobs/", ask(paths=["/mmfs1/data/secret"]))
    with db.write():
        Space.update(deleting=True).where(Space.pk == other.pk).execute()
    root.refused(400, "POST", "/jobs/", ask(paths=["/mmfs1/data/secret"]))


@pytest.mark.rule("ngenea 3.5")
def test_who_sees_no_site_is_told_of_none(nobody, ada, loud, tmp_path):
    assert ada.refused(400, "POST", "/jobs/", ask()) == {"site": ["There is no such site."]}
    paris = make_hall(tmp_path / "paris", "paris")
    make_group("film", "view_space", on=("space", loud.space))
    make_user("eve", "film")
    make_workflow("send", {"name": SHOUT, "site": "*to"}, fields=[{"name": "to", "type": "site"}])
    eve = nobody.log_in("eve")
    eve.post("/jobs/", ask(workflow="send", fields={"to": "paris"}))
    with db.write():
        SpaceSite.delete().where(SpaceSite.site == paris.site).execute()
    for wrong in ("paris", "rome"):
        assert "fields" in eve.refused(400, "POST", "/jobs/", ask(workflow="send", fields={"to": wrong}))


@pytest.mark.rule("ngenea 3.5")
def test_paths_are_added_to_a_job_of_the_same_kind(nobody, root, loud):
    make_workflow("other", {"name": SHOUT})
    first, second = loud.file(b"a"), loud.file(b"b")
    number = root.post("/jobs/", ask(paths=[first]))["id"]
    assert root.post("/jobs/", ask(paths=[second], job=number))["id"] == number
    assert root.post("/jobs/", ask(paths=[], job=number))["id"] == number
    assert root.get(f"/jobs/{number}/")["path_count"] == 2
    for wrong, field in (
        ({"workflow": "other"}, "job"),
        ({"dry_run": True}, "job"),
        ({"exclude": ["x"]}, "exclude"),
        ({"ignore_site_excludes": True}, "ignore_site_excludes"),
    ):
        assert list(root.refused(400, "POST", "/jobs/", ask(paths=[second], job=number, **wrong))) == [field]
    make_group("film", "view_space", on=("space", loud.space))
    make_user("eve", "film")
    eve = nobody.log_in("eve")
    assert eve.refused(403, "POST", "/jobs/", ask(job=number))["detail"]
    make_user("bob")
    loud.work_off()
    assert root.get(f"/jobs/{number}/")["processed"] == 2
    root.refused(409, "POST", "/jobs/", ask(job=number))


def test_a_job_does_what_its_workflow_said_when_it_was_made(root, loud):
    loud.file(b"a")
    number = root.post("/jobs/", ask())["id"]
    workflow = next(one["id"] for one in root.get("/workflows/")["results"] if one["name"] == "loud")
    root.patch(f"/workflows/{workflow}/", {"filter_rules": [{**RULE, "action": [{"name": COPY}]}]})
    root.delete(f"/workflows/{workflow}/")
    loud.work_off()
    assert loud.text("a") == b"ABC"
    assert root.get(f"/jobs/{number}/")["state"] == "SUCCESS"


def test_tasks_go_by_their_short_names_too(root, hall):
    body = NEW | {"filter_rules": [{**RULE, "action": [{"name": "migrate"}]}]}
    root.post("/workflows/", body)
    assert tasks.find("migrate") is tasks.find("dynamo.tasks.migrate")
    asked = ask(workflow="archive", paths=[hall.file(b"a")])
    root.post("/jobs/", asked)
    hall.work_off(1)
    assert [one["tasktype"] for one in root.get("/tasks/", internal="false")["results"]] == ["dynamo.tasks.migrate"]


@pytest.mark.rule("ngenea 2")
def test_a_job_goes_into_no_space_that_its_owner_may_not_see(nobody, root, loud):
    """Running a workflow needs a right on the space of the path, of each path that is found too."""
    inner = f"{SPACE}/inner"
    with db.write():
        make_space("inner", inner, loud.site)
    loud.file(b"a")
    loud.file(b"inner/b")
    make_group("film", "view_space", on=("space", loud.space))
    make_user("eve", "film")
    eve = nobody.log_in("eve")
    number = eve.post("/jobs/", ask(paths=[SPACE]))["id"]
    assert root.refused(400, "POST", "/jobs/", ask(paths=[inner], job=number)) == {
        "paths": ["The job does not go into this space."]
    }
    loud.work_off()
    assert (loud.text("a"), loud.text("inner/b")) == (b"ABC", b"abc")
    assert [one["path"] for one in eve.get(f"/jobs/{number}/files/")["results"]] == [f"{SPACE}/a"]
    # Who runs it again does so with rights of their own.
    root.post(f"/jobs/{number}/resubmit/")
    loud.work_off()
    assert loud.text("inner/b") == b"ABC"
    eve.refused(403, "POST", "/jobs/", ask(paths=[inner]))


@pytest.mark.rule("ngenea 2")
def test_an_action_on_another_site_comes_into_no_space_that_one_may_not_see(nobody, root, loud, tmp_path):
    paris = make_hall(tmp_path / "paris", "paris")
    with db.write():
        make_space("secret", f"{SPACE}/secret", paris.site)
    make_group("film", "view_space", on=("space", loud.space))
    make_user("eve", "film")
    make_workflow("send", {"name": SHOUT, "site": "*to"}, fields=[{"name": "to", "type": "site"}])
    eve = nobody.log_in("eve")
    there = ask(workflow="send", fields={"to": "paris"}, paths=[f"{SPACE}/secret/a"])
    eve.refused(403, "POST", "/jobs/", there)
    eve.post("/jobs/", there | {"fields": {"to": "london"}})
    root.post("/jobs/", there)


@pytest.mark.rule("ngenea 3.1")
def test_a_value_is_refused_under_the_name_of_its_field(root, loud):
    fields = [{"name": "to/from", "type": "site"}, {"name": "line", "type": "queue"}, {"name": "keep", "type": "int"}]
    action = {"name": "migrate", "stub_size": "*keep", "site": "*to/from", "queue": "*line"}
    make_workflow("fields", action, fields=fields)
    for name, value in (("to/from", "rome"), ("line", "big"), ("keep", -1)):
        answer = root.refused(400, "POST", "/jobs/", ask(workflow="fields", fields={name: value}))
        assert list(answer["fields"]) == [name]
    make_workflow("unused", {"name": SHOUT}, fields=[{"name": "to", "type": "site"}])
    answer = root.refused(400, "POST", "/jobs/", ask(workflow="unused", fields={"to": "rome"}))
    assert answer == {"fields": {"to": ["There is no site rome."]}}
    make_workflow("fixed", {"name": SHOUT, "queue": "big"})
    answer = root.refused(400, "POST", "/jobs/", ask(workflow="fixed"))
    assert answer == {"workflow": ["Site london has no queue big."]}


@pytest.mark.rule("ngenea 3.4")
def test_paths_of_a_job_are_shown_and_looked_for_whoever_adds_them(root, loud):
    names = [loud.file(b"f%d" % number) for number in range(25)]
    number = root.post("/jobs/", ask(paths=names[:1]))["id"]
    root.post("/jobs/", ask(paths=names[1:], job=number))
    job = root.get(f"/jobs/{number}/")
    assert (job["paths"], job["path_count"]) == (names[:20], 25)
    loud.work_off()
    again = root.post(f"/jobs/{number}/resubmit/")
    assert (again["paths"], again["path_count"]) == (names[:20], 25)
    found = root.get("/jobs/", search_keyword="F24")["results"]
    assert [one["id"] for one in found] == [number, again["id"]]
