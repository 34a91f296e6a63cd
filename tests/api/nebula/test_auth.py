"""Who calls: the local administrator, users by password or token, at the same cost whoever they are (nebula 6)."""

import base64

import pytest

from app.core import db, passwords
from app.nebula import auth, rights
from tests.support.nebula import LOCAL, Manager
from tests.support.waiting import eventually


@pytest.fixture
def verified(monkeypatch) -> list[str]:
    """Each argon2 that was spent."""
    spent: list[str] = []
    genuine, burn = passwords.verify, passwords.burn

    def verify(stored: str, password: str):
        spent.append("verify")
        return genuine(stored, password)

    def waste(password: str) -> None:
        spent.append("burn")

    monkeypatch.setattr(passwords, "verify", verify)
    monkeypatch.setattr(passwords, "burn", waste)
    assert burn
    return spent


@pytest.mark.rule("nebula 6")
def test_the_local_administrator(boss, http):
    assert boss.get("/status").json() == {"api_available": True}
    assert Manager(http, token=LOCAL.token).get("/users").status_code == 200
    assert boss.get("/users").status_code == 200
    for wrong in (("boss", "12346"), ("boss", ""), ("", "12345"), ("Boss", "12345"), ("boss", "12345 ")):
        assert Manager(http, auth=wrong).get("/status").status_code == 401, wrong
    assert Manager(http, token="local-toke").get("/status").status_code == 401


def test_nothing_passes_where_nothing_is_set(http):
    auth.configure(auth.Local())
    for pair in (("", ""), ("boss", ""), ("None", "None")):
        assert Manager(http, auth=pair).get("/status").status_code == 401
    auth.configure(auth.Local(user="boss"))
    assert Manager(http, auth=("boss", "")).get("/status").status_code == 401
    assert not auth.has_local_admin()


@pytest.mark.rule("nebula 2")
def test_who_is_not_signed_in_is_told_how(boss, http, stranger):
    answer = stranger.get("/status")
    assert (answer.status_code, answer.json()) == (401, {"unauthorized": True})
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="nebula"'
    assert answer.headers["Content-Type"] == "application/json"
    assert Manager(http, auth=("a", "b")).get("/status").headers["WWW-Authenticate"] == 'Basic realm="nebula"'
    assert Manager(http, token="x").get("/status").headers["WWW-Authenticate"] == 'Bearer realm="nebula"'


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic !!!!",
        "Basic Ym9zcw==",
        "Basic /w==",
        "Bearer",
        "Bearer a b",
        "Digest x",
        "boss:12345",
        "Basic " + "A" * 9000,
    ],
)
def test_headers_that_are_no_credential(boss, http, header):
    answer = http.get("/api/v2/status", headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"unauthorized": True})


@pytest.mark.rule("nebula 6")
def test_a_user_by_password_and_by_token(boss, http):
    boss.done("POST", "/users/ada", {"password": "pass:with:colons ü", "token": "ada-token"})
    assert Manager(http, auth=("ada", "pass:with:colons ü")).get("/status").status_code == 200
    assert Manager(http, token="ada-token").get("/status").status_code == 200
    assert Manager(http, auth=("ada", "pass:with:colons")).get("/status").status_code == 401
    assert Manager(http, token="ada-tokens").get("/status").status_code == 401


@pytest.mark.rule("nebula 11")
def test_a_token_costs_the_same_however_many_users_there_are(boss, http):
    boss.done("POST", "/users/ada", {"token": "ada-token"})
    ada = Manager(http, token="ada-token")
    ada.get("/status")
    with db.count_queries() as few:
        ada.get("/status")
    for number in range(20):
        boss.done("POST", f"/users/user-{number}", {})
    with db.count_queries() as many:
        ada.get("/status")
    assert few.statements == many.statements
    assert few.count == 1


def test_a_right_password_is_verified_once(boss, http, verified):
    ada = boss.user("ada", "a good password")
    verified.clear()
    assert [ada.get("/status").status_code for _ in range(5)] == [200] * 5
    assert verified == ["verify"]
    boss.user("eve", "a good password")
    assert Manager(http, auth=("eve", "a good password")).get("/status").status_code == 200
    assert verified == ["verify"] * 2, "not by another name"


def test_a_wrong_password_is_verified_once_for_a_while(boss, http, verified):
    boss.user("ada")
    verified.clear()
    wrong = Manager(http, auth=("ada", "wrong"))
    assert [wrong.get("/status").status_code for _ in range(5)] == [401] * 5
    assert verified == ["verify"]
    nobody = Manager(http, auth=("nobody", "wrong"))
    assert nobody.get("/status").status_code == 401
    assert verified == ["verify", "burn"], "who is not there costs as much"


@pytest.mark.rule("nebula 6")
def test_what_was_remembered_of_a_user_ends_with_the_password(boss, http, verified):
    ada = boss.user("ada", "first password")
    assert ada.get("/status").status_code == 200
    boss.done("PUT", "/users/ada/update", {"password": "second password"})
    assert ada.get("/status").status_code == 401
    assert Manager(http, auth=("ada", "second password")).get("/status").status_code == 200
    boss.done("DELETE", "/users/ada")
    assert Manager(http, auth=("ada", "second password")).get("/status").status_code == 401
    boss.done("POST", "/users/ada", {"password": "third password"})
    for old in ("first password", "second password"):
        assert Manager(http, auth=("ada", old)).get("/status").status_code == 401
    boss.done("PUT", "/users/ada/update", {"password": "first password"})
    assert ada.get("/status").status_code == 200, "a password that was wrong may become right"


