"""Jobs and tasks in pages: their numbers in an index that has nothing else."""

from typing import Any

from app.core import db as core

TABLES = ("ngenea_job", "ngenea_task")


def up(migrator: Any, db: Any) -> None:
    for table in TABLES:
        core.execute(f'CREATE INDEX "{table}_pk" ON "{table}" ("pk")')


def down(migrator: Any, db: Any) -> None:
    for table in TABLES:
        core.execute(f'DROP INDEX "{table}_pk"')
