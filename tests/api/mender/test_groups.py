"""Groups of devices, tags, and devices entered by hand (mender 3.1, 3.3, 10; seed 002)."""

from functools import partial
from uuid import uuid4

import pytest

from app.core import db
from tests.support.mender import DEVAUTH, DEVICE_INVENTORY, INVENTORY, Device, User
from tests.support.racing import race

DEVICES, GROUPS = f"{INVENTORY}/devices", f"{INVENTORY}/groups"
HASH = "291ae0e5956c69c2267489213df4459d19ed48a806603def19d417d004a4b67e"


def entered(user: User, count: int, prefix: str = "d") -> list[str]:
    """Ids of devices entered by hand."""
    ids = [f"{prefix}{number:03d}" for number in range(count)]
    for device_id in ids:
        assert user.call("POST", DEVICES, json={"id": device_id}).status_code == 201
    return ids


def group_of(user: User, device_id: str) -> str | None:
    answer = user.get(f"{DEVICES}/{device_id}/group")
    assert answer.status_code == 200
    return answer.json()["group"]


def put(user: User, device_id: str, group: str):
    return user.call("PUT", f"{DEVICES}/{device_id}/group", json={"group": group})


def members(user: User, group: str, **query) -> list[str]:
    answer = user.get(f"{GROUPS}/{group}/devices", params={"per_page": 500, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def attributes(user: User, device_id: str) -> dict[tuple[str, str], object]:
    return {(a["scope"], a["name"]): a["value"] for a in user.get(f"{DEVICES}/{device_id}").json()["attributes"]}


@pytest.mark.rule("mender 3.3")
def test_a_group_lives_with_its_devices(user):
    one, two = entered(user, 2)
    assert group_of(user, one) is None
    assert user.get(GROUPS).json() == []
    assert put(user, one, "staging").status_code == 204
    assert put(user, two, "Staging-2").status_code == 204
    assert user.get(GROUPS).json() == ["Staging-2", "staging"]
    assert (group_of(user, one), members(user, "staging")) == ("staging", [one])
    assert put(user, one, "Staging-2").status_code == 204
    assert user.get(GROUPS).json() == ["Staging-2"]
    assert members(user, "Staging-2") == [one, two]
    assert user.get(f"{GROUPS}/staging/devices").status_code == 404
    assert user.call("DELETE", f"{DEVICES}/{one}/group/Staging-2").status_code == 204
    assert user.call("DELETE", f"{DEVICES}/{two}/group/Staging-2").status_code == 204
    assert (group_of(user, one), user.get(GROUPS).json()) == (None, [])


@pytest.mark.rule("mender 3.3")
def test_the_group_is_a_system_attribute_and_changes_no_time(user):
    (one,) = entered(user, 1)
    before = user.get(f"{DEVICES}/{one}").json()
    put(user, one, "staging")
    after = user.get(f"{DEVICES}/{one}").json()
    assert "group" not in after
    assert after["updated_ts"] == before["updated_ts"]
    assert attributes(user, one)["system", "group"] == "staging"
    assert user.get(DEVICES, params={"system/group": "staging"}).json() == [after]
    assert user.get(DEVICES, params={"group": "staging"}).json() == [after]
    user.call("DELETE", f"{DEVICES}/{one}/group/staging")
    assert user.get(f"{DEVICES}/{one}").json() == before


@pytest.mark.rule("mender 3.3")
def test_a_report_leaves_the_group_alone(http, user):
    device = user.accepted(Device(http))
    put(user, device.id, "staging")
    device.call("PUT", DEVICE_INVENTORY, json=[{"name": "group", "value": "mine"}])
    found = attributes(user, device.id)
    assert (found["system", "group"], found["inventory", "group"]) == ("staging", "mine")
    assert members(user, "staging") == [device.id]
    user.call("DELETE", f"{DEVAUTH}/devices/{device.id}")
    assert user.get(GROUPS).json() == []


@pytest.mark.rule("mender 3.3")
@pytest.mark.parametrize("name", ["", "a b", "a.b", "ä", "a/b", "x" * 1025, "a\n", None, 7])
def test_names_that_are_refused(user, name):
    (one,) = entered(user, 1)
    assert user.call("PUT", f"{DEVICES}/{one}/group", json={"group": name}).status_code == 400
    assert group_of(user, one) is None
    assert put(user, one, "a-Z_09" + "x" * 1018).status_code == 204


@pytest.mark.rule("mender 3.3")
def test_what_is_not_there(user):
    (one,) = entered(user, 1)
    put(user, one, "staging")
    assert put(user, "nobody", "staging").status_code == 404
    assert user.get(f"{DEVICES}/nobody/group").status_code == 404
    assert user.call("DELETE", f"{DEVICES}/nobody/group/staging").status_code == 404
    assert user.call("DELETE", f"{DEVICES}/{one}/group/other").status_code == 404
    assert user.call("DELETE", f"{GROUPS}/other").status_code == 404
    assert user.get(f"{GROUPS}/a.b/devices").status_code == 400
    assert group_of(user, one) == "staging"
    for body in ({}, [], {"group": ["a"]}):
        assert user.call("PUT", f"{DEVICES}/{one}/group", json=body).status_code == 400


@pytest.mark.rule("mender 3.3")
def test_many_devices_at_once(user):
    ids = entered(user, 6)
    put(user, ids[0], "staging")
    put(user, ids[1], "other")
    path = f"{GROUPS}/staging/devices"
    changed = user.call("PATCH", path, json=[ids[0], ids[1], ids[2], ids[2], "nobody"])
    assert (changed.status_code, changed.json()) == (200, {"updated_count": 2, "matched_count": 3})
    assert members(user, "staging") == ids[:3]
    assert user.get(GROUPS).json() == ["staging"]
    put(user, ids[3], "other")
    removed = user.call("DELETE", path, json=[ids[0], ids[3], ids[4], "nobody"])
    assert (removed.status_code, removed.json()) == (200, {"updated_count": 1, "matched_count": 1})
    assert (members(user, "staging"), members(user, "other")) == (ids[1:3], ids[3:4])
    for method in ("PATCH", "DELETE"):
        for body in ([], {}, "text", [""], [7], None):
            assert user.call(method, path, json=body).status_code == 400
        assert user.call(method, f"{GROUPS}/a.b/devices", json=ids).status_code == 400
    assert user.call("PATCH", f"{GROUPS}/new/devices", json=["nobody"]).json() == {
        "updated_count": 0,
        "matched_count": 0,
    }
    assert user.get(GROUPS).json() == ["other", "staging"]


def test_many_devices_take_few_statements(user):
    ids = entered(user, 600)
    with db.count_queries() as counted:
        assert user.call("PATCH", f"{GROUPS}/big/devices", json=ids).json()["updated_count"] == 600
    assert counted.count <= 8, counted.statements
    assert members(user, "big", per_page=2, page=300) == ids[598:]
    assert user.call("DELETE", f"{GROUPS}/big").status_code == 204
    assert user.get(GROUPS).json() == []
    assert group_of(user, ids[0]) is group_of(user, ids[599]) is None


@pytest.mark.rule("mender 3.3")
def test_pages_of_a_group(user):
    ids = entered(user, 5)
    user.call("PATCH", f"{GROUPS}/g/devices", json=ids)
    answer = user.get(f"{GROUPS}/g/devices", params={"page": 2, "per_page": 2})
    assert (answer.json(), answer.headers["X-Total-Count"]) == (ids[2:4], "5")
    links = answer.headers.get_list("Link")
    assert [link.rpartition("rel=")[2] for link in links] == ['"first"', '"prev"', '"next"']
    assert members(user, "g", page=9) == []
    assert user.get(f"{GROUPS}/g/devices", params={"per_page": 501}).status_code == 400


@pytest.mark.rule("mender 3.3")
def test_groups_by_status(http, user):
    accepted, pending = user.accepted(Device(http)), Device(http)
    pending.request()
    put(user, accepted.id, "in")
    put(user, user.find(pending)["id"], "waiting")
    (by_hand,) = entered(user, 1)
    put(user, by_hand, "hand")
    assert user.get(GROUPS).json() == ["hand", "in", "waiting"]
    assert user.get(GROUPS, params={"status": "accepted"}).json() == ["in"]
    assert user.get(GROUPS, params={"status": "pending"}).json() == ["waiting"]
    assert user.get(GROUPS, params={"status": "rejected"}).json() == []
    assert user.get(GROUPS, params={"status": "unheard"}).status_code == 400
    found = user.get(DEVICES, params={"has_group": "true"}).headers["X-Total-Count"]
    assert found == "3"


def test_one_tenant_moves_nothing_of_another(http, user, database):
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    (one,) = entered(user, 1)
    put(user, one, "staging")
    assert put(stranger, one, "mine").status_code == 404
    assert stranger.get(GROUPS).json() == []
    assert stranger.get(f"{GROUPS}/staging/devices").status_code == 404
    assert stranger.call("DELETE", f"{GROUPS}/staging").status_code == 404
    assert stranger.call("PATCH", f"{GROUPS}/mine/devices", json=[one]).json()["matched_count"] == 0
    assert stranger.call("PUT", f"{DEVICES}/{one}/tags", json=[]).status_code == 404
    assert stranger.call("POST", DEVICES, json={"id": one}).status_code == 201
    assert group_of(user, one) == "staging"


def test_moves_at_the_same_moment(user):
    """Each device ends in one group, and the counters say what the rows say."""
    ids = entered(user, 40)
    bulk = [partial(user.call, "PATCH", f"{GROUPS}/{name}/devices", json=ids) for name in "abc"]
    bulk += [partial(user.call, "DELETE", f"{GROUPS}/{name}/devices", json=ids[::-1]) for name in "ab"]
    bulk += [partial(user.call, "DELETE", f"{GROUPS}/b"), partial(put, user, ids[7], "d")]
    for _ in range(3):
        answers = race(*bulk)
        assert {answer.status_code for answer in answers} <= {200, 204, 404}
    groups = {name: members(user, name) for name in user.get(GROUPS).json()}
    listed = {device_id: group for group, found in groups.items() for device_id in found}
    assert sum(map(len, groups.values())) == len(listed)
    for device_id in ids:
        assert group_of(user, device_id) == listed.get(device_id)
    for name, found in groups.items():
        assert user.get(f"{GROUPS}/{name}/devices").headers["X-Total-Count"] == str(len(found))


@pytest.mark.rule("mender 3.1")
def test_a_device_entered_by_hand(user):
    values = [{"name": "ip", "value": "1.2.3.4", "description": "IP address"}, {"name": "ports", "value": ["80", "81"]}]
    made = user.call("POST", DEVICES, json={"id": HASH, "attributes": values})
    assert (made.status_code, made.headers["Location"]) == (201, f"devices/{HASH}")
    found = user.get(f"{DEVICES}/{HASH}").json()
    assert found["id"] == HASH
    assert [a for a in found["attributes"] if a["scope"] == "inventory"] == [
        {**a, "scope": "inventory"} for a in values
    ]
    assert [entry["id"] for entry in user.get(DEVICES, params={"ports": "81"}).json()] == [HASH]
    again = user.call("POST", DEVICES, json={"id": HASH})
    assert (again.status_code, again.json().keys()) == (409, {"error", "request_id"})
    assert user.get(f"{DEVICES}/{HASH}").json() == found
    assert user.get(DEVICES).headers["X-Total-Count"] == "1"


@pytest.mark.rule("mender 3.1")
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"id": ""},
        {"id": 7},
        {"id": "x" * 257},
        {"id": "a\0"},
        {"id": "x", "attributes": [{"name": "a"}]},
        {"id": "x", "attributes": [{"name": "a", "value": True}]},
        {"id": "x", "attributes": [{"name": "a", "value": [1, "2"]}]},
        {"id": "x", "attributes": [{"name": f"n{number}", "value": 1} for number in range(101)]},
    ],
)
def test_devices_that_are_refused(user, body):
    assert user.call("POST", DEVICES, json=body).status_code == 400
    assert user.get(DEVICES).json() == []


