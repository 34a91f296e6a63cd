"""The database of this process: units of work on SQLite or PostgreSQL, and fixed SQL for hot paths (design section 4).

`read()` is one read-only snapshot, `write()` one transaction. On SQLite every writer passes a FIFO gate and a lock
file before BEGIN IMMEDIATE, so that writers are served in order and never meet "database is locked".
"""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlparse

import peewee
from peewee import DatabaseProxy, SqliteDatabase
from playhouse.pool import MaxConnectionsExceeded, PooledPostgresqlDatabase

from app.core.errors import InsufficientStorage, Problem, Unavailable
from app.core.fifo import FifoLock

WAIT_SECONDS: Final = 5
MAX_CONNECTIONS: Final = 56  # the executors' 48 threads, and a few for the command line and background work
TRANSIENT_STATES: Final = ("40001", "40P01", "53300", "57P01", "57P03", "08")

db = DatabaseProxy()


class _Unit(threading.local):
    mode: str = ""


_unit = _Unit()
_gate = FifoLock()
_lock_dir: Path | None = None
_lock_file: tuple[int, int] | None = None  # (pid that opened it, descriptor)
_postgres = False


class _Sqlite(SqliteDatabase):  # type: ignore[misc]
    def execute_sql(self, sql: str, params: Any = None) -> Any:
        _count(sql)
        return super().execute_sql(sql, params)


class _Postgres(PooledPostgresqlDatabase):  # type: ignore[misc]
    def begin(self, statement: str = "BEGIN") -> None:
        self.cursor().execute(statement)

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        _count(sql)
        return super().execute_sql(sql, params)


def configure(url: str, *, lock_dir: Path) -> None:
    """Bind `db` to `sqlite:///FILE` or `postgresql://...`. Connections are opened when they are needed."""
    global _postgres, _lock_dir
    close()
    parts = urlparse(url)
    _postgres = parts.scheme in ("postgresql", "postgres")
    _lock_dir = lock_dir
    if _postgres:
        db.initialize(_postgres_database(url))
    elif parts.scheme == "sqlite":
        db.initialize(_sqlite_database(Path(unquote(parts.path))))
    else:
        raise ValueError(f"unknown kind of database: {parts.scheme}")


