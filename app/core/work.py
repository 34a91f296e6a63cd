"""Work in the background: the database owns every unit of it (design section 5).

A unit is queued in the transaction that causes it, claimed by a conditional update under a lease, run, and gone when it
is done; a lease that ends unrenewed puts it back. So whoever runs a unit may run it again after a crash: its function
must do no harm the second time. `app.core.worker` has the threads that run units.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import structlog

from app.core import clock, db, failpoints, ids
from app.core.errors import Problem

LEASE: Final = timedelta(seconds=30)
MAX_ATTEMPTS: Final = 8
FIRST_DELAY: Final = timedelta(seconds=2)
MAX_DELAY: Final = timedelta(minutes=10)
MAX_ERROR: Final = 500  # characters of an error that are kept
COLUMNS: Final = "pk, kind, key, payload, attempts"

log = structlog.get_logger("flotilla.work")

Run = Callable[["Unit"], None]
GiveUp = Callable[[str, str], None]


class Permanent(Exception):
    """Raised by the function of a kind: this unit fails for good, trying again would not help."""


class Later(Exception):
    """Raised by the function of a kind: something else is not done yet, look again after so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.delay = timedelta(seconds=seconds)


class LeaseLost(Exception):
    """This process took too long and the unit is somebody else's, or it is told to stop: leave the rest."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a kind of work does, how often a unit is tried before it fails for good, and who is told then."""

    run: Run
    attempts: int
    given_up: GiveUp | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of work under our lease. `attempts` counts this run."""

    pk: int
    kind: str
    key: str
    payload: Any
    attempts: int
    claim: str

    def check(self) -> None:
        """For long work, between its steps: raises LeaseLost when the unit is not ours any more."""
        with db.read():
            if db.row("SELECT 1 FROM core_work WHERE pk = ? AND claim = ?", self.pk, self.claim) is None:
                raise LeaseLost(f"{self.kind} {self.key}")

    def hold(self) -> None:
        """In a write unit: nobody takes the unit from us before its end. Raises LeaseLost when it is not ours."""
        lock = " FOR UPDATE" if db.is_postgres() else ""
        if db.row(f"SELECT 1 FROM core_work WHERE pk = ? AND claim = ?{lock}", self.pk, self.claim) is None:  # noqa: S608
            raise LeaseLost(f"{self.kind} {self.key}")

    def end(self) -> None:
        """In a write unit that holds the unit: it is done together with what else is written there."""
        db.execute("DELETE FROM core_work WHERE pk = ? AND claim = ?", self.pk, self.claim)


_kinds: dict[str, Kind] = {}
_listeners: list[Callable[[], None]] = []


def kind(name: str, *, attempts: int = MAX_ATTEMPTS, given_up: GiveUp | None = None) -> Callable[[Run], Run]:
    """Decorator: `function(unit)` does the work of kind `name`, outside of any unit of work on the database.

    `given_up(key, error)` is called in the write unit that fails a unit of the kind for good.
    """

    def register(function: Run) -> Run:
        if name in _kinds:
            raise ValueError(f"two functions for work {name}")
        _kinds[name] = Kind(function, attempts, given_up)
        return function

    return register


def kinds() -> list[str]:
    """The kinds this process can do."""
    return sorted(_kinds)


def on_queued(call: Callable[[], None]) -> None:
    """Have `call()` called, in any thread, whenever this process has queued work."""
    _listeners.append(call)


def enqueue(name: str, key: str = "", payload: Any = None, *, due: datetime | None = None, place: str = "") -> None:
    """Queue a unit in the write unit that is open; `key` '' makes one of its own.

    There is one unit of a kind and key: queued again it takes the new payload and place, and runs once more if it is
    running.
    With a `place` it waits for a worker that serves the place.
    """
    enqueue_many(name, [key or ids.uuid()], payload, due=due, place=place)


def enqueue_many(
    name: str, keys: Sequence[str], payload: Any = None, *, due: datetime | None = None, place: str = ""
) -> None:
    """Queue a unit for each of some hundred keys, as `enqueue` does for one, in one statement."""
    if name not in _kinds:
        raise ValueError(f"no function for work {name}")
    if not keys:
        return
    now = clock.now()
    text, times = orjson.dumps(payload).decode(), (clock.micros(due or now), clock.micros(now))
    db.execute(
        "INSERT INTO core_work (kind, key, place, payload, state, again, attempts, due_ts, created_ts) VALUES "  # noqa: S608
        + ", ".join(["(?, ?, ?, ?, 'queued', ?, 0, ?, ?)"] * len(keys))
        + " ON CONFLICT (kind, key) DO UPDATE SET payload = excluded.payload, place = excluded.place,"
        " again = (core_work.state = 'running'),"
        " attempts = CASE core_work.state WHEN 'running' THEN core_work.attempts ELSE 0 END,"
        " due_ts = CASE WHEN core_work.state = 'queued' AND core_work.due_ts < excluded.due_ts"
        " THEN core_work.due_ts ELSE excluded.due_ts END,"
        " state = CASE core_work.state WHEN 'running' THEN 'running' ELSE 'queued' END",
        *(value for key in keys for value in (name, key, place, text, False, *times)),
    )
    wake()


def wake() -> None:
    """Wake the workers of this process once the open write unit is committed."""
    for call in _listeners:
        db.after_commit(call)


def claim(place: str = "") -> Unit | None:
    """The due unit of a place that has waited longest, now ours for the time of a lease; None when there is none."""
    names = kinds()
    now = clock.now()
    wanted = f"place = ? AND state = 'queued' AND due_ts <= ? AND kind IN ({', '.join('?' * len(names))})"
    params = (place, clock.micros(now), *names)
    # Reading first keeps an idle worker off SQLite's write lock.
    with db.read():
        if db.row(f"SELECT 1 FROM core_work WHERE {wanted} LIMIT 1", *params) is None:  # noqa: S608
            return None
    skip = " FOR UPDATE SKIP LOCKED" if db.is_postgres() else ""
    with db.write(durable=False):
        found = db.row(
            f"SELECT {COLUMNS} FROM core_work WHERE {wanted} ORDER BY due_ts, pk LIMIT 1{skip}",  # noqa: S608
            *params,
        )
        if found is None:
            return None
        unit = Unit(found[0], found[1], found[2], orjson.loads(found[3]), found[4] + 1, ids.uuid())
        db.execute(
            "UPDATE core_work SET state = 'running', claim = ?, lease_ts = ?, attempts = ?, again = ? WHERE pk = ?",
            unit.claim,
            clock.micros(now + LEASE),
            unit.attempts,
            False,
            unit.pk,
        )
    failpoints.hit("work.claimed")
    return unit


def run(unit: Unit) -> None:
    """Do the work of a unit and finish it, or note why it failed. Raises nothing."""
    bound = structlog.contextvars.bind_contextvars(work=unit.kind, work_key=unit.key)
    try:
        _kinds[unit.kind].run(unit)
        failpoints.hit("work.done")
        finish(unit)
        failpoints.hit("work.finished")
        log.info("work done", attempts=unit.attempts)
    except LeaseLost:
        log.warning("work left to another worker")
    except Later as later:
        postpone(unit, later.delay)
    except Exception as exc:
        fail(unit, exc)
    finally:
        structlog.contextvars.reset_contextvars(**bound)


def finish(unit: Unit) -> None:
    """The unit is done: it goes, or is queued once more when it was asked for meanwhile. Raises LeaseLost."""
    with db.write(durable=False):
        if db.execute("DELETE FROM core_work WHERE pk = ? AND claim = ? AND NOT again", unit.pk, unit.claim):
            return
        if not _release(unit.claim, "queued", "attempts = 0, due_ts = ?", clock.micros(clock.now())):
            if db.row("SELECT 1 FROM core_work WHERE kind = ? AND key = ?", unit.kind, unit.key) is None:
                return  # it has ended itself
            raise LeaseLost(f"{unit.kind} {unit.key}")
        wake()


def postpone(unit: Unit, delay: timedelta) -> None:
    """Queue the unit again, due after a while, as if it had not been tried."""
    with db.write():
        _release(unit.claim, "queued", "attempts = 0, due_ts = ?", clock.micros(clock.now() + delay))
        wake()


def fail(unit: Unit, exc: Exception) -> None:
    """Note the error; the unit is tried again after a while, or fails for good."""
    final = isinstance(exc, Permanent) or unit.attempts >= _kinds[unit.kind].attempts
    expected = isinstance(exc, Problem | Permanent | OSError)
    error = f"{type(exc).__name__}: {exc}".replace("\0", "")[:MAX_ERROR]
    tell = log.error if final else log.warning
    tell("work failed", error=error, final=final, exc_info=None if expected else exc)
    due = clock.now() if final else clock.now() + delay(unit.attempts)
    with db.write():
        if final:
            _give_up(unit.kind, unit.key, unit.claim, error)
        _release(unit.claim, "failed" if final else "queued", "error = ?, due_ts = ?", error, clock.micros(due))


def _give_up(name: str, key: str, held: str, error: str) -> None:
    """Tell whoever wants to know that a unit fails for good, unless it is in other hands."""
    given_up = _kinds[name].given_up
    if given_up is not None and db.row("SELECT 1 FROM core_work WHERE claim = ?", held) is not None:
        given_up(key, error)


def delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts: doubled each time, and never in step with others."""
    return min(FIRST_DELAY * 2 ** (attempts - 1), MAX_DELAY) * random.uniform(0.5, 1)  # noqa: S311


