"""Login and logout over HTTP (mender 1.2, 1.3, 5; mender-clients)."""

import base64
import json
from datetime import timedelta

import bcrypt
import httpx
import pytest
from argon2 import PasswordHasher

from app.core import clock, db, tokens
from app.mender import useradm
from tests.support.mender import DEVAUTH, EMAIL, PASSWORD, USERADM

LOGIN = f"{USERADM}/auth/login"


def claims(token: str) -> dict:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.rule("mender 1.3")
def test_login_answers_the_bare_token(http, user):
    answer = http.post(LOGIN, auth=(EMAIL, PASSWORD), headers={"Content-Type": "application/json"}, content=b"")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jwt"
    assert answer.text == answer.text.strip()
    found = claims(answer.text)
    assert found["sub"] == user.id
    assert found["iss"] == "Mender"
    assert found["mender.user"] is True
    assert found["scp"] == "mender.*"
    assert found["exp"] - found["iat"] == 604800


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    ("email", "password", "status"),
    [
        (EMAIL, PASSWORD, 200),
        (EMAIL.upper(), PASSWORD, 200),
        (EMAIL, "wrong password", 401),
        ("nobody@example.com", PASSWORD, 401),
        ("", PASSWORD, 401),
        (EMAIL, "", 401),
    ],
)
def test_who_may_log_in(http, user, email, password, status):
    assert http.post(LOGIN, auth=(email, password)).status_code == status


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    "header", [None, "Basic", "Basic !", "Basic bm9jb2xvbg==", "Bearer x", "Digest x", "Basic a b"]
)
def test_a_login_needs_a_proper_header(http, user, header):
    answer = http.post(LOGIN, headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="BasicUser"'
    assert answer.json()["request_id"] == answer.headers["X-MEN-RequestID"]


def test_a_second_factor_is_a_later_matter_and_refused(http, user):
    answer = http.post(LOGIN, auth=(EMAIL, PASSWORD), json={"token2fa": "123456"})
    assert (answer.status_code, "token2fa" in answer.json()["error"]) == (400, True)
    assert http.post(LOGIN, auth=(EMAIL, PASSWORD), json={}).status_code == 200
    assert http.post(LOGIN, auth=(EMAIL, PASSWORD), content=b"x").status_code == 415


@pytest.mark.rule("mender 5")
def test_logout_voids_the_token_at_once(http, user):
    assert user.get(f"{DEVAUTH}/devices").status_code == 200
    assert user.call("POST", f"{USERADM}/auth/logout").status_code == 202
    assert user.get(f"{DEVAUTH}/devices").status_code == 401


@pytest.mark.rule("mender 5")
def test_the_oldest_of_more_than_ten_sessions_ends(http, user):
    newer = [http.post(LOGIN, auth=(EMAIL, PASSWORD)).text for _ in range(10)]

    def works(token: str) -> bool:
        return http.get(f"{DEVAUTH}/devices", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    assert not works(user.token)
    assert all(works(token) for token in newer)


@pytest.mark.rule("mender 1.2")
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": "bearer {token}"}, 200),
        ({"Authorization": "{token}"}, 401),
        ({"Authorization": "Bearer {token} more"}, 401),
        ({"Authorization": "Bearer {token}x"}, 401),
        ({"Cookie": "JWT={token}"}, 200),
        ({"Cookie": "JWT=bad"}, 401),
        ({"Authorization": "Bearer {token}", "Cookie": "JWT=bad"}, 200),
        ({"Authorization": "Bearer bad", "Cookie": "JWT={token}"}, 401),
        ({"Authorization": "malformed", "Cookie": "JWT={token}"}, 401),
    ],
)
def test_header_and_cookie(http, user, headers, status):
    headers = {name: value.format(token=user.token) for name, value in headers.items()}
    answer = http.get(f"{DEVAUTH}/devices", headers=headers)
    assert answer.status_code == status
    if status == 401:
        assert 'Bearer realm="ManagementJWT"' in answer.headers["WWW-Authenticate"]


@pytest.mark.rule("mender 1.3")
def test_a_token_that_expired_or_was_changed_is_refused(http, user):
    found = claims(user.token)
    expired = tokens.sign("mender", "user", found | {"exp": int(clock.now().timestamp()) - 1})
    foreign = tokens.sign("mender", "device", found)
    for token in (expired, foreign, user.token[:-2], user.token.replace(".", ".e30", 1)):
        assert http.get(f"{DEVAUTH}/devices", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    with clock.freeze(clock.now() + timedelta(days=8)):
        assert user.get(f"{DEVAUTH}/devices").status_code == 401


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(
    ("email", "password", "status"),
    [
        ("a+b@example.com", "12345678", None),
        ("no address", "12345678", 400),
        ("ümlaut@example.com", "12345678", 400),
        ("x" * 250 + "@example.com", "12345678", 400),
        ("b@example.com", "1234567", 422),
        ("b@example.com", "pässword12", 400),
        ("b@example.com", "p" * 257, 400),
        ("b.example@example.com", "example@", 422),
        (EMAIL.upper(), "12345678", 422),
    ],
)
def test_users_that_may_be_made(http, user, email, password, status):
    if status is None:
        useradm.create_user(email, password)
        return
    with pytest.raises(Exception) as caught:
        useradm.create_user(email, password)
    assert caught.value.status == status


@pytest.mark.parametrize("stored", ["bcrypt", "costly"])
def test_an_old_hash_is_made_anew_at_login(http, user, stored):
    """Imported bcrypt hashes, and those of other parameters, are replaced when the password was right."""
    plain = PASSWORD.encode()
    old = bcrypt.hashpw(plain, bcrypt.gensalt(4)).decode() if stored == "bcrypt" else PasswordHasher().hash(PASSWORD)
    with db.write():
        db.execute("UPDATE mender_user SET password_hash = ?", old)
    assert http.post(LOGIN, auth=(EMAIL, "wrong password")).status_code == 401
    assert http.post(LOGIN, auth=(EMAIL, PASSWORD)).status_code == 200
    with db.read():
        (renewed,) = db.row("SELECT password_hash FROM mender_user")
    assert renewed != old
    assert renewed.startswith("$argon2id$")
    assert http.post(LOGIN, auth=(EMAIL, PASSWORD)).status_code == 200


def test_no_password_or_token_is_stored_in_clear(http, user, database):
    with db.read():
        stored = repr(db.rows("SELECT * FROM mender_user")) + repr(db.rows("SELECT * FROM mender_user_token"))
        stored += repr(db.rows("SELECT * FROM core_signing_key"))
    assert PASSWORD not in stored
    assert user.token not in stored
    assert "PRIVATE KEY" not in stored


def test_the_internal_listener_serves_no_management_calls(servers, database):
    assert httpx.get(f"{servers.internal}{DEVAUTH}/devices").status_code == 404
    assert httpx.get(f"{servers.internal}/readyz").status_code == 200
    assert httpx.get(f"{servers.public}/readyz").json() == {"status": "ready"}
    assert httpx.get(f"{servers.public}/healthz").json() == {"status": "ok"}
