"""Images of ui-vmm."""

from pathlib import Path
from typing import Any

from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))


def down(migrator: Any, db: Any) -> None:
    drop(
        [
            "vmm_product_alias",
            "vmm_image_file",
            "vmm_image_version",
            "vmm_product",
        ]
    )