def test_an_id_may_hold_anything_that_an_address_can(user):
    for device_id in ("a b", "ä", "a%b", "-"):
        location = user.call("POST", DEVICES, json={"id": device_id}).headers["Location"]
        assert user.get(f"{INVENTORY}/{location}").json()["id"] == device_id


@pytest.mark.rule("mender 3.1")
def test_emptying_what_a_device_reported(http, user):
    device = user.accepted(Device(http))
    device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "a", "value": 1}, {"name": "b", "value": []}])
    put(user, device.id, "staging")
    user.call("PUT", f"{DEVICES}/{device.id}/tags", json=[{"name": "site", "value": "berlin"}])
    path = f"{DEVICES}/{device.id}"
    assert user.call("DELETE", path).status_code == 204
    found = attributes(user, device.id)
    assert "inventory" not in {scope for scope, _ in found}
    assert (found["tags", "site"], found["system", "group"]) == ("berlin", "staging")
    assert found["identity", "mac"] == device.identity["mac"]
    assert user.call("DELETE", f"{DEVICES}/{uuid4()}").status_code == 204
    assert user.call("DELETE", f"{DEVICES}/{'x' * 257}").status_code == 404
    assert user.get(DEVICES, params={"a": "1"}).json() == []


@pytest.mark.rule("mender 3.1")
def test_tags(user):
    (one,) = entered(user, 1)
    path = f"{DEVICES}/{one}/tags"
    before = user.get(f"{DEVICES}/{one}")
    first = user.call("PUT", path, json=[{"name": "site", "value": "berlin"}, {"name": "rack", "value": 7}])
    assert (first.status_code, first.content) == (200, b"")
    shown = user.get(f"{DEVICES}/{one}")
    assert shown.headers["ETag"] == first.headers["ETag"] != before.headers["ETag"]
    assert shown.json()["updated_ts"] == before.json()["updated_ts"]
    assert all("timestamp" in a for a in shown.json()["attributes"] if a["scope"] == "tags")
    assert user.call("PATCH", path, json=[{"name": "rack", "value": ["a"]}, {"name": "x", "value": ""}]).is_success
    found = {name: value for (scope, name), value in attributes(user, one).items() if scope == "tags"}
    assert found == {"site": "berlin", "rack": ["a"], "x": ""}
    assert [entry["id"] for entry in user.get(DEVICES, params={"tags/rack": "a"}).json()] == [one]
    assert user.call("PUT", path, json=[]).headers["ETag"] == before.headers["ETag"]
    assert user.get(DEVICES, params={"tags/rack": "a"}).json() == []
    assert user.call("PUT", f"{DEVICES}/nobody/tags", json=[]).status_code == 404


