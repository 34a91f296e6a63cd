"""Personal access tokens: sessions that have a name. Users by age."""

from typing import Any

from app.core import db as core


def up(migrator: Any, db: Any) -> None:
    text, number = ('TEXT COLLATE "C"', "BIGINT") if core.is_postgres() else ("TEXT", "INTEGER")
    core.execute(f'ALTER TABLE "mender_user_token" ADD COLUMN "name" {text}')
    core.execute(f'ALTER TABLE "mender_user_token" ADD COLUMN "last_used_ts" {number}')
    core.execute(
        'CREATE INDEX "mender_user_tenant_id_created_ts_id" ON "mender_user" ("tenant_id", "created_ts", "id")'
    )
    core.execute('CREATE UNIQUE INDEX "mender_user_token_user_id_name" ON "mender_user_token" ("user_id", "name")')


def down(migrator: Any, db: Any) -> None:
    core.execute("DELETE FROM mender_user_token WHERE name IS NOT NULL")
    core.execute('DROP INDEX "mender_user_token_user_id_name"')
    core.execute('DROP INDEX "mender_user_tenant_id_created_ts_id"')
    core.execute('ALTER TABLE "mender_user_token" DROP COLUMN "last_used_ts"')
    core.execute('ALTER TABLE "mender_user_token" DROP COLUMN "name"')
