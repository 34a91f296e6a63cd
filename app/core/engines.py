"""The two kinds of database behind `app.core.db`: how they connect, begin a transaction, and let go.

SQLite: connections belong to threads and are kept. PostgreSQL: a pool, as many connections as there are worker threads.
"""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import WeakSet

import peewee
from peewee import ExceptionWrapper, OperationalError, SqliteDatabase
from playhouse.pool import PooledPostgresqlDatabase
from psycopg.pq import TransactionStatus

WAIT_SECONDS: Final = 5
# One for each thread that holds a transaction (app.core.threads); threads of mode none share the rest for their short
# ones. With the four of the wake-ups (app.core.worker) it makes 48, so that PostgreSQL's default carries two processes.
MAX_CONNECTIONS: Final = 44
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


class _Connection(sqlite3.Connection):
    """One that can be referred to weakly: a thread that ends takes its connections along."""


class _Pair(threading.local):
    """A thread's connections: one that refuses writes (True), one that does not (False)."""

    def __init__(self) -> None:
        self.connections: dict[bool, _Connection] = {}
        self.durable = True


class Sqlite(SqliteDatabase):
    """A file, with two connections for each thread, kept. Remembers them all, so that one thread can close them."""

    READ: Final = "DEFERRED"

    def __init__(self, file: Path, before: Before, synchronous: str) -> None:
        self._before = before
        self._synchronous = synchronous
        self._pair = _Pair()
        self._opened: WeakSet[_Connection] = WeakSet()
        self._opening = threading.Lock()
        pragmas = {
            "journal_mode": "wal",
            "synchronous": synchronous,
            "foreign_keys": 1,
            "cache_size": -8192,  # KiB, for each of up to a hundred connections
            "temp_store": "memory",
        }
        super().__init__(
            str(file),
            pragmas=pragmas,
            timeout=WAIT_SECONDS,
            cached_statements=512,
            autoconnect=False,
            check_same_thread=False,
            factory=_Connection,
        )

    def _initialize_connection(self, connection: _Connection) -> None:
        with self._opening:
            self._opened.add(connection)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        self._before(sql)
        inherited: Any = super().execute_sql
        return inherited(sql, params)

    def only_read(self, wanted: bool) -> None:
        """Go on with this thread's connection that refuses writes, or with the one that does not.

        One connection for both would do, but each `PRAGMA query_only` makes SQLite compile every statement anew.
        """
        inherited: Any = self
        mine = self._pair.connections
        if wanted not in mine:
            mine[wanted] = self._another() if mine else inherited.connection()
            mine[wanted].execute(f"PRAGMA query_only={int(wanted)}")
        if inherited.connection() is not mine[wanted]:
            inherited._state.set_connection(mine[wanted])

    def writing(self, durable: bool) -> str:
        """How a transaction of this thread begins that writes. In WAL mode NORMAL leaves the log to a later commit."""
        if self._pair.durable != durable and self._synchronous == "full":
            self._pair.connections[False].execute(f"PRAGMA synchronous={'full' if durable else 'normal'}")
            self._pair.durable = durable
        return "IMMEDIATE"

    def _another(self) -> _Connection:
        inherited: Any = self
        connection: _Connection = inherited._connect()
        self._initialize_connection(connection)
        return connection

    def would_not_commit(self) -> bool:
        """Whether COMMIT would roll back: never on SQLite."""
        return False

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
            for connection in list(self._opened):
                connection.close()
            self._opened.clear()
        self._pair = _Pair()

    def abandon(self) -> None:
        """In a forked child: never touch the parent's connections, not even to close them."""
        _abandoned.append(list(self._opened))
        self._opened = WeakSet()
        self._pair = _Pair()
        # Another thread of the parent may have held these.
        self._opening = threading.Lock()
        self._lock = threading.Lock()
        self.dispose()


class Postgres(PooledPostgresqlDatabase):
    """A server, reached through a pool."""

    READ: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

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

    def only_read(self, wanted: bool) -> None:
        """Nothing to do: the transaction says so."""

    def writing(self, durable: bool) -> str:
        """How a transaction begins that writes."""
        return "BEGIN" if durable else "BEGIN; SET LOCAL synchronous_commit = off"

    def would_not_commit(self) -> bool:
        """Whether COMMIT would roll back in silence, because a statement has failed."""
        return bool(self.connection().pgconn.transaction_status == TransactionStatus.INERROR)

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
    # A server that is not there, or has gone without a word, holds no thread for long.
    options.setdefault("connect_timeout", str(WAIT_SECONDS))
    options.setdefault("tcp_user_timeout", str(2 * WAIT_SECONDS * 1000))
    return Postgres(unquote(parts.path.lstrip("/")), before, **options)
