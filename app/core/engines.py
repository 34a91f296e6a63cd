"""The two kinds of database behind `app.core.db`: how they connect, begin a transaction, and let go.

SQLite: one connection per thread, kept. PostgreSQL: a pool of as many connections as there are worker threads.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import peewee
from peewee import ExceptionWrapper, OperationalError, SqliteDatabase
from playhouse.pool import PooledPostgresqlDatabase
from psycopg.pq import TransactionStatus

WAIT_SECONDS: Final = 5
# One for each worker thread (app.core.threads); PostgreSQL's default of 100 carries two such processes.
MAX_CONNECTIONS: Final = 48
STALE_SECONDS: Final = 600

# Deadlock, serialisation, too many connections, cancelled, shutdown, lock not available, connection lost.
PASSING_STATES: Final = ("40001", "40P01", "53300", "57014", "57P", "55P03", "08")
DISK_FULL: Final = "53100"

Before = Callable[[str], None]

# Drivers' exceptions become peewee's, also where peewee is not on the way.
peewee_errors = ExceptionWrapper(
    {
        kind.__name__: kind
        for kind in (
            peewee.DatabaseError,
            peewee.DataError,
            peewee.IntegrityError,
            peewee.InterfaceError,
            peewee.InternalError,
            peewee.NotSupportedError,
            peewee.OperationalError,
            peewee.ProgrammingError,
        )
    }
)


class Sqlite(SqliteDatabase):
    """A file. Remembers the connections of all threads, so that one of them can close them all."""

    def __init__(self, file: Path, before: Before, synchronous: str) -> None:
        self._before = before
        self._opened: list[Any] = []
        self._opening = threading.Lock()
        pragmas = {
            "journal_mode": "wal",
            "synchronous": synchronous,
            "foreign_keys": 1,
            "cache_size": -32768,
            "temp_store": "memory",
        }
        super().__init__(
            str(file),
            pragmas=pragmas,
            timeout=WAIT_SECONDS,
            cached_statements=512,
            autoconnect=False,
            check_same_thread=False,
        )

    def _initialize_connection(self, connection: Any) -> None:
        with self._opening:
            self._opened.append(connection)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self._before(sql)
        inherited: Any = super().execute_sql
        return inherited(sql, params)

    def rollback(self) -> None:
        # On a full disk SQLite has rolled back by itself, and would refuse to do so again.
        connection: Any = self.connection
        if connection().in_transaction:
            super().rollback()

    def is_full(self, exc: OperationalError) -> bool:
        """Whether the error says that the disk is full."""
        return "disk is full" in str(exc)

    def may_pass(self, exc: OperationalError) -> bool:
        """Whether the same unit may well succeed in a moment."""
        return "locked" in str(exc)

    def close_all(self) -> None:
        """Close the connections of every thread; none may be at work."""
        self.close()
        with self._opening:
            for connection in self._opened:
                connection.close()
            self._opened.clear()

    def abandon(self) -> None:
        """In a forked child: never touch the parent's connections, not even to close them."""
        _abandoned.append(self._opened)
        self._opened = []
        # Another thread of the parent may have held these.
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self.dispose()


class Postgres(PooledPostgresqlDatabase):
    """A server, reached through a pool."""

    def __init__(self, name: str, before: Before, **options: Any) -> None:
        self._before = before
        super().__init__(
            name,
            prefer_psycopg3=True,
            max_connections=MAX_CONNECTIONS,
            timeout=WAIT_SECONDS,
            stale_timeout=STALE_SECONDS,
            autoconnect=False,
            **options,
        )

    def _is_closed(self, conn: Any) -> bool:
        # The stock check is a round trip under the pool's lock; begin() finds dead connections for nothing.
        return bool(conn.closed)

    def begin(self, statement: str = "BEGIN") -> None:
        try:
            self._begin(statement)
        except OperationalError:
            if not broken(self.connection()):
                raise
            # The server went away and took the pool's connections along. Nothing has run yet: a new one will do.
            self.manual_close()
            self.close_idle()
            self.connect()
            self._begin(statement)

    def _begin(self, statement: str) -> None:
        with peewee_errors:
            self.cursor().execute(statement)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self._before(sql)
        return super().execute_sql(sql, params)

    def is_full(self, exc: OperationalError) -> bool:
        """Whether the error says that the disk is full."""
        return _state(exc) == DISK_FULL

    def may_pass(self, exc: OperationalError) -> bool:
        """Whether the same unit may well succeed in a moment."""
        lost = not self.is_closed() and broken(self.connection())
        return lost or _state(exc).startswith(PASSING_STATES)

    def abandon(self) -> None:
        """In a forked child: never touch the parent's connections, not even to close them."""
        inherited: Any = self
        _abandoned.append((inherited._connections, inherited._in_use))
        # Another thread of the parent may have held these.
        self._lock = threading.Lock()
        self._pool_lock = threading.RLock()
        self._pool_available = threading.Condition(self._pool_lock)
        self.dispose()


_abandoned: list[Any] = []


def _state(exc: OperationalError) -> str:
    """PostgreSQL's code of an error; '' where there is none."""
    return getattr(exc.__context__, "sqlstate", None) or ""


def broken(connection: Any) -> bool:
    """Whether a PostgreSQL connection has lost its server."""
    return bool(connection.closed) or connection.pgconn.transaction_status == TransactionStatus.UNKNOWN


def failed(connection: Any) -> bool:
    """Whether PostgreSQL refuses to go on with the transaction because a statement failed."""
    return bool(connection.pgconn.transaction_status == TransactionStatus.INERROR)


def connect(url: str, before: Before) -> Sqlite | Postgres:
    """The database of `sqlite:///FILE[?synchronous=off]` or `postgresql://...`; opens nothing yet.

    `before` is told each statement. Raises ValueError for another kind of URL.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if parts.scheme == "sqlite":
        # FULL: in WAL mode NORMAL may lose an acknowledged commit when the power fails.
        synchronous = options.pop("synchronous", "full")
        if synchronous not in ("full", "normal", "off") or options:
            raise ValueError(f"unknown option of an SQLite database: {parts.query}")
        return Sqlite(Path(unquote(parts.path)), before, synchronous)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError(f"unknown kind of database: {parts.scheme}")
    for key, value in (("user", parts.username), ("password", parts.password), ("host", parts.hostname)):
        if value:
            options.setdefault(key, unquote(value))
    if parts.port:
        options["port"] = parts.port
    return Postgres(unquote(parts.path.lstrip("/")), before, **options)
