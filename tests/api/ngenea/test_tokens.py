"""Tokens and keys for programs (ngenea 2)."""

import jwt
import pytest

from app.core import clock
from app.core.db import read, rows
from tests.support.ngenea import PASSWORD, make_group, make_user


def tokens(nobody, username="ada", password=PASSWORD):
    return nobody.post("/auth/token/", {"username": username, "password": password})


@pytest.mark.rule("ngenea 2")
def test_an_access_token_is_verified_with_the_served_key_alone(nobody):
    number = make_user("ada")
    given = tokens(nobody)
    assert set(given) == {"access", "refresh", "username"}
    key = nobody.get("/auth/token/publickey/")["public_key"]
    claims = {
        kind: jwt.decode(given[kind], key, algorithms=["RS256"], issuer="Flotilla") for kind in ("access", "refresh")
    }
    for kind, lifetime in (("access", 300), ("refresh", 86400)):
        assert claims[kind]["token_type"] == kind
        assert claims[kind]["user_id"] == number
        assert claims[kind]["exp"] - claims[kind]["iat"] == lifetime
    assert claims["access"]["jti"] != claims["refresh"]["jti"]


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong password"), ("eve", PASSWORD), ("ADA", PASSWORD)])
def test_who_does_not_know_the_password_gets_no_token(nobody, username, password):
    make_user("ada")
    refused = nobody.refused(401, "POST", "/auth/token/", {"username": username, "password": password})
    assert refused["code"] == "no_active_account"


def test_failed_tries_are_limited(nobody):
    make_user("ada")
    body = {"username": "ada", "password": "wrong password"}
    assert {nobody.call("POST", "/auth/token/", body).status_code for _ in range(20)} == {401}
    assert nobody.call("POST", "/auth/token/", body).headers["Retry-After"]
    nobody.refused(429, "POST", "/auth/token/", body)


def test_a_refresh_token_gets_access_tokens(nobody):
    make_user("ada")
    given = tokens(nobody)
    new = nobody.post("/auth/token/refresh/", {"refresh": given["refresh"]})
    assert new["access"] != given["access"]
    nobody.credential = f"Bearer {new['access']}"
    assert [user["username"] for user in nobody.get("/users/")["results"]] == ["ada"]
    nobody.credential = None
    for wrong in (given["access"], "x", given["refresh"][:-4] + "AAAA"):
        assert nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": wrong})["code"] == "token_not_valid"


def test_a_refresh_token_opens_nothing(nobody):
    make_user("ada")
    nobody.credential = f"Bearer {tokens(nobody)['refresh']}"
    nobody.refused(401, "GET", "/users/")


def test_verify_wants_the_type_the_user_and_the_time(nobody, root):
    make_user("ada")
    given = tokens(nobody)
    verify = "/auth/token/verify/"
    for kind in ("access", "refresh"):
        assert nobody.post(verify, {"token": given[kind], "type": kind}) == {"token": given[kind], "type": kind}
    nobody.refused(401, "POST", verify, {"token": given["access"], "type": "refresh"})
    nobody.refused(400, "POST", verify, {"token": given["access"], "type": "sliding"})
    root.post("/users/ada/deactivate/")
    nobody.refused(401, "POST", verify, {"token": given["access"], "type": "access"})
    root.post("/users/ada/activate/")
    nobody.post(verify, {"token": given["access"], "type": "access"})
    root.delete("/users/ada/")
    nobody.refused(401, "POST", verify, {"token": given["access"], "type": "access"})


def test_an_access_token_ends(nobody, frozen):
    make_user("ada")
    given = tokens(nobody)
    nobody.credential = f"Bearer {given['access']}"
    now = clock.now()
    with frozen(now.replace(year=now.year + 1)):
        nobody.refused(401, "GET", "/users/")
        nobody.refused(401, "POST", "/auth/token/refresh/", {"refresh": given["refresh"]})


