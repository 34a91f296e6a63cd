"""The database of this process: units of work on SQLite or PostgreSQL, and fixed SQL for hot paths (design section 4).

`read()` is one read-only snapshot, `write()` one transaction. On SQLite every writer passes a FIFO gate and a lock
file before BEGIN IMMEDIATE, so that writers are served in order and never meet "database is locked".
"""

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import peewee
from peewee import DatabaseProxy
from playhouse.pool import MaxConnectionsExceeded

from app.core import engines, failpoints
from app.core.engines import WAIT_SECONDS, peewee_errors
from app.core.errors import InsufficientStorage, Problem, Unavailable
from app.core.fifo import FifoLock

SCHEMA_LOCK: Final = 0x466C6F74696C6C61  # any number that nothing else in this database locks

db = DatabaseProxy()


class _Unit(threading.local):
    mode: str = ""

    def __init__(self) -> None:
        self.after: list[Callable[[], None]] = []


_unit = _Unit()
_gate = FifoLock()
_lock_dir: Path | None = None
_lock_file: int | None = None
_postgres = False
_caches: list[Callable[[], None]] = []


def configure(url: str, *, lock_dir: Path) -> None:
    """Bind `db` to `sqlite:///FILE` or `postgresql://...`; connections are opened when they are needed.

    `lock_dir` holds the lock file between the processes of one host (SQLite). Raises ValueError for another URL.
    """
    global _postgres, _lock_dir
    close()
    engine = engines.connect(url, _before)
    db.initialize(engine)
    _postgres = isinstance(engine, engines.Postgres)
    _lock_dir = lock_dir
    for forget in _caches:
        forget()


def on_configure(forget: Callable[[], None]) -> None:
    """Call `forget` whenever another database is bound: for what a module remembers of the rows of the present one."""
    _caches.append(forget)


def close() -> None:
    """End all connections of this process; harmless when there are none."""
    global _lock_file
    if db.obj is not None:
        db.close_all()
    if _lock_file is not None:
        os.close(_lock_file)
        _lock_file = None


def _after_fork() -> None:
    """A child opens everything itself: its own connections, its own place in the queue, its own lock file."""
    global _gate, _lock_file
    _gate, _lock_file = FifoLock(), None
    _unit.mode = ""
    if db.obj is not None:
        db.obj.abandon()


os.register_at_fork(after_in_child=_after_fork)


def is_postgres() -> bool:
    """Whether the configured database is PostgreSQL (else SQLite)."""
    return _postgres


@contextmanager
def read() -> Iterator[None]:
    """One read-only snapshot. Joins a unit that is open. Raises Unavailable when no connection is to be had."""
    if _unit.mode:
        yield
        return
    with _connected("read") as engine, engine.transaction(engine.READ):
        yield


@contextmanager
def write(*, durable: bool = True) -> Iterator[None]:
    """One transaction: commits at the end, also before a Problem that says `keep`; any other error rolls back.

    One that is not `durable` does not wait for the disk: it outlives this process, but may be gone with the power, and
    is for what would then be done again as if never begun. No later one outlives it.
    Joins a write unit that is open, as that one is; inside read() it raises RuntimeError. Raises Unavailable when the
    turn does not come within 5 s or the database gives up (deadlock, shutdown).
    """
    if _unit.mode == "write":
        yield
        return
    if _unit.mode:
        raise RuntimeError(f"write() inside {_unit.mode}()")
    kept: Problem | None = None
    _unit.after = []
    with _turn(), _connected("write") as engine, engine.transaction(engine.writing(durable)):
        try:
            yield
        except Problem as problem:
            if not problem.keep:
                raise
            kept = problem
        if engine.would_not_commit():
            raise RuntimeError("a failed statement was passed over: wrap it in db.savepoint()")
        failpoints.hit("db.commit")
    failpoints.hit("db.committed")
    for call in _unit.after:
        call()
    if kept is not None:
        raise kept


