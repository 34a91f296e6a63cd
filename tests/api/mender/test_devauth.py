"""Device authentication over HTTP (mender 2; mender-clients)."""

import base64
import threading
from datetime import timedelta

import orjson
import pytest

from app.core import clock, db
from tests.api.mender.test_useradm import claims
from tests.support.mender import DEVAUTH, DEVICE_INVENTORY, DEVICES, INVENTORY, NEXT, Device, User, new_key, pem, sign

AUTH_REQUESTS = f"{DEVICES}/authentication/auth_requests"


@pytest.mark.rule("mender 2.1")
@pytest.mark.parametrize("kind", ["rsa", "p224", "p256", "p384", "p521", "ed25519"])
def test_a_device_is_pending_then_accepted(http, user, kind):
    device = Device(http, key=new_key(kind))
    refused = device.request()
    assert refused.status_code == 401
    assert refused.json()["error"] == "dev auth: unauthorized"
    found = user.find(device)
    assert (found["status"], found["decommissioning"]) == ("pending", False)
    assert [entry["status"] for entry in found["auth_sets"]] == ["pending"]
    assert found["auth_sets"][0]["pubkey"] == pem(device.key)
    user.set_status(found["id"], found["auth_sets"][0]["id"], "accepted")
    answer = device.request()
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/jwt")
    token = claims(answer.text)
    assert token["sub"] == found["id"]
    assert token["jti"] == found["auth_sets"][0]["id"]
    assert (token["iss"], token["mender.device"], token["exp"] - token["iat"]) == ("Mender", True, 604800)
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200


@pytest.mark.rule("mender 2.1")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"id_data": ""}, "id_data"),
        ({"id_data": "not json"}, "id_data"),
        ({"id_data": "[]"}, "id_data"),
        ({"id_data": '"text"'}, "id_data"),
        ({"id_data": "{}"}, "id_data"),
        ({"id_data": '{"mac": "a\\u0000b"}'}, "id_data"),
        ({"id_data": '{"mac": "\\ud800"}'}, "id_data"),
        ({"id_data": '{"a":' * 40 + "1" + "}" * 40}, "id_data"),
        ({"id_data": None}, "id_data"),
        ({"id_data": {"mac": "1"}}, "id_data"),
        ({"pubkey": ""}, "pubkey"),
        ({"pubkey": "not a key"}, "pubkey"),
        ({"pubkey": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}, "pubkey"),
        ({"pubkey": 7}, "pubkey"),
    ],
)
def test_bad_requests(http, user, changes, error):
    answer = Device(http).request(**changes)
    assert answer.status_code == 400, answer.text
    assert error in answer.json()["error"]
    assert user.devices() == []


@pytest.mark.rule("mender 2.1")
def test_missing_members_and_signature(http, user):
    device = Device(http)
    for body in ({"id_data": '{"mac":"1"}'}, {"pubkey": pem(device.key)}, {}, []):
        raw = orjson.dumps(body)
        headers = {"X-MEN-Signature": sign(device.key, raw), "Content-Type": "application/json"}
        assert http.post(AUTH_REQUESTS, content=raw, headers=headers).status_code == 400
    body = orjson.dumps({"id_data": '{"mac":"1"}', "pubkey": pem(device.key)})
    headers = {"Content-Type": "application/json"}
    assert http.post(AUTH_REQUESTS, content=body, headers=headers).status_code == 400
    other = sign(new_key("p256"), body)
    for signature in ("!", "AAAA", other, other[:-4], "x" * 4000):
        answer = http.post(AUTH_REQUESTS, content=body, headers=headers | {"X-MEN-Signature": signature})
        assert (answer.status_code, answer.json()["error"]) == (401, "signature verification failed")
    assert user.devices() == []


@pytest.mark.rule("mender 2.1")
def test_the_signature_covers_the_raw_bytes(http, user):
    device = Device(http)
    raw = b'{ "pubkey": ' + orjson.dumps(pem(device.key)) + b',\n "id_data" : "{\\"mac\\":\\"1\\"}" , "extra": 1 }'
    headers = {"Content-Type": "application/json", "X-MEN-Signature": sign(device.key, raw)}
    assert http.post(AUTH_REQUESTS, content=raw, headers=headers).json()["error"] == "dev auth: unauthorized"
    compact = orjson.dumps(orjson.loads(raw))
    assert http.post(AUTH_REQUESTS, content=compact, headers=headers).json()["error"] == "signature verification failed"


