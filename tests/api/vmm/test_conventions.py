"""JSON:API 1.1 as this product has it: media types, documents, errors with pointers (vmm 2)."""

import httpx
import pytest

from tests.support.vmm import API, MEDIA


@pytest.mark.rule("vmm 2")
def test_both_prefixes_are_the_same_api(http):
    for prefix in ("/v1", "/api/v1"):
        answer = http.post(f"{prefix}/health.alive", headers={"Content-Type": MEDIA}, json={})
        assert answer.status_code == 200
        assert answer.json()["data"] == {"type": "health", "id": "0", "attributes": {"response": True}}
        assert http.post(f"{prefix}/no.such").json()["errors"][0]["status"] == "404"


@pytest.mark.rule("vmm 2")
def test_a_body_of_another_type_is_415(ada):
    body = {"token_lifetime": 60}
    for media in ("application/json", "text/plain", f"{MEDIA}; charset=utf-8", f'{MEDIA}; ext="https://example.com/e"'):
        assert ada.refused(415, "token.create", body, headers={"Content-Type": media})
    answer = ada.call("token.create", body, headers={"Content-Type": f'{MEDIA}; profile="https://example.com/p"'})
    assert answer.status_code == 200


@pytest.mark.rule("vmm 2")
@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        (MEDIA, 200),
        (f"{MEDIA};q=0.9", 200),
        (f'{MEDIA}; profile="https://example.com/p"', 200),
        (f'{MEDIA}; ext="https://example.com/e"', 406),
        (f"{MEDIA}; charset=utf-8", 406),
        (f"{MEDIA}; charset=utf-8, {MEDIA}", 200),
        (f"{MEDIA}; charset=utf-8, */*", 406),
    ],
)
def test_what_is_accepted(ada, accept, status):
    assert ada.call("user.get", headers={"Accept": accept}).status_code == status


@pytest.mark.rule("vmm 2")
def test_who_may_not_know_is_told_so_before_media_types(nobody):
    assert nobody.refused(401, "user.get", headers={"Accept": f"{MEDIA}; charset=utf-8"})
    assert nobody.refused(401, "token.create", {}, headers={"Content-Type": "text/plain"})


@pytest.mark.rule("vmm 2")
def test_errors_name_every_fault_with_its_pointer(ada):
    errors = ada.refused(400, "token.create", {"token_lifetime": 0, "token_revoke_all": "yes"})
    assert {error["source"]["pointer"] for error in errors} == {"/token_lifetime", "/token_revoke_all"}
    assert {error["title"] for error in errors} == {"Bad Request"}
    (error,) = ada.refused(400, "token.create", {})
    assert error["source"] == {"pointer": ""}  # what is not there cannot be pointed at
    assert "token_lifetime" in error["detail"]
    (error,) = ada.refused(404, "ssh-key.delete", {"key_id": 7})
    assert error == {
        "status": "404",
        "code": "ssh_key_not_found",
        "title": "Not Found",
        "detail": "ssh key not found",
        "source": {"pointer": "/key_id"},
    }


@pytest.mark.rule("vmm 2")
def test_members_that_are_not_known_are_passed_over(ada):
    body = {"token_lifetime": 60, "request_id": "r1", "provider": "internal", "more": {"of": ["them"]}}
    assert ada.done("token.create", body)["type"] == "token"


@pytest.mark.rule("vmm 2")
def test_other_methods_and_paths(http):
    answer = http.get(f"{API}/user.login")
    assert (answer.status_code, answer.headers["allow"]) == (405, "OPTIONS, POST")
    assert answer.headers["content-type"] == MEDIA
    assert answer.json()["errors"][0]["title"] == "Method Not Allowed"
    assert http.post(f"{API}/user.login/").status_code == 404


@pytest.mark.rule("vmm 2")
def test_a_body_is_no_json(nobody):
    content = {"Content-Type": MEDIA}
    for body in (b"{", b"\xff", b"[]", b"7", b""):
        answer = nobody.http.post(f"{API}/user.login", content=body, headers=content)
        assert answer.status_code == 400, body
        assert answer.json()["errors"][0]["detail"]
    assert nobody.refused(413, "user.login", {"user_login": "a" * 1_100_000, "user_password": ""})


@pytest.mark.rule("vmm 2")
def test_the_request_id_is_in_every_answer(http: httpx.Client):
    answer = http.post(f"{API}/user.get", headers={"X-Request-ID": "mine"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (401, "mine")
    assert answer.json()["meta"] == {"request_id": "mine"}
    assert answer.headers["www-authenticate"] == 'Bearer realm="ui-vmm"'


@pytest.mark.rule("vmm 4")
def test_what_the_server_offers(nobody):
    config = nobody.done("config.get", {})
    assert config["type"] == "config"
    assert config["attributes"] | {"stream": ""} == {
        "disable_user_registration": False,
        "disable_user_recovery": False,
        "disable_user_password_change": False,
        "disable_server_add": False,
        "disable_ssh_key_add": False,
        "webauth_enabled": True,
        "simplestream_enabled": True,
        "stream": "",
    }
    assert nobody.done("config.get")["attributes"]["stream"] != config["attributes"]["stream"]


@pytest.mark.rule("vmm 4")
def test_health(nobody):
    assert nobody.done("health.alive", {})["attributes"] == {"response": True}
    ready = nobody.done("health.ready", {})
    assert ready["attributes"] == {"response": True, "checks": {"database": True, "migrations": True, "worker": True}}
