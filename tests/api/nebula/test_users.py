"""Users and user groups (nebula 2, 3, 6, 10)."""

import pytest

from app.core import db
from tests.support.nebula import Manager

WHOLE = {
    "group_members": ["ada", "eve"],
    "pruning_allowed": True,
    "admin": False,
    "apps": {"web": "rw", "shop": "ro"},
    "device_groups": {"stores": "ro"},
    "cron_jobs": {"backup": "rw"},
}
EMPTY = {
    "group_members": [],
    "pruning_allowed": False,
    "admin": False,
    "apps": {},
    "device_groups": {},
    "cron_jobs": {},
}


def stored() -> str:
    with db.read():
        return str(db.rows("SELECT name, password_hash, token_digest FROM nebula_user"))


@pytest.mark.rule("nebula 2")
def test_a_user_shows_hashes_only(boss):
    made = boss.post("/users/ada", {"password": "p-secret", "token": "t-secret"})
    assert made.status_code == 200
    shown = made.json()
    assert shown.keys() == {"user_name", "password", "token"}
    assert shown["password"].startswith("$argon2id$")
    assert "secret" not in str(shown) + stored()
    assert boss.done("GET", "/users/ada") == shown
    changed = boss.put("/users/ada/update", {"token": "u-secret"})
    assert changed.status_code == 200
    assert changed.json()["password"] == shown["password"]
    assert changed.json()["token"] != shown["token"]
    patched = boss.call("PATCH", "/users/ada/update", json={"password": "q-secret"}).json()
    assert patched["password"] != shown["password"]
    token = boss.done("POST", "/users/ada/refresh")["token"]
    assert token not in stored()


@pytest.mark.rule("nebula 2")
def test_users_that_are_there_and_that_are_not(boss):
    boss.user("ada")
    boss.user("eve")
    assert boss.done("GET", "/users") == {"users": ["ada", "eve"]}
    assert boss.post("/users/ada", {}).json() == {"user_exists": True}
    assert boss.get("/users/nope").json() == {"user_exists": False}
    assert boss.delete("/users/nope").json() == {"user_exists": False}
    for method, path, body in (
        ("PUT", "update", {"token": "x"}),
        ("PATCH", "update", {"token": "x"}),
        ("POST", "refresh", None),
    ):
        answer = boss.call(method, f"/users/nope/{path}", **({} if body is None else {"json": body}))
        assert (answer.status_code, answer.json()) == (403, {"user_name": False})
    assert boss.done("DELETE", "/users/ada") == {}
    assert boss.done("GET", "/users") == {"users": ["eve"]}


@pytest.mark.rule("nebula 11")
@pytest.mark.parametrize(
    "wrong",
    [
        {"token": 5},
        {"password": 12345},
        {"password": None},
        {"password": ""},
        {"token": "two words"},
        {"token": ""},
        {"token": "ü"},
    ],
)
def test_what_is_no_text_is_refused_and_locks_nobody_out(boss, http, wrong):
    boss.done("POST", "/users/ada", {"token": "good-token"})
    for method, path in (("PUT", "/users/ada/update"), ("PATCH", "/users/ada/update"), ("POST", "/users/new")):
        answer = boss.call(method, path, json=wrong)
        assert (answer.status_code, answer.json()) == (400, {"missing_parameters": True})
    assert boss.put("/users/ada/update", {}).json() == {"missing_parameters": True}
    assert Manager(http, token="good-token").get("/status").status_code == 200


def test_a_token_belongs_to_one_user(boss):
    boss.done("POST", "/users/ada", {"token": "same"})
    boss.user("eve")
    for answer in (boss.post("/users/new", {"token": "same"}), boss.put("/users/eve/update", {"token": "same"})):
        assert (answer.status_code, [*answer.json()]) == (400, ["token"])
    assert boss.done("GET", "/users") == {"users": ["ada", "eve"]}
    assert boss.put("/users/ada/update", {"token": "same"}).status_code == 200


