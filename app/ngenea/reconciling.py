"""When a site is looked after: as its worker begins, every hour, and when somebody asks for it (ngenea 5)."""

import time
from datetime import timedelta
from typing import Final

import structlog

from app.core import db, ids, work
from app.core.errors import Unavailable
from app.core.worker import Worker
from app.ngenea import here
from app.ngenea.context import Context
from app.ngenea.reconcile import Report, reconcile
from app.ngenea.rooted import Root

WORK: Final = "ngenea.reconcile"
ONCE: Final = "ngenea.reconcile_once"
EVERY: Final = timedelta(hours=1)
LOOK: Final = 0.1  # seconds

log = structlog.get_logger("flotilla.ngenea")


def queue(site: int) -> None:
    """Have a site looked after. Opens its own unit."""
    with db.write():
        work.enqueue(WORK, str(site), place=here.place(site))


@work.kind(WORK, attempts=3)
def look_after(unit: work.Unit) -> None:
    """Settle what broken off work left at a site, and remove what nothing names."""
    report = _reconcile(unit, int(unit.key), EVERY)
    if report.settled or report.objects or report.temporaries or report.faults:
        log.info(
            "looked after a site",
            site=unit.key,
            settled=report.settled,
            objects=report.objects,
            temporaries=report.temporaries,
            faults=report.faults[:10],
        )


def _reconcile(unit: work.Unit, site: int, older_than: timedelta) -> Report:
    return reconcile(Context(site, Root(here.folder(site)), unit.claim, stopped=lambda: _is_lost(unit)), older_than)


def _is_lost(unit: work.Unit) -> bool:
    try:
        unit.check()
    except work.LeaseLost:
        return True
    return False


def now(site: int, older_than: timedelta) -> Report:
    """Look after a site in this process, which serves it, and wait. Raises Unavailable when it could not be done."""
    reports: list[Report] = []
    work.kind(ONCE, attempts=1)(lambda unit: reports.append(_reconcile(unit, site, older_than)))
    key = ids.uuid()
    place = f"{here.place(site)}/{key}"
    with db.write():
        work.enqueue(ONCE, key, place=place)
    worker = Worker(1, place=place)
    worker.start()
    try:
        while _is_open(key):
            time.sleep(LOOK)
    finally:
        worker.stop()
    if not reports:
        raise Unavailable("it could not be done; `flotilla work` says why")
    return reports[0]


def _is_open(key: str) -> bool:
    with db.read():
        found = db.row("SELECT state FROM core_work WHERE kind = ? AND key = ?", ONCE, key)
    return found is not None and found[0] != "failed"