def _release(claim: str, state: str, change: str, *params: Any) -> int:
    """End a claim and change its unit's row; how many units that were (0 when the claim was lost)."""
    return db.execute(
        f"UPDATE core_work SET claim = NULL, lease_ts = NULL, again = ?, state = ?, {change} WHERE claim = ?",  # noqa: S608
        False,
        state,
        *params,
        claim,
    )


def renew(claims: Iterable[str]) -> None:
    """Make the leases of these claims last from now."""
    until = clock.micros(clock.now() + LEASE)
    held = sorted(claims)
    marks = ", ".join("?" * len(held))
    with db.write():
        db.execute(f"UPDATE core_work SET lease_ts = ? WHERE claim IN ({marks})", until, *held)  # noqa: S608


def hand_back(claims: Iterable[str]) -> None:
    """Queue the units of these claims again at once, as if they had not been tried: this process ends."""
    with db.write():
        for held in sorted(claims):
            _release(held, "queued", "attempts = attempts - 1")


def sweep() -> int:
    """Put back the units whose lease has ended, failing those tried often enough; how many there were."""
    failpoints.hit("work.sweep")
    now = clock.micros(clock.now())
    with db.read():
        ended = db.rows(
            "SELECT kind, key, claim, attempts FROM core_work WHERE state = 'running' AND lease_ts < ?", now
        )
    for name, key, held, attempts in ended:
        final = name in _kinds and attempts >= _kinds[name].attempts
        log.warning("the lease of a worker has ended", work=name, attempts=attempts, final=final)
        with db.write():
            # Renewed meanwhile, it is not ours to take.
            if db.row("SELECT 1 FROM core_work WHERE claim = ? AND lease_ts < ?", held, now) is None:
                continue
            error = "its workers died or hung"
            if final:
                _give_up(name, key, held, error)
            _release(held, "failed" if final else "queued", "error = ?, due_ts = ?", error, now)
    return len(ended)


def due(limit: int, place: str = "") -> tuple[int, datetime | None]:
    """How many units of a place this process could do now (`limit` at most), and when the next one will be due."""
    now = clock.micros(clock.now())
    mine = f"place = ? AND state = 'queued' AND kind IN ({', '.join('?' * len(_kinds))})"
    names = (place, *kinds())
    with db.read():
        ready = db.rows(f"SELECT 1 FROM core_work WHERE {mine} AND due_ts <= ? LIMIT ?", *names, now, limit)  # noqa: S608
        later = db.row(f"SELECT MIN(due_ts) FROM core_work WHERE {mine} AND due_ts > ?", *names, now)  # noqa: S608
    return len(ready), clock.from_micros(later[0]) if later and later[0] is not None else None


def running(name: str) -> set[str]:
    """The keys of the units of a kind that some worker has in hand. In a unit of work."""
    return {key for (key,) in db.rows("SELECT key FROM core_work WHERE kind = ? AND state = 'running'", name)}


def count() -> dict[tuple[str, str], int]:
    """How many units there are of each (kind, state)."""
    with db.read():
        return {
            (name, state): n for name, state, n in db.rows("SELECT kind, state, COUNT(*) FROM core_work GROUP BY 1, 2")
        }
