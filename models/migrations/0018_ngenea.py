"""Ngenea."""

from pathlib import Path
from typing import Any

from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))


def down(migrator: Any, db: Any) -> None:
    drop(
        [
            "ngenea_workflow",
            "ngenea_task_path",
            "ngenea_task_parent",
            "ngenea_target_site",
            "ngenea_storage_pool",
            "ngenea_space_site",
            "ngenea_settings_task",
            "ngenea_question",
            "ngenea_object_permission",
            "ngenea_node_queue",
            "ngenea_node",
            "ngenea_membership",
            "ngenea_journal",
            "ngenea_job_space",
            "ngenea_job_path",
            "ngenea_task",
            "ngenea_job_input",
            "ngenea_job",
            "ngenea_queue",
            "ngenea_group_permission",
            "ngenea_permission",
            "ngenea_group",
            "ngenea_filesystem",
            "ngenea_entry",
            "ngenea_external_target",
            "ngenea_space",
            "ngenea_site",
            "ngenea_client_key",
            "ngenea_user",
            "ngenea_bucket",
        ]
    )
