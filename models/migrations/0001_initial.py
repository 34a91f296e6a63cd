"""Initial."""

from pathlib import Path
from typing import Any

from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))


def down(migrator: Any, db: Any) -> None:
    drop(
        [
            "mender_user_token",
            "mender_user",
            "core_signing_key",
            "mender_device_token",
            "mender_deployment_log",
            "mender_device_deployment",
            "mender_deployment",
            "mender_counter",
            "mender_auth_set",
            "mender_device",
            "mender_attribute_key",
            "mender_attribute",
            "mender_inventory",
            "mender_artifact_combination",
            "mender_artifact",
        ]
    )
