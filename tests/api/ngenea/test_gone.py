"""What is left of what was deleted: nothing that whoever gets its number next would be given (ngenea 2)."""

import pytest

from app.core import db
from models.ngenea.sites import Node
from tests.support.ngenea import PASSWORD, Hub, make_group, make_user
from tests.support.sites import fs_body, make_bucket, make_site, make_space, make_target

pytestmark = pytest.mark.rule("ngenea 2")
NEW = {"password": PASSWORD}


def renumber(username, number):
    """Give a user a number that was another's: SQLite does so by itself."""
    with db.write():
        db.execute("UPDATE ngenea_user SET pk = ? WHERE username = ?", number, username)


@pytest.mark.parametrize("name", ["cal", "bea"])
def test_tokens_of_a_deleted_user_are_nobodys(nobody, root, name):
    root.post("/users/", {**NEW, "username": "bea"})
    number = root.get("/users/bea/")["id"]
    tokens = nobody.post("/auth/token/", {"username": "bea", "password": PASSWORD})
    root.delete("/users/bea/")
    root.post("/users/", {**NEW, "username": name})
    renumber(name, number)
    assert root.get(f"/users/{name}/")["id"] == number
    Hub(nobody.http, f"Bearer {tokens['access']}").refused(401, "GET", "/users/")
    for kind in ("access", "refresh"):
        nobody.refused(401, "POST", "/auth/token/verify/", {"token": tokens[kind], "type": kind})
    nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": tokens["refresh"]})
    assert nobody.log_in(name).get(f"/users/{name}/")["id"] == number


@pytest.fixture
def things(nobody, root, tmp_path):
    """What can be deleted, in an order in which that works: the kind, the path of a row, and its number."""
    site = make_site(root, "london")
    with db.write():
        node = Node.create(site=site, name="n", last_heartbeat_ts=None).pk
    space, bucket = make_space(root, "film", "london"), make_bucket(root, fs_body(tmp_path))
    target = make_target(root, bucket, "film")
    user, group = make_user("bob"), make_group("crew")
    key = nobody.log_in("bob").post("/auth/clientkeys/", {"name": "key"})["id"]
    workflow = root.post("/workflows/", {"name": "mine", "label": "Mine"})["id"]
    job = root.post("/file/workflow/", {"workflow": "migrate", "site": "london", "paths": ["/film"]})["id"]
    root.post(f"/jobs/{job}/cancel/")
    return [
        ("job", f"/jobs/{job}/", job),
        ("externaltarget", f"/external_targets/{target}/", target),
        ("space", f"/spaces/{space}/", space),
        ("bucket", f"/buckets/{bucket}/", bucket),
        ("node", f"/nodes/{node}/", node),
        ("workflow", f"/workflows/{workflow}/", workflow),
        ("clientkey", f"/auth/clientkeys/{key}/", key),
        ("user", "/users/bob/", user),
        ("group", f"/groups/{group}/", group),
        ("site", f"/sites/{site}/", site),
    ]


def test_a_right_on_an_object_goes_with_it(root, things):
    """What is left of a group's rights can be written back, and is on what is there."""
    rights = {right["codename"]: right["id"] for right in root.get("/permissions/", page_size="0")["results"]}
    triples = [
        {"model": kind, "object_pk": str(number), "permission": rights[f"change_{kind}"]} for kind, _, number in things
    ]
    me = {"model": "user", "object_pk": str(root.get("/users/root/")["id"]), "permission": rights["change_user"]}
    group = root.post("/groups/", {"name": "g", "object_permissions": [me, *triples]})["id"]
    for kind, path, _ in things:
        root.delete(path)
        triples = [triple for triple in triples if triple["model"] != kind]
        left = root.get(f"/groups/{group}/")["object_permissions"]
        assert left == [me, *triples]
        assert root.patch(f"/groups/{group}/", {"object_permissions": left})["object_permissions"] == left


def test_rights_on_what_belongs_to_a_site_go_with_it(root):
    rights = {right["codename"]: right["id"] for right in root.get("/permissions/", page_size="0")["results"]}
    site = make_site(root, "london")
    queue = str(root.get("/queues/")["results"][0]["id"])
    triple = {"model": "queue", "object_pk": queue, "permission": rights["view_queue"]}
    group = root.post("/groups/", {"name": "g", "object_permissions": [triple]})["id"]
    root.delete(f"/sites/{site}/")
    assert root.get(f"/groups/{group}/")["object_permissions"] == []


def test_a_site_that_is_gone_is_nobodys_home(root):
    first, second = make_site(root, "london"), make_site(root, "oslo")
    make_user("bea")
    root.patch("/users/bea/", {"profile": {"home_site": first, "default_site": second, "phone": f'_site":{first}'}})
    root.delete(f"/sites/{first}/")
    profile = root.get("/users/bea/")["profile"]
    assert (profile["home_site"], profile["default_site"]) == (None, second)
    assert root.patch("/users/bea/", {"profile": profile})["profile"] == profile
