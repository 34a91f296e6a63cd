"""Long texts whole, beside the key that cuts them."""

from typing import Any, Final

import orjson

from app.core import db as core

CUT: Final = 128  # characters: 64 of the text, 64 of its digest
PART: Final = 1000
ROWS: Final = (
    "SELECT a.device_id, a.key_id, a.position, k.scope, k.name, i.document FROM mender_attribute a"
    " JOIN mender_attribute_key k ON k.pk = a.key_id JOIN mender_inventory i ON i.pk = a.device_id"
    " WHERE a.device_id = ? AND LENGTH(a.text) = ?"
)
DEVICES: Final = (
    "SELECT DISTINCT device_id FROM mender_attribute WHERE LENGTH(text) = ? AND device_id > ?"
    " ORDER BY device_id LIMIT ?"
)
UPDATE: Final = "UPDATE mender_attribute SET long_text = ? WHERE device_id = ? AND key_id = ? AND position = ?"


def up(migrator: Any, db: Any) -> None:
    kind = 'TEXT COLLATE "C"' if core.is_postgres() else "TEXT"
    core.execute(f'ALTER TABLE "mender_attribute" ADD COLUMN "long_text" {kind}')
    last = 0
    while devices := core.rows(DEVICES, CUT, last, PART):
        for (device,) in devices:
            _fill(device)
        last = devices[-1][0]


def _fill(device: int) -> None:
    for pk, key, position, scope, name, document in core.rows(ROWS, device, CUT):
        found = {(entry["scope"], entry["name"]): entry["value"] for entry in orjson.loads(document)["attributes"]}
        value = found[scope, name]
        text = value[position] if isinstance(value, list) else value
        if len(text) > CUT:
            core.execute(UPDATE, text, pk, key, position)


def down(migrator: Any, db: Any) -> None:
    core.execute('ALTER TABLE "mender_attribute" DROP COLUMN "long_text"')