@pytest.mark.parametrize("name", ["a:b", ".a", "x" * 256, "a%0Ab"])
def test_names_that_nobody_can_sign_in_by(boss, name):
    assert boss.post(f"/users/{name}", {}).status_code == 400
    assert boss.done("POST", "/users/Ada%20Lovelace", {})["user_name"] == "Ada Lovelace"


@pytest.mark.rule("nebula 3")
def test_a_user_group(boss):
    made = boss.post("/user_groups/crew", WHOLE)
    assert (made.status_code, made.json()) == (200, {"user_group": "crew", **WHOLE})
    assert boss.done("GET", "/user_groups/crew") == {"user_group": "crew", **WHOLE}
    assert boss.done("POST", "/user_groups/none", {"user_group": "other", "surprise": 1}) == {
        "user_group": "none",
        **EMPTY,
    }
    assert boss.done("GET", "/user_groups") == {"user_groups": ["crew", "none"]}
    changed = boss.put("/user_groups/crew/update", {"apps": {"shop": "rw"}, "user_group": "x"})
    assert (changed.status_code, changed.json()) == (200, {"user_group": "crew", **WHOLE, "apps": {"shop": "rw"}})
    patched = boss.call(
        "PATCH", "/user_groups/crew/update", json={"admin": True, "group_members": ["eve", "ada", "eve"]}
    )
    assert (patched.json()["admin"], patched.json()["group_members"]) == (True, ["eve", "ada"])
    assert boss.done("DELETE", "/user_groups/crew") == {}


@pytest.mark.rule("nebula 11")
def test_user_groups_that_are_there_and_that_are_not(boss):
    boss.done("POST", "/user_groups/crew", {})
    assert boss.post("/user_groups/crew", {}).json() == {"user_group_exists": True}
    for method, path in (("GET", ""), ("DELETE", ""), ("PUT", "/update"), ("PATCH", "/update")):
        answer = boss.call(method, f"/user_groups/nope{path}", **({"json": {"admin": True}} if path else {}))
        assert (answer.status_code, answer.json()) == (403, {"user_group_exists": False})
    assert boss.put("/user_groups/crew/update", {}).json() == {"missing_parameters": True}


@pytest.mark.rule("nebula 11")
@pytest.mark.parametrize(
    "wrong",
    [
        {"apps": {"web": "write"}},
        {"apps": {"web": 2}},
        {"apps": ["web"]},
        {"apps": "web"},
        {"apps": "web:write"},
        {"device_groups": '{"web": 1}'},
        {"device_groups": "{nonsense"},
        {"cron_jobs": None},
        {"group_members": {"ada": 1}},
        {"group_members": [5]},
        {"apps": {"": "ro"}},
        {"apps": {"x" * 256: "ro"}},
        {"device_groups": {"a\0b": "ro"}},
        {"cron_jobs": "x" * 256 + ":rw"},
        {"group_members": "ada," + "x" * 256},
        {"admin": "true"},
        {"pruning_allowed": 1},
    ],
    ids=str,
)
def test_rights_that_are_none(boss, wrong):
    answer = boss.post("/user_groups/crew", wrong)
    assert answer.status_code == 400
    assert answer.json().keys() == wrong.keys()
    boss.done("POST", "/user_groups/crew", WHOLE)
    assert boss.put("/user_groups/crew/update", wrong).status_code == 400
    assert boss.done("GET", "/user_groups/crew") == {"user_group": "crew", **WHOLE}


@pytest.mark.rule("nebula 10")
def test_texts_as_nebulactl_sends_them(boss):
    texts = {
        "group_members": "ada, eve",
        "apps": "web:rw,shop:ro",
        "device_groups": '{"stores": "ro"}',
        "cron_jobs": "",
    }
    made = boss.done("POST", "/user_groups/crew", texts)
    assert made == {**EMPTY, "user_group": "crew", **WHOLE, "pruning_allowed": False, "cron_jobs": {}}
    assert boss.done("POST", "/user_groups/none", {"group_members": "", "apps": "[]"}) == {
        "user_group": "none",
        **EMPTY,
    }
