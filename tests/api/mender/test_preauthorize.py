"""Devices that are let in before they ask, and the limit of accepted devices (mender 2.5, 2.6)."""

import json
from functools import partial
from uuid import uuid4

import httpx
import pytest

from app.core import db
from app.mender import limits
from tests.support.mender import DEVAUTH, DEVICE_INVENTORY, INVENTORY, Device, User, new_key, pem
from tests.support.racing import race

DEVICES = f"{DEVAUTH}/devices"


def preauthorize(user: User, device: Device, **more) -> httpx.Response:
    body = {"identity_data": device.identity, "pubkey": pem(device.key), **more}
    return user.call("POST", DEVICES, json=body)


def limit(value: int) -> None:
    with db.write():
        limits.put("", "max_devices", value)


def statuses(user: User, device: Device) -> list[str]:
    return [entry["status"] for entry in user.find(device)["auth_sets"]]


@pytest.mark.rule("mender 2.5")
def test_a_preauthorised_device_is_let_in_by_its_first_request(http, user):
    device = Device(http)
    made = preauthorize(user, device)
    assert made.status_code == 201
    found = user.find(device)
    assert made.headers["Location"] == f"devices/{found['id']}"
    assert (found["status"], statuses(user, device)) == ("preauthorized", ["preauthorized"])
    assert user.get(f"{DEVICES}/count", params={"status": "preauthorized"}).json() == {"count": 1}
    attributes = user.get(f"{INVENTORY}/devices/{found['id']}").json()["attributes"]
    assert {a["name"]: a["value"] for a in attributes if a["scope"] == "identity"} == {
        **device.identity,
        "status": "preauthorized",
    }
    assert device.request().status_code == 200
    assert (user.find(device)["status"], statuses(user, device)) == ("accepted", ["accepted"])
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200


@pytest.mark.rule("mender 2.5")
def test_another_key_than_the_preauthorised_one_waits(http, user):
    device = Device(http)
    preauthorize(user, device)
    other = Device(http, identity=device.identity)
    assert other.request().status_code == 401
    assert sorted(statuses(user, device)) == ["pending", "preauthorized"]
    assert user.find(device)["status"] == "preauthorized"


@pytest.mark.rule("mender 2.5")
def test_a_device_that_is_known_is_answered_as_it_is(http, user):
    device = Device(http)
    device.request()
    before = user.find(device)
    answer = preauthorize(user, Device(http, identity=device.identity))
    assert answer.status_code == 409
    assert answer.json() == before == user.find(device)


@pytest.mark.rule("mender 2.5")
def test_the_identity_counts_not_how_it_is_written(http, user):
    preauthorize(user, Device(http, identity={"a": 1, "b": "<x>"}))
    raw = '{"identity_data": {"b": "\\u003cx>", "a": 1.0}, "pubkey": ' + json.dumps(pem(new_key("p256"))) + "}"
    answer = user.call("POST", DEVICES, content=raw, headers={"Content-Type": "application/json"})
    assert answer.status_code == 409


@pytest.mark.rule("mender 2.5")
def test_force_adds_the_key_to_a_device_that_is_known(http, user):
    device = user.accepted(Device(http))
    second, third = (Device(http, identity=device.identity) for _ in range(2))
    assert preauthorize(user, second, force=True).headers["Location"] == f"devices/{device.id}"
    assert statuses(user, device) == ["accepted", "preauthorized"]
    assert preauthorize(user, third, force=True).status_code == 201
    assert statuses(user, device) == ["accepted", "rejected", "preauthorized"]
    assert third.request().status_code == 200
    assert statuses(user, device) == ["rejected", "rejected", "accepted"]
    assert preauthorize(user, third, force=True).status_code == 201
    assert statuses(user, device) == ["rejected", "rejected", "accepted"]
    assert preauthorize(user, second, force=True).status_code == 201
    assert statuses(user, device) == ["rejected", "preauthorized", "accepted"]
    assert user.find(device)["status"] == "accepted"


@pytest.mark.rule("mender 2.5")
@pytest.mark.parametrize(
    "body",
    [
        {"identity_data": {}},
        {"identity_data": []},
        {"identity_data": "text"},
        {"identity_data": {"mac": "a\0b"}},
        {"identity_data": {"a": {"b": [{"c": "d\0"}]}}},
        {"identity_data": {"": "x"}},
        {"pubkey": ""},
        {"pubkey": "no key"},
        {"pubkey": None},
        {"force": "yes"},
    ],
)
def test_bad_requests_change_nothing(http, user, body):
    good = {"identity_data": {"mac": "1"}, "pubkey": pem(new_key("p256"))}
    assert user.call("POST", DEVICES, json=good | body).status_code == 400
    for missing in good:
        assert user.call("POST", DEVICES, json={k: v for k, v in good.items() if k != missing}).status_code == 400
    assert user.devices() == []


