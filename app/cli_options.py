"""Options that all commands share. Nothing here takes long to import."""

from pathlib import Path
from typing import Annotated, Any

import typer

DataDir = Annotated[Path | None, typer.Option("--data-dir", help="Where data is kept (FLOTILLA_DATA_DIR).")]
DatabaseUrl = Annotated[str | None, typer.Option("--database-url", help="Database (FLOTILLA_DATABASE_URL).")]


def given_options(**given: Any) -> dict[str, Any]:
    """Those that were given on the command line."""
    return {name: value for name, value in given.items() if value is not None}


def settings_of(**given: Any) -> Any:
    """The settings, with what was given on the command line."""
    from app.settings import Settings

    return Settings(**given_options(**given))
