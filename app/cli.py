"""The `flotilla` command. What takes long to import is imported where it is used, so that --help is quick."""

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli_mender import mender
from app.cli_ngenea import reconcile, site_worker
from app.cli_options import DatabaseUrl, DataDir, given_options, settings_of
from app.cli_simulate import simulate

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
admin = typer.Typer(no_args_is_help=True, help="Administrators.")
spec = typer.Typer(no_args_is_help=True, help="The OpenAPI documents this server is made from.")
app.add_typer(admin, name="admin")
app.add_typer(mender, name="mender")
app.add_typer(simulate, name="simulate")
app.add_typer(spec, name="spec")
app.command("ngenea-reconcile")(reconcile)
app.command("ngenea-worker")(site_worker)


def _print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns: fitted to a terminal, uncut where a program reads them. What the cells hold is no markup."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 400, markup=False, emoji=False, highlight=False).print(table)


def _version(wanted: bool) -> None:
    from app import __version__

    if wanted:
        print(f"flotilla {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def flotilla(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """One server for the management APIs of your fleet.

    Every setting is an environment variable FLOTILLA_NAME and a key of flotilla.toml; `flotilla settings` lists them.

    Start with: flotilla serve
    """


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address of the public listener.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the public listener.")] = None,
    internal_port: Annotated[int | None, typer.Option(help="Port of the internal listener.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes; above 1 needs PostgreSQL.")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain of the public listener (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the public listener (PEM).")] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Do no work in the background: `flotilla worker` does.")
    ] = False,
) -> None:
    """Run the server in the foreground.

    The database is migrated first. At the first start an administrator is made: see DATA_DIR/admin-password.

    Example: flotilla serve --port 9000 --data-dir /var/lib/flotilla

    Example: flotilla serve --workers 4 --database-url postgresql://flotilla@db/flotilla
    """
    settings = settings_of(
        host=host,
        port=port,
        internal_port=internal_port,
        workers=workers,
        data_dir=data_dir,
        database_url=database_url,
        tls_cert=tls_cert,
        tls_key=tls_key,
        worker_threads=0 if no_worker else None,
    )
    if settings.workers > 1:
        from app.core import metrics

        metrics.share(settings.data_dir / "metrics")

    from app import main, process
    from app.http import server

    listeners = [
        server.Listener("public", settings.host, settings.port, settings.tls_cert, settings.tls_key),
        server.Listener("internal", settings.internal_host, settings.internal_port),
    ]
    code = server.serve(
        listeners,
        settings.workers,
        prepare=lambda: process.prepare_process(settings),
        apps=lambda: main.open_apps(settings),
        begin_stop=process.begin_stop,
        close=process.close_process,
    )
    raise typer.Exit(code)


@app.command()
def worker(
    threads: Annotated[int, typer.Option(min=1, max=64, help="Units of work done at the same time.")] = 4,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Do work in the background, in a process of its own, on any host that reaches the database and the storage.

    A server does so itself unless it is started with --no-worker. Any number of workers share what there is to do; one
    that dies loses nothing.

    Example: flotilla worker --threads 8 --database-url postgresql://flotilla@db/flotilla
    """
    from app import process

    process.run_worker(settings_of(data_dir=data_dir, database_url=database_url), threads)


@app.command()
def work(
    retry: Annotated[int | None, typer.Option(help="Number of a failed unit to try again.")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Show the work that failed for good, and try a unit of it again.

    Example: flotilla work --retry 17
    """
    from app import process

    settings = settings_of(data_dir=data_dir, database_url=database_url)
    if retry is not None:
        process.retry_work(settings, retry)
        print(f"Unit {retry} is queued again.")  # noqa: T201
        return
    rows = [
        (str(unit.pk), unit.kind, unit.key, str(unit.attempts), unit.error) for unit in process.failed_work(settings)
    ]
    if rows:
        _print_table(("unit", "kind", "key", "attempts", "error"), rows)
    else:
        print("No work has failed.")  # noqa: T201


@admin.command("create")
def admin_create(
    email: Annotated[str, typer.Option(help="Address the administrator logs in with.")],
    password: Annotated[
        str, typer.Option(help="Password, at least 8 characters; - reads it from standard input, unseen by `ps`.")
    ],
    username: Annotated[
        str | None, typer.Option(help="Name for systems without e-mail logins; default: what stands before the @.")
    ] = None,
    system: Annotated[str | None, typer.Option(help="One system only; default: all.")] = None,
    tenant: Annotated[str, typer.Option(help="Tenant the administrator belongs to.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Make an administrator; the new user's id is printed alone on the last line. Works while the server runs.

    A user of that name who is there already in Nebula or ui-vmm becomes an administrator, with this password.

    Example: flotilla admin create --email you@example.com --password - < password-file
    """
    from app import process

    if password == "-":  # noqa: S105
        password = sys.stdin.readline().rstrip("\n")
        if not password:
            raise ValueError("no password on standard input")

    settings = settings_of(data_dir=data_dir, database_url=database_url)
    made = process.create_admin(settings, email, password, username=username, system=system, tenant=tenant)
    print(made)  # noqa: T201


@app.command()
def migrate(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Bring the database to this release's schema; `serve` does so by itself.

    Example: flotilla migrate --data-dir /var/lib/flotilla
    """
    from app import process

    applied = process.migrate_database(settings_of(data_dir=data_dir, database_url=database_url))
    print("\n".join(applied) if applied else "The database is up to date.")  # noqa: T201


@app.command()
def routes(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """List every operation: listener, system, method, path, operation id.

    Example: flotilla routes | grep artifacts
    """
    from app import main

    rows = main.routes(settings_of(data_dir=data_dir, database_url=database_url))
    _print_table(("listener", "system", "method", "path", "operation"), rows)


@app.command()
def settings(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Show the effective settings and where each comes from; secrets are masked.

    An option beats the environment, the environment beats flotilla.toml in the working directory.

    Example: FLOTILLA_PORT=9000 flotilla settings
    """
    from app.settings import effective

    rows = effective(given_options(data_dir=data_dir, database_url=database_url))
    _print_table(("setting", "value", "source"), rows)


@app.command()
def scaffold(
    operation_id: Annotated[str, typer.Argument(help="An operationId that a spec has and nothing answers yet.")],
    system: Annotated[str | None, typer.Option(help="The system, where two have such an operation.")] = None,
    checkout: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
) -> None:
    """Write a handler and a failing test for an operation whose spec you have written.

    The handler has the arguments the spec asks for; the test calls it with the spec's examples. See CONTRIBUTING.md.

    Example: flotilla scaffold count_auth_sets
    """
    from app.scaffold import scaffold as write

    handler, test = write(operation_id, system, checkout)
    print(f"{handler}  the handler: call your rule here\n{test}  a test that fails until you do")  # noqa: T201


@spec.command("check")
def spec_check(data_dir: DataDir = None, database_url: DatabaseUrl = None) -> None:
    """Compile every operation of both listeners, as the server does at start, and say what is wrong."""
    from app import main

    count = main.check_specs(settings_of(data_dir=data_dir, database_url=database_url))
    print(f"{count} operations: specs and handlers fit.")  # noqa: T201


@spec.command("export")
def spec_export(
    system: Annotated[str | None, typer.Argument(help="One system only; default: all.")] = None,
    audience: Annotated[Literal["public", "internal"], typer.Option(help="Whose operations.")] = "public",
    output: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("openapi-export"),
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Write one self-contained OpenAPI 3.0.3 document per system.

    Example: flotilla spec export mender --output build/openapi
    """
    from app import main

    found = main.published(settings_of(data_dir=data_dir, database_url=database_url), audience)
    if system is not None and system not in found:
        raise ValueError(f"no system {system} on the {audience} listener; there are: {', '.join(sorted(found))}")
    output.mkdir(parents=True, exist_ok=True)
    for name, document in found.items():
        if system in (None, name):
            file = output / f"{name}.json"
            file.write_bytes(document)
            print(file)  # noqa: T201


def main() -> None:
    """Entry point: an error is one clear line and a non-zero exit (with FLOTILLA_LOG_LEVEL=debug, its whole trace)."""
    try:
        app()
    except Exception as exc:
        if os.environ.get("FLOTILLA_LOG_LEVEL", "").lower() == "debug":
            raise
        print(f"flotilla: {_one_line(exc)}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _one_line(exc: Exception) -> str:
    from pydantic import ValidationError

    if isinstance(exc, ValidationError):
        faults = (
            ("".join(map(str, e["loc"][:1])).upper(), e["msg"].removeprefix("Value error, ")) for e in exc.errors()
        )
        return "; ".join(f"{name}: {message}" if name else message for name, message in faults)
    if isinstance(exc, OSError) and exc.filename is not None:
        return f"{exc.filename}: {exc.strerror}"
    return (str(exc) or type(exc).__name__).splitlines()[0]
