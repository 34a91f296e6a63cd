"""What holds for every operation: who may call it, and which paths, bodies and media types it takes (ngenea 2)."""

import json

import pytest

from app.core import clock, db
from app.http import specs, systems
from app.ngenea import install
from app.ngenea.needs import NEEDS
from models.ngenea.sites import Filesystem, Node, StoragePool
from tests.support.ngenea import Hub, make_group, make_user

(SYSTEM,) = [system for system in systems.load_systems(systems.root()) if system.name == "ngenea"]
DOCUMENT = specs.document(systems.root(), SYSTEM, "public")
OPERATIONS = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, method, operation in specs.operations(DOCUMENT)
}
SECURED = sorted(name for name, (_, _, operation) in OPERATIONS.items() if operation["security"])
PAGED = sorted(
    name
    for name, (_, _, operation) in OPERATIONS.items()
    if any("Page" in str(parameter) for parameter in operation.get("parameters", []))
)
WITH_BODY = sorted(name for name, (_, _, operation) in OPERATIONS.items() if "requestBody" in operation)
ON_ROWS = sorted(name for name, need in NEEDS.items() if need is not None and need.parameter in ("id_", "username"))
ON_ROWS = [name for name in ON_ROWS if "{" in OPERATIONS[name][1]]
LOOKED_UP = [*ON_ROWS, "get_jobstat", "get_jobstat_history", "get_workflow"]
ADDING = sorted(name for name, need in NEEDS.items() if need is not None and need.verb == "add")
CHANGING = sorted(name for name in ON_ROWS if NEEDS[name].verb in ("change", "delete"))
# What every user may list: workflows are no secret, and everybody is somebody.
SHOWN_TO_ALL = {"list_workflows": 4, "list_users": 1, "list_job_types": 4}
MODELS = [model for models in install.MODELS.values() for model in models]


def test_each_operation_says_what_it_asks_of_its_caller(database):
    assert NEEDS.keys() == set(SECURED)


@pytest.fixture
def rows(root):
    """The number of a row of each kind, by the first part of the path it is under."""
    site = root.post("/sites/", {"name": "london", "shortcode": "ldn"})["id"]
    bucket = root.post("/buckets/", {"name": "vault", "storage_type": "FS", "migration_target_folder": "/vault"})["id"]
    space = root.post("/spaces/", {"name": "film", "mountpoint": "/film", "sites": [{"name": "london"}]})["id"]
    body = {"name": "vault", "space": "film", "bucket_instance": bucket, "local_file_regex": ".*"}
    target = root.post("/external_targets/", body)["id"]
    job = root.post("/file/workflow/", {"workflow": "migrate", "site": "london", "paths": ["/film"]})["id"]
    workflow = root.post("/workflows/", {"name": "mine", "label": "Mine"})["id"]
    with db.write():
        node = Node.create(site=site, name="n", last_heartbeat_ts=None).pk
        filesystem = Filesystem.create(site=site, name="root", mountpoint="/").pk
        sizes = dict.fromkeys(("capacity", "used_space", "free_space"), 1)
        pool = StoragePool.create(
            filesystem=filesystem, name="system", is_default=True, reported_ts=clock.now(), **sizes
        ).pk
    return {
        "sites": site, "buckets": bucket, "spaces": space, "external_targets": target, "jobs": job, "nodes": node,
        "workflows": workflow, "filesystems": filesystem, "storagepools": pool, "username": "bob",
        "queues": root.get("/queues/")["results"][0]["id"],
        "settingstasks": root.get("/settingstasks/")["results"][0]["id"],
        "tasks": root.get("/tasks/")["results"][0]["id"],
        "auth": root.post("/auth/clientkeys/", {"name": "key"})["id"],
        "groups": make_group("crew"), "users": make_user("bob"),
        "permissions": root.get("/permissions/")["results"][0]["id"],
    }  # fmt: skip


def call(hub: Hub, name: str, rows: dict | None = None, **options):
    """Call an operation on a row that is there, or on none, with the body that its spec shows."""
    method, path, operation = OPERATIONS[name]
    path = path.removeprefix("/api")
    row = 999_999 if rows is None else rows.get(path.split("/")[1], 999_999)
    path = path.replace("{id}", str(row)).replace("{username}", "nobody" if rows is None else rows["username"])
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "content" not in options and content:
        options.setdefault("body", content.get("example"))
    return hub.call(method, path, **options)


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize("name", SECURED)
def test_who_is_not_known_is_told_so(nobody, name):
    for credential in (None, "Bearer x.y.z", "Api-Key 12345678.none", "Basic YTpi", "Bearer"):
        answer = call(Hub(nobody.http, credential), name)
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ngenea", Api-Key realm="ngenea"'


@pytest.mark.parametrize("name", LOOKED_UP)
def test_what_is_not_there(root, name):
    answer = call(root, name)
    assert (answer.status_code, set(answer.json())) == (404, {"detail"})


