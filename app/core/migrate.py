"""The schema: apply and revert migrations, compare tables with models, and write new migrations.

A migration is `models/migrations/NNNN_name.py` (playhouse.migrations). New tables are frozen as SQL, one file for each
kind of database beside it, so that later changes of the models or of peewee cannot change what an old one does.

    python -m app.core.migrate new NAME      write the migration from the migrated schema to the models
"""

import re
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

from peewee import SQL
from playhouse.migrations import Runner, template
from playhouse.schema_diff import SchemaDiff, diff_models, sort_models

from app.core import db

DIRECTORY: Final = Path(__file__).parents[2] / "models" / "migrations"
KINDS: Final = ("sqlite", "postgres")
INDEX_NAME: Final = re.compile(r'\bINDEX\s+(?:IF\s+NOT\s+EXISTS\s+)?"?(\w+)', re.IGNORECASE)

MIGRATION: Final = '''"""{title}"""

from pathlib import Path
from typing import Any

from app.core.migrate import drop, execute_file


def up(migrator: Any, db: Any) -> None:
    execute_file(Path(__file__))


def down(migrator: Any, db: Any) -> None:
    drop(
        [
{tables}
        ]
    )
'''


class Step(NamedTuple):
    """A migration and when it was applied (text, UTC of the server that did), or None."""

    name: str
    applied: str | None


def _models() -> list[Any]:
    import models

    return list(sort_models(models.ALL))


def _runner() -> Runner:
    return Runner(db.db.obj, str(DIRECTORY))


def up(to: str | None = None) -> list[str]:
    """Apply what is pending, through `to` if given; the names applied. Waits for another process that migrates."""
    with db.migration():
        return list(_runner().up(to))


def down(to: str | None = None) -> list[str]:
    """Revert the last migration, or all back through `to`; the names reverted."""
    with db.migration():
        return list(_runner().down(to))


def status() -> list[Step]:
    """All migrations, oldest first."""
    with db.read():
        return [Step(step.name, str(step.applied) if step.applied else None) for step in _runner().status()]


def diff() -> list[str]:
    """What would have to change in the database to fit the models, a line each; empty when they agree.

    Compares tables, columns and indexes by name; types are compared by the tests.
    """
    with db.read():
        found = _difference()
        missing = _missing_sql_indexes()
    return [*str(found).splitlines(), *(f"add index {name}" for name in missing)]


def _difference() -> SchemaDiff:
    """peewee's comparison, without the indexes declared as SQL, which it takes for strangers."""
    declared = {name for model in _models() for name in _sql_indexes(model)}
    found = diff_models(db.db.obj, _models())
    strangers = [index for index in found.drop_indexes if index.name not in declared]
    return found._replace(drop_indexes=strangers)


def _sql_indexes(model: Any) -> list[str]:
    declared = [index for index in model._meta.indexes or () if isinstance(index, SQL)]
    return [match[1] for index in declared if (match := INDEX_NAME.search(index.sql))]


def _missing_sql_indexes() -> list[str]:
    missing = []
    for model in _models():
        if db.db.table_exists(model._meta.table_name):
            present = {index.name for index in db.db.get_indexes(model._meta.table_name)}
            missing += [name for name in _sql_indexes(model) if name not in present]
    return missing


def create_all() -> None:
    """Make the tables of all models, without migrations (tests)."""
    with db.migration(), db.db.atomic():
        db.db.create_tables(_models())


def execute_file(migration: Path) -> None:
    """Run the SQL that lies beside a migration for this kind of database."""
    kind = KINDS[db.is_postgres()]
    for statement in migration.with_suffix(f".{kind}.sql").read_text(encoding="utf-8").split(";\n"):
        if statement.strip():
            db.execute(statement)


def drop(tables: list[str]) -> None:
    """Drop tables, in this order."""
    for table in tables:
        db.execute(f'DROP TABLE "{table}"')