@pytest.mark.rule("nebula 6")
def test_a_refreshed_token_is_the_only_one(boss, http):
    boss.done("POST", "/users/ada", {"token": "old-token"})
    old = Manager(http, token="old-token")
    assert old.get("/status").status_code == 200
    new = boss.done("POST", "/users/ada/refresh")["token"]
    assert len(new) == 43
    assert old.get("/status").status_code == 401
    assert Manager(http, token=new).get("/status").status_code == 200


def test_many_failures_make_a_password_wait(boss, http):
    boss.user("ada")
    boss.user("eve")
    wrong = Manager(http, auth=("ada", "wrong"))
    codes = [wrong.get("/status").status_code for _ in range(60)]
    assert set(codes) == {401, 429}
    answer = wrong.get("/status")
    assert answer.json() == {"too_many_tries": True}
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert Manager(http, auth=("eve", "a good password")).get("/status").status_code == 200
    assert boss.get("/status").status_code == 200


def test_the_local_password_is_no_easier_to_guess(boss, http, verified):
    """Each guess costs an argon2 and is counted, by every way in; what is known to be right costs nothing."""
    assert [boss.get("/status").status_code for _ in range(3)] == [200] * 3
    assert verified == ["burn"]
    guesses = [Manager(http, auth=("boss", f"guess-{number}")).get("/status").status_code for number in range(60)]
    assert set(guesses) == {401, 429}
    assert boss.get("/status").status_code == 200
    auth._forget()
    assert boss.get("/status").status_code == 429, "not even the right one is looked at"
    verified.clear()
    info = "/device_groups/none/info"
    assert Manager(http, auth=("boss", "another guess")).get(info).status_code == 401
    assert verified == ["burn", "burn"], "neither the local administrator nor a user"
    assert boss.get(info).json() == {"device_group_exists": False}, "a worker is let in all the same"


def test_failures_are_counted_for_every_process(boss, http):
    boss.user("ada")
    assert Manager(http, auth=("ada", "wrong")).get("/status").status_code == 401

    def counted() -> int:
        with db.read():
            return db.row("SELECT COUNT(*) FROM core_failed_try")[0]

    assert eventually(counted) == 1


@pytest.mark.rule("nebula 6")
def test_rights_are_looked_up_at_each_request(boss):
    boss.app("web")
    ada = boss.user("ada")
    assert ada.get("/apps/web").status_code == 403
    boss.done("POST", "/user_groups/crew", {"group_members": ["ada"], "apps": {"web": "ro"}})
    assert ada.get("/apps/web").status_code == 200
    boss.done("PUT", "/user_groups/crew/update", {"apps": {"web": "rw"}})
    assert ada.post("/apps/web/stop").status_code == 202
    boss.done("DELETE", "/user_groups/crew")
    assert ada.get("/apps/web").status_code == 403
    boss.done("POST", "/user_groups/all", {"group_members": ["ada"], "admin": True})
    assert ada.get("/users").status_code == 200
    boss.done("PUT", "/user_groups/all/update", {"group_members": []})
    assert ada.get("/users").status_code == 403


@pytest.mark.rule("nebula 11")
@pytest.mark.parametrize("order", [("ro", "rw"), ("rw", "ro")])
def test_of_several_groups_the_strongest_right_counts(boss, order):
    boss.app("web")
    ada = boss.user("ada")
    for number, level in enumerate(order):
        boss.done("POST", f"/user_groups/g{number}", {"group_members": ["eve", "ada"], "apps": {"web": level}})
    assert ada.get("/apps/web").status_code == 200, "who may write may read"
    assert ada.post("/apps/web/stop").status_code == 202
    boss.done("POST", "/user_groups/g9", {"group_members": ["ada"], "pruning_allowed": True})
    assert ada.post("/prune").status_code == 202


def test_a_group_of_a_user_who_comes_later(boss, http):
    boss.done("POST", "/user_groups/crew", {"group_members": ["ada"], "admin": True})
    boss.done("POST", "/users/ada", {"password": "a good password"})
    assert Manager(http, auth=("ada", "a good password")).get("/users").status_code == 200


@pytest.mark.rule("nebula 11")
def test_ping_asks_for_nothing(stranger, http):
    assert stranger.get("/ping").json() == {"api_available": True}
    assert Manager(http, auth=("no", "body")).get("/ping").status_code == 200


def test_head_of_the_status(boss, stranger):
    """The official start script polls with it (nebula 1)."""
    answer = boss.call("HEAD", "/status")
    assert (answer.status_code, answer.content) == (200, b"")
    assert stranger.call("HEAD", "/status").status_code == 401


def test_rights_are_not_asked_for_where_that_is_set(boss, stranger):
    """The routes themselves are opened at start: see tests/unit/nebula/test_settings.py."""
    rights.configure(enforced=False)
    boss.user("ada")
    ada = Manager(boss.http, auth=("ada", "a good password"))
    assert ada.get("/users").status_code == 200
    assert stranger.get("/users").status_code == 401


def test_two_credentials_in_one_header(boss, http):
    pair = base64.b64encode(b"boss:12345").decode()
    answer = http.get("/api/v2/status", headers=[("Authorization", f"Basic {pair}"), ("Authorization", "Bearer x")])
    assert answer.status_code == 401