@pytest.mark.rule("mender 2.1")
def test_one_identity_is_one_device_however_it_is_written(http, user):
    device = Device(http, identity={"mac": "<1>&", "sn": "ü"})
    for text in ('{"mac":"<1>&","sn":"ü"}', '{ "sn": "\\u00fc",  "mac": "\\u003c1>\\u0026" }'):
        assert device.request(id_data=text).status_code == 401
    assert len(user.devices()) == 1
    assert len(user.devices()[0]["auth_sets"]) == 1


def test_a_poll_that_changes_nothing_writes_nothing(http, user):
    device = Device(http)
    device.request()
    with db.count_queries() as counted:
        assert device.request().status_code == 401
    assert [statement for statement in counted.statements if not statement.startswith("SELECT")] == []
    assert counted.count == 1


@pytest.mark.rule("mender 2.1")
def test_a_second_key_is_a_second_set_and_the_device_stays_accepted(http, user):
    device = user.accepted(Device(http))
    first = device.token
    renewed = Device(http, identity=device.identity)
    assert renewed.request().status_code == 401
    found = user.find(device)
    assert found["status"] == "accepted"
    assert [entry["status"] for entry in found["auth_sets"]] == ["accepted", "pending"]
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200
    assert user.set_status(found["id"], found["auth_sets"][1]["id"], "accepted").status_code == 204
    assert [entry["status"] for entry in user.find(device)["auth_sets"]] == ["rejected", "accepted"]
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert renewed.request().status_code == 200
    assert claims(renewed.token)["sub"] == claims(first)["sub"]
    assert device.request().status_code == 401


