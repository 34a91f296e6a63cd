"""Where the data of managed files is, and what is under way with them (ngenea 5).

An entry says that a file's data is in a bucket; a resident file has none. A row of the journal is written before the
step it names and locks the path, the inode and the object's key. All functions belong into a unit of work.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.core import clock, db
from models.ngenea.files import Entry, Journal
from models.ngenea.sites import Bucket, ExternalTarget

PREMIGRATED: Final = "premigrated"
MIGRATED: Final = "migrated"
BATCH: Final = 256  # paths that are looked at together: as many files are open at once
ROWS: Final = 500  # rows of one statement
LOST: Final = b"\0"

FIELDS: Final = tuple(name for name in Entry._meta.fields if name != "pk")


@dataclass(frozen=True, slots=True)
class Inode:
    """What a file is, whatever its names."""

    device: int
    number: int


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
    rows = Entry.select(Entry, ExternalTarget, Bucket).join(ExternalTarget).join(Bucket).where(Entry.site == site)
    by_path = rows.where(Entry.path.in_(paths)) if paths else []
    by_inode = rows.where(Entry.inode.in_(numbers)) if numbers else []
    found = {entry.pk: entry for entry in by_path}
    found |= {entry.pk: entry for entry in by_inode if inode_of(entry) in wanted}
    return list(found.values())


def referring(bucket_keys: Iterable[tuple[int, str]]) -> dict[tuple[int, str], list[tuple[int, bytes]]]:
    """By (bucket, key): site and path of each entry, on any site, whose data is in that object."""
    wanted = set(bucket_keys)
    found: dict[tuple[int, str], list[tuple[int, bytes]]] = {}
    for part in chunks(sorted({key for _, key in wanted})):
        marks = ", ".join("?" * len(part))
        rows = db.rows(
            "SELECT t.bucket_id, e.key, e.site_id, e.path FROM ngenea_entry e"  # noqa: S608
            f" JOIN ngenea_external_target t ON t.pk = e.target_id WHERE e.key IN ({marks})",
            *part,
        )
        for bucket, key, site, path in rows:
            if (bucket, key) in wanted:
                found.setdefault((bucket, key), []).append((site, bytes(path)))
    return found


def put(rows: Iterable[dict[str, Any]]) -> None:
    """Write entries, in place of those there are of the same site and path."""
    now = clock.now()
    columns = [Entry._meta.fields[name] for name in FIELDS if name not in ("site", "path")]
    for part in chunks(({**row, "updated_ts": now} for row in rows), 200):
        Entry.insert_many(part).on_conflict(conflict_target=[Entry.site, Entry.path], preserve=columns).execute()


def copy_of(entry: Entry, **changes: Any) -> dict[str, Any]:
    """The values of an entry, some of them changed."""
    return {**{name: entry.__data__[name] for name in FIELDS}, **changes}


def lost(entry: Entry) -> dict[str, Any]:
    """An entry whose path is another file's now. Its stub may live on under a name we do not know."""
    return copy_of(entry, path=LOST + f"{entry.device}:{entry.inode}:{entry.pk}".encode())


def set_state(site: int, paths: Iterable[bytes], state: str, **changes: Any) -> None:
    """Change the entries of these paths."""
    for part in chunks(paths):
        Entry.update(state=state, updated_ts=clock.now(), **changes).where(
            Entry.site == site, Entry.path.in_(part)
        ).execute()


def remove(site: int, paths: Iterable[bytes]) -> None:
    """Forget the entries of these paths."""
    for part in chunks(paths):
        Entry.delete().where(Entry.site == site, Entry.path.in_(part)).execute()


def begin(rows: Sequence[dict[str, Any]]) -> set[bytes]:
    """Write rows of the journal; the paths of those that met no other row's lock."""
    taken: set[bytes] = set()
    for part in chunks(rows, 200):
        written = Journal.insert_many(part).on_conflict_ignore().returning(Journal.path).execute()
        taken |= {bytes(row.path) for row in written}
    return taken


def step(site: int, claim: str, paths: Iterable[bytes], name: str) -> None:
    """Note that these files have come to a step."""
    for part in chunks(paths):
        Journal.update(step=name).where(Journal.site == site, Journal.claim == claim, Journal.path.in_(part)).execute()


def end(site: int, claim: str, paths: Iterable[bytes]) -> None:
    """Nothing is under way with these files any more."""
    for part in chunks(paths):
        Journal.delete().where(Journal.site == site, Journal.claim == claim, Journal.path.in_(part)).execute()


def live(claims: Iterable[str]) -> set[str]:
    """Those of these claims whose unit of work is running."""
    running: set[str] = set()
    for part in chunks(sorted(set(claims))):
        marks = ", ".join("?" * len(part))
        found = db.rows(f"SELECT claim FROM core_work WHERE state = 'running' AND claim IN ({marks})", *part)  # noqa: S608
        running |= {claim for (claim,) in found}
    return running


def stale(site: int, paths: Sequence[bytes] | None = None, inodes: Iterable[Inode] = ()) -> list[Journal]:
    """Rows that nobody is at work on: all of a site's, or those that lock one of these paths or inodes."""
    rows = Journal.select().where(Journal.site == site)
    if paths is not None:
        numbers = sorted({inode.number for inode in inodes})
        rows = rows.where(Journal.path.in_(paths) | Journal.inode.in_(numbers))
    found = list(rows)
    running = live(row.claim for row in found)
    return [row for row in found if row.claim not in running]


def take_over(row: Journal, claim: str) -> bool:
    """Make a stale row ours; False when somebody else was faster."""
    changed = Journal.update(claim=claim).where(Journal.pk == row.pk, Journal.claim == row.claim).execute()
    return bool(changed)
