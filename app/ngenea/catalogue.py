"""Where the data of managed files is, and what is under way with them (ngenea 5).

An entry says that a file's data is in a bucket; a resident file has none. A row of the journal is written before the
step it names and locks the path, the inode and the object's key. All functions belong into a unit of work.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from peewee import BigIntegerField, ForeignKeyField

from app.core import clock, db
from models.base import CChar, CText
from models.ngenea.files import Entry, Journal
from models.ngenea.sites import Bucket, ExternalTarget

BATCH: Final = 512  # paths that are looked at together: as many files are open at once
ROWS: Final = 500  # rows of one statement
LOST: Final = b"\0"
PLAIN: Final = (BigIntegerField, CChar, CText, ForeignKeyField)  # what the database takes as it is

FIELDS: Final = tuple(name for name in Entry._meta.fields if name != "pk")
JOURNAL_FIELDS: Final = tuple(name for name in Journal._meta.fields if name != "pk")
_COLUMNS: Final = ", ".join(field.column_name for field in Entry._meta.sorted_fields)
_READ: Final = [
    (field.name, None if type(field) in PLAIN else field.python_value) for field in Entry._meta.sorted_fields
]
_REPLACE: Final = " ON CONFLICT (site_id, path) DO UPDATE SET " + ", ".join(
    f"{Entry._meta.fields[name].column_name} = excluded.{Entry._meta.fields[name].column_name}"
    for name in FIELDS
    if name not in ("site", "path")
)


@dataclass(frozen=True, slots=True)
class Inode:
    """What a file is, whatever its names."""

    device: int
    number: int


def inode_at(stat: os.stat_result) -> Inode:
    """The inode that a file is now. Numbers of 64 bits become negative, as the database takes them."""
    return Inode(_signed(stat.st_dev), _signed(stat.st_ino))


def _signed(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


def inode_of(row: Any) -> Inode:
    """The inode of an entry or a row of the journal."""
    return Inode(row.device, row.inode)


def chunks(items: Iterable[Any], size: int = ROWS) -> Iterable[list[Any]]:
    """The items in lists of at most `size`."""
    listed = list(items)
    return (listed[at : at + size] for at in range(0, len(listed), size))


def entries(site: int, paths: Sequence[bytes], inodes: Iterable[Inode]) -> list[Entry]:
    """The entries of these paths, and those of these inodes under any path; with their targets and buckets."""
    wanted = set(inodes)
    numbers = sorted({inode.number for inode in wanted})
    by_path = _select(f"SELECT {_COLUMNS} FROM ngenea_entry WHERE site_id = ? AND path IN", site, paths)  # noqa: S608
    by_inode = _select(f"SELECT {_COLUMNS} FROM ngenea_entry WHERE site_id = ? AND inode IN", site, numbers)  # noqa: S608
    found = {row[0]: _entry(row) for row in by_path + by_inode}
    known = set(paths)
    rows = [row for row in found.values() if bytes(row.path) in known or inode_of(row) in wanted]
    used = {row.__data__["target"] for row in rows}
    targets: Any = (
        ExternalTarget.select(ExternalTarget, Bucket).join(Bucket).where(ExternalTarget.pk.in_(used)) if used else []
    )
    by_number = {target.pk: target for target in targets}
    for row in rows:
        row.target = by_number[row.__data__["target"]]
    return rows


def _entry(row: tuple[Any, ...]) -> Entry:
    """An entry of its columns. By peewee's own way this would take ten times as long."""
    entry = Entry()
    entry.__data__.update(
        (name, value if cast is None else cast(value)) for (name, cast), value in zip(_READ, row, strict=True)
    )
    return entry