def after_commit(call: Callable[[], None]) -> None:
    """Call `call` once the write unit that is open is committed, else never. It must be quick and raise nothing."""
    if _unit.mode != "write":
        raise RuntimeError("after_commit() outside of write()")
    _unit.after.append(call)


def savepoint() -> Any:
    """A context inside write(): an error leaving it undoes the statements inside and no more.

    A rule that catches an IntegrityError and goes on needs it, since PostgreSQL refuses to continue after an error.
    """
    return db.savepoint()


@contextmanager
def migration() -> Iterator[None]:
    """The turn to change tables, without a transaction; one process at a time, on all hosts that share the database."""
    if _unit.mode:
        raise RuntimeError(f"migration() inside {_unit.mode}()")
    with _turn(), _connected("migration"):
        if not _postgres:
            yield
            return
        row("SELECT pg_advisory_lock(?)", SCHEMA_LOCK)
        try:
            yield
        finally:
            row("SELECT pg_advisory_unlock(?)", SCHEMA_LOCK)


def outside(what: str) -> None:
    """Refuse slow work (`what`) while this thread holds a write transaction; raises RuntimeError."""
    if _unit.mode == "write":
        raise RuntimeError(f"{what} inside a write transaction")


@contextmanager
def _connected(mode: str) -> Iterator[Any]:
    """The engine with a connection for this thread: SQLite's stays open, PostgreSQL's goes back to the pool.

    What the database cannot do now becomes Unavailable, a full disk InsufficientStorage.
    """
    engine: Any = db.obj
    try:
        if engine.is_closed():
            engine.connect()
    except MaxConnectionsExceeded as exc:
        raise Unavailable("the database is busy", headers={"Retry-After": "1"}) from exc
    except peewee.OperationalError as exc:
        raise Unavailable("the database does not answer", headers={"Retry-After": "5"}) from exc
    _unit.mode = mode
    try:
        engine.only_read(mode == "read")
        yield engine
    except peewee.OperationalError as exc:
        if engine.is_full(exc):
            raise InsufficientStorage("no space left") from exc
        if engine.may_pass(exc):
            raise Unavailable("the database is busy", headers={"Retry-After": "1"}) from exc
        raise
    finally:
        _unit.mode = ""
        if _postgres:
            engine.close()


@contextmanager
def _turn() -> Iterator[None]:
    """SQLite: wait in line in this process (5 s at most), then for the other processes of this host."""
    if _postgres:
        yield
        return
    gate = _gate
    if not gate.acquire(WAIT_SECONDS):
        raise Unavailable("too many writers are waiting", headers={"Retry-After": "1"})
    try:
        descriptor = _open_lock_file()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        gate.release()


def _open_lock_file() -> int:
    """The lock file's descriptor, opened by this very process: one that a fork shares would not exclude."""
    global _lock_file
    if _lock_file is None:
        if _lock_dir is None:
            raise RuntimeError("the database is not configured")
        _lock_file = os.open(_lock_dir / "write.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return _lock_file


@lru_cache(maxsize=1024)
def _dialect(sql: str, postgres: bool) -> str:
    return sql.replace("?", "%s") if postgres else sql


def _run(sql: str, params: tuple[Any, ...]) -> Any:
    _before(sql)
    with peewee_errors:
        return db.obj.connection().execute(_dialect(sql, _postgres), params)


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """All rows of fixed SQL with `?` placeholders. Inside a unit of work only, else RuntimeError."""
    found: list[tuple[Any, ...]] = _run(sql, params).fetchall()
    return found


def row(sql: str, *params: Any) -> tuple[Any, ...] | None:
    """The first row of fixed SQL, or None. Inside a unit of work only, else RuntimeError."""
    found: tuple[Any, ...] | None = _run(sql, params).fetchone()
    return found


def execute(sql: str, *params: Any) -> int:
    """Run fixed SQL that changes rows; how many it changed. Inside a unit of work only, else RuntimeError."""
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


def _before(sql: str) -> None:
    """Each statement passes here. Outside of a unit it would be a writer that passes no gate."""
    if not _unit.mode:
        raise RuntimeError("no unit of work is open: use db.read() or db.write()")
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