@pytest.mark.rule("mender 2.3")
def test_a_preauthorised_set_can_be_rejected_only(http, user):
    device = Device(http)
    preauthorize(user, device)
    found = user.find(device)
    auth_set = found["auth_sets"][0]["id"]
    assert [user.set_status(found["id"], auth_set, word).status_code for word in ("accepted", "pending")] == [400, 400]
    assert user.set_status(found["id"], auth_set, "rejected").status_code == 204
    assert device.request().status_code == 401


@pytest.mark.rule("mender 2.4")
def test_deleting_the_last_preauthorised_set_deletes_the_device(http, user):
    device = Device(http)
    preauthorize(user, device)
    found = user.find(device)
    path = f"{DEVICES}/{found['id']}"
    assert user.call("DELETE", f"{path}/auth/{found['auth_sets'][0]['id']}").status_code == 204
    assert user.get(path).status_code == 404
    assert user.get(f"{INVENTORY}/devices/{found['id']}").status_code == 404
    assert user.get(f"{DEVICES}/count").json() == {"count": 0}


def test_preauthorising_against_the_first_request(http, user):
    """Whichever comes first, there is one device with one set, accepted or pending."""
    for _ in range(10):
        device = Device(http)
        answers = [answer.status_code for answer in race(partial(preauthorize, user, device), device.request)]
        assert answers in ([201, 200], [409, 401]), answers
        assert statuses(user, device) == (["accepted"] if answers[0] == 201 else ["pending"])


@pytest.mark.rule("mender 2.6")
def test_the_limit_of_accepted_devices(http, user):
    path = f"{DEVAUTH}/limits/max_devices"
    assert user.get(path).json() == {"limit": 0}
    first = user.accepted(Device(http))
    limit(1)
    assert user.get(path).json() == {"limit": 1}
    second = Device(http)
    second.request()
    found = user.find(second)
    refused = user.set_status(found["id"], found["auth_sets"][0]["id"], "accepted")
    assert (refused.status_code, refused.json()["error"]) == (422, "the limit of accepted devices is reached")
    assert user.find(second)["status"] == "pending"
    expected = Device(http)
    assert preauthorize(user, expected).status_code == 201
    assert expected.request().status_code == 401
    assert user.find(expected)["status"] == "preauthorized"
    # One that is accepted may change its key.
    renewed = Device(http, identity=first.identity)
    renewed.request()
    assert user.set_status(first.id, user.find(first)["auth_sets"][1]["id"], "accepted").status_code == 204
    user.call("DELETE", f"{DEVICES}/{first.id}")
    assert expected.request().status_code == 200


@pytest.mark.rule("mender 2.6")
def test_a_lower_limit_leaves_accepted_devices_alone(http, user):
    devices = [user.accepted(Device(http)) for _ in range(3)]
    limit(1)
    assert [device.request().status_code for device in devices] == [200, 200, 200]
    assert user.get(f"{DEVICES}/count", params={"status": "accepted"}).json() == {"count": 3}


@pytest.mark.rule("mender 2.6")
def test_the_last_place_is_taken_once(http, user):
    limit(3)
    waiting = [Device(http) for _ in range(8)]
    for device in waiting[:4]:
        device.request()
    for device in waiting[4:]:
        preauthorize(user, device)
    ids = {entry["id"]: entry["auth_sets"][0]["id"] for entry in user.devices(status="pending")}
    accepting = [partial(user.set_status, *pair, "accepted") for pair in ids.items()]
    answers = [answer.status_code for answer in race(*accepting, *[device.request for device in waiting[4:]])]
    assert sum(status in (200, 204) for status in answers) == 3, answers
    assert set(answers[:4]) <= {204, 422}
    assert set(answers[4:]) <= {200, 401}
    assert user.get(f"{DEVICES}/count", params={"status": "accepted"}).json() == {"count": 3}


@pytest.mark.rule("mender 2.5")
def test_search_by_ids_and_statuses(http, user):
    devices = [Device(http) for _ in range(5)]
    for device in devices:
        device.request()
    listed = user.devices()
    user.set_status(listed[1]["id"], listed[1]["auth_sets"][0]["id"], "rejected")
    path = f"{DEVICES}/search"

    def found(body: dict, **query) -> list[str]:
        answer = user.call("POST", path, json=body, params=query)
        assert answer.status_code == 200, answer.text
        return [entry["id"] for entry in answer.json()]

    ids = [entry["id"] for entry in listed]
    assert found({}) == ids
    assert found({"id": [ids[3], ids[1], str(uuid4())]}) == [ids[1], ids[3]]
    assert found({"id": ids, "status": "rejected"}) == [ids[1]]
    assert found({"status": ["rejected", "pending"]}, page=2, per_page=2) == ids[2:4]
    assert found({"id": []}) == []
    assert user.call("POST", path, json={"status": "unheard"}).status_code == 400
    assert user.call("POST", path, json={"id": "text"}).status_code == 400
    assert user.call("POST", path, json={}, params={"per_page": 501}).status_code == 400
