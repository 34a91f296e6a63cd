"""Users, their settings and personal access tokens over HTTP (mender 1.3, 5)."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import httpx
import pytest

from app.core import clock, db
from tests.api.mender.test_useradm import claims
from tests.support.mender import DEVAUTH, EMAIL, PASSWORD, USERADM, User
from tests.support.racing import race
from tests.support.waiting import eventually

USERS, SETTINGS, TOKENS = f"{USERADM}/users", f"{USERADM}/settings", f"{USERADM}/settings/tokens"
GRACE = {"email": "Grace+1@Example.com", "password": "a-good-one"}


def login(http: httpx.Client, email: str, password: str) -> httpx.Response:
    return http.post(f"{USERADM}/auth/login", auth=(email, password))


def works(http: httpx.Client, token: str) -> bool:
    status = http.get(USERS, headers={"Authorization": f"Bearer {token}"}).status_code
    assert status in (200, 401)
    return status == 200


@pytest.mark.rule("mender 5")
def test_a_user_from_first_to_last(http, user):
    made = user.call("POST", USERS, json=GRACE)
    assert made.status_code == 201
    location = made.headers["Location"]
    shown = user.get(f"{USERADM}/{location}").json()
    assert shown.keys() == {"id", "email", "created_ts", "updated_ts"}
    assert (shown["email"], location) == ("grace+1@example.com", f"users/{shown['id']}")
    assert [entry["email"] for entry in user.get(USERS).json()] == [EMAIL, "grace+1@example.com"]
    token = login(http, GRACE["email"].upper(), GRACE["password"]).text
    assert claims(token)["sub"] == shown["id"]
    assert user.call("DELETE", f"{USERADM}/{location}").status_code == 204
    assert user.get(f"{USERADM}/{location}").status_code == 404
    assert not works(http, token)
    assert login(http, GRACE["email"], GRACE["password"]).status_code == 401
    assert user.call("DELETE", f"{USERADM}/{location}").status_code == 204
    assert user.call("DELETE", f"{USERS}/{'x' * 65}").status_code == 404


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"email": None}, 400),
        ({"email": ""}, 400),
        ({"email": "no address"}, 400),
        ({"email": "gräce@example.com"}, 400),
        ({"email": "x" * 250 + "@example.com"}, 400),
        ({"email": "a\0@example.com"}, 400),
        ({"email": 7}, 400),
        ({"email": EMAIL}, 422),
        ({"email": EMAIL.upper()}, 422),
        ({"password": None}, 400),
        ({"password": "seven77"}, 422),
        ({"password": "x" * 257}, 400),
        ({"password": "pässwörter"}, 400),
        ({"password": "EXAMPLE.com"}, 422),
        ({"login": {"google": "1"}}, 400),
    ],
)
def test_users_that_are_refused(user, changes, status):
    assert user.call("POST", USERS, json=GRACE | changes).status_code == status
    assert len(user.get(USERS).json()) == 1


@pytest.mark.rule("mender 5")
def test_eight_letters_are_enough(http, user):
    assert user.call("POST", USERS, json=GRACE | {"password": "password"}).status_code == 201
    assert login(http, GRACE["email"], "password").status_code == 200


@pytest.mark.rule("mender 5")
def test_me(http, user):
    assert user.get(f"{USERS}/me").json() == user.get(f"{USERS}/{user.id}").json()
    assert user.call("PUT", f"{USERS}/me", json={"email": "new@example.com"}).status_code == 204
    assert user.get(f"{USERS}/{user.id.upper()}").json()["email"] == "new@example.com"
    assert login(http, "new@example.com", PASSWORD).status_code == 200
    assert login(http, EMAIL, PASSWORD).status_code == 401


@pytest.mark.rule("mender 5")
def test_changing_a_user_ends_the_others_tokens(http, user):
    grace = user.call("POST", USERS, json=GRACE).headers["Location"].rpartition("/")[2]
    mine, other = (login(http, GRACE["email"], GRACE["password"]).text for _ in range(2))
    headers = {"Authorization": f"Bearer {mine}"}
    named = http.post(TOKENS, json={"name": "n"}, headers=headers).text
    before = user.get(f"{USERS}/{grace}").json()
    assert http.put(f"{USERS}/me", json={"password": "another-one"}, headers=headers).status_code == 204
    assert [works(http, token) for token in (mine, other, named)] == [True, False, False]
    assert user.get(f"{USERS}/{grace}").json()["updated_ts"] > before["updated_ts"]
    assert login(http, GRACE["email"], GRACE["password"]).status_code == 401
    assert login(http, GRACE["email"], "another-one").status_code == 200
    assert user.call("PUT", f"{USERS}/{grace}", json={"email": "grace@example.com"}).status_code == 204
    assert not works(http, mine)
    assert works(http, user.token)


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"current_password": PASSWORD}, 400),
        ({"roles": []}, 400),
        ({"email": "no address"}, 400),
        ({"email": "grace+1@example.com"}, 422),
        ({"password": "short"}, 422),
        ({"password": "ada@example"}, 422),
        ({"email": "x-" + "y" * 20 + "@example.com", "password": "y" * 20}, 422),
        ({"password": "another-one", "current_password": "wrong"}, 422),
    ],
)
def test_changes_that_are_refused(http, user, body, status):
    user.call("POST", USERS, json=GRACE)
    before = user.get(f"{USERS}/me").json()
    assert user.call("PUT", f"{USERS}/me", json=body).status_code == status
    assert user.get(f"{USERS}/me").json() == before
    assert login(http, EMAIL, PASSWORD).status_code == 200
    assert user.call("PUT", f"{USERS}/{uuid4()}", json={"email": "a@example.com"}).status_code == 404


@pytest.mark.rule("mender 5")
def test_the_current_password_is_verified_when_it_is_sent(http, user):
    body = {"password": "another-one", "current_password": PASSWORD}
    assert user.call("PUT", f"{USERS}/me", json=body).status_code == 204
    assert login(http, EMAIL, "another-one").status_code == 200


def test_one_address_is_one_users(user):
    answers = race(*[partial(user.call, "POST", USERS, json=GRACE) for _ in range(6)])
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422, 422]
    assert len(user.get(USERS).json()) == 2


def test_one_tenant_knows_no_users_of_another(http, user, database):
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    assert [entry["email"] for entry in stranger.get(USERS).json()] == ["eve@example.com"]
    assert stranger.get(f"{USERS}/{user.id}").status_code == 404
    assert stranger.call("PUT", f"{USERS}/{user.id}", json={"password": "another-one"}).status_code == 404
    assert stranger.call("DELETE", f"{USERS}/{user.id}").status_code == 204
    assert works(http, user.token)
    # An address is one user's across all tenants.
    assert stranger.call("POST", USERS, json={"email": EMAIL, "password": "a-good-one"}).status_code == 422
    user.call("POST", SETTINGS, json={"mine": 1})
    assert stranger.get(SETTINGS).json() == {}


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize("path", [SETTINGS, f"{SETTINGS}/me"])
def test_settings_are_replaced(user, path):
    assert user.get(path).json() == {}
    first = {"columns": "a,b", "deep": {"list": [1, None, {"x": "ü"}]}}
    assert user.call("POST", path, json=first).status_code == 201
    assert user.get(path).json() == first
    assert user.call("POST", path, json={"other": True}).status_code == 201
    assert user.get(path).json() == {"other": True}
    assert user.call("POST", path, json={}).status_code == 201
    assert user.get(path).json() == {}


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    "body",
    [
        [],
        "text",
        None,
        {"x" * 129: 1},
        {"x": "y" * 4097},
        {f"n{number}": 1 for number in range(1025)},
        {"2fa": "enabled"},
    ],
)
def test_settings_that_are_refused(user, body):
    user.call("POST", SETTINGS, json={"kept": 1})
    assert user.call("POST", SETTINGS, json=body).status_code == 400
    assert user.get(SETTINGS).json() == {"kept": 1}


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize("path", [SETTINGS, f"{SETTINGS}/me"])
def test_settings_are_guarded_by_their_etag(user, path):
    def put(value: int, etag: str) -> httpx.Response:
        return user.call("POST", path, json={"n": value}, headers={"If-Match": etag})

    start = user.get(path).headers["ETag"]
    first = put(1, start)
    assert (first.status_code, first.headers["ETag"]) == (201, user.get(path).headers["ETag"])
    assert put(2, start).status_code == 412
    assert user.get(path).json() == {"n": 1}
    assert put(3, "*").status_code == 201
    now = user.get(path).headers["ETag"]
    answers = race(*[partial(put, number, now) for number in range(10, 16)])
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 5


def test_my_settings_are_mine(http, user):
    other = User(http, email="grace@example.com")
    user.call("POST", SETTINGS, json={"all": 1})
    user.call("POST", f"{SETTINGS}/me", json={"mine": 1})
    assert other.get(SETTINGS).json() == {"all": 1}
    assert other.get(f"{SETTINGS}/me").json() == {}


@pytest.mark.rule("mender 5")
def test_a_personal_access_token(http, user):
    made = user.call("POST", TOKENS, json={"name": "nightly build", "expires_in": 3600})
    assert (made.status_code, made.headers["Content-Type"]) == (200, "application/jwt")
    said = claims(made.text)
    assert (said["sub"], said["exp"] - said["iat"]) == (user.id, 3600)
    (shown,) = user.get(TOKENS).json()
    assert shown.keys() == {"id", "name", "created_ts", "expiration_date"}
    assert (shown["id"], shown["name"]) == (said["jti"], "nightly build")
    assert works(http, made.text)
    eventually(lambda: "last_used" in user.get(TOKENS).json()[0])
    assert user.call("DELETE", f"{TOKENS}/{shown['id']}").status_code == 204
    assert not works(http, made.text)
    assert user.get(TOKENS).json() == []
    assert user.call("DELETE", f"{TOKENS}/{shown['id']}").status_code == 404


@pytest.mark.rule("mender 1.3")
def test_how_long_a_token_lasts(http, user, frozen):
    start = clock.now()
    with frozen(start):
        year = user.call("POST", TOKENS, json={"name": "year", "expires_in": 31536000}).text
        for_ever = [
            user.call("POST", TOKENS, json={"name": n, **b}).text for n, b in (("a", {}), ("b", {"expires_in": 0}))
        ]
    with frozen(start + timedelta(days=365, seconds=-1)):
        assert [works(http, token) for token in (year, *for_ever)] == [True, True, True]
    with frozen(start + timedelta(days=365, seconds=1)):
        assert [works(http, token) for token in (year, *for_ever)] == [False, True, True]
    with frozen(start + timedelta(days=36500)):
        assert [works(http, token) for token in for_ever] == [True, True]
        assert {entry["name"] for entry in map(dict, http.get(TOKENS, headers=bearer(for_ever[0])).json())} == {
            "a",
            "b",
        }
        assert all("expiration_date" not in entry for entry in http.get(TOKENS, headers=bearer(for_ever[0])).json())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.rule("mender 5")
def test_tokens_that_are_refused(user, frozen):
    for body in ({}, {"name": ""}, {"name": 7}, {"name": "n", "expires_in": -1}, {"name": "n", "expires_in": 31536001}):
        assert user.call("POST", TOKENS, json=body).status_code == 400
    for number in range(10):
        assert user.call("POST", TOKENS, json={"name": f"n{number}", "expires_in": 60}).status_code == 200
    assert user.call("POST", TOKENS, json={"name": "n3"}).status_code == 409
    assert user.call("POST", TOKENS, json={"name": "one more"}).status_code == 422
    assert len(user.get(TOKENS).json()) == 10
    with frozen(clock.now() + timedelta(seconds=61)):
        assert user.get(TOKENS).json() == []
        assert user.call("POST", TOKENS, json={"name": "n3"}).status_code == 200


def test_ten_tokens_at_most_whatever_races(user):
    for number in range(8):
        user.call("POST", TOKENS, json={"name": f"n{number}"})
    answers = race(*[partial(user.call, "POST", TOKENS, json={"name": f"r{number}"}) for number in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200, 200, 422, 422, 422, 422]
    same = [partial(user.call, "DELETE", f"{TOKENS}/{entry['id']}") for entry in user.get(TOKENS).json()[:2]]
    race(*same)
    answers = race(*[partial(user.call, "POST", TOKENS, json={"name": "same"}) for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]


def test_sessions_and_access_tokens_do_not_displace_each_other(http, user):
    named = [user.call("POST", TOKENS, json={"name": f"n{number}"}).text for number in range(10)]
    sessions = [login(http, EMAIL, PASSWORD).text for _ in range(11)]
    assert all(works(http, token) for token in named)
    assert [works(http, token) for token in sessions] == [False] + [True] * 10


def test_a_token_is_used_often_and_written_seldom(http, user):
    token = user.call("POST", TOKENS, json={"name": "n"}).text
    assert works(http, token)
    eventually(lambda: "last_used" in user.get(TOKENS).json()[0])
    with db.count_queries() as counted:
        for _ in range(5):
            assert works(http, token)
    assert not [statement for statement in counted.statements if not statement.startswith("SELECT")]


def test_one_user_revokes_nothing_of_another(http, user):
    other = User(http, email="grace@example.com")
    token = user.call("POST", TOKENS, json={"name": "n"}).text
    assert other.get(TOKENS).json() == []
    assert other.call("DELETE", f"{TOKENS}/{claims(token)['jti']}").status_code == 404
    assert user.call("DELETE", f"{TOKENS}/{claims(user.token)['jti']}").status_code == 404
    assert works(http, token)
    assert http.get(f"{DEVAUTH}/devices", headers=bearer(token)).status_code == 200