def _select(sql: str, site: int, items: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement that ends where the list of items begins."""
    return [row for part in chunks(items) for row in db.rows(f"{sql} {_marks(len(part))}", site, *part)]


def _marks(count: int) -> str:
    return f"({', '.join('?' * count)})"


def referring(bucket_keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], list[tuple[int, bytes]]]:
    """By (bucket, key): site and path of each entry, on any site, whose data is in that object."""
    wanted = set(bucket_keys)
    found: dict[tuple[int, str], list[tuple[int, bytes]]] = {}
    for part in chunks(sorted({key for _, key in wanted})):
        rows = db.rows(
            "SELECT t.bucket_id, e.key, e.site_id, e.path FROM ngenea_entry e"  # noqa: S608
            f" JOIN ngenea_external_target t ON t.pk = e.target_id WHERE e.key IN {_marks(len(part))}",
            *part,
        )
        for bucket, key, site, path in rows:
            if (bucket, key) in wanted:
                found.setdefault((bucket, key), []).append((site, bytes(path)))
    return found


def put(rows: Iterable[dict[str, Any]]) -> None:
    """Write entries, in place of those there are of the same site and path."""
    now = clock.now()
    for part in chunks(({**row, "updated_ts": now} for row in rows), 200):
        db.execute(_insert(Entry, FIELDS, len(part)) + _REPLACE, *_values(Entry, FIELDS, part))


@lru_cache(maxsize=1024)
def _insert(model: Any, names: tuple[str, ...], count: int) -> str:
    """The INSERT of so many rows. peewee would take longer to write it than the database to run it."""
    columns = ", ".join(model._meta.fields[name].column_name for name in names)
    marks = ", ".join([f"({', '.join('?' * len(names))})"] * count)
    return f"INSERT INTO {model._meta.table_name} ({columns}) VALUES {marks}"  # noqa: S608


def _values(model: Any, names: tuple[str, ...], rows: Iterable[dict[str, Any]]) -> Iterable[Any]:
    """The values of rows, as the database takes them."""
    fields = [model._meta.fields[name] for name in names]
    casts = [(field.name, None if type(field) in PLAIN else field.db_value) for field in fields]
    return [row[name] if cast is None else cast(row[name]) for row in rows for name, cast in casts]


def copy_of(entry: Entry, **changes: Any) -> dict[str, Any]:
    """The values of an entry, some of them changed."""
    return {**{name: entry.__data__[name] for name in FIELDS}, **changes}


def lost(entry: Entry) -> dict[str, Any]:
    """An entry whose path is another file's now. Its stub may live on under a name we do not know."""
    return copy_of(entry, path=LOST + f"{entry.device}:{entry.inode}:{entry.pk}".encode())


def set_state(site: int, paths: Iterable[bytes], state: str) -> None:
    """Change the entries of these paths."""
    now = clock.micros(clock.now())
    for part in chunks(paths):
        sql = f"UPDATE ngenea_entry SET state = ?, updated_ts = ? WHERE site_id = ? AND path IN {_marks(len(part))}"  # noqa: S608
        db.execute(sql, state, now, site, *part)


def remove(site: int, paths: Iterable[bytes]) -> None:
    """Forget the entries of these paths."""
    for part in chunks(paths):
        db.execute(f"DELETE FROM ngenea_entry WHERE site_id = ? AND path IN {_marks(len(part))}", site, *part)  # noqa: S608


def begin(rows: Sequence[dict[str, Any]]) -> set[bytes]:
    """Write rows of the journal; the paths of those that met no other row's lock."""
    taken: set[bytes] = set()
    for part in chunks(rows, 200):
        sql = f"{_insert(Journal, JOURNAL_FIELDS, len(part))} ON CONFLICT DO NOTHING RETURNING path"
        taken |= {bytes(path) for (path,) in db.rows(sql, *_values(Journal, JOURNAL_FIELDS, part))}
    return taken


def step(site: int, claim: str, paths: Iterable[bytes], name: str) -> None:
    """Note that these files have come to a step."""
    for part in chunks(paths):
        sql = f"UPDATE ngenea_journal SET step = ? WHERE site_id = ? AND claim = ? AND path IN {_marks(len(part))}"  # noqa: S608
        db.execute(sql, name, site, claim, *part)


def end(site: int, claim: str, paths: Iterable[bytes]) -> None:
    """Nothing is under way with these files any more."""
    for part in chunks(paths):
        sql = f"DELETE FROM ngenea_journal WHERE site_id = ? AND claim = ? AND path IN {_marks(len(part))}"  # noqa: S608
        db.execute(sql, site, claim, *part)


def live(claims: Iterable[str]) -> set[str]:
    """Those of these claims whose unit of work is running."""
    running: set[str] = set()
    for part in chunks(sorted(set(claims))):
        sql = f"SELECT claim FROM core_work WHERE state = 'running' AND claim IN {_marks(len(part))}"  # noqa: S608
        found = db.rows(sql, *part)
        running |= {claim for (claim,) in found}
    return running


def under_way(site: int, paths: Sequence[bytes] | None = None, inodes: Iterable[Inode] = ()) -> list[Journal]:
    """Rows of a site: all, or those that lock one of these paths or inodes."""
    if paths is None:
        return list(Journal.select().where(Journal.site == site))
    sql = "SELECT pk FROM ngenea_journal WHERE site_id = ?"
    numbers = sorted({inode.number for inode in inodes})
    found = _select(f"{sql} AND path IN", site, paths) + _select(f"{sql} AND inode IN", site, numbers)
    return list(Journal.select().where(Journal.pk.in_({pk for (pk,) in found}))) if found else []


def stale(rows: Iterable[Journal], claim: str) -> list[Journal]:
    """Those of some rows that nobody is at work on: also what `claim` took over, and could not settle yet."""
    listed = list(rows)
    running = live(row.claim for row in listed) - {claim}
    return [row for row in listed if row.claim not in running]


def take_over(row: Journal, claim: str) -> bool:
    """Make a stale row ours; False when somebody else was faster."""
    changed = Journal.update(claim=claim).where(Journal.pk == row.pk, Journal.claim == row.claim).execute()
    return bool(changed)
