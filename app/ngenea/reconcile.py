"""What must come right by itself at a site: broken off work, objects and files that nobody needs (ngenea 5)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import unquote_to_bytes

import structlog

from app.core import db
from app.ngenea import catalogue, inodes, keys, recover
from app.ngenea.context import Context
from app.ngenea.objects import Listed, Missing, ObjectStore, StoreError, owner
from app.ngenea.targets import Plan
from models.ngenea.files import Journal
from models.ngenea.sites import Bucket, ExternalTarget, Space, TargetSite

HOUR: Final = timedelta(hours=1)

log = structlog.get_logger("flotilla.ngenea")


@dataclass
class Report:
    """How many there were: journal rows settled, objects and temporary files removed; `faults` a line each."""

    settled: int
    objects: int
    temporaries: int
    faults: list[str]


def reconcile(context: Context, older_than: timedelta = HOUR) -> Report:
    """Settle what broken off work left at a site, and remove what nothing names from its buckets.

    Only objects that say they are this server's, that no entry, no row of the journal and no stub names, and that are
    older than `older_than` by the bucket's clock. Does no harm the second time, nor beside work that is running.
    """
    db.outside("a reconciliation")
    report = Report(0, 0, 0, [])
    with db.read():
        rows = catalogue.stale(catalogue.under_way(context.site), context.claim)
    settled = recover.settle(context, rows)
    report.faults += [str(fault) or "a file is locked by whoever left it" for fault in settled.faults.values()]
    report.settled = len(rows) - len(settled.faults)
    spaces = Plan(context.site, context.root.folder).prefixes()
    for bucket, prefixes in _places(context.site):
        if context.stopped():
            break
        try:
            store = context.store(bucket)
            before = store.probe() - older_than
            report.temporaries += store.sweep(before, _live)
            for prefix in prefixes:
                for page in store.listing(prefix):
                    old = [one for one in page if one.modified < before]
                    report.objects += _sweep(context, bucket, store, old, spaces)
        except StoreError as exc:
            report.faults.append(f"{bucket.name}: {exc}")
    return report


def _places(site: int) -> list[tuple[Bucket, list[str]]]:
    """The buckets that a site's targets use, each with what the keys of their spaces begin with."""
    with db.read():
        targets = list(
            ExternalTarget.select(ExternalTarget, Bucket, Space)
            .join(Bucket)
            .switch(ExternalTarget)
            .join(Space)
            .switch(ExternalTarget)
            .join(TargetSite, on=(TargetSite.target == ExternalTarget.pk))
            .where(TargetSite.site == site)
        )
    places: dict[int, tuple[Bucket, set[str]]] = {}
    for target in targets:
        places.setdefault(target.bucket.pk, (target.bucket, set()))[1].add(keys.prefix(target.space.name))
    return [(bucket, sorted(prefixes)) for bucket, prefixes in places.values()]


def _live(claims: list[str]) -> set[str]:
    with db.read():
        return catalogue.live(claims)


def _sweep(
    context: Context, bucket: Bucket, store: ObjectStore, listed: list[Listed], spaces: Mapping[str, bytes]
) -> int:
    """Remove those of a page that nothing names; how many."""
    orphans = [one.key for one in listed]
    with db.read():
        used = catalogue.referring((bucket.pk, key) for key in orphans)
        held = _held(bucket, orphans)
    unnamed = [key for key in orphans if (bucket.pk, key) not in used and key not in held]
    remnants = {one.key for one in listed if one.remnant}
    orphans = [
        key for key in unnamed if key in remnants or (not _has_stub(context, key, spaces) and _is_ours(store, key))
    ]
    if not orphans or context.dry_run:
        return len(orphans)
    # Who holds a key's lock decides what becomes of its object: a migration that finds it there may want to use it.
    rows = [_row(context, bucket, key) for key in orphans]
    with db.write():
        locked = catalogue.begin(rows)
    with db.read():
        used = catalogue.referring((bucket.pk, key) for key in orphans)
    removed = 0
    try:
        for key in orphans:
            if _path(bucket, key) in locked and (bucket.pk, key) not in used:
                store.delete(key)
                log.info("an object that nothing names is removed", bucket=bucket.name, key=key)
                removed += 1
    finally:
        with db.write():
            catalogue.end(context.site, context.claim, locked)
    return removed


def _held(bucket: Bucket, orphans: list[str]) -> set[str]:
    rows = Journal.select(Journal.key).where(Journal.bucket == bucket, Journal.key.in_(orphans))
    return {row.key for row in rows}


def _has_stub(context: Context, key: str, spaces: Mapping[str, bytes]) -> bool:
    """Whether the file of a key says that its data is in a bucket: then a restored database has forgotten it."""
    space, _, rest = key.partition("/")
    mountpoint = spaces.get(f"{space}/")
    if mountpoint is None:
        return False
    for name in (rest, keys.unsuffixed(rest)):
        try:
            descriptor = context.root.open_file(mountpoint + b"/" + unquote_to_bytes(name))
        except (OSError, ValueError):
            continue
        try:
            if inodes.mirrored(descriptor) == inodes.MIGRATED:
                return True
        finally:
            os.close(descriptor)
    return False


def _is_ours(store: ObjectStore, key: str) -> bool:
    """Whether an object says that this server made it."""
    try:
        found = store.head(key)
    except Missing:
        return False
    return found.metadata is not None and found.metadata.owner == owner()


def _path(bucket: Bucket, key: str) -> bytes:
    """What stands in the journal for a path: no file has it."""
    return catalogue.LOST + f"{bucket.pk}:{key}".encode()


def _row(context: Context, bucket: Bucket, key: str) -> dict[str, object]:
    return {
        "site": context.site,
        "path": _path(bucket, key),
        "device": None,
        "inode": None,
        "operation": "sweep",
        "step": "begun",
        "bucket": bucket.pk,
        "key": key,
        "claim": context.claim,
    }
