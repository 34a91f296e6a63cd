"""Work in the background that waits for workers of a place."""

from typing import Any

from app.core import db as core


def up(migrator: Any, db: Any) -> None:
    text = 'VARCHAR(255) COLLATE "C"' if core.is_postgres() else "VARCHAR(255)"
    core.execute(f'ALTER TABLE "core_work" ADD COLUMN "place" {text} NOT NULL DEFAULT \'\'')
    core.execute('CREATE INDEX "core_work_place_state_due_ts" ON "core_work" ("place", "state", "due_ts")')
    core.execute('DROP INDEX "core_work_state_due_ts"')


def down(migrator: Any, db: Any) -> None:
    core.execute("DELETE FROM core_work WHERE place <> ''")
    core.execute('CREATE INDEX "core_work_state_due_ts" ON "core_work" ("state", "due_ts")')
    core.execute('DROP INDEX "core_work_place_state_due_ts"')
    core.execute('ALTER TABLE "core_work" DROP COLUMN "place"')