def test_a_client_key_acts_as_its_owner_and_is_shown_once(nobody, ada):
    made = ada.post("/auth/clientkeys/", {"name": "ingest", "user": "root", "id": 77})
    assert set(made) == {"id", "name", "url", "api_key"}
    assert made["url"].endswith(f"/api/auth/clientkeys/{made['id']}/")
    shown = {"id": made["id"], "name": "ingest", "url": made["url"], "user": "ada"}
    assert ada.get(f"/auth/clientkeys/{made['id']}/") == shown
    assert ada.get("/auth/clientkeys/")["results"] == [shown]
    with read():
        assert made["api_key"].partition(".")[2] not in str(rows("SELECT * FROM ngenea_client_key"))
    nobody.credential = f"Api-Key {made['api_key']}"
    assert nobody.get("/auth/clientkeys/")["results"] == [shown]
    for wrong in (made["api_key"][:-1] + "x", "x", made["api_key"].partition(".")[2]):
        nobody.credential = f"Api-Key {wrong}"
        answer = nobody.call("GET", "/users/")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ngenea", Api-Key realm="ngenea"'


def test_a_client_key_is_void_at_once(nobody, root, ada):
    made = ada.post("/auth/clientkeys/", {"name": "ingest"})
    nobody.credential = f"Api-Key {made['api_key']}"
    nobody.get("/users/")
    root.post("/users/ada/deactivate/")
    nobody.refused(401, "GET", "/users/")
    root.post("/users/ada/activate/")
    nobody.get("/users/")
    ada.delete(f"/auth/clientkeys/{made['id']}/")
    nobody.refused(401, "GET", "/users/")
    ada.refused(404, "DELETE", f"/auth/clientkeys/{made['id']}/")


def test_keys_are_their_owners_and_administrators(nobody, root, ada):
    make_user("eve")
    eve = nobody.log_in("eve")
    number = ada.post("/auth/clientkeys/", {"name": "ingest"})["id"]
    assert eve.get("/auth/clientkeys/")["count"] == 0
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        assert eve.refused(404, method, f"/auth/clientkeys/{number}/", body) == {"detail": "Not found."}
    assert root.patch(f"/auth/clientkeys/{number}/", {"name": "nightly", "user": "root"})["user"] == "ada"
    assert ada.patch(f"/auth/clientkeys/{number}/", {})["name"] == "nightly"
    root.delete(f"/auth/clientkeys/{number}/")


def test_who_may_see_keys_may_not_change_them(nobody, ada):
    make_group("auditors", "view_clientkey")
    make_user("eve", "auditors")
    number = ada.post("/auth/clientkeys/", {"name": "ingest"})["id"]
    eve = nobody.log_in("eve")
    assert eve.get(f"/auth/clientkeys/{number}/")["user"] == "ada"
    eve.refused(403, "PATCH", f"/auth/clientkeys/{number}/", {"name": "mine"})
    eve.refused(403, "DELETE", f"/auth/clientkeys/{number}/")


def test_a_name_is_given_once_by_each_user(root, ada):
    first = ada.post("/auth/clientkeys/", {"name": "ingest"})
    root.post("/auth/clientkeys/", {"name": "ingest"})
    assert ada.refused(400, "POST", "/auth/clientkeys/", {"name": "ingest"}) == {
        "name": ["There is a key with this name already."]
    }
    ada.post("/auth/clientkeys/", {"name": "other"})
    ada.refused(400, "PATCH", f"/auth/clientkeys/{first['id']}/", {"name": "other"})


def test_refusals_name_their_fields(nobody):
    assert nobody.refused(400, "POST", "/auth/token/", {}) == {
        "username": ["This field is required."],
        "password": ["This field is required."],
    }
    assert nobody.refused(400, "POST", "/auth/token/", content=b"{", headers={"Content-Type": "application/json"})[
        "detail"
    ].startswith("the body is not valid JSON")
    assert set(nobody.refused(404, "GET", "/nothing/")) == {"detail"}
    assert nobody.call("PUT", "/users/").status_code == 405
    assert nobody.refused(415, "POST", "/auth/token/", content=b"x", headers={"Content-Type": "text/plain"})
