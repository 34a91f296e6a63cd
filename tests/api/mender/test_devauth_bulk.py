"""Many decisions about devices in one request (beyond upstream; mender 9.7)."""

from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from app.core import db
from app.mender import limits
from tests.support.mender import DEVAUTH, DEVICE_INVENTORY, Device, User, new_key, pem
from tests.support.racing import race

BULK = f"{DEVAUTH}/devices/bulk"


def bulk(user: User, **actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = user.call("POST", BULK, json=actions)
    assert answer.status_code == 200, answer.text
    return answer.json()


def waiting(http, user: User, count: int) -> list[tuple[Device, dict[str, Any]]]:
    devices = [Device(http) for _ in range(count)]
    for device in devices:
        assert device.request().status_code == 401
    return [(device, user.find(device)) for device in devices]


def test_each_item_is_answered_on_its_own(http, user):
    (one, first), (_, second), (_, third) = waiting(http, user, 3)
    leaver = user.accepted(Device(http))
    stranger, known = {"identity_data": {"mac": "new"}, "pubkey": pem(new_key("p256"))}, str(uuid4())
    got = bulk(
        user,
        accept=[
            {"device_id": first["id"]},
            {"device_id": known},
            {"device_id": second["id"], "auth_set_id": third["auth_sets"][0]["id"]},
        ],
        reject=[{"device_id": third["id"], "auth_set_id": third["auth_sets"][0]["id"]}],
        decommission=[{"device_id": leaver.id}, {"device_id": leaver.id}],
        preauthorize=[stranger, {"identity_data": one.identity, "pubkey": pem(one.key)}, stranger | {"pubkey": "x"}],
    )
    assert [(entry["action"], entry["index"], entry["status"]) for entry in got] == [
        ("decommission", 0, 204),
        ("decommission", 1, 404),
        ("reject", 0, 204),
        ("accept", 0, 204),
        ("accept", 1, 404),
        ("accept", 2, 400),
        ("preauthorize", 0, 201),
        ("preauthorize", 1, 409),
        ("preauthorize", 2, 400),
    ]
    assert [entry.get("device_id") for entry in got[:6]] == [
        leaver.id,
        leaver.id,
        third["id"],
        first["id"],
        known,
        second["id"],
    ]
    assert all(bool(entry.get("error")) == (entry["status"] >= 400) for entry in got)
    assert got[7]["device_id"] == first["id"]
    now = {entry["id"]: entry["status"] for entry in user.devices()}
    assert now == {
        first["id"]: "accepted",
        second["id"]: "pending",
        third["id"]: "rejected",
        got[6]["device_id"]: "preauthorized",
    }
    assert one.request().status_code == 200


def test_which_set_is_meant_when_none_is_named(http, user):
    device = user.accepted(Device(http))
    assert bulk(user, accept=[{"device_id": device.id}])[0]["status"] == 204
    for _ in range(2):
        Device(http, identity=device.identity).request()
    assert bulk(user, accept=[{"device_id": device.id}])[0]["status"] == 409
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 200
    assert bulk(user, reject=[{"device_id": device.id}])[0]["status"] == 204
    assert {entry["status"] for entry in user.find(device)["auth_sets"]} == {"rejected"}
    assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert bulk(user, reject=[{"device_id": device.id}])[0]["status"] == 204
    assert bulk(user, accept=[{"device_id": device.id}])[0]["status"] == 404


def test_places_become_free_before_they_are_taken(http, user):
    leaver = user.accepted(Device(http))
    found = [{"device_id": entry["id"]} for _, entry in waiting(http, user, 3)]
    with db.write():
        limits.put("", "max_devices", 2)
    got = bulk(user, accept=found, decommission=[{"device_id": leaver.id}])
    assert [entry["status"] for entry in got] == [204, 204, 204, 422]
    assert user.get(f"{DEVAUTH}/devices/count", params={"status": "accepted"}).json() == {"count": 2}


def test_repeating_it_does_no_harm(http, user):
    found = [{"device_id": entry["id"]} for _, entry in waiting(http, user, 2)]
    actions = {"accept": found[:1], "reject": found[1:]}
    assert bulk(user, **actions) == bulk(user, **actions)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"accept": []},
        {"accept": [], "reject": []},
        {"accept": [{}]},
        {"accept": ["id"]},
        {"accept": [{"device_id": "no uuid"}]},
        {"unheard": [{"device_id": str(uuid4())}]},
        {"preauthorize": [{"identity_data": {"mac": "1"}}]},
        {"accept": [{"device_id": str(uuid4())}] * 300, "reject": [{"device_id": str(uuid4())}] * 201},
        [],
    ],
)
def test_bad_requests(http, user, body):
    assert user.call("POST", BULK, json=body).status_code == 400


def test_one_tenant_decides_nothing_for_another(http, user, database):
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    ((_, found),) = waiting(http, user, 1)
    for action in ("accept", "reject", "decommission"):
        assert bulk(stranger, **{action: [{"device_id": found["id"]}]})[0]["status"] == 404
    assert user.devices()[0]["status"] == "pending"


def test_accepting_against_rejecting(http, user):
    """Whoever comes last decides; the counters agree with the rows, and a rejected device holds no token."""
    for device, found in waiting(http, user, 6):
        chosen = [{"device_id": found["id"]}]
        set_status = partial(user.set_status, found["id"], found["auth_sets"][0]["id"])
        race(
            partial(bulk, user, accept=chosen),
            partial(bulk, user, reject=chosen),
            partial(set_status, "accepted"),
            partial(set_status, "rejected"),
            device.request,
        )
        now = user.find(device)
        assert now["status"] == now["auth_sets"][0]["status"] in ("accepted", "rejected")
        assert device.request().status_code == (200 if now["status"] == "accepted" else 401)
        if device.token:
            allowed = device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code
            assert allowed == (200 if now["status"] == "accepted" else 401)
    count = {
        word: user.get(f"{DEVAUTH}/devices/count", params={"status": word}).json()["count"]
        for word in ("accepted", "rejected", "pending")
    }
    listed = [entry["status"] for entry in user.devices()]
    assert count == {word: listed.count(word) for word in count}


def test_deciding_against_decommissioning(http, user):
    for device, found in waiting(http, user, 6):
        chosen = [{"device_id": found["id"]}]
        answers = race(
            partial(bulk, user, accept=chosen), partial(bulk, user, decommission=chosen), partial(device.request)
        )
        assert answers[1][0]["status"] == 204
        assert answers[0][0]["status"] in (204, 404, 409)
        assert found["id"] not in [entry["id"] for entry in user.devices()]
        if answers[2].status_code == 200:
            assert device.call("PATCH", DEVICE_INVENTORY, json=[]).status_code == 401
    assert user.get(f"{DEVAUTH}/devices/count").json() == {"count": len(user.devices())}
