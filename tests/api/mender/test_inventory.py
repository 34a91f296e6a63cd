"""The inventory over HTTP (mender 2.7, 3.1, 3.2)."""

from datetime import timedelta

import pytest

from app.core import clock, db
from tests.support.mender import DEVICE_INVENTORY, INVENTORY, Device

LIST = f"{INVENTORY}/devices"


def shown(user, device) -> dict:
    """(scope, name) -> value of a device."""
    answer = user.get(f"{LIST}/{device.id}")
    assert answer.status_code == 200
    return {(entry["scope"], entry["name"]): entry["value"] for entry in answer.json()["attributes"]}


def reported(user, device) -> dict:
    return {name: value for (scope, name), value in shown(user, device).items() if scope == "inventory"}


@pytest.fixture
def device(http, user) -> Device:
    return user.accepted(Device(http, identity={"mac": "02:aa", "sn": "7"}))


@pytest.mark.rule("mender 2.7")
def test_an_accepted_device_with_three_attributes_shows_eight(user, device):
    body = [{"name": name, "value": value} for name, value in (("a", "1"), ("b", 2), ("c", ["x", "y"]))]
    assert device.call("PATCH", DEVICE_INVENTORY, json=body).status_code == 200
    found = shown(user, device)
    assert len(found) == 8
    assert found["identity", "mac"] == "02:aa"
    assert found["identity", "sn"] == "7"
    assert found["identity", "status"] == "accepted"
    assert {name for scope, name in found if scope == "system"} == {"created_ts", "updated_ts"}


@pytest.mark.rule("mender 3.1")
def test_patch_adds_and_put_replaces(user, device):
    def send(method, *pairs):
        answer = device.call(method, DEVICE_INVENTORY, json=[{"name": n, "value": v} for n, v in pairs])
        assert (answer.status_code, answer.content) == (200, b"")

    send("PATCH", ("a", "1"), ("b", [1, 2.5]))
    send("PATCH", ("b", "text"), ("c", []))
    assert reported(user, device) == {"a": "1", "b": "text", "c": []}
    send("PUT", ("c", ["z"]), ("d", -1))
    assert reported(user, device) == {"c": ["z"], "d": -1}
    send("PUT")
    assert reported(user, device) == {}
    send("PATCH", ("a", "first"), ("a", "last"))
    assert reported(user, device) == {"a": "last"}
    assert shown(user, device)["identity", "mac"] == "02:aa"


@pytest.mark.rule("mender 3.1")
@pytest.mark.parametrize(
    "attribute",
    [
        {"name": "a"},
        {"value": "1"},
        {"name": "", "value": "1"},
        {"name": "x" * 1025, "value": "1"},
        {"name": "a", "value": None},
        {"name": "a", "value": True},
        {"name": "a", "value": {}},
        {"name": "a", "value": ["x", 1]},
        {"name": "a", "value": [["x"]]},
        {"name": "a", "value": [True]},
        {"name": 1, "value": "1"},
        {"name": "a", "value": "1", "description": 7},
    ],
)
@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_attributes_that_are_refused(user, device, method, attribute):
    body = [{"name": "good", "value": "1"}, attribute]
    assert device.call(method, DEVICE_INVENTORY, json=body).status_code == 400
    assert reported(user, device) == {}


@pytest.mark.rule("mender 3.1")
def test_limits(user, device):
    many = [{"name": f"n{number}", "value": number} for number in range(101)]
    assert device.call("PUT", DEVICE_INVENTORY, json=many).status_code == 400
    assert device.call("PUT", DEVICE_INVENTORY, json=many[:100]).status_code == 200
    assert device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "one more", "value": 1}]).status_code == 400
    assert len(reported(user, device)) == 100
    assert device.call("PUT", DEVICE_INVENTORY, json=[{"name": "x" * 1024, "value": "y" * 100_000}]).status_code == 200