@pytest.mark.parametrize("name", PAGED)
def test_a_page_that_is_not_there(root, rows, name):
    if name not in ("browse_file", "list_space_files"):  # theirs are a worker's to count
        answer = call(root, name, rows, params={"page": "999"})
        assert answer.status_code == 404, answer.text
    assert call(root, name, rows, params={"x": "\0"}).status_code == 400


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_answers_are_json_or_none(root, rows, name):
    for accept in ("text/html", "application/json;q=0, */*"):
        answer = call(root, name, rows, headers={"Accept": accept})
        assert (answer.status_code, answer.json()) == (406, {"detail": "the answer is application/json"})


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize(
    "accept",
    ["", "*/*", "Application/*", "application/json; indent=4; q=0.1", "text/html, application/xml, */*;q=0.8"],
)
def test_who_takes_json_gets_it(root, accept):
    assert root.call("GET", "/sites/", headers={"Accept": accept}).json()["count"] == 0


@pytest.mark.parametrize("name", WITH_BODY)
def test_bodies_that_will_not_do(root, rows, name):
    limit = OPERATIONS[name][2].get("x-max-body", 2**20)
    huge = json.dumps({"x": "y" * limit}).encode()
    sent = {"headers": {"Content-Type": "application/json"}}
    assert call(root, name, rows, content=huge, **sent).status_code == 413
    assert call(root, name, rows, content=b"x", headers={"Content-Type": "text/plain"}).status_code == 415
    for bad in (b"{", b"[]", b"null", b'"x"'):
        answer = call(root, name, rows, content=bad, **sent)
        assert answer.status_code == 400, (bad, answer.text)


@pytest.mark.rule("ngenea 2")
def test_who_is_in_no_group_sees_nothing(ada, rows):
    for name in ON_ROWS:
        answer = call(ada, name, rows)
        if name.endswith("_workflow"):
            assert answer.status_code == (200 if name == "get_workflow" else 403), name
            continue
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."}), name
    for name in ADDING:
        assert call(ada, name, rows).status_code == 403, name
    for name in PAGED:
        if name.startswith("list_") and "{" not in OPERATIONS[name][1]:
            assert call(ada, name, rows).json()["count"] == SHOWN_TO_ALL.get(name, 0), name


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize("by_key", [False, True])
def test_who_may_look_may_not_change(nobody, rows, by_key):
    make_group("lookers", *(f"view_{model}" for model in MODELS))
    make_user("eve", "lookers")
    eve = nobody.log_in("eve")
    if by_key:
        key = eve.post("/auth/clientkeys/", {"name": "mine"})["api_key"]
        eve = Hub(nobody.http, f"Api-Key {key}")
    for name in [*CHANGING, *ADDING]:
        assert call(eve, name, rows).status_code == 403, name
    for name in set(ON_ROWS) - set(CHANGING) - {"list_space_files"}:
        assert call(eve, name, rows).status_code == 200, name


@pytest.mark.rule("ngenea 2")
def test_a_right_on_one_object_is_for_that_one(nobody, root, rows):
    other = root.post("/sites/", {"name": "paris", "shortcode": "par"})["id"]
    make_group("londoners", "change_site", on=("site", rows["sites"]))
    make_user("eve", "londoners")
    eve = nobody.log_in("eve")
    assert [site["name"] for site in eve.get("/sites/")["results"]] == ["london"]
    assert eve.patch(f"/sites/{rows['sites']}/", {"label": "L"})["label"] == "L"
    eve.refused(403, "DELETE", f"/sites/{rows['sites']}/")
    eve.refused(404, "PATCH", f"/sites/{other}/", {"label": "P"})
    eve.refused(403, "POST", "/sites/", {"name": "oslo", "shortcode": "osl"})
    for part in ("nodes", "queues", "filesystems", "storagepools", "settingstasks"):
        assert eve.get(f"/{part}/{rows[part]}/"), part
    eve.patch(f"/nodes/{rows['nodes']}/", {"name": "m"})
    for part in ("spaces", "buckets", "external_targets", "jobs"):
        eve.refused(404, "GET", f"/{part}/{rows[part]}/")


@pytest.mark.rule("ngenea 2")
def test_a_right_on_a_space_is_for_what_belongs_to_it(nobody, rows):
    make_group("crew of film", "view_space", on=("space", rows["spaces"]))
    make_user("eve", "crew of film")
    eve = nobody.log_in("eve")
    for part in ("spaces", "external_targets", "jobs", "tasks"):
        assert eve.get(f"/{part}/{rows[part]}/"), part
    eve.refused(403, "PATCH", f"/spaces/{rows['spaces']}/", {"size": 1})
    eve.refused(403, "POST", f"/jobs/{rows['jobs']}/cancel/")
    for part in ("sites", "buckets", "nodes"):
        eve.refused(404, "GET", f"/{part}/{rows[part]}/")
    body = {"workflow": "migrate", "site": "london", "paths": ["/film/a"]}
    mine = eve.post("/file/workflow/", body)["id"]
    eve.post(f"/jobs/{mine}/cancel/")


