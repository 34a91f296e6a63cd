"""A device's inventory document: every attribute of every scope, as it is served (mender 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from app.core import clock, db
from app.mender.attributes import Attribute, Key

Document = dict[Key, Attribute]

COLUMNS: Final = "pk, device_id, document, updated_ts, status, revision, group_name"


@dataclass(frozen=True, slots=True)
class Row:
    """A device's row in the inventory."""

    pk: int
    device_id: str
    document: str
    updated: datetime
    status: str
    revision: int
    group: str | None


def _row(found: tuple[Any, ...]) -> Row:
    pk, device_id, document, updated, status, revision, group = found
    return Row(pk, device_id, document, clock.from_micros(updated), status, revision, group)


def locked(tenant: str, device_id: str) -> Row | None:
    """A device's row, held until the unit ends; None when there is none."""
    rows = locked_all(tenant, [device_id])
    return rows[0] if rows else None


def locked_all(tenant: str, device_ids: Sequence[str]) -> list[Row]:
    """The rows of those devices that are known, held until the unit ends.

    Taken in the order of ids, so that two such calls never wait for each other in a ring; 500 ids at most.
    """
    marks = ", ".join("?" * len(device_ids))
    query = f"SELECT {COLUMNS} FROM mender_inventory WHERE tenant_id = ? AND device_id IN ({marks}) ORDER BY device_id"  # noqa: S608
    return [_row(found) for found in db.rows(query + (" FOR UPDATE" if db.is_postgres() else ""), tenant, *device_ids)]


def load(document: str) -> Document:
    """(scope, name) -> attribute."""
    return {(entry["scope"], entry["name"]): entry for entry in orjson.loads(document)["attributes"]}


def dump(device_id: str, document: Document, updated: datetime) -> str:
    """The device as it is served; attributes by scope and name."""
    listed = [document[key] for key in sorted(document)]
    return orjson.dumps({"id": device_id, "updated_ts": clock.rfc3339(updated), "attributes": listed}).decode()


def put(document: Document, scope: str, name: str, value: str) -> None:
    """Set an attribute that the server itself keeps."""
    document[scope, name] = {"name": name, "scope": scope, "value": value}


def stamp(document: Document, name: str, moment: datetime) -> None:
    """Set a time of the system scope."""
    put(document, "system", name, clock.rfc3339(moment))