@pytest.mark.rule("mender 3.1")
def test_the_body_may_name_a_scope_and_it_is_ignored(user, device):
    body = [{"name": "status", "value": "mine", "scope": "identity", "description": "d"}]
    device.call("PATCH", DEVICE_INVENTORY, json=body)
    assert shown(user, device)["identity", "status"] == "accepted"
    assert reported(user, device) == {"status": "mine"}


@pytest.mark.rule("mender 3.1")
def test_updated_ts_changes_with_the_report_or_once_a_day(user, device):
    def updated():
        return user.get(f"{LIST}/{device.id}").json()["updated_ts"]

    body = [{"name": "a", "value": "1"}]
    device.call("PATCH", DEVICE_INVENTORY, json=body)
    first = updated()
    device.call("PATCH", DEVICE_INVENTORY, json=body)
    assert updated() == first
    device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "a", "value": "2"}])
    second = updated()
    assert second > first
    assert shown(user, device)["system", "updated_ts"] == second
    with clock.freeze(clock.now() + timedelta(days=1)):
        device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "a", "value": "2"}])
    assert updated() > second


def test_an_unchanged_report_writes_nothing(user, device):
    body = [{"name": f"n{number}", "value": number} for number in range(10)]
    device.call("PATCH", DEVICE_INVENTORY, json=body)
    with db.count_queries() as counted:
        device.call("PATCH", DEVICE_INVENTORY, json=body)
    assert all(statement.startswith("SELECT") for statement in counted.statements)
    assert counted.count == 2
    with db.count_queries() as counted:
        device.call("PATCH", DEVICE_INVENTORY, json=[{**entry, "value": entry["value"] + 1} for entry in body])
    assert counted.count <= 8


@pytest.mark.rule("mender 3.1")
def test_unknown_devices(user):
    for name in ("00000000-0000-4000-8000-000000000000", "nonsense"):
        assert user.get(f"{LIST}/{name}").status_code == 404


@pytest.fixture
def fleet(http, user) -> dict[str, Device]:
    """Four devices with attributes of every kind."""
    values = {
        "one": [("kind", "alpha"), ("size", 10), ("ports", ["eth0", "eth1"])],
        "two": [("kind", "beta"), ("size", 9), ("ports", ["eth0"])],
        "three": [("kind", "alpha"), ("size", "10")],
        "four": [("long", "x" * 300)],
    }
    made = {}
    for name, pairs in values.items():
        made[name] = user.accepted(Device(http, identity={"mac": f"02:{name}"}))
        made[name].call("PUT", DEVICE_INVENTORY, json=[{"name": n, "value": v} for n, v in pairs])
    return made


def found(user, fleet, query: str) -> list[str]:
    answer = user.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.text
    names = {device.id: name for name, device in fleet.items()}
    listed = [names[entry["id"]] for entry in answer.json()]
    assert answer.headers["X-Total-Count"] == str(len(listed))
    return listed


@pytest.mark.rule("mender 3.2")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", {"one", "two", "three", "four"}),
        ("kind=alpha", {"one", "three"}),
        ("inventory/kind=alpha", {"one", "three"}),
        ("kind=eq:alpha", {"one", "three"}),
        ("kind=alpha&size=10", {"one", "three"}),
        ("kind=Alpha", set()),
        ("size=10", {"one", "three"}),
        ("size=10.0", {"one"}),
        ("size=9", {"two"}),
        ("ports=eth0", {"one", "two"}),
        ("ports=eth0&ports=eth1", {"one"}),
        ("ports=eth9", set()),
        ("nothing=x", set()),
        ("identity/mac=02:two", {"two"}),
        ("mac=02:two", set()),
        ("identity/status=accepted", {"one", "two", "three", "four"}),
        ("identity/status=pending", set()),
        ("long=" + "x" * 300, {"four"}),
        ("long=" + "x" * 299 + "y", set()),
        ("long=" + "x" * 64, set()),
        ("has_group=false", {"one", "two", "three", "four"}),
        ("has_group=T", set()),
        ("group=staging", set()),
        ("system/created_ts=2020-01-01T00:00:00Z", set()),
        ("system/created_ts=nonsense", set()),
        ("kind=alpha&page=1&per_page=5&sort=size", {"one", "three"}),
    ],
)
def test_filters(user, fleet, query, names):
    assert set(found(user, fleet, query)) == names


