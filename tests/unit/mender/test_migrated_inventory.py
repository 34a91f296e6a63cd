"""Devices of earlier schemas are found by what those did not keep: empty lists, and the whole of long texts."""

import orjson

from app.core import clock, db, migrate
from app.mender import attributes, inventory_query
from app.mender.search_terms import Term

VALUES = {"empty": [], "long": "y" * 200, "list": ["short", "z" * 129], "plain": "x" * 128}
OLD_ROWS = "INSERT INTO mender_attribute (device_id, key_id, position, text, number) VALUES (?, ?, ?, ?, ?)"


def store(device: str) -> None:
    """A device as the first schema had it."""
    now = clock.micros(clock.now())
    listed = [{"scope": "inventory", "name": name, "value": value} for name, value in VALUES.items()]
    document = orjson.dumps({"id": device, "updated_ts": "2026-11-25T05:30:45.000000Z", "attributes": listed}).decode()
    db.execute(
        "INSERT INTO mender_inventory (tenant_id, device_id, document, status, revision, created_ts, updated_ts)"
        " VALUES ('', ?, ?, '', 0, ?, ?)",
        device,
        document,
        now,
        now,
    )
    (pk,) = db.row("SELECT pk FROM mender_inventory WHERE device_id = ?", device)
    for name, value in VALUES.items():
        for position, (text, number, _) in enumerate(attributes.elements(value)):
            if value != []:
                db.execute(OLD_ROWS, pk, attributes.key_id("", "inventory", name), position, text, number)


def rows() -> set[tuple]:
    with db.read():
        return set(db.rows("SELECT device_id, key_id, position, text, number, long_text FROM mender_attribute"))


def test_rows_of_the_first_schema_become_complete(empty_database):
    db.configure(empty_database.url, lock_dir=empty_database.folder)
    migrate.up("0003_limits")
    attributes.intern("", [("inventory", name) for name in VALUES])
    with db.write():
        for number in range(3):
            store(f"device-{number}")
    migrate.up()
    with db.read():
        devices = [pk for (pk,) in db.rows("SELECT pk FROM mender_inventory")]
        wanted = {
            (pk, attributes.key_id("", "inventory", name), position, *element)
            for pk in devices
            for name, value in VALUES.items()
            for position, element in enumerate(attributes.elements(value))
        }
    assert rows() == wanted
    for term in (
        Term("inventory", "empty", "$exists", True),
        Term("inventory", "long", "$regex", "y{200}$"),
        Term("inventory", "list", "$gt", "z" * 128),
    ):
        body = {
            "filters": [{"scope": t.scope, "attribute": t.attribute, "type": t.type, "value": t.value} for t in [term]]
        }
        with db.read():
            assert inventory_query.search("", body)[1] == 3
