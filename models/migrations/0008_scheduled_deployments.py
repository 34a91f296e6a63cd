"""Deployments with a start of their own, retries, and force; how often a device has failed one."""

from typing import Any, Final

from app.core import db as core

COLUMNS: Final = (
    ("mender_deployment", "start_ts", "BIGINT", "INTEGER"),
    ("mender_deployment", "phase_id", 'VARCHAR(36) COLLATE "C"', "VARCHAR(36)"),
    ("mender_deployment", "retries", "INTEGER NOT NULL DEFAULT 0", "INTEGER NOT NULL DEFAULT 0"),
    ("mender_deployment", "force_installation", "BOOLEAN NOT NULL DEFAULT FALSE", "INTEGER NOT NULL DEFAULT FALSE"),
    ("mender_deployment", "group_name", 'VARCHAR(1024) COLLATE "C"', "VARCHAR(1024)"),
    ("mender_device_deployment", "attempts", "INTEGER NOT NULL DEFAULT 0", "INTEGER NOT NULL DEFAULT 0"),
)


def up(migrator: Any, db: Any) -> None:
    for table, column, postgres, sqlite in COLUMNS:
        kind = postgres if core.is_postgres() else sqlite
        core.execute(f'ALTER TABLE "{table}" ADD COLUMN "{column}" {kind}')


def down(migrator: Any, db: Any) -> None:
    for table, column, _, _ in reversed(COLUMNS):
        core.execute(f'ALTER TABLE "{table}" DROP COLUMN "{column}"')
