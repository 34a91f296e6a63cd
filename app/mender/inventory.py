"""The inventory: what devices report, and what other parts of the system note about them (mender 2.7, 3.1)."""

from datetime import datetime
from typing import Any, Final

import orjson
import peewee

from app.core import clock, db
from app.core.errors import BadRequest, NotFound
from app.mender import attributes, counters
from app.mender.attributes import Attribute, Key

MAX_ATTRIBUTES: Final = 100
SELECT: Final = "SELECT pk, document, updated_ts FROM mender_inventory WHERE tenant_id = ? AND device_id = ?"
SELECT_STATUS: Final = (
    "SELECT pk, document, updated_ts, status, revision FROM mender_inventory WHERE tenant_id = ? AND device_id = ?"
)

Document = dict[Key, Attribute]


def report(tenant: str, device_id: str, reported: list[Attribute], *, replace: bool) -> None:
    """Store what a device says of itself: add to the inventory scope, or replace it (mender 3.1).

    Opens its own units of work; a report that says nothing new on the same day writes nothing. Raises BadRequest for a
    mixed list or more than 100 attributes.
    """
    incoming = _checked(reported)
    now = clock.now()
    with db.read():
        found = db.row(SELECT, tenant, device_id)
    if found is not None and clock.from_micros(found[2]).date() == now.date():
        current = _load(found[1])
        if _merged(current, incoming, replace) == current:
            return
    attributes.intern(tenant, incoming)
    try:
        with db.write():
            _store(tenant, device_id, incoming, replace, now)
    except peewee.IntegrityError:
        # Two first reports of one device at once: the other one made the row.
        with db.write():
            _store(tenant, device_id, incoming, replace, now)


def _checked(reported: list[Attribute]) -> Document:
    incoming: Document = {}
    for attribute in reported:
        value = attribute["value"]
        if isinstance(value, list) and len({isinstance(item, str) for item in value}) > 1:
            raise BadRequest(f"attribute {attribute['name'][:100]}: a list may not mix texts and numbers")
        entry = {"name": attribute["name"], "scope": "inventory", "value": value}
        if attribute.get("description") is not None:
            entry["description"] = attribute["description"]
        incoming["inventory", attribute["name"]] = entry
    if len(incoming) > MAX_ATTRIBUTES:
        raise BadRequest(f"a device may report {MAX_ATTRIBUTES} attributes at most")
    return incoming


def _merged(current: Document, incoming: Document, replace: bool) -> Document:
    """The document after a report; a description not sent again stays. Raises BadRequest when it grows too long."""
    merged = {key: entry for key, entry in current.items() if not (replace and key[0] == "inventory")}
    for key, entry in incoming.items():
        old = current.get(key)
        if old is not None and "description" in old and "description" not in entry:
            entry = {**entry, "description": old["description"]}
        merged[key] = entry
    if sum(scope == "inventory" for scope, _ in merged) > MAX_ATTRIBUTES:
        raise BadRequest(f"a device may have {MAX_ATTRIBUTES} attributes at most")
    return merged


def _store(tenant: str, device_id: str, incoming: Document, replace: bool, now: datetime) -> None:
    found = _locked(tenant, device_id)
    if found is None:
        _create(tenant, device_id, _merged({}, incoming, replace), "", 0, now)
        return
    before = _load(found[1])
    after = _merged(before, incoming, replace)
    _stamp(after, "updated_ts", now)
    attributes.write(tenant, found[0], before, after)
    db.execute(
        "UPDATE mender_inventory SET document = ?, updated_ts = ? WHERE pk = ?",
        _dump(device_id, after, now),
        clock.micros(now),
        found[0],
    )


def _locked(tenant: str, device_id: str) -> tuple[Any, ...] | None:
    return db.row(SELECT + (" FOR UPDATE" if db.is_postgres() else ""), tenant, device_id)


def _stamp(document: Document, name: str, moment: datetime) -> None:
    document["system", name] = {"name": name, "scope": "system", "value": clock.rfc3339(moment)}


def _load(document: str) -> Document:
    return {(entry["scope"], entry["name"]): entry for entry in orjson.loads(document)["attributes"]}


def _dump(device_id: str, document: Document, updated: datetime) -> str:
    """The device as it is served; attributes by scope and name."""
    listed = [document[key] for key in sorted(document)]
    return orjson.dumps({"id": device_id, "updated_ts": clock.rfc3339(updated), "attributes": listed}).decode()


def _create(tenant: str, device_id: str, document: Document, status: str, revision: int, now: datetime) -> None:
    _stamp(document, "created_ts", now)
    _stamp(document, "updated_ts", now)
    moment = clock.micros(now)
    db.execute(
        "INSERT INTO mender_inventory (tenant_id, device_id, document, status, revision, created_ts, updated_ts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        tenant,
        device_id,
        _dump(device_id, document, now),
        status,
        revision,
        moment,
        moment,
    )
    found = db.row(SELECT, tenant, device_id)
    assert found is not None
    attributes.write(tenant, found[0], {}, document)
    counters.bump(tenant, {("inventory", ""): 1, ("inventory_status", status): 1})


def identity_attributes(identity: dict[str, Any]) -> Document:
    """The identity scope of a device: every member but one called status (mender 2.7). Odd values become JSON text."""
    document: Document = {}
    for name, value in identity.items():
        if name != "status":
            plain = isinstance(value, str | int | float) and not isinstance(value, bool)
            text = value if plain else orjson.dumps(value).decode()
            document["identity", name] = {"name": name, "scope": "identity", "value": text}
    return document


def _status(status: str) -> Document:
    return {("identity", "status"): {"name": "status", "scope": "identity", "value": status}}


def provision(tenant: str, device_id: str, identity: dict[str, Any], status: str, revision: int) -> None:
    """Enter a device that authentication has just met (mender 2.7). Its identity's names are interned already."""
    document = identity_attributes(identity) | _status(status)
    _create(tenant, device_id, document, status, revision, clock.now())


def set_status(tenant: str, device_id: str, status: str, revision: int) -> None:
    """Note a device's status; one that comes late (a lower or equal revision) is passed over (mender 2.7)."""
    found = db.row(
        SELECT_STATUS + (" FOR UPDATE" if db.is_postgres() else ""),
        tenant,
        device_id,
    )
    if found is None or found[4] >= revision:
        return
    document = _load(found[1]) | _status(status)
    db.execute(
        "UPDATE mender_inventory SET document = ?, status = ?, revision = ? WHERE pk = ?",
        _dump(device_id, document, clock.from_micros(found[2])),
        status,
        revision,
        found[0],
    )
    counters.bump(tenant, {("inventory_status", found[3]): -1, ("inventory_status", status): 1})


def remove(tenant: str, device_id: str) -> None:
    """Take a device out; one that is not there is no error."""
    found = db.row(
        "SELECT pk, status, group_name FROM mender_inventory WHERE tenant_id = ? AND device_id = ?", tenant, device_id
    )
    if found is None:
        return
    db.execute("DELETE FROM mender_inventory WHERE pk = ?", found[0])
    changes: dict[tuple[counters.Kind, str], int] = {("inventory", ""): -1, ("inventory_status", found[1]): -1}
    if found[2] is not None:
        changes["inventory_group", found[2]] = -1
    counters.bump(tenant, changes)


def get_device(tenant: str, device_id: str) -> bytes:
    """The device's document (JSON); raises NotFound."""
    found = db.row(SELECT, tenant, device_id)
    if found is None:
        raise NotFound("there is no such device")
    return str(found[1]).encode()
