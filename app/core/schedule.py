"""Work that is due again and again: cron lines in a zone, each tick queued by one process alone (design section 5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

from app.core import clock, db, work
from app.core.clock import micros

_schedules: dict[str, "_Schedule"] = {}


@dataclass(frozen=True, slots=True)
class _Schedule:
    cron: str
    zone: ZoneInfo


def scheduled(name: str, cron: str, *, zone: str = "UTC", attempts: int = 3) -> Callable[[work.Run], work.Run]:
    """Decorator: `function(unit)` does work of kind `name` whenever `cron` (five fields) says so in `zone`."""
    _schedules[name] = _Schedule(cron, ZoneInfo(zone))
    next(CronSim(cron, clock.now()))  # raises for a line that is none
    return work.kind(name, attempts=attempts)


def last_tick(cron: str, zone: ZoneInfo, now: datetime) -> datetime:
    """The latest moment up to `now` that a cron line names."""
    # cronsim gives what lies before a moment, not the moment itself.
    after = now.replace(microsecond=0) + timedelta(seconds=1)
    return next(CronSim(cron, after.astimezone(zone), reverse=True))


def queue_due() -> None:
    """Queue what has ticked since it was last queued. Any number of processes may do so at once.

    The row of a schedule moves on by a conditional update in the transaction that queues the work, so that one process
    wins. Of several ticks missed while nothing ran the last counts; a schedule seen for the first time waits for its
    next tick.
    """
    now = clock.now()
    with db.read():
        seen = dict(db.rows("SELECT kind, tick_ts FROM core_tick"))
    for name, schedule in _schedules.items():
        tick = micros(last_tick(schedule.cron, schedule.zone, now))
        if seen.get(name, -1) >= tick:
            continue
        with db.write():
            if name not in seen:
                db.execute("INSERT INTO core_tick (kind, tick_ts) VALUES (?, ?) ON CONFLICT DO NOTHING", name, tick)
            elif db.execute("UPDATE core_tick SET tick_ts = ? WHERE kind = ? AND tick_ts < ?", tick, name, tick):
                work.enqueue(name, "tick")