@pytest.mark.rule("mender 1.3")
def test_a_fresh_token_leaves_the_older_one_in_force(http, user):
    device = user.accepted(Device(http))
    older = device.token
    device.request()
    for token in (older, device.token):
        answer = http.patch(DEVICE_INVENTORY, json=[], headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200


@pytest.mark.rule("mender 2.3")
@pytest.mark.parametrize("status", ["rejected", "pending"])
def test_rejecting_voids_the_token_at_once(http, user, status):
    device = user.accepted(Device(http))
    found = user.find(device)
    aid = found["auth_sets"][0]["id"]
    assert user.set_status(device.id, aid, status).status_code == 204
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert device.request().status_code == 401
    assert user.find(device)["status"] == status
    assert user.get(f"{DEVAUTH}/devices/{device.id}/auth/{aid}/status").json() == {"status": status}
    assert user.set_status(device.id, aid, "accepted").status_code == 204
    assert device.request().status_code == 200


@pytest.mark.rule("mender 2.3")
def test_status_requests_that_are_refused(http, user):
    one, two = Device(http), Device(http)
    one.request(), two.request()
    first, second = user.find(one), user.find(two)
    aid = first["auth_sets"][0]["id"]
    assert user.set_status(first["id"], aid, "preauthorized").status_code == 400
    assert user.set_status(first["id"], aid, "noauth").status_code == 400
    assert user.set_status(first["id"], aid, "pending").status_code == 204
    assert user.set_status(second["id"], aid, "accepted").status_code == 400
    unknown = "00000000-0000-4000-8000-000000000000"
    for device_id, auth_set_id in (
        (unknown, aid),
        (first["id"], unknown),
        ("nonsense", aid),
        (first["id"], "nonsense"),
    ):
        assert user.set_status(device_id, auth_set_id, "accepted").status_code == 404
        path = f"{DEVAUTH}/devices/{device_id}/auth/{auth_set_id}"
        assert user.get(f"{path}/status").status_code == 404
        assert user.call("DELETE", path).status_code == 404
    assert user.get(f"{DEVAUTH}/devices/{second['id']}/auth/{aid}/status").status_code == 404
    assert user.find(one)["status"] == "pending"


@pytest.mark.rule("mender 2.4")
def test_deleting_the_accepted_set_voids_its_token(http, user):
    device = user.accepted(Device(http))
    aid = user.find(device)["auth_sets"][0]["id"]
    assert user.call("DELETE", f"{DEVAUTH}/devices/{device.id}/auth/{aid}").status_code == 204
    found = user.find(device)
    assert (found["status"], found["auth_sets"]) == ("noauth", [])
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert device.request().status_code == 401
    assert user.find(device)["status"] == "pending"


@pytest.mark.rule("mender 2.4")
def test_decommissioning_removes_everything(http, user):
    device = user.accepted(Device(http))
    device.call("PUT", DEVICE_INVENTORY, json=[{"name": "a", "value": "b"}])
    user.uploaded(name="release-1")
    deployment = user.deployed("release-1", device.id)
    assert user.call("DELETE", f"{DEVAUTH}/devices/{device.id}").status_code == 204
    assert user.get(f"{DEVAUTH}/devices/{device.id}").status_code == 404
    assert user.get(f"{INVENTORY}/devices/{device.id}").status_code == 404
    assert user.get(f"{INVENTORY}/devices").json() == []
    assert user.get(f"{INVENTORY}/devices").headers["X-Total-Count"] == "0"
    assert user.get(f"{DEVAUTH}/devices/count").json() == {"count": 0}
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert user.call("DELETE", f"{DEVAUTH}/devices/{device.id}").status_code == 404
    statistics = user.get(f"/api/management/v1/deployments/deployments/{deployment}/statistics").json()
    assert (statistics["decommissioned"], statistics["pending"]) == (1, 0)
    assert device.request().status_code == 401
    assert user.find(device)["id"] != device.id


@pytest.mark.rule("mender 2.4")
def test_revoking_a_token_leaves_the_device_accepted(http, user):
    device = user.accepted(Device(http))
    jti = claims(device.token)["jti"]
    assert user.call("DELETE", f"{DEVAUTH}/tokens/{jti}").status_code == 204
    assert user.call("DELETE", f"{DEVAUTH}/tokens/{jti}").status_code == 404
    assert user.call("DELETE", f"{DEVAUTH}/tokens/nonsense").status_code == 404
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert user.find(device)["status"] == "accepted"
    assert device.request().status_code == 200
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200


@pytest.mark.rule("mender 2.4")
def test_a_revoked_token_stays_dead_when_the_device_gets_a_new_one(http, user):
    """All tokens of a set share one jti (mender 1.3), so the new token's row must not revive the old one."""
    device = user.accepted(Device(http))
    revoked = device.token
    user.call("DELETE", f"{DEVAUTH}/tokens/{claims(revoked)['jti']}")
    with clock.freeze(clock.now() + timedelta(seconds=2)):
        assert device.request().status_code == 200
        assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200
        old = {"Authorization": f"Bearer {revoked}"}
        assert http.patch(DEVICE_INVENTORY, json=[], headers=old).status_code == 401


@pytest.mark.rule("mender 2.5")
def test_listing_counting_and_paging(http, user):
    devices = [Device(http) for _ in range(5)]
    for device in devices:
        device.request()
    listed = user.devices()
    assert [entry["identity_data"] for entry in listed] == [device.identity for device in devices]
    user.accepted(devices[1])
    assert [entry["status"] for entry in user.devices(status="accepted")] == ["accepted"]
    assert len(user.devices(status=["accepted", "pending"])) == 5
    wanted = [listed[0]["id"], listed[3]["id"]]
    assert [entry["id"] for entry in user.devices(id=wanted)] == wanted
    assert user.devices(id="nonsense") == []
    for status, count in ((None, 5), ("", 5), ("accepted", 1), ("pending", 4), ("rejected", 0), ("noauth", 0)):
        query = {} if status is None else {"status": status}
        assert user.get(f"{DEVAUTH}/devices/count", params=query).json() == {"count": count}
    page = user.get(f"{DEVAUTH}/devices?page=2&per_page=2&status=pending&status=accepted")
    assert [entry["id"] for entry in page.json()] == [listed[2]["id"], listed[3]["id"]]
    lines = page.headers.get_list("Link")
    assert [line.rpartition("rel=")[2] for line in lines] == ['"first"', '"prev"', '"next"']
    assert "status=pending&status=accepted&page=3&per_page=2" in lines[2]
    assert user.get(f"{DEVAUTH}/devices?page=9").json() == []


@pytest.mark.rule("mender 1.6")
@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "per_page=0", "per_page=501", "per_page=1e2", "status=odd", "page=1.0"]
)
def test_bad_queries(http, user, query):
    assert user.get(f"{DEVAUTH}/devices?{query}").status_code == 400


