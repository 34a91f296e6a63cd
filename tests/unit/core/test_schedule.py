"""Scheduled work: each tick is queued once, in the zone it is meant for (design section 5)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.core import db, schedule, work

ZURICH = ZoneInfo("Europe/Zurich")


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def nightly(monkeypatch):
    monkeypatch.setattr(work, "_kinds", {})
    monkeypatch.setattr(work, "_listeners", [])
    monkeypatch.setattr(schedule, "_schedules", {})
    schedule.scheduled("night", "30 2 * * *", zone="Europe/Zurich")(lambda unit: None)


def queued():
    with db.read():
        return len(db.rows("SELECT pk FROM core_work"))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(2026, 11, 25, 1, 30), at(2026, 11, 25, 1, 30)),  # 02:30 in Zurich to the second
        (at(2026, 11, 25, 1, 29, 59, 999_999), at(2026, 11, 24, 1, 30)),
        (at(2026, 7, 1, 0, 31), at(2026, 7, 1, 0, 30)),  # summer time
    ],
)
def test_the_latest_tick(now, expected):
    assert schedule.last_tick("30 2 * * *", ZURICH, now) == expected


def test_a_day_without_half_past_two_still_has_its_tick():
    """On 29 March 2026 clocks in Zurich go from 02:00 to 03:00."""
    tick = schedule.last_tick("30 2 * * *", ZURICH, at(2026, 3, 29, 12))
    assert at(2026, 3, 29, 1) <= tick < at(2026, 3, 29, 2)


def test_a_tick_is_queued_once_and_none_for_the_time_before(database, nightly, frozen):
    with frozen(at(2026, 11, 25, 12)):
        schedule.queue_due()
        schedule.queue_due()
        assert queued() == 0
    with frozen(at(2026, 11, 26, 1, 30)):
        schedule.queue_due()
        assert queued() == 1
        work.run(work.claim())
        schedule.queue_due()
        assert queued() == 0


def test_of_many_missed_ticks_one_is_made_up(database, nightly, frozen):
    with frozen(at(2026, 11, 25, 12)):
        schedule.queue_due()
    with frozen(at(2026, 12, 25, 12)):
        schedule.queue_due()
        assert queued() == 1
        work.run(work.claim())
        schedule.queue_due()
        assert queued() == 0


def test_of_many_processes_one_queues_a_tick(database, nightly, frozen, monkeypatch):
    ticks = []
    monkeypatch.setattr(work, "enqueue", lambda *args: ticks.append(args))
    with frozen(at(2026, 11, 25, 12)):
        schedule.queue_due()
    with frozen(at(2026, 11, 25, 12) + timedelta(days=1)), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: schedule.queue_due(), range(16)))
    assert ticks == [("night", "tick")]


def test_a_line_that_is_no_cron_line_is_refused_at_start(nightly):
    with pytest.raises(Exception, match="Bad"):
        schedule.scheduled("broken", "61 * * * *")
