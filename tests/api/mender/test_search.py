"""Search in the inventory over HTTP (mender 3.2, 3.4)."""

from typing import Any

import pytest

from tests.support.mender import INVENTORY, MANAGEMENT, User

SEARCH = f"{MANAGEMENT}/v2/inventory/filters/search"
ATTRIBUTES = f"{MANAGEMENT}/v2/inventory/filters/attributes"


def entered(user: User, **devices: dict[str, Any]) -> None:
    """Devices by id, with their attributes."""
    for device_id, values in devices.items():
        listed = [{"name": name, "value": value} for name, value in values.items()]
        assert user.call("POST", f"{INVENTORY}/devices", json={"id": device_id, "attributes": listed}).is_success


def search(user: User, *filters: tuple, **body: Any):
    keys = ("attribute", "type", "value", "scope")
    listed = [{"scope": "inventory", **dict(zip(keys, entry, strict=False))} for entry in filters]
    return user.call("POST", SEARCH, json={"filters": listed, **body})


def found(user: User, *filters: tuple, **body: Any) -> list[str]:
    answer = search(user, *filters, **body)
    assert answer.status_code == 200, answer.text
    return [device["id"] for device in answer.json()]


@pytest.fixture
def fleet(user) -> User:
    entered(
        user,
        a={"n": 1, "s": "one", "tags": ["x", "y"]},
        b={"n": 2, "s": "two", "tags": ["y"]},
        c={"n": "2", "s": "Two"},
        d={"tags": []},
    )
    user.call("PUT", f"{INVENTORY}/devices/b/group", json={"group": "staging"})
    return user


@pytest.mark.rule("mender 3.4")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("n", "$eq", 2), "b"),
        (("n", "$eq", "2"), "c"),
        (("n", "$ne", 2), "acd"),
        (("n", "$gt", 1), "b"),
        (("n", "$gte", 1), "ab"),
        (("n", "$lt", "3"), "c"),
        (("n", "$in", [1, "2"]), "ac"),
        (("n", "$nin", [1, "2"]), "bd"),
        (("n", "$exists", True), "abc"),
        (("n", "$exists", False), "d"),
        (("tags", "$exists", True), "abd"),
        (("tags", "$eq", "y"), "ab"),
        (("tags", "$ne", "x"), "bcd"),
        (("tags", "$eq", ["x", "y"]), "a"),
        (("s", "$regex", "t"), "b"),
        (("s", "$regex", "/^t/i"), "bc"),
        (("s", "$regex", "["), ""),
        (("group", "$eq", "staging", "system"), "b"),
        (("id", "$in", ["c", "a", "z"], "identity"), "ac"),
        (("n", "$exists", False, "identity"), "abcd"),
    ],
)
def test_operators(fleet, wanted, expected):
    assert found(fleet, wanted) == list(expected)


@pytest.mark.rule("mender 3.4")
def test_filters_are_anded_and_none_finds_all(fleet):
    assert found(fleet, ("n", "$exists", True), ("tags", "$eq", "y")) == ["a", "b"]
    assert found(fleet) == ["a", "b", "c", "d"]
    assert fleet.call("POST", SEARCH).json() == fleet.call("POST", SEARCH, json={}).json()
    assert len(fleet.call("POST", SEARCH, json={"filters": None, "sort": None}).json()) == 4


@pytest.mark.rule("mender 3.4")
def test_the_answer(fleet):
    answer = search(fleet, ("n", "$eq", 2))
    assert (answer.headers["X-Total-Count"], "Link" in answer.headers) == ("1", False)
    assert answer.json() == [fleet.get(f"{INVENTORY}/devices/b").json()]


@pytest.mark.rule("mender 3.4")
def test_pages(fleet):
    assert found(fleet, page=2, per_page=3) == ["d"]
    assert found(fleet, page=9) == []
    assert found(fleet, page=0, per_page=0) == found(fleet, page=-1, per_page=-5) == ["a", "b", "c", "d"]
    assert search(fleet, page=2, per_page=3).headers["X-Total-Count"] == "4"
    assert search(fleet, per_page=500).status_code == 200
    for bad in ({"per_page": 501}, {"page": "1"}, {"page": 1.5}, {"page": None}):
        assert search(fleet, **bad).status_code == 400


