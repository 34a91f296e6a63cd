"""Units of work: what is kept, what is undone, who may write when (design section 4)."""

import threading
from collections.abc import Callable
from typing import Any

import peewee
import pytest

from app.core import db, passwords
from app.core.errors import Conflict, NotFound, Unavailable
from tests.unit.core.conftest import Note, in_thread, names

pytestmark = pytest.mark.usefixtures("notes")

INSERT = "INSERT INTO test_note (tenant_id, name) VALUES ('', ?)"


def test_write_commits_at_its_end() -> None:
    with db.write():
        assert db.execute(INSERT, "a") == 1
        assert in_thread(names) == []
    assert in_thread(names) == ["a"]


@pytest.mark.parametrize("error", [Conflict("taken"), NotFound("gone"), ZeroDivisionError("bug")])
def test_an_error_undoes_the_unit(error: Exception) -> None:
    with pytest.raises(type(error)), db.write():
        db.execute(INSERT, "a")
        raise error
    assert names() == []


def test_a_problem_that_keeps_commits_and_is_raised() -> None:
    with pytest.raises(Conflict, match="noted"), db.write():
        db.execute(INSERT, "a")
        raise Conflict("noted", keep=True)
    assert names() == ["a"]


def test_a_problem_that_keeps_passes_through_a_joined_unit() -> None:
    with pytest.raises(Conflict), db.write():
        db.execute(INSERT, "a")
        with db.write():
            db.execute(INSERT, "b")
            raise Conflict("noted", keep=True)
    assert names() == ["a", "b"]


def test_write_in_write_joins() -> None:
    with pytest.raises(Conflict), db.write():
        with db.write():
            db.execute(INSERT, "a")
        raise Conflict("taken")
    assert names() == []


def test_read_in_write_sees_what_was_written() -> None:
    with db.write():
        db.execute(INSERT, "a")
        assert names() == ["a"]
        db.execute(INSERT, "b")
    assert names() == ["a", "b"]


def test_write_in_read_is_refused() -> None:
    with db.read(), pytest.raises(RuntimeError, match="inside read"), db.write():
        pass
    with db.write():
        db.execute(INSERT, "a")


@pytest.mark.parametrize(
    "change",
    [
        lambda: db.execute(INSERT, "b"),
        lambda: db.execute("UPDATE test_note SET name = 'c'"),
        lambda: Note.create(name="b"),
        lambda: Note.delete().execute(),
    ],
)
def test_read_refuses_every_change(change: Callable[[], object]) -> None:
    with db.write():
        db.execute(INSERT, "a")
    with pytest.raises(peewee.PeeweeException), db.read():
        change()
    assert names() == ["a"]
    with db.write():
        change()


def test_read_is_one_snapshot() -> None:
    def insert() -> None:
        with db.write():
            db.execute(INSERT, "a")

    with db.read():
        assert db.row("SELECT count(*) FROM test_note") == (0,)
        in_thread(insert)
        assert db.row("SELECT count(*) FROM test_note") == (0,)
        assert Note.select().count() == 0
    assert names() == ["a"]


@pytest.mark.parametrize("statement", [lambda: db.row("SELECT 1"), lambda: Note.select().count()])
def test_nothing_runs_outside_of_a_unit(statement: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError, match="no unit of work"):
        statement()


def test_slow_work_is_refused_inside_write_only() -> None:
    db.outside("hashing")
    with db.read():
        db.outside("hashing")
    with db.write(), pytest.raises(RuntimeError, match="hashing inside a write transaction"):
        db.outside("hashing")
    with db.write(), pytest.raises(RuntimeError, match="password hashing"):
        passwords.hash("secret")


def test_a_unique_violation_stays_peewees() -> None:
    with db.write():
        db.execute(INSERT, "a")
    with pytest.raises(peewee.IntegrityError), db.write():
        db.execute(INSERT, "a")
    with pytest.raises(peewee.IntegrityError), db.write():
        Note.create(name="a")


def test_a_savepoint_undoes_its_own_statements_only() -> None:
    with db.write():
        db.execute(INSERT, "a")
        with pytest.raises(peewee.IntegrityError), db.savepoint():
            db.execute(INSERT, "b")
            db.execute(INSERT, "a")
        db.execute(INSERT, "c")
    assert names() == ["a", "c"]


def test_a_failure_that_is_passed_over_is_never_lost_in_silence() -> None:
    """PostgreSQL turns COMMIT after a failed statement into ROLLBACK and says nothing."""
    said = False
    try:
        with db.write():
            db.execute(INSERT, "a")
            with pytest.raises(peewee.IntegrityError):
                db.execute(INSERT, "a")
    except RuntimeError:
        said = True
    assert names() == ([] if said else ["a"])


def test_forty_writers_of_one_row_lose_no_increment() -> None:
    with db.write():
        db.execute(INSERT, "0")
    errors: list[BaseException] = []

    def bump() -> None:
        try:
            for _ in range(5):
                with db.write():
                    row = db.for_update(Note.select()).get()
                    Note.update(name=str(int(row.name) + 1)).execute()
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=bump) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert names() == ["200"]


def test_queries_are_counted() -> None:
    with db.read(), db.count_queries() as queries:
        db.rows("SELECT name FROM test_note WHERE name = ?", "a")
        list(Note.select())
    assert queries.count == 2
    assert queries.statements[0] == "SELECT name FROM test_note WHERE name = ?"
    with db.read():
        db.row("SELECT 1")
    assert queries.count == 2


def test_fixed_sql_takes_values_as_values() -> None:
    hostile = "'; DROP TABLE test_note; -- % %s ? {}"
    with db.write():
        assert db.execute(INSERT, hostile) == 1
        assert db.execute("UPDATE test_note SET name = ? WHERE name = ?", "b", "nobody") == 0
        assert db.row("SELECT name FROM test_note WHERE name = ?", hostile) == (hostile,)
        assert db.row("SELECT name FROM test_note WHERE name = ?", "b") is None
    assert names() == [hostile]


def test_a_turn_that_does_not_come_is_unavailable(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite: the queue before the one writer. PostgreSQL: the pool's connections."""
    monkeypatch.setattr(db, "WAIT_SECONDS", 0.02)
    if database.kind == "postgres":
        db.db.obj._max_connections, db.db.obj._wait_timeout = 1, 0.02

    def write() -> None:
        with db.write():
            raise AssertionError("this turn should not come")

    with db.write(), pytest.raises(Unavailable) as refused:
        in_thread(write)
    assert int(refused.value.headers["Retry-After"]) > 0
    with db.write():
        db.execute(INSERT, "a")


def test_a_database_that_cannot_be_opened_is_unavailable(database: Any) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none" if database.kind == "postgres" else "sqlite:///no/such/folder/x.db"
    db.configure(url, lock_dir=database.folder)
    for unit in (db.read, db.write):
        with pytest.raises(Unavailable) as refused, unit():
            pass
        assert "Retry-After" in refused.value.headers
    db.configure(database.url, lock_dir=database.folder)


def test_an_unknown_kind_of_database_is_refused(database: Any) -> None:
    with pytest.raises(ValueError, match="mysql"):
        db.configure("mysql://somewhere/x", lock_dir=database.folder)
    with pytest.raises(ValueError, match="option"):
        db.configure("sqlite:///x.db?mode=fast", lock_dir=database.folder)
    db.configure(database.url, lock_dir=database.folder)
