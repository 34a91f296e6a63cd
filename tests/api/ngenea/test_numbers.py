"""Numbers name things in addresses, tokens and rights: none is given twice, and with a thing go the rights on it."""

import pytest

from tests.support.ngenea import PASSWORD, Hub, make_group, make_user
from tests.support.sites import join, make_site


@pytest.mark.rule("ngenea 2")
def test_the_tokens_of_a_user_who_is_gone_are_nobody_elses(nobody, root, http):
    make_user("ada")
    tokens = nobody.post("/auth/token/", {"username": "ada", "password": PASSWORD})
    ada = Hub(http, f"Bearer {tokens['access']}")
    old = root.get("/users/ada/")["id"]
    root.delete("/users/ada/")
    root.post("/users/", {"username": "eve", "password": PASSWORD})
    assert root.get("/users/eve/")["id"] != old
    ada.refused(401, "GET", "/users/")
    nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": tokens["refresh"]})
    nobody.refused(401, "POST", "/auth/token/verify/", {"token": tokens["access"], "type": "access"})


def bodies(number):
    rule = {"state": "all", "type": "file", "action": [{"name": "dynamo.tasks.recall"}]}
    return {
        "/sites/": {"name": f"s{number}", "shortcode": f"s{number}"},
        "/spaces/": {"name": f"p{number}", "mountpoint": f"/p{number}", "sites": [{"name": "london"}]},
        "/buckets/": {"name": f"b{number}", "storage_type": "FS", "migration_target_folder": f"/b{number}"},
        "/groups/": {"name": f"g{number}"},
        "/auth/clientkeys/": {"name": f"k{number}"},
        "/workflows/": {"name": f"w{number}", "label": "W", "filter_rules": [rule]},
    }


@pytest.mark.parametrize("path", list(bodies(0)))
def test_a_number_is_not_given_twice(root, path):
    make_site(root)
    first, second = (bodies(number)[path] for number in (1, 2))
    number = root.post(path, first)["id"]
    root.delete(f"{path}{number}/")
    assert root.post(path, second)["id"] > number
    root.refused(404, "GET", f"{path}{number}/")


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize(("path", "model"), [("/sites/", "site"), ("/spaces/", "space"), ("/buckets/", "bucket")])
def test_with_a_thing_go_the_rights_on_it(root, path, model):
    """A group whose rights are sent back as they were shown takes them."""
    make_site(root)
    number = root.post(path, bodies(1)[path])["id"]
    group = f"/groups/{make_group('editors', f'view_{model}', on=(model, number))}/"
    make_user("ada")
    join("ada", "editors")
    ada = root.log_in("ada")
    assert [row["id"] for row in ada.get(path)["results"]] == [number]
    shown = root.get(group)["object_permissions"]
    assert len(shown) == 1
    root.delete(f"{path}{number}/")
    root.post(path, bodies(2)[path])
    assert ada.get(path)["results"] == []
    assert root.get(group)["object_permissions"] == []
    root.patch(group, {"object_permissions": root.get(group)["object_permissions"]})


def test_a_job_that_is_gone_is_no_later_job(root):
    make_site(root)
    root.post("/spaces/", bodies(1)["/spaces/"])
    asked = {"workflow": "migrate", "site": "london", "paths": ["/p1"]}
    number = root.post("/jobs/", asked)["id"]
    root.post(f"/jobs/{number}/cancel/")
    root.delete(f"/jobs/{number}/")
    assert root.post("/jobs/", asked)["id"] > number
    root.refused(404, "GET", f"/jobs/{number}/files/")
