"""Users: made, changed, let in and shut out (ngenea 2, 4, 8)."""

import pytest

from app.core.errors import BadRequest
from app.ngenea import users
from tests.support.ngenea import PASSWORD, Hub, make_group, make_user

NEW = {"username": "bea", "password": "quiet river stone"}


@pytest.mark.rule("ngenea 2")
def test_a_user_is_made_read_changed_and_deleted(nobody, root):
    body = {
        **NEW,
        "email": "bea@example.com",
        "first_name": "Bea",
        "groups": ["Users"],
        "profile": {"timezone": "Europe/London", "phone": "1"},
        "id": 99,
        "is_active": False,
        "is_superuser": True,
        "unheard": "of",
    }
    made = root.post("/users/", body)
    profile = {
        "country": "", "default_site": None, "department": "", "home_site": None, "line_manager": "", "phone": "1",
        "timezone": "Europe/London",
    }  # fmt: skip
    written = {
        "email": "bea@example.com",
        "first_name": "Bea",
        "last_name": "",
        "groups": ["Users"],
        "profile": profile,
    }
    assert made == {"username": "bea", **written}
    read = root.get("/users/bea/")
    assert read["url"].endswith("/api/users/bea/")
    assert read["is_active"] is True
    assert read["last_login"] is None
    assert [group["name"] for group in read["groups"]] == ["Users"]
    assert set(read) == {
        "id", "url", "username", "first_name", "last_name", "email", "is_active", "date_joined", "last_login", "groups",
        "profile",
    }  # fmt: skip
    bea = nobody.log_in("bea", NEW["password"])
    assert bea.get("/users/bea/")["last_login"] is not None
    bea.refused(403, "POST", "/users/", NEW)
    changed = root.patch("/users/bea/", {"last_name": "Bell", "profile": {"phone": "2"}, "groups": []})
    assert changed == {**written, "last_name": "Bell", "groups": [], "profile": {**profile, "phone": "2"}}
    root.delete("/users/bea/")
    root.refused(404, "GET", "/users/bea/")
    bea.refused(401, "GET", "/users/")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "no spaces"}, "username"),
        ({"username": "root"}, "username"),
        ({"username": "sync"}, "username"),
        ({"username": "."}, "username"),
        ({"username": ".."}, "username"),
        ({"username": ""}, "username"),
        ({"username": "x" * 151}, "username"),
        ({"email": "nowhere"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "1234567890123"}, "password"),
        ({"password": "password1"}, "password"),
        ({"password": "beabeabea"}, "password"),
        ({"password": "Bea12345"}, "password"),
        ({"password": "wilhelmina1", "first_name": "Wilhelmina"}, "password"),
        ({"groups": ["none"]}, "groups"),
        ({"profile": {"timezone": "Mars/Olympus"}}, "profile"),
        ({"profile": {"home_site": 999}}, "profile"),
        ({"nas_user": {"primary_group": "staff"}}, "nas_user"),
    ],
)
@pytest.mark.rule("ngenea 8")
def test_what_breaks_a_rule_is_refused_by_its_field(root, change, field):
    assert list(root.refused(400, "POST", "/users/", {**NEW, **change})) == [field]
    assert root.get("/users/")["count"] == 1


@pytest.mark.rule("ngenea 8")
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("o", "correct horse battery"),
        ("al", "balalaika tunes"),
        ("viewer", "viewer-Passw0rd!"),
        ("ann", "Joe has 3 annas"),
    ],
)
def test_a_password_may_hold_the_name_beside_enough_else(root, name, password):
    root.post("/users/", {"username": name, "password": password})


@pytest.mark.rule("ngenea 8")
def test_a_password_that_is_set_is_held_against_the_names_there_are(root):
    root.post("/users/", {**NEW, "first_name": "Wilhelmina"})
    like = {"password": "wilhelmina1"}
    assert list(root.refused(400, "PATCH", "/users/bea/", like)) == ["password"]
    root.patch("/users/bea/", {**like, "first_name": "Bea"})


def test_where_a_user_is_found_is_an_address(root):
    for name in ("bj\u00f6rn", "a@b.c+d-e_f"):
        root.post("/users/", {**NEW, "username": name})
    for user in root.get("/users/")["results"]:
        assert user["url"].isascii()
        assert root.http.get(user["url"], headers={"Authorization": root.credential}).json() == user


def test_a_password_is_changed_by_who_knows_the_old_one(nobody, ada):
    given = nobody.post("/auth/token/", {"username": "ada", "password": PASSWORD})
    change = "/users/change_password/"
    assert ada.refused(400, "POST", change, {"old_password": "x", "new_password": "quiet river stone"}) == {
        "old_password": ["This is not the present password."]
    }
    assert list(ada.refused(400, "POST", change, {"old_password": PASSWORD, "new_password": "1234"})) == [
        "new_password"
    ]
    ada.post(change, {"old_password": PASSWORD, "new_password": "quiet river stone"})
    nobody.refused(401, "POST", "/auth/token/", {"username": "ada", "password": PASSWORD})
    nobody.log_in("ada", "quiet river stone").get("/users/ada/")
    nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": given["refresh"]})


def test_tries_at_an_old_password_are_limited(ada):
    body = {"old_password": "x", "new_password": "quiet river stone"}
    assert {ada.call("POST", "/users/change_password/", body).status_code for _ in range(20)} == {400}
    ada.refused(429, "POST", "/users/change_password/", body)


