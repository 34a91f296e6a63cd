"""`flotilla ngenea-worker` and `ngenea-reconcile`: who works on the files of a site, and looks after them."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.cli_options import DatabaseUrl, DataDir, settings_of

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NODE = re.compile(r"[a-zA-Z0-9._-]{1,255}")


def site_worker(
    site: Annotated[str, typer.Option(help="Name of the site. One that is not there yet is waited for.")],
    root: Annotated[Path, typer.Option(help="Folder that holds the files of the site: what its path / stands for.")],
    queue: Annotated[
        list[str] | None, typer.Option(help="Queue to serve; may be given several times. Default: default.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Tasks of each queue done at the same time.")] = 10,
    node: Annotated[str, typer.Option(help="What to call this host. Default: its host name.")] = "",
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Work on the files of a site of Ngenea Hub, on a host that sees them and reaches the database.

    Any number of workers share what there is to do for a site; one that dies loses nothing. SIGTERM ends it within 15
    seconds. On SQLite it runs on the server's own host, with the server's data directory.

    Example: flotilla ngenea-worker --site london --root /srv/london

    Example: flotilla ngenea-worker --site london --root /mnt/fs --queue default --queue transcode --threads 4
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder")
    queues = queue or ["default"]
    for name in (site, *queues):
        if not NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a site or queue: write letters, digits, _ and -, 64 at most")
    if node and not NODE.fullmatch(node):
        raise ValueError(f"{node!r} is no name of a node: write letters, digits, . _ and -, 255 at most")
    from app import process

    settings = settings_of(data_dir=data_dir, database_url=database_url)
    process.run_site_worker(settings, site, root, dict.fromkeys(queues, threads), node)


def reconcile(
    site: Annotated[str, typer.Option(help="Name of the site.")],
    root: Annotated[Path, typer.Option(help="Folder that holds the files of the site: what its path / stands for.")],
    older_than: Annotated[
        int, typer.Option(min=0, help="Seconds; younger objects that nothing names are left alone.")
    ] = 3600,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Finish or undo what broken off work left at a site, and remove from its buckets what nothing names.

    Workers do so by themselves when they begin, and every hour. Only objects that this server made are removed.

    Example: flotilla ngenea-reconcile --site london --root /srv/london
    """
    if not root.is_dir():
        raise ValueError(f"{root} is no folder")
    from app import process

    settings = settings_of(data_dir=data_dir, database_url=database_url)
    report = process.reconcile_site(settings, site, root, timedelta(seconds=older_than))
    for fault in report.faults:
        print(f"Not done: {fault}")  # noqa: T201
    removed = f"{report.objects} objects and {report.temporaries} temporary files"
    print(f"Settled {report.settled} broken off, removed {removed}.")  # noqa: T201
    raise typer.Exit(1 if report.faults else 0)