@pytest.mark.rule("mender 3.1")
def test_tags_are_guarded_by_their_etag(user):
    (one,) = entered(user, 1)
    path = f"{DEVICES}/{one}/tags"

    def change(value: str, etag: str):
        return user.call("PUT", path, json=[{"name": "n", "value": value}], headers={"If-Match": etag})

    start = user.get(f"{DEVICES}/{one}").headers["ETag"]
    first = change("1", start)
    assert change("2", start).status_code == 412
    assert attributes(user, one)["tags", "n"] == "1"
    assert change("3", first.headers["ETag"]).status_code == 200
    assert change("4", "*").status_code == 200
    assert change("5", "nonsense").status_code == 412
    # A report or a move is no change of tags.
    now = user.get(f"{DEVICES}/{one}").headers["ETag"]
    put(user, one, "staging")
    answers = race(*[partial(change, f"raced {number}", now) for number in range(6)])
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 5


@pytest.mark.rule("mender 3.1")
def test_twenty_tags_at_most(user):
    (one,) = entered(user, 1)
    path = f"{DEVICES}/{one}/tags"
    twenty = [{"name": f"t{number}", "value": number} for number in range(20)]
    assert user.call("PUT", path, json=twenty).status_code == 200
    assert user.call("PATCH", path, json=[{"name": "t0", "value": "again"}]).status_code == 200
    assert user.call("PATCH", path, json=[{"name": "one more", "value": 1}]).status_code == 400
    assert user.call("PUT", path, json=[*twenty, {"name": "one more", "value": 1}]).status_code == 400
    assert len([1 for scope, _ in attributes(user, one) if scope == "tags"]) == 20
