"""Attributes of devices: documents, and the table that is searched (mender 3.1; design section 4, fleet size).

A document lists every attribute as it is served. The table holds a row per value or list element, of the scopes that
have no columns of their own; names are interned. `text` cuts long texts to a prefix and a digest, so that it can be
indexed; `long_text` has the whole of those.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

import peewee

from app.core import db
from app.core.errors import BadRequest

Attribute = dict[str, Any]
Key = tuple[str, str]  # scope, name

MAX_TEXT: Final = 128
PREFIX: Final = 64
ROWS_A_STATEMENT: Final = 400
WIDTH: Final = 6  # columns of a row
# Not in the table: they are columns of the device's row.
COLUMNS: Final[frozenset[Key]] = frozenset(
    {("identity", "status"), ("system", "group"), ("system", "created_ts"), ("system", "updated_ts")}
)

_keys: dict[tuple[str, str, str], int] = {}
db.on_configure(_keys.clear)


def checked(named: Iterable[Attribute], scope: str) -> dict[Key, Attribute]:
    """Attributes as documents hold them, the last of equal names; raises BadRequest for a mixed list (mender 3.1)."""
    found: dict[Key, Attribute] = {}
    for attribute in named:
        name, value = attribute["name"], attribute["value"]
        if isinstance(value, list) and len({isinstance(item, str) for item in value}) > 1:
            raise BadRequest(f"attribute {name[:100]}: a list may not mix texts and numbers")
        entry = {"name": name, "scope": scope, "value": value}
        if attribute.get("description") is not None:
            entry["description"] = attribute["description"]
        found[scope, name] = entry
    return found


def text_key(value: str) -> str:
    """What the table holds of a text: itself, or start and digest of a long one; equal exactly when the texts are."""
    return value if len(value) <= MAX_TEXT else value[:PREFIX] + sha256(value.encode()).hexdigest()


def elements(value: Any) -> list[tuple[str | None, float | None, str | None]]:
    """(text, number, long text) of each element of a value; one of none for an empty list, which is a value too."""
    if value == []:
        return [(None, None, None)]
    return [_element(item) for item in (value if isinstance(value, list) else [value])]


def _element(item: str | float) -> tuple[str | None, float | None, str | None]:
    if not isinstance(item, str):
        return None, float(item), None
    return text_key(item), None, item if len(item) > MAX_TEXT else None


def key_id(tenant: str, scope: str, name: str) -> int | None:
    """The number of a name, None when no device ever had it."""
    known = _keys.get((tenant, scope, name))
    if known is None:
        found = db.row(
            "SELECT pk FROM mender_attribute_key WHERE tenant_id = ? AND digest = ?", tenant, _digest(scope, name)
        )
        if found is None:
            return None
        known = _keys[tenant, scope, name] = int(found[0])
    return known


def _digest(scope: str, name: str) -> str:
    return sha256(f"{scope}/{name}".encode()).hexdigest()


def intern(tenant: str, keys: Iterable[Key]) -> None:
    """Give numbers to names that have none. Its own unit of work, before the one that uses them.

    Rows that a transaction adds and rolls back would leave this process with numbers that mean nothing.
    """
    with db.read():
        missing = [key for key in keys if key_id(tenant, *key) is None]
    if not missing:
        return
    with db.write():
        for scope, name in sorted(missing):
            db.execute(
                "INSERT INTO mender_attribute_key (tenant_id, scope, name, digest) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (tenant_id, digest) DO NOTHING",
                tenant,
                scope,
                name,
                _digest(scope, name),
            )


def write(tenant: str, device_pk: int, before: Mapping[Key, Attribute], after: Mapping[Key, Attribute]) -> None:
    """Bring the table from one document to another: only attributes that differ are written."""
    rows: list[Any] = []
    for key, attribute in after.items():
        old = before.get(key)
        if key in COLUMNS or (old is not None and old["value"] == attribute["value"] and _same(old, attribute)):
            continue
        number = key_id(tenant, *key)
        assert number is not None, "names are interned first"
        found = elements(attribute["value"])
        for position, element in enumerate(found):
            rows += (device_pk, number, position, *element)
        if old is not None and len(elements(old["value"])) > len(found):
            _delete(device_pk, number, len(found))
    for key in before.keys() - after.keys() - COLUMNS:
        number = key_id(tenant, *key)
        if number is not None:
            _delete(device_pk, number, 0)
    for part in peewee.chunked(rows, WIDTH * ROWS_A_STATEMENT):
        db.execute(_upsert(len(part) // WIDTH), *part)


def _same(old: Attribute, new: Attribute) -> bool:
    """Equal values of equal type: 1 and True are equal in Python, 1 and 1.0 are the same number here."""
    return isinstance(old["value"], str) == isinstance(new["value"], str)


def _delete(device_pk: int, number: int, from_position: int) -> None:
    db.execute(
        "DELETE FROM mender_attribute WHERE device_id = ? AND key_id = ? AND position >= ?",
        device_pk,
        number,
        from_position,
    )


def _upsert(count: int) -> str:
    values = ", ".join([f"({', '.join('?' * WIDTH)})"] * count)
    return (
        f"INSERT INTO mender_attribute (device_id, key_id, position, text, number, long_text) VALUES {values}"  # noqa: S608
        " ON CONFLICT (device_id, key_id, position)"
        " DO UPDATE SET text = excluded.text, number = excluded.number, long_text = excluded.long_text"
    )
