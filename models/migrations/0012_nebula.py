"""Nebula."""

from pathlib import Path
from typing import Any

from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))


def down(migrator: Any, db: Any) -> None:
    drop(
        [
            "nebula_user_group_member",
            "nebula_user",
            "nebula_right",
            "nebula_user_group",
            "nebula_report",
            "nebula_device_group_member",
            "nebula_device_group",
            "nebula_device",
            "nebula_cron_job",
            "nebula_app",
        ]
    )
