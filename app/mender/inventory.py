"""The inventory: what devices report, and what other parts of the system note about them (mender 2.7, 3.1)."""

from datetime import datetime
from typing import Any, Final

import orjson
import peewee

from app.core import clock, db
from app.core.errors import BadRequest, Conflict, NotFound
from app.mender import attributes, audit, counters
from app.mender.attributes import Attribute
from app.mender.device_document import Document, dump, load, locked, stamp

MAX_ATTRIBUTES: Final = 100
SELECT: Final = "SELECT pk, document, updated_ts FROM mender_inventory WHERE tenant_id = ? AND device_id = ?"


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
        current = load(found[1])
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


def create(tenant: str, device_id: str, reported: list[Attribute]) -> None:
    """Enter a device that does not authenticate here (seed 002). Opens its own units. Raises BadRequest, Conflict."""
    incoming = _checked(reported)
    attributes.intern(tenant, incoming)
    try:
        with db.write():
            _create(tenant, device_id, incoming, "", 0, clock.now())
            audit.note(tenant, "create", "device", device_id)
    except peewee.IntegrityError:
        raise Conflict("a device of this id is in the inventory") from None


def clear(tenant: str, device_id: str) -> None:
    """Drop what a device has reported; one that is not known is no error (mender 3.1)."""
    if locked(tenant, device_id) is not None:
        _store(tenant, device_id, {}, True, clock.now())
        audit.note(tenant, "clear", "device", device_id)


def _checked(reported: list[Attribute]) -> Document:
    incoming = attributes.checked(reported, "inventory")
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
    row = locked(tenant, device_id)
    if row is None:
        _create(tenant, device_id, _merged({}, incoming, replace), "", 0, now)
        return
    before = load(row.document)
    after = _merged(before, incoming, replace)
    stamp(after, "updated_ts", now)
    attributes.write(tenant, row.pk, before, after)
    db.execute(
        "UPDATE mender_inventory SET document = ?, updated_ts = ? WHERE pk = ?",
        dump(device_id, after, now),
        clock.micros(now),
        row.pk,
    )


def _create(tenant: str, device_id: str, document: Document, status: str, revision: int, now: datetime) -> None:
    stamp(document, "created_ts", now)
    stamp(document, "updated_ts", now)
    moment = clock.micros(now)
    db.execute(
        "INSERT INTO mender_inventory (tenant_id, device_id, document, status, revision, created_ts, updated_ts)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        tenant,
        device_id,
        dump(device_id, document, now),
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
    row = locked(tenant, device_id)
    if row is None or row.revision >= revision:
        return
    document = load(row.document) | _status(status)
    db.execute(
        "UPDATE mender_inventory SET document = ?, status = ?, revision = ? WHERE pk = ?",
        dump(device_id, document, row.updated),
        status,
        revision,
        row.pk,
    )
    counters.bump(tenant, {("inventory_status", row.status): -1, ("inventory_status", status): 1})


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


def get_device(tenant: str, device_id: str) -> str:
    """The device's document (JSON); raises NotFound."""
    found = db.row(SELECT, tenant, device_id)
    if found is None:
        raise NotFound("there is no such device")
    return str(found[1])
