"""The migrations make exactly the tables of the models, can be reverted, and run once, on both databases."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peewee import SQL, ForeignKeyField, IntegerField, ModelIndex

import models
from app.core import db, migrate
from models.base import BaseModel, CChar, CText, JsonField, TenantField, UtcField
from tests.support import schema

ROOT = Path(__file__).parents[3]


class Fleet(BaseModel):
    tenant_id = TenantField()
    name = CChar(max_length=20)
    document = JsonField(null=True)

    class Meta:
        table_name = "try_fleet"
        indexes = ((("tenant_id", "name"), True),)


class Truck(BaseModel):
    fleet = ForeignKeyField(Fleet, on_delete="CASCADE")
    plate = CText(unique=True)
    state = CChar(max_length=8, default="idle")
    wheels = IntegerField(default=4)
    seen = UtcField(index=True)

    class Meta:
        table_name = "try_truck"
        without_rowid = False
        indexes = [SQL("CREATE UNIQUE INDEX try_truck_one_leads ON try_truck (fleet_id) WHERE state = 'lead'")]


Truck.add_index(ModelIndex(Truck, (Truck.fleet,), unique=True, where=SQL("state = 'last'"), name="try_truck_one_last"))


@pytest.fixture
def bound(empty_database: Any) -> Any:
    """An empty database, bound."""
    db.configure(empty_database.url, lock_dir=empty_database.folder)
    return empty_database


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Migrations and models of the tests' own."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    monkeypatch.setattr(migrate, "DIRECTORY", folder)
    monkeypatch.setattr(models, "ALL", [Truck, Fleet])
    yield folder


def test_the_models_and_the_migrations_agree(bound: Any) -> None:
    applied = migrate.up()
    assert applied == [step.name for step in migrate.status()]
    assert migrate.diff() == []
    migrated = schema.describe()
    migrate.down(applied[0])
    assert schema.tables() == set()
    migrate.create_all()
    assert migrated == schema.describe()


def test_up_down_up(bound: Any) -> None:
    applied = migrate.up()
    first = schema.describe()
    assert schema.tables() == {model._meta.table_name for model in models.ALL}
    assert migrate.up() == []
    assert migrate.down(applied[0]) == applied[::-1]
    assert schema.describe() == set()
    assert migrate.diff() != []
    assert migrate.up() == applied
    assert schema.describe() == first


def test_no_index_orders_text_by_a_language(postgres: Any) -> None:
    found = schema.indexed_collations()
    assert len(found) > 1
    assert {collation for _, collation in found} == {"C"}


def test_hosts_that_start_at_once_migrate_once(bound: Any) -> None:
    results: list[Any] = []
    start = threading.Barrier(4)

    def up() -> None:
        start.wait()
        try:
            results.append(migrate.up())
        except BaseException as exc:
            results.append(exc)

    threads = [threading.Thread(target=up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=len)[:3] == [[], [], []]
    assert sorted(results, key=len)[3] == [step.name for step in migrate.status()]


def test_a_written_migration_makes_what_the_models_make(directory: Path, empty_database: Any) -> None:
    files = migrate.new("first")
    assert [file.name for file in files] == ["0001_first.py", "0001_first.sqlite.sql", "0001_first.postgres.sql"]
    assert migrate.new("again") == []
    db.configure(empty_database.url, lock_dir=empty_database.folder)
    assert migrate.diff() == ["create table try_fleet", "create table try_truck"]
    assert migrate.up() == ["0001_first"]
    assert migrate.diff() == []
    written = schema.describe()
    assert any("try_truck_one_leads" in line for line in written)
    assert any("try_truck_one_last" in line for line in written)
    assert migrate.down() == ["0001_first"]
    assert schema.describe() == set()
    migrate.create_all()
    assert schema.describe() == written


def test_an_index_that_is_missing_or_strange_is_told(directory: Path, bound: Any) -> None:
    migrate.create_all()
    assert migrate.diff() == []
    with db.migration():
        db.execute("DROP INDEX try_truck_one_leads")
        db.execute("DROP INDEX try_truck_one_last")
        db.execute("CREATE INDEX stranger ON try_truck (wheels)")
    assert set(migrate.diff()) == {
        "add index try_truck_one_leads",
        "add index try_truck.try_truck_one_last",
        "drop index try_truck.stranger (wheels)",
    }


def test_a_changed_column_gets_a_migration_to_edit(
    directory: Path, bound: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate.new("first")

    class Longer(Truck):
        colour = CText(default="red")

        class Meta:
            table_name = "try_truck"
            indexes = Truck._meta.indexes

    monkeypatch.setattr(models, "ALL", [Fleet, Longer])
    (file,) = migrate.new("colour")
    assert file.name == "0002_colour.py"
    assert "add_column('try_truck', 'colour', CText(default='red'))" in file.read_text()
    db.configure(bound.url, lock_dir=bound.folder)
    assert migrate.up("0001_first") == ["0001_first"]
    with db.write():
        fleet = Fleet.create(name="one")
        db.execute("INSERT INTO try_truck (fleet_id, plate, state, wheels, seen) VALUES (?, 'p', '', 4, 0)", fleet.pk)
    assert migrate.up() == ["0002_colour"]
    assert migrate.diff() == []
    with db.read():
        assert db.rows("SELECT plate, colour FROM try_truck") == [("p", "red")]
    if bound.kind == "postgres":
        assert ("colour", "C") in {tuple(line.split(" | ")[1:5:3]) for line in schema.describe() if "colour" in line}
    assert migrate.down() == ["0002_colour"]
    with db.read():
        assert db.rows("SELECT plate FROM try_truck") == [("p",)]


def test_a_migration_that_fails_leaves_nothing(directory: Path, bound: Any) -> None:
    (directory / "0001_good.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE good (a INTEGER)')\n"
    )
    (directory / "0002_bad.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE bad (a INTEGER)')\n    raise ZeroDivisionError\n"
    )
    with pytest.raises(ZeroDivisionError):
        migrate.up()
    assert schema.tables() == {"good"}
    assert [(step.name, step.applied is not None) for step in migrate.status()] == [
        ("0001_good", True),
        ("0002_bad", False),
    ]


def test_new_and_changed_tables_are_not_mixed(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    migrate.new("first")

    class Longer(Truck):
        colour = CText(default="red")

        class Meta:
            table_name = "try_truck"

    class Other(BaseModel):
        class Meta:
            table_name = "try_other"

    monkeypatch.setattr(models, "ALL", [Fleet, Longer, Other])
    with pytest.raises(ValueError, match="two migrations"):
        migrate.new("second")


def test_a_migration_waits_for_no_unit_of_its_own_thread(bound: Any) -> None:
    for unit in (db.read, db.write, db.migration):
        with unit(), pytest.raises(RuntimeError, match="inside"):
            migrate.up()


def test_the_command_says_how_it_is_used() -> None:
    for arguments in ([], ["new"], ["new", "Bad-Name"], ["old", "name"]):
        done = subprocess.run(
            [sys.executable, "-m", "app.core.migrate", *arguments], cwd=ROOT, capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert "usage:" in done.stderr


def test_tables_with_rows_number_them_once_from_then_on(bound: Any) -> None:
    """ngenea: the rows of a database from before stay, and number 3 is not given again."""
    migrate.up("0019_numbers_of_jobs")
    insert = "INSERT INTO ngenea_group (name, description, builtin) VALUES (?, '', ?)"
    with db.write():
        for name in "abc":
            db.execute(insert, name, False)
    migrate.up()
    with db.write():
        db.execute("DELETE FROM ngenea_group WHERE name = 'c'")
        db.execute(insert, "d", False)
    with db.read():
        assert db.rows("SELECT name, pk FROM ngenea_group ORDER BY pk") == [("a", 1), ("b", 2), ("d", 4)]
        if not db.is_postgres():
            assert db.rows("PRAGMA integrity_check") == [("ok",)]
    migrate.down("0020_numbers_once")
    with db.read():
        assert len(db.rows("SELECT pk FROM ngenea_group")) == 3
