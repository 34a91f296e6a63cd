"""Releases with notes and tags, and the types of artifacts."""

from pathlib import Path
from typing import Any

import orjson

from app.core import db as core
from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))
    for pk, tenant, updates in core.rows("SELECT pk, tenant_id, updates FROM mender_artifact"):
        for kind in {update["type_info"]["type"] for update in orjson.loads(updates)} - {None}:
            core.execute(
                "INSERT INTO mender_artifact_type (tenant_id, artifact_id, type) VALUES (?, ?, ?)", tenant, pk, kind
            )


def down(migrator: Any, db: Any) -> None:
    drop(
        [
            "mender_artifact_type",
            "mender_release_tag",
            "mender_release",
        ]
    )
