"""Inventory of any id: longer device ids, the statuses of a group by index, a row for each empty list."""

from typing import Any, Final

import orjson

from app.core import db as core
from app.core.migrate import resize_text

PART: Final = 1000
EMPTY_LIST: Final = "%:[]%"
NUMBERS: Final = "SELECT tenant_id, scope, name, pk FROM mender_attribute_key"
DOCUMENTS: Final = (
    "SELECT pk, tenant_id, document FROM mender_inventory WHERE pk > ? AND document LIKE ? ORDER BY pk LIMIT ?"
)
INSERT: Final = (
    "INSERT INTO mender_attribute (device_id, key_id, position, text, number) VALUES (?, ?, 0, NULL, NULL)"
    " ON CONFLICT (device_id, key_id, position) DO NOTHING"
)


def up(migrator: Any, db: Any) -> None:
    resize_text("mender_inventory", "device_id", 36, 256)
    core.execute(
        'CREATE INDEX "mender_inventory_tenant_id_group_name_status"'
        ' ON "mender_inventory" ("tenant_id", "group_name", "status")'
    )
    numbers = {(tenant, scope, name): pk for tenant, scope, name, pk in core.rows(NUMBERS)}
    last = 0
    while found := core.rows(DOCUMENTS, last, EMPTY_LIST, PART):
        last = found[-1][0]
        for pk, tenant, document in found:
            for entry in orjson.loads(document)["attributes"]:
                if entry["value"] == []:
                    core.execute(INSERT, pk, numbers[tenant, entry["scope"], entry["name"]])


def down(migrator: Any, db: Any) -> None:
    core.execute("DELETE FROM mender_attribute WHERE text IS NULL AND number IS NULL")
    core.execute('DROP INDEX "mender_inventory_tenant_id_group_name_status"')
    resize_text("mender_inventory", "device_id", 256, 36)
