"""What a database really holds, as text to compare: columns, types, collations, defaults, constraints, indexes."""

import re

from app.core import db

COLUMNS = """
SELECT t.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       coalesce(c.collname, ''), coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM pg_attribute a JOIN pg_class t ON t.oid = a.attrelid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE t.relnamespace = 'public'::regnamespace AND t.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
WHERE connamespace = 'public'::regnamespace
"""
INDEXES = "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
INDEXED_COLLATIONS = """
SELECT i.indexrelid::regclass::text, coalesce(c.collname, '') FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid, unnest(i.indcollation) AS used(oid) LEFT JOIN pg_collation c ON c.oid = used.oid
WHERE t.relnamespace = 'public'::regnamespace AND used.oid <> 0
"""
HISTORY = "schema_migration"
OTHERS = {HISTORY, "sqlite_sequence"}  # in the latter SQLite counts


def describe() -> set[str]:
    """One line for each fact about the configured database, without the history of migrations."""
    with db.read():
        if db.is_postgres():
            found = [row for query in (COLUMNS, CONSTRAINTS, INDEXES) for row in db.rows(query)]
        else:
            # SQLite keeps the statements themselves.
            found = db.rows("SELECT tbl_name, type, name, sql FROM sqlite_master")
    return {_plain(" | ".join(map(str, row))) for row in found if not str(row[0]).startswith(tuple(OTHERS))}


def _plain(text: str) -> str:
    """The statement without differences that mean nothing."""
    text = re.sub(r"\s+", " ", text.replace("IF NOT EXISTS ", ""))
    return text.replace("( ", "(").replace(" )", ")").replace(" ,", ",")


def indexed_collations() -> set[tuple[str, str]]:
    """(index, collation) of every text in an index on PostgreSQL."""
    with db.read():
        return {(name, collation) for name, collation in db.rows(INDEXED_COLLATIONS) if not name.startswith(HISTORY)}


def tables() -> set[str]:
    """The tables of the configured database, without the history of migrations."""
    with db.read():
        return set(db.db.get_tables()) - OTHERS