@pytest.mark.rule("ngenea 2")
def test_a_job_is_seen_by_who_sees_all_its_spaces(nobody, root, rows):
    other = root.post("/spaces/", {"name": "sound", "mountpoint": "/sound", "sites": [{"name": "london"}]})["id"]
    body = {"workflow": "migrate", "site": "london", "paths": ["/film/a", "/sound/b"]}
    both = root.post("/file/workflow/", body)["id"]
    crew = make_group("crew of film", "view_space", "change_space", on=("space", rows["spaces"]))
    make_user("eve", "crew of film")
    eve = nobody.log_in("eve")
    assert [job["id"] for job in eve.get("/jobs/")["results"]] == [rows["jobs"]]
    assert {task["job"] for task in eve.get("/tasks/")["results"]} == {rows["jobs"]}
    assert eve.get("/jobs/stats/")["total"] == 1
    eve.refused(404, "GET", f"/jobs/{both}/")
    eve.refused(404, "POST", f"/jobs/{both}/cancel/")
    given = root.get(f"/groups/{crew}/")["object_permissions"]
    more = [*given, {**given[0], "object_pk": str(other)}]
    root.patch(f"/groups/{crew}/", {"object_permissions": more})
    assert [job["id"] for job in eve.get("/jobs/")["results"]] == [rows["jobs"], both]
    eve.refused(403, "POST", f"/jobs/{both}/cancel/")


@pytest.mark.rule("ngenea 2")
def test_a_job_that_goes_into_an_inner_space_is_seen_by_who_sees_that(nobody, root, rows):
    """Whoever sees the outer one alone is told nothing of the paths in the inner one."""
    secret = root.post("/spaces/", {"name": "secret", "mountpoint": "/film/secret", "sites": [{"name": "london"}]})[
        "id"
    ]
    body = {"workflow": "migrate", "site": "london"}
    outer = root.post("/file/workflow/", {**body, "paths": ["/film/a"]})["id"]
    root.post("/file/workflow/", {**body, "paths": ["/film/b"], "job": outer})
    all_of_it = root.post("/file/workflow/", {**body, "paths": ["/film/"]})["id"]
    root.post(f"/jobs/{rows['jobs']}/cancel/")
    again = root.post(f"/jobs/{rows['jobs']}/resubmit/")["id"]  # made when there was no inner one
    grown = root.post("/file/workflow/", {**body, "paths": ["/film/c"]})["id"]
    crew = make_group("crew of film", "view_space", on=("space", rows["spaces"]))
    make_user("eve", "crew of film")
    eve = nobody.log_in("eve")
    assert [job["id"] for job in eve.get("/jobs/")["results"]] == [rows["jobs"], outer, grown]
    root.post("/file/workflow/", {**body, "paths": ["/film"], "job": grown})
    assert [job["id"] for job in eve.get("/jobs/")["results"]] == [rows["jobs"], outer]
    eve.refused(404, "GET", f"/jobs/{all_of_it}/files/")
    eve.refused(404, "GET", f"/jobs/{again}/files/")
    mine = eve.post("/file/workflow/", {**body, "paths": ["/film"]})["id"]
    given = root.get(f"/groups/{crew}/")["object_permissions"]
    root.patch(f"/groups/{crew}/", {"object_permissions": [*given, {**given[0], "object_pk": str(secret)}]})
    every = [rows["jobs"], outer, all_of_it, again, grown, mine]
    assert [job["id"] for job in eve.get("/jobs/")["results"]] == every


@pytest.mark.rule("ngenea 2")
def test_who_may_do_all_may_do_each(nobody, rows):
    """None of the operations refuses an administrator for want of rights."""
    make_user("boss", "Administrators")
    boss = nobody.log_in("boss")
    for name in sorted(ON_ROWS, key=lambda name: NEEDS[name].verb == "delete"):
        if name != "list_space_files":
            assert call(boss, name, rows).status_code not in (401, 403), name
    for name in ADDING:
        assert call(boss, name, rows).status_code in (201, 400), name


@pytest.mark.rule("ngenea 3.5")
@pytest.mark.parametrize("path", ["/file/workflow/", "/jobs/"])
def test_where_workflows_may_not_be_run(nobody, root, rows, path):
    """On a space that one does not see, and for a job that has ended; again, when the queue is gone."""
    root.post("/spaces/", {"name": "secret", "mountpoint": "/secret", "sites": [{"name": "london"}]})
    make_group("crew of film", "view_space", on=("space", rows["spaces"]))
    make_user("eve", "crew of film")
    eve = nobody.log_in("eve")
    body = {"workflow": "migrate", "site": "london", "paths": ["/film/a"]}
    eve.refused(403, "POST", path, {**body, "paths": ["/film/a", "/secret/a"]})
    number = eve.post(path, body)["id"]
    eve.post(f"/jobs/{number}/cancel/")
    eve.refused(409, "POST", path, {**body, "job": number})
    assert eve.post(f"/jobs/{number}/resubmit/")["id"] != number
    with db.write():
        db.execute("UPDATE ngenea_job SET queue_id = NULL WHERE pk = ?", number)
    eve.refused(409, "POST", f"/jobs/{number}/resubmit/")