@pytest.mark.rule("mender 3.4")
def test_order(fleet):
    def by(*keys: tuple[str, str]) -> list[str]:
        return found(fleet, sort=[{"scope": "inventory", "attribute": name, "order": order} for name, order in keys])

    assert by(("n", "asc")) == ["d", "a", "b", "c"]
    assert by(("n", "desc")) == ["c", "b", "a", "d"]
    assert by(("tags", "asc"), ("n", "desc")) == ["c", "d", "a", "b"]
    assert by(("unheard", "desc"), ("s", "asc")) == ["d", "c", "a", "b"]
    for bad in ({"order": "up"}, {"order": None}, {"scope": None}, {"attribute": ""}):
        sort = [{"scope": "inventory", "attribute": "n", "order": "asc"} | bad]
        assert search(fleet, sort=sort).status_code == 400


@pytest.mark.rule("mender 3.4")
@pytest.mark.parametrize(
    "bad",
    [
        {"value": None},
        {"value": {"a": 1}},
        {"value": [[1]]},
        {"value": "a\0b"},
        {"type": "$unheard"},
        {"type": None},
        {"type": "$in", "value": "x"},
        {"type": "$exists", "value": "true"},
        {"type": "$regex", "value": 7},
        {"scope": ""},
        {"attribute": ""},
        {"attribute": 7},
    ],
)
def test_terms_that_are_refused(fleet, bad):
    good = {"scope": "inventory", "attribute": "n", "type": "$eq", "value": 1}
    assert fleet.call("POST", SEARCH, json={"filters": [good | bad]}).status_code == 400
    for missing in good:
        short = {key: value for key, value in good.items() if key != missing}
        assert fleet.call("POST", SEARCH, json={"filters": [short]}).status_code == 400


@pytest.mark.rule("mender 3.4")
def test_some_attributes_and_some_devices(fleet):
    answer = search(fleet, attributes=[{"scope": "inventory", "attribute": "n"}], device_ids=["c", "d", "z"])
    shown = {entry["id"]: {a["name"]: a["value"] for a in entry["attributes"]} for entry in answer.json()}
    assert shown.keys() == {"c", "d"}
    assert shown["c"].keys() == {"n", "updated_ts"}
    assert shown["d"].keys() == {"updated_ts"}
    assert found(fleet, device_ids=[]) == []
    assert search(fleet, text="one").status_code == 400


@pytest.mark.rule("mender 3.4")
def test_attributes_to_search_by(fleet):
    listed = {(entry["scope"], entry["name"]): entry["count"] for entry in fleet.get(ATTRIBUTES).json()}
    assert listed == {
        ("system", "created_ts"): 4,
        ("system", "updated_ts"): 4,
        ("inventory", "n"): 3,
        ("inventory", "s"): 3,
        ("inventory", "tags"): 3,
        ("system", "group"): 1,
    }
    assert list(listed.values()) == sorted(listed.values(), reverse=True)


def test_nobody_finds_the_devices_of_another_tenant(http, fleet, database):
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    assert found(stranger) == found(stranger, ("n", "$exists", False)) == []
    assert stranger.get(ATTRIBUTES).json() == []


@pytest.mark.rule("mender 3.2")
def test_the_v1_list_knows_scopes_and_types(fleet):
    def listed(**query: str) -> list[str]:
        return [device["id"] for device in fleet.get(f"{INVENTORY}/devices", params=query).json()]

    assert listed(n="2") == listed(**{"inventory/n": "eq:2"}) == ["b", "c"]
    assert listed(tags="y") == ["a", "b"]
    assert listed(**{"system/group": "staging"}) == ["b"]
    assert listed(**{"identity/n": "2"}) == listed(**{"identity/status": ""}) == []
    assert listed(sort="n:asc,s") == ["d", "a", "b", "c"]