def test_a_list_takes_the_same_queries_however_long_it_is(http, user):
    for _ in range(3):
        Device(http).request()
    with db.count_queries() as few:
        user.devices(per_page=1)
    with db.count_queries() as many:
        user.devices()
    assert few.count == many.count == 3


@pytest.mark.rule("mender 1.2")
def test_tokens_of_one_kind_do_not_pass_for_the_other(http, user):
    device = user.accepted(Device(http))
    assert device.call("GET", f"{DEVAUTH}/devices").status_code == 401
    assert user.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert user.get(f"{NEXT}?artifact_name=a&device_type=b").status_code == 401


def test_one_tenant_sees_nothing_of_another(http, user, database):
    """A list read as one tenant over another tenant's rows shows nothing (design section 4)."""
    device = user.accepted(Device(http))
    device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "a", "value": "b"}])
    artifact = user.uploaded(name="release-1")
    deployment = user.deployed("release-1", device.id)
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    for path in (f"{DEVAUTH}/devices", f"{INVENTORY}/devices", f"{INVENTORY}/devices?a=b"):
        assert stranger.get(path).json() == []
    assert stranger.get(f"{DEVAUTH}/devices/count").json() == {"count": 0}
    base = "/api/management/v1/deployments"
    for path in (f"{base}/artifacts", f"{base}/deployments"):
        assert stranger.get(path).json() == []
    for path in (
        f"{DEVAUTH}/devices/{device.id}",
        f"{INVENTORY}/devices/{device.id}",
        f"{base}/artifacts/{artifact}",
        f"{base}/artifacts/{artifact}/download",
        f"{base}/deployments/{deployment}",
        f"{base}/deployments/{deployment}/statistics",
        f"{base}/deployments/{deployment}/devices",
        f"{base}/deployments/{deployment}/device_list",
        f"{base}/deployments/{deployment}/devices/{device.id}/log",
    ):
        assert stranger.get(path).status_code == 404, path
    aid = user.find(device)["auth_sets"][0]["id"]
    assert stranger.set_status(device.id, aid, "rejected").status_code == 404
    for path in (f"{DEVAUTH}/devices/{device.id}", f"{DEVAUTH}/tokens/{aid}", f"{base}/artifacts/{artifact}"):
        assert stranger.call("DELETE", path).status_code == 404
    body = {"name": "x", "artifact_name": "release-1", "devices": [device.id]}
    assert stranger.call("POST", f"{base}/deployments", json=body).status_code == 422
    assert user.find(device)["status"] == "accepted"


def test_two_first_requests_at_once_make_one_device(http, user):
    device = Device(http)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(device.request().status_code)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [401] * 8
    assert [len(entry["auth_sets"]) for entry in user.devices()] == [1]
    assert user.get(f"{DEVAUTH}/devices/count").json() == {"count": 1}
    assert user.get(f"{INVENTORY}/devices").headers["X-Total-Count"] == "1"


@pytest.mark.rule("mender 2.2")
def test_accepting_two_keys_at_once_leaves_one_accepted(http, user):
    device = Device(http)
    keys = [device] + [Device(http, identity=device.identity) for _ in range(3)]
    for key in keys:
        key.request()
    found = user.find(device)
    statuses = []

    def accept(auth_set_id: str) -> None:
        statuses.append(user.set_status(found["id"], auth_set_id, "accepted").status_code)

    threads = [threading.Thread(target=accept, args=(entry["id"],)) for entry in found["auth_sets"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [204] * 4
    after = user.find(device)
    assert sorted(entry["status"] for entry in after["auth_sets"]) == ["accepted", "rejected", "rejected", "rejected"]
    assert sum(key.request().status_code == 200 for key in keys) == 1
    assert user.get(f"{DEVAUTH}/devices/count?status=accepted").json() == {"count": 1}


def test_a_padded_signature_header_is_fine_and_tenant_tokens_are_ignored(http, user):
    device = Device(http)
    assert device.request(tenant_token=None).status_code == 401
    assert device.request(tenant_token="any.thing.here").json()["error"] == "dev auth: unauthorized"
    assert len(user.devices()) == 1
    assert base64.b64decode(sign(device.key, b"x"))
