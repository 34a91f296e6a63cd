"""What a server has after its first start and `admin create`: made once in a run, and copied for each test's server.

Migrations, keys and hashes of passwords take a start longer than all else.
"""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.support import server as servers
from tests.support.databases import Cluster, locked

TEMPLATE = "flotilla_prepared"


class Prepared:
    """The data of a run's servers, of each kind of database."""

    def __init__(self, run: Path, cluster: Cluster) -> None:
        self._run = run
        self._cluster = cluster

    def furnish(self, data: Path, url: str | None) -> str:
        """Put it into a data directory and an empty database (None: SQLite in that directory); the user's id."""
        kind = "postgres" if url is not None and url.startswith("postgres") else "sqlite"
        made = self._made(kind)
        shutil.copytree(
            made / "data", data, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.log", "objects", "spool")
        )
        if url is not None:
            path = unquote(urlsplit(url).path)
            if kind == "sqlite":
                (data / "flotilla.db").rename(path)
            else:
                name = path.removeprefix("/")
                self._cluster.drop(name)
                self._cluster.create(name, TEMPLATE)
        return (made / "user").read_text()

    def _made(self, kind: str) -> Path:
        folder = self._run / f"prepared-{kind}"
        with locked(self._run / f"prepared-{kind}.lock"):
            if not (folder / "user").exists():
                url = self._cluster.create(TEMPLATE) if kind == "postgres" else None
                first = servers.start(folder / "data", url, prepared=False)
                assert first.stop() == 0
                (folder / "user").write_text(first.user_id)
        return folder
