"""Numbers of the Ngenea system that no later row gets, also on SQLite: tokens and addresses name rows by them."""

from typing import Any, Final

from app.core.migrate import number_once

TABLES: Final = (
    "ngenea_user",
    "ngenea_group",
    "ngenea_client_key",
    "ngenea_site",
    "ngenea_node",
    "ngenea_queue",
    "ngenea_filesystem",
    "ngenea_storage_pool",
    "ngenea_space",
    "ngenea_bucket",
    "ngenea_external_target",
    "ngenea_settings_task",
    "ngenea_workflow",
    "ngenea_job",
    "ngenea_task",
    "ngenea_job_path",
)


def up(migrator: Any, db: Any) -> None:
    for table in TABLES:
        number_once(table)


def down(migrator: Any, db: Any) -> None:
    for table in TABLES:
        number_once(table, wanted=False)
