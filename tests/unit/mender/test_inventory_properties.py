"""The attribute table against the documents: after any reports, every filter finds what a naive search finds."""

import itertools
import math

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import db
from app.mender import attributes, counters, inventory, inventory_query
from tests.bench import fleet
from tests.support.mender import new_key, pem

NAMES = ("a", "b", "long name " * 20)
TEXTS = ("", "x", "7", "7.0", "y" * 200, "y" * 199 + "z", "ü")
scalars = st.one_of(st.sampled_from(TEXTS), st.sampled_from([0, 7, 7.0, -1.5, 2**53, 10**15]))
values = st.one_of(
    scalars, st.lists(st.sampled_from(TEXTS), max_size=3), st.lists(st.sampled_from([1, 7, 2.5]), max_size=3)
)
reports = st.lists(st.fixed_dictionaries({"name": st.sampled_from(NAMES), "value": values}), max_size=4)
actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["patch", "put"]), st.integers(0, 2), reports),
        st.tuples(st.just("status"), st.integers(0, 2), st.sampled_from(["accepted", "rejected"])),
        st.tuples(st.just("remove"), st.integers(0, 2), st.none()),
    ),
    max_size=8,
)
_runs = itertools.count(1)


def matches(stored: object, wanted: str) -> bool:
    """The rule of mender 3.2, naively."""
    elements = stored if isinstance(stored, list) else [stored]
    number = float(wanted) if wanted in ("7", "7.0", "1", "2.5", "0") else math.nan
    return any(entry == wanted if isinstance(entry, str) else entry == number for entry in elements)


@pytest.mark.rule("mender 3.2")
@settings(max_examples=40)
@given(plan=actions)
def test_the_table_holds_what_the_documents_say(database, plan):
    prefix = f"run-{next(_runs)}"
    revision = itertools.count(2)
    for action, number, argument in plan:
        device = f"{prefix}-{number}"
        if action in ("patch", "put"):
            inventory.report("", device, argument, replace=action == "put")
        with db.write():
            if action == "status":
                inventory.set_status("", device, argument, next(revision))
            elif action == "remove":
                inventory.remove("", device)
    with db.read():
        documents = {
            row[0]: orjson.loads(row[1]) for row in db.rows("SELECT device_id, document FROM mender_inventory")
        }
        check_rows()
        for name, wanted in itertools.product(NAMES, (*TEXTS, "1", "2.5", "0")):
            page = inventory_query.list_devices("", [(name, wanted)], None, None, None, 1, 500)
            found = [device["id"] for device in orjson.loads(page.body)]
            expected = sorted(
                device
                for device, document in documents.items()
                for entry in document["attributes"]
                if entry["scope"] == "inventory" and entry["name"] == name and matches(entry["value"], wanted)
            )
            assert (found, page.total) == (expected, len(expected)), (name, wanted)
        assert counters.total("", "inventory") == len(documents)


def check_rows() -> None:
    """Every value of every document has its rows, and there are no others."""
    keys = {(row[1], row[2]): row[0] for row in db.rows("SELECT pk, scope, name FROM mender_attribute_key")}
    wanted = set()
    for pk, document in db.rows("SELECT pk, document FROM mender_inventory"):
        for entry in orjson.loads(document)["attributes"]:
            key = (entry["scope"], entry["name"])
            if key not in attributes.COLUMNS:
                for position, element in enumerate(attributes.elements(entry["value"])):
                    wanted.add((pk, keys[key], position, *element))
    assert set(db.rows("SELECT device_id, key_id, position, text, number, long_text FROM mender_attribute")) == wanted


def test_a_generated_fleet_equals_the_same_devices_reported(database):
    """The bulk inserts of the benchmarks leave what the rules would have."""
    members = list(fleet.members(30))
    assert fleet.fill(iter(members), pem(new_key("p256"))) == 30
    with db.read():
        made = contents()
    with db.write():
        for table in ("mender_attribute", "mender_inventory", "mender_counter"):
            db.execute(f"DELETE FROM {table}")
    for member in members:
        with db.write():
            inventory.provision("", member.id, member.identity, "accepted", 2)
        inventory.report("", member.id, member.attributes, replace=False)
    with db.read():
        assert contents() == made
        check_rows()


def contents() -> object:
    """Documents without times, and the attribute rows by device and name."""
    documents = {}
    for device, document in db.rows("SELECT device_id, document FROM mender_inventory"):
        listed = orjson.loads(document)["attributes"]
        documents[device] = [entry for entry in listed if entry["scope"] != "system"]
    rows = db.rows(
        "SELECT i.device_id, k.scope, k.name, a.position, a.text, a.number FROM mender_attribute a"
        " JOIN mender_inventory i ON i.pk = a.device_id JOIN mender_attribute_key k ON k.pk = a.key_id"
    )
    return (
        documents,
        sorted(rows, key=repr),
        counters.total("", "inventory", ""),
        counters.total("", "inventory_status"),
    )


PLANS = [
    ("SELECT i.document FROM mender_inventory i WHERE i.tenant_id = '' ORDER BY i.device_id LIMIT 21", "device_id"),
    (
        "SELECT i.document FROM mender_inventory i WHERE i.tenant_id = '' AND i.status = 'accepted'"
        " ORDER BY i.device_id LIMIT 21",
        "status",
    ),
    (
        "SELECT i.document FROM mender_inventory i WHERE i.tenant_id = '' ORDER BY i.updated_ts DESC, i.device_id DESC"
        " LIMIT 21",
        "updated_ts",
    ),
]


@pytest.mark.parametrize(("statement", "index"), PLANS)
def test_lists_walk_an_index_and_sort_nothing(sqlite, statement, index):
    fleet.fill(fleet.members(300), pem(new_key("p256")))
    with db.read():
        plan = " ".join(str(row[-1]) for row in db.rows("EXPLAIN QUERY PLAN " + statement))
    assert "USING INDEX" in plan
    assert index in plan
    assert "TEMP B-TREE" not in plan