@pytest.mark.rule("mender 3.2")
@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("identity/mac:asc", ["four", "one", "three", "two"]),
        ("identity/mac", ["two", "three", "one", "four"]),
        ("size:asc,identity/mac:asc", ["four", "two", "one", "three"]),
        ("size:desc,identity/mac:asc", ["three", "one", "two", "four"]),
        ("kind:desc,identity/mac:desc", ["two", "three", "one", "four"]),
        ("kind:asc,size:asc", ["four", "one", "three", "two"]),
        ("identity/status:asc,identity/mac:asc", ["four", "one", "three", "two"]),
        ("system/created_ts:asc", ["one", "two", "three", "four"]),
        ("system/updated_ts:desc", ["four", "three", "two", "one"]),
        ("unknown:asc,identity/mac:asc", ["four", "one", "three", "two"]),
    ],
)
def test_sorting(user, fleet, sort, names):
    assert found(user, fleet, f"sort={sort}") == names


@pytest.mark.rule("mender 3.2")
@pytest.mark.parametrize(
    "query", ["sort=a:up", "sort=:asc", "sort=a:ASC", "has_group=maybe", "page=0", "per_page=501", "page=one"]
)
def test_bad_queries(user, fleet, query):
    assert user.get(f"{LIST}?{query}").status_code == 400


def test_too_many_filters_or_sort_keys_are_refused(user):
    assert user.get(LIST + "?" + "&".join(f"a{number}=1" for number in range(21))).status_code == 400
    assert user.get(LIST + "?sort=" + ",".join(f"a{number}" for number in range(11))).status_code == 400


@pytest.mark.rule("mender 1.6")
def test_pages_cover_the_list_once(user, fleet):
    pages = [user.get(f"{LIST}?per_page=3&page={page}&sort=identity/mac:asc") for page in (1, 2, 3)]
    listed = [entry["id"] for page in pages for entry in page.json()]
    assert sorted(listed) == sorted(device.id for device in fleet.values())
    assert [page.headers["X-Total-Count"] for page in pages] == ["4", "4", "4"]
    assert 'rel="next"' in ",".join(pages[0].headers.get_list("Link"))
    assert 'rel="next"' not in ",".join(pages[1].headers.get_list("Link"))
    assert pages[2].json() == []
    assert "sort=identity%2Fmac%3Aasc" in pages[0].headers.get_list("Link")[0]


def test_a_list_takes_two_queries_beside_the_token(user, fleet):
    with db.count_queries() as counted:
        user.get(f"{LIST}?per_page=2")
    assert counted.count == 3


@pytest.mark.rule("mender 2.7")
def test_pending_and_rejected_devices_are_listed_with_their_status(http, user):
    device = Device(http, identity={"mac": "1", "status": "mine", "list": [1, "a"], "flag": True, "number": 4})
    device.request()
    device.id = user.find(device)["id"]
    attributes = shown(user, device)
    assert attributes["identity", "status"] == "pending"
    assert attributes["identity", "number"] == 4
    assert attributes["identity", "list"] == '[1,"a"]'
    assert attributes["identity", "flag"] == "true"
    user.set_status(device.id, user.find(device)["auth_sets"][0]["id"], "rejected")
    assert [entry["id"] for entry in user.get(f"{LIST}?identity/status=rejected").json()] == [device.id]
    assert user.get(f"{LIST}?identity/status=rejected").headers["X-Total-Count"] == "1"
    assert user.get(f"{LIST}?identity/status=pending").headers["X-Total-Count"] == "0"
