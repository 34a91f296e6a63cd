"""What only a database server can do to us: die, refuse, deadlock."""

import socket
import threading
from typing import Any

import psycopg
import pytest

from app.core import db, engines
from app.core.errors import Unavailable

pytestmark = pytest.mark.usefixtures("postgres")


def kill_others(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_that_died_in_the_pool_are_replaced_unseen(postgres: Any) -> None:
    pids: set[Any] = set()
    together = threading.Barrier(3)

    def use() -> None:
        with db.read():
            pids.add(db.row("SELECT pg_backend_pid()"))
            together.wait()

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 3
    kill_others(postgres.url)
    with db.write():
        assert db.row("SELECT pg_backend_pid()") not in pids
    with db.read():
        assert db.row("SELECT 1") == (1,)


def test_a_server_that_dies_in_a_unit_makes_it_unavailable(postgres: Any) -> None:
    for unit in (db.read, db.write):
        with pytest.raises(Unavailable) as refused, unit():
            db.row("SELECT 1")
            kill_others(postgres.url)
            db.row("SELECT 1")
        assert "Retry-After" in refused.value.headers
    with db.write():
        assert db.row("SELECT 1") == (1,)


def test_only_a_durable_unit_waits_for_the_disk() -> None:
    """The server of the tests never does, so this connection is told to."""
    waits = []
    for durable in (True, False, True):
        with db.write():
            db.execute("SET synchronous_commit = on")
        with db.write(durable=durable):
            waits.append(db.row("SHOW synchronous_commit"))
    with db.write():
        db.execute("RESET synchronous_commit")
    assert waits == [("on",), ("off",), ("on",)]


def test_who_loses_a_deadlock_is_told_to_try_again() -> None:
    with db.write():
        ((first,), (second,)) = db.rows("SELECT kid FROM core_signing_key ORDER BY kid LIMIT 2")
    both = threading.Barrier(2)
    outcomes: list[Any] = []

    def lock(one: str, other: str) -> None:
        try:
            with db.write():
                db.execute("UPDATE core_signing_key SET created = created WHERE kid = ?", one)
                both.wait()
                db.execute("UPDATE core_signing_key SET created = created WHERE kid = ?", other)
            outcomes.append("done")
        except Unavailable as exc:
            outcomes.append(exc.headers["Retry-After"])

    threads = [threading.Thread(target=lock, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["1", "done"]


def test_a_write_waits_for_a_row_that_another_holds_and_a_read_does_not() -> None:
    with db.write():
        db.execute("UPDATE core_signing_key SET created = created + 1")
        seen: list[Any] = []

        def look() -> None:
            with db.read():
                seen.extend(db.rows("SELECT created FROM core_signing_key"))

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        raised = db.rows("SELECT created FROM core_signing_key")
        assert len(seen) == len(raised) > 0
        assert sum(value for (value,) in raised) - sum(value for (value,) in seen) == len(raised)


def test_the_pool_fits_the_worker_threads() -> None:
    """No thread that holds a transaction waits for a connection, and two processes fit into PostgreSQL's default."""
    from app.core import engines, threads, worker

    wake_ups = worker.THREADS + 1
    reserved = 3
    assert threads.SIZES["read"] + threads.SIZES["write"] + worker.THREADS <= engines.MAX_CONNECTIONS
    assert 2 * (engines.MAX_CONNECTIONS + wake_ups) <= 100 - reserved


def test_a_server_that_says_nothing_holds_no_thread_for_long(tmp_path):
    """It takes the connection and never answers, as a host does that has gone without a word."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://somebody@127.0.0.1:{silent.getsockname()[1]}/nothing?connect_timeout=2"
        db.configure(url, lock_dir=tmp_path)
        with pytest.raises(Unavailable), db.read():
            pass
    db.close()


def test_how_long_a_server_is_waited_for():
    options = engines.connect("postgresql://somebody@example.com/nothing", lambda _: None).connect_params
    assert (options["connect_timeout"], options["tcp_user_timeout"]) == ("5", "10000")
    options = engines.connect(
        "postgresql://somebody@example.com/nothing?connect_timeout=60", lambda _: None
    ).connect_params
    assert options["connect_timeout"] == "60"
