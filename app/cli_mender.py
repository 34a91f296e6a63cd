"""`flotilla mender`: what the operator of a Mender system decides."""

from typing import Annotated, Literal

import typer

from app.cli_options import DatabaseUrl, DataDir, settings_of

mender = typer.Typer(no_args_is_help=True, help="The Mender system.")


@mender.callback()
def group() -> None:
    """The Mender system."""


@mender.command("limit")
def limit(
    name: Annotated[Literal["max_devices", "storage"], typer.Argument(help="Accepted devices, or bytes of artifacts.")],
    value: Annotated[int | None, typer.Argument(min=0, help="The limit from now on; 0 is none.")] = None,
    tenant: Annotated[str, typer.Option(help="Tenant whose limit it is.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show a limit, or set it. Works while the server runs; what is beyond a new limit already stays.

    Example: flotilla mender limit max_devices 250

    Example: flotilla mender limit storage
    """
    from app import process

    print(process.mender_limit(settings_of(data_dir=data_dir, database_url=database_url), tenant, name, value))  # noqa: T201
