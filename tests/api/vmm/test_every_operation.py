"""What holds for every operation: who may call it, and which bodies and media types it takes (vmm 2, 3)."""

import pytest

from app.http import specs, systems
from app.vmm import users
from tests.support.vmm import MEDIA, PASSWORD, Panel, make_user

(SYSTEM,) = [system for system in systems.load_systems(systems.root()) if system.name == "vmm"]
DOCUMENT = specs.document(systems.root(), SYSTEM, "public")
# What is read without a body, images among it, is in test_simplestreams.py, and so is what an upload may be.
OPERATIONS = {
    path.rpartition("/")[2]: operation for path, method, operation in specs.operations(DOCUMENT) if method == "post"
}
WITH_BODY = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]
WITH_BODY.remove("simplestream.upload")
OPEN = {
    "config.get", "health.alive", "health.ready", "user.login", "user.register", "user.recovery",
    "user.assertionGet", "user.assertionVerify", "user.credentialMake", "event.subscribe",
}  # fmt: skip
# What each of the callers who hold a good token may do to their own account; what comes of it.
BODIES = {
    "user.passwordChange": {"user_password": PASSWORD, "user_passwordRepeat": PASSWORD},
    "user.passwordLock": {"user_password_locked": True, "user_code": ""},
    "user.emailChange": {"user_email": "new@example.com"},
    "user.credentialDelete": {"key_id": 999},
    "token.create": {"token_lifetime": 60},
    "token.revoke": {"token_name": "none"},
    "ssh-key.add": {
        "key_name": "k",
        "key_public": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRMKiK5g1RYMhzOZvAZgPjI5HDyD7IlVbDHiyeFlf9",
    },
    "ssh-key.delete": {"key_id": 999},
    "simplestream.add": {"product_os": "tiny", "product_release": "1.0", "product_arch": "amd64"},
    "simplestream.upload": {"file": "x"},
}
ADMINISTRATORS = {"simplestream.add": 200, "simplestream.upload": 415}  # it takes no JSON
NO_HOST = {"server_id": 999, "provider": "lxd"}
BODIES |= {name: NO_HOST for name in OPERATIONS if name.endswith(".list") or name in ("server.get", "instance.get")}
GONE = {**NO_HOST, "certificate_fingerprint": "0", "profile_name": "p", "profile_body": "{}", "image_fingerprint": "0"}
CHANGES = ("certificate.revoke", "profile.update", "profile.delete", "image.delete", "image.serverList")
BODIES |= dict.fromkeys(CHANGES, GONE)
ON_INSTANCE = {**NO_HOST, "instance_id": 0, "instance_name": "web", "instance_status": "start"}
BODIES |= {"instance.action": ON_INSTANCE, "instance.add": ON_INSTANCE, "event.auth": {"stream": "none"}}
UNREACHED = {"server_host": "10.1.2.3", "server_port": 8443, "server_password": "x", "server_protocol": "lxd"}
BODIES |= dict.fromkeys(("server.verify", "server.add"), UNREACHED)
MISSING = {"event.auth", "user.credentialDelete", "token.revoke", "ssh-key.delete"} | {
    name for name in OPERATIONS if BODIES.get(name) in (NO_HOST, GONE, ON_INSTANCE)
}


@pytest.fixture
def administrator(nobody):
    """A user of the group of administrators."""
    make_user("admin", group=2)
    return nobody.log_in("admin")


@pytest.mark.rule("vmm 3")
@pytest.mark.parametrize("method", sorted(set(OPERATIONS) - OPEN))
def test_who_may_call_what(nobody, method):
    make_user("ada")
    make_user("root", group=users.ROOT)
    ended = nobody.log_in("ada")
    ended.done("user.logout")
    callers = {
        "owner": nobody.log_in("ada"),
        "administrator": nobody.log_in("root"),
        "api token": Panel(
            nobody.http,
            nobody.log_in("ada").done("token.create", {"token_lifetime": 60})["attributes"]["token"],
        ),
    }
    body = BODIES.get(method)
    assert nobody.refused(401, method, body)
    assert ended.refused(401, method, body)
    for name, caller in callers.items():
        status = caller.call(method, body).status_code
        if method == "user.emailChange" or (method == "ssh-key.add" and name == "api token"):
            assert status in (200, 409), name  # ada has done it before
        elif method == "user.passwordChange" and name == "api token":
            assert status == 200
        elif method in ("server.verify", "server.add"):
            assert status == 403, name  # where they want to go is not allowed
        elif method in ADMINISTRATORS:
            assert status == (ADMINISTRATORS[method] if name == "administrator" else 403), name
        else:
            assert status == (404 if method in MISSING else 200), name


@pytest.mark.rule("vmm 3")
@pytest.mark.parametrize("method", sorted(OPEN))
def test_what_anybody_may_call_looks_at_no_token_but_a_passkeys(nobody, method):
    stranger = Panel(nobody.http, "nonsense")
    body = {"user_login": "ada"} if method == "user.credentialMake" else {}
    assert (stranger.call(method, body).status_code == 401) is (method == "user.credentialMake")


@pytest.mark.rule("vmm 2")
@pytest.mark.parametrize("method", sorted(OPERATIONS))
def test_an_answer_in_another_form_is_not_to_be_had(nobody, ada, administrator, method):
    caller = nobody if method in OPEN else administrator if method in ADMINISTRATORS else ada
    assert caller.refused(406, method, BODIES.get(method, {}), headers={"Accept": f"{MEDIA}; charset=utf-8"})


@pytest.mark.rule("vmm 2")
@pytest.mark.parametrize("method", sorted(WITH_BODY))
def test_every_body_has_a_type_a_limit_and_a_form(nobody, ada, administrator, method):
    caller = nobody if method in OPEN else administrator if method in ADMINISTRATORS else ada
    assert caller.refused(415, method, {}, headers={"Content-Type": "application/json"})
    assert caller.refused(413, method, {"more": "a" * 1_100_000})
    for content in (b"[]", b"{", b'"\xff"', b'{"a":' * 200 + b"1" + b"}" * 200):
        headers = {"Content-Type": MEDIA} | ({"Authorization": f"Bearer {caller.token}"} if caller.token else {})
        answer = nobody.http.post(f"/api/v1/{method}", content=content, headers=headers)
        assert answer.status_code in (200, 400), content
    if method not in ("config.get", "health.alive", "health.ready"):
        assert caller.refused(400, method, {})