def test_a_password_that_an_administrator_sets_ends_refresh_tokens(nobody, root, ada):
    given = nobody.post("/auth/token/", {"username": "ada", "password": PASSWORD})
    assert "password" not in root.patch("/users/ada/", {"password": "quiet river stone"})
    nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": given["refresh"]})
    nobody.log_in("ada", "quiet river stone")


def test_who_is_deactivated_is_out_at_once(nobody, root, ada):
    assert root.post("/users/ada/deactivate/")["is_active"] is False
    ada.refused(401, "GET", "/users/")
    nobody.refused(401, "POST", "/auth/token/", {"username": "ada", "password": PASSWORD})
    assert root.post("/users/ada/activate/")["is_active"] is True
    ada.get("/users/ada/")


@pytest.mark.rule("ngenea 2")
def test_tokens_of_a_deleted_user_are_not_those_of_the_next_one(nobody, root):
    """Also where the next one gets the same number."""
    new = {"username": "eve", "password": PASSWORD, "groups": ["Users"]}
    root.post("/users/", new)
    tokens = nobody.post("/auth/token/", {"username": "eve", "password": PASSWORD})
    root.delete("/users/eve/")
    root.post("/users/", {**new, "username": "boss", "groups": ["Administrators"]})
    eve = Hub(nobody.http, f"Bearer {tokens['access']}")
    eve.refused(401, "GET", "/users/")
    nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": tokens["refresh"]})
    nobody.refused(401, "POST", "/auth/token/verify/", {"token": tokens["access"], "type": "access"})


def test_nobody_shuts_out_themselves_or_the_last_administrator(nobody, root):
    make_group("managers", *(f"{verb}_user" for verb in ("view", "add", "change", "delete")))
    make_user("mia", "managers")
    for method, path in (("POST", "/users/root/deactivate/"), ("DELETE", "/users/root/")):
        root.refused(400, method, path)
    mia = nobody.log_in("mia")
    mia.refused(403, "DELETE", "/users/root/")
    make_user("second", "Administrators")
    second = nobody.log_in("second")
    for method, path in (("POST", "/users/second/deactivate/"), ("DELETE", "/users/second/")):
        second.refused(400, method, path)  # though root would be left
    second.post("/users/root/deactivate/")
    number = next(group["id"] for group in second.get("/groups/")["results"] if group["name"] == "Administrators")
    second.refused(400, "PATCH", f"/groups/{number}/", {"users": []})
    second.refused(400, "PATCH", "/users/second/", {"groups": []})
    assert second.get("/users/second/")["groups"][0]["name"] == "Administrators"


def test_who_sees_whom(nobody, root, ada):
    make_user("eve")
    number = make_user("bob")
    assert [user["username"] for user in ada.get("/users/")["results"]] == ["ada"]
    ada.refused(404, "GET", "/users/bob/")
    ada.refused(404, "PATCH", "/users/bob/", {"first_name": "B"})
    ada.refused(403, "PATCH", "/users/ada/", {"first_name": "A"})
    ada.refused(403, "DELETE", "/users/ada/")
    make_group("friends of bob", "view_user", on=("user", number))
    root.patch("/users/ada/", {"groups": ["friends of bob"]})
    assert [user["username"] for user in ada.get("/users/")["results"]] == ["ada", "bob"]
    assert ada.get("/users/bob/")["username"] == "bob"
    ada.refused(403, "PATCH", "/users/bob/", {"first_name": "B"})
    ada.refused(404, "GET", "/users/eve/")


def test_nobody_gives_more_than_they_have(nobody, root):
    make_group("managers", "add_user", "change_user", "view_user", "change_group", "view_group", "add_group")
    make_group("readers", "view_user")
    make_group("movers", "change_space")
    make_user("mia", "managers")
    make_user("joe")
    make_user("boss", might=True)
    make_user("mover", "movers")
    mia = nobody.log_in("mia")
    mia.patch("/users/joe/", {"groups": ["readers"]})
    for group in ("movers", "Administrators"):
        mia.refused(403, "PATCH", "/users/mia/", {"groups": ["managers", group]})
        mia.refused(403, "POST", "/users/", {**NEW, "groups": [group]})
    for stronger in ("boss", "mover"):
        mia.refused(403, "PATCH", f"/users/{stronger}/", {"password": "quiet river stone"})
        mia.refused(403, "POST", f"/users/{stronger}/deactivate/")
    rights = {right["codename"]: right["id"] for right in root.get("/permissions/", page_size="0")["results"]}
    mia.refused(403, "POST", "/groups/", {"name": "mine", "permissions": [rights["change_space"]]})
    mia.post("/groups/", {"name": "mine", "permissions": [rights["view_user"]], "users": ["joe"]})
    groups = {group["name"]: group["id"] for group in root.get("/groups/")["results"]}
    mia.refused(403, "PATCH", f"/groups/{groups['movers']}/", {"users": ["mia"]})
    mia.refused(403, "PATCH", f"/groups/{groups['mine']}/", {"permissions": [rights["change_space"]]})
    mia.refused(403, "PATCH", f"/groups/{groups['Administrators']}/", {"users": ["mia"]})
    assert nobody.log_in("mia").get("/groups/")["count"] == len(groups)


def test_the_command_makes_a_superuser_or_makes_a_user_one(nobody, ada):
    users.make_superuser("ada", "ada@example.com", "password1")
    ada = nobody.log_in("ada", "password1")
    assert ada.post("/users/", NEW)["username"] == "bea"
    users.make_superuser("new", "new@example.com", PASSWORD)
    assert nobody.log_in("new").get("/users/")["count"] == 3
    with pytest.raises(BadRequest, match="shorter"):
        users.make_superuser("new", "new@example.com", "short")