def resize_text(table: str, column: str, old: int, new: int) -> None:
    """Give a VARCHAR(old) column the length `new`; no row is touched.

    SQLite keeps no text shorter than it comes, so its schema alone is edited, as its manual allows
    (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    if db.is_postgres():
        db.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE VARCHAR({new}) COLLATE "C"')
        return
    _edit_schema(table, f'"{column}" VARCHAR({old})', f'"{column}" VARCHAR({new})')


def number_once(table: str, *, wanted: bool = True) -> None:
    """Let no later row of a table have the number of one that is gone, as PostgreSQL does by itself; or let it again.

    No row is touched. SQLite counts on from the highest number there is.
    """
    if db.is_postgres():
        return
    # The table that SQLite counts in is there once any table is made so.
    db.execute("CREATE TABLE counted (pk INTEGER PRIMARY KEY AUTOINCREMENT)")
    db.execute("DROP TABLE counted")
    words = ('"pk" INTEGER NOT NULL PRIMARY KEY,', '"pk" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,')
    old, new = words if wanted else words[::-1]
    _edit_schema(table, old, new)
    db.execute("DELETE FROM sqlite_sequence WHERE name = ?", table)
    if wanted:
        highest = f'SELECT ?, coalesce(max(pk), 0) FROM "{table}"'  # noqa: S608
        db.execute(f"INSERT INTO sqlite_sequence (name, seq) {highest}", table)  # noqa: S608


def _edit_schema(table: str, old: str, new: str) -> None:
    """Replace words in the definition of a table of SQLite."""
    db.execute("PRAGMA writable_schema = ON")
    changed = db.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE type = 'table' AND name = ? AND instr(sql, ?)",
        old,
        new,
        table,
        old,
    )
    version = db.row("PRAGMA schema_version")
    assert changed == 1 and version is not None
    db.execute(f"PRAGMA schema_version = {version[0] + 1}")
    db.execute("PRAGMA writable_schema = RESET")


def _statements(models: list[Any]) -> list[str]:
    """The SQL that makes the tables and indexes of models on the configured kind of database."""
    found = []
    for model in models:
        schema = model._schema
        queries = [schema._create_table(safe=False), *schema._create_indexes(safe=False)]
        for query in queries:
            sql, params = query.query() if not isinstance(query, SQL) else (query.sql, query.params)
            if params:
                raise ValueError(f"parameters in the schema of {model._meta.table_name}: {params}")
            found.append(sql)
    return found


def _wrapped(sql: str) -> str:
    """A CREATE TABLE with a line for each column."""
    if not sql.startswith("CREATE TABLE"):
        return sql
    head, body = sql.split("(", 1)
    body, tail = body.rsplit(")", 1)
    parts, depth = [""], 0
    for char in body:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return f"{head}(\n    " + ",\n    ".join(part.strip() for part in parts) + f"\n){tail}"


def new(name: str) -> list[Path]:
    """Write a migration from the schema that the present ones make to the models; the files, none if they agree.

    Rebinds the database: for the command line only.
    """
    with tempfile.TemporaryDirectory() as folder:
        db.configure(f"sqlite:///{folder}/schema.db", lock_dir=Path(folder))
        up()
        with db.read():
            found = _difference()
        if not found:
            return []
        number = max((step.idx for step in _runner().migrations()), default=0) + 1
        stem = DIRECTORY / f"{number:04d}_{name}"
        if not found.create_tables:
            file = stem.with_suffix(".py")
            file.write_text(template(found), encoding="utf-8")
            return [file]
        if any(found[1:]):
            raise ValueError("new tables and changes of old ones go into two migrations")
        files = [_write_module(stem, found.create_tables)]
        for kind, url in zip(KINDS, (f"sqlite:///{folder}/none.db", "postgresql:///none"), strict=True):
            db.configure(url, lock_dir=Path(folder))
            file = stem.with_suffix(f".{kind}.sql")
            file.write_text("".join(f"{_wrapped(sql)};\n" for sql in _statements(found.create_tables)), "utf-8")
            files.append(file)
        db.close()
        return files


def _write_module(stem: Path, models: list[Any]) -> Path:
    file = stem.with_suffix(".py")
    tables = "\n".join(f'            "{model._meta.table_name}",' for model in reversed(models))
    title = stem.name[5:].replace("_", " ").capitalize() + "."
    file.write_text(MIGRATION.format(title=title, tables=tables), encoding="utf-8")
    return file


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "new" or not re.fullmatch(r"[a-z0-9_]+", sys.argv[2]):
        sys.exit("usage: python -m app.core.migrate new NAME   (NAME: a-z, 0-9, _)")
    written = "\n".join(map(str, new(sys.argv[2])))
    sys.stdout.write(f"{written or 'The migrations fit the models.'}\n")