def _sqlite_database(file: Path) -> SqliteDatabase:
    # synchronous=FULL: in WAL mode NORMAL may lose an acknowledged commit when the power fails.
    pragmas = {"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "cache_size": -32768}
    return _Sqlite(str(file), pragmas=pragmas, timeout=WAIT_SECONDS, cached_statements=512)


def _postgres_database(url: str) -> PooledPostgresqlDatabase:
    parts = urlparse(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    for key, value in (("user", parts.username), ("password", parts.password), ("host", parts.hostname)):
        if value:
            options.setdefault(key, unquote(value))
    if parts.port:
        options["port"] = parts.port
    return _Postgres(
        unquote(parts.path.lstrip("/")),
        prefer_psycopg3=True,
        max_connections=MAX_CONNECTIONS,
        timeout=WAIT_SECONDS,
        stale_timeout=600,
        autoconnect=False,
        **options,
    )


def close() -> None:
    """End the connections of this process; harmless when there are none."""
    global _lock_file
    if db.obj is None:
        return
    if _postgres:
        db.close_all()
    else:
        db.close()
    if _lock_file is not None and _lock_file[0] == os.getpid():
        os.close(_lock_file[1])
    _lock_file = None


def is_postgres() -> bool:
    """Whether the configured database is PostgreSQL (else SQLite)."""
    return _postgres


@contextmanager
def read() -> Iterator[None]:
    """One read-only snapshot. Joins a unit that is open. Raises Unavailable when no connection is to be had."""
    if _unit.mode:
        yield
        return
    with _connection():
        _unit.mode = "read"
        try:
            if _postgres:
                with db.transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), _translated():
                    yield
            else:
                with _query_only(), db.transaction(), _translated():
                    yield
        finally:
            _unit.mode = ""


@contextmanager
def write() -> Iterator[None]:
    """One transaction: commits at the end, also before a Problem that says `keep`; any other error rolls back.

    Joins a write unit that is open; inside read() it raises RuntimeError. Raises Unavailable when the turn does not
    come within 5 s or the database gives up (deadlock, shutdown).
    """
    if _unit.mode == "write":
        yield
        return
    if _unit.mode == "read":
        raise RuntimeError("write() inside read()")
    kept: Problem | None = None
    with _turn(), _connection():
        _unit.mode = "write"
        try:
            with _translated(), db.transaction(*(() if _postgres else ("IMMEDIATE",))):
                try:
                    yield
                except Problem as problem:
                    if not problem.keep:
                        raise
                    kept = problem
        finally:
            _unit.mode = ""
    if kept is not None:
        raise kept


def outside(what: str) -> None:
    """Refuse slow work (`what`) while this thread holds a write transaction; raises RuntimeError."""
    if _unit.mode == "write":
        raise RuntimeError(f"{what} inside a write transaction")


@contextmanager
def _connection() -> Iterator[None]:
    """A connection for this thread: on SQLite it stays open, on PostgreSQL it goes back to the pool."""
    try:
        db.connect(reuse_if_open=True)
    except MaxConnectionsExceeded as exc:
        raise Unavailable("the database is busy", headers={"Retry-After": "1"}) from exc
    except peewee.OperationalError as exc:
        raise Unavailable("the database does not answer", headers={"Retry-After": "5"}) from exc
    try:
        yield
    finally:
        if _postgres:
            db.close()


@contextmanager
def _query_only() -> Iterator[None]:
    connection = db.connection()
    connection.execute("PRAGMA query_only=1")
    try:
        yield
    finally:
        connection.execute("PRAGMA query_only=0")


@contextmanager
def _turn() -> Iterator[None]:
    """SQLite: wait in line in this process (5 s at most), then for the other processes of this host."""
    if _postgres:
        yield
        return
    if not _gate.acquire(WAIT_SECONDS):
        raise Unavailable("too many writers are waiting", headers={"Retry-After": "1"})
    try:
        descriptor = _open_lock_file()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        _gate.release()


def _open_lock_file() -> int:
    """The lock file's descriptor, opened by this very process: one that a fork shares would not exclude."""
    global _lock_file
    if _lock_file is None or _lock_file[0] != os.getpid():
        assert _lock_dir is not None
        file = os.open(_lock_dir / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock_file = (os.getpid(), file)
    return _lock_file[1]


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the database cannot do now into Unavailable; a full disk into InsufficientStorage."""
    try:
        yield
    except peewee.OperationalError as exc:
        text = str(exc)
        state = getattr(exc.__cause__ or exc.__context__, "sqlstate", None) or ""
        if "disk is full" in text or state == "53100":
            raise InsufficientStorage("no space left") from exc
        if "locked" in text or state.startswith(TRANSIENT_STATES):
            raise Unavailable("the database is busy", headers={"Retry-After": "1"}) from exc
        raise


@lru_cache(maxsize=1024)
def _dialect(sql: str, postgres: bool) -> str:
    return sql.replace("?", "%s") if postgres else sql


def _run(sql: str, params: tuple[Any, ...]) -> Any:
    _count(sql)
    try:
        return db.connection().execute(_dialect(sql, _postgres), params)
    except Exception as exc:
        # Drivers' exceptions become peewee's, as for queries built by peewee.
        name = type(exc).__name__
        for kind in type(exc).__mro__:
            known = getattr(peewee, kind.__name__, None)
            if isinstance(known, type) and issubclass(known, peewee.PeeweeException):
                raise known(f"{name}: {exc}") from exc
        raise


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """All rows of fixed SQL with `?` placeholders. Inside a unit of work only."""
    found: list[tuple[Any, ...]] = _run(sql, params).fetchall()
    return found


def row(sql: str, *params: Any) -> tuple[Any, ...] | None:
    """The first row of fixed SQL, or None."""
    found: tuple[Any, ...] | None = _run(sql, params).fetchone()
    return found


def execute(sql: str, *params: Any) -> int:
    """Run fixed SQL that changes rows; how many it changed."""
    return int(_run(sql, params).rowcount)


def for_update(query: Any) -> Any:
    """The query with FOR UPDATE on PostgreSQL; SQLite's one writer needs none."""
    return query.for_update() if _postgres else query


class QueryCount:
    """What ran inside `count_queries()`: the statements, in order."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    @property
    def count(self) -> int:
        return len(self.statements)


_counters: list[QueryCount] = []


def _count(sql: str) -> None:
    for counter in _counters:
        counter.statements.append(sql)


@contextmanager
def count_queries() -> Iterator[QueryCount]:
    """Note every statement of this process while open (tests); BEGIN, COMMIT and PRAGMA are not counted."""
    counter = QueryCount()
    _counters.append(counter)
    try:
        yield counter
    finally:
        _counters.remove(counter)
