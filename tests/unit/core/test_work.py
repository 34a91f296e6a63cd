"""Work in the background (design section 5): queue, claim, finish, fail, leases."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock, db, failed_units, work
from app.core.errors import Unavailable

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def kinds(monkeypatch):
    """Kinds of work that live for one test; the ones of the product are not there."""
    found = {}
    monkeypatch.setattr(work, "_kinds", found)
    monkeypatch.setattr(work, "_listeners", [])
    return found


@pytest.fixture
def done(kinds):
    """What work of kind `note` has done: its payloads, in order."""
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    return seen


def queue(*args, **options):
    with db.write():
        work.enqueue(*args, **options)


def row(key):
    with db.read():
        found = db.row("SELECT state, attempts, again, error FROM core_work WHERE key = ?", key)
    return None if found is None else (found[0], found[1], bool(found[2]), found[3])


def test_a_unit_is_done_once_and_gone(database, done):
    queue("note", "a", {"n": 1})
    unit = work.claim()
    assert (unit.kind, unit.key, unit.payload, unit.attempts) == ("note", "a", {"n": 1}, 1)
    assert work.claim() is None
    work.run(unit)
    assert done == [{"n": 1}]
    assert row("a") is None


def test_work_of_a_unit_that_is_rolled_back_was_never_queued(database, done):
    told = []
    work.on_queued(lambda: told.append(True))
    with pytest.raises(ZeroDivisionError), db.write():
        work.enqueue("note", "a")
        raise ZeroDivisionError
    assert work.claim() is None
    assert told == []
    queue("note", "a")
    assert told == [True]


def test_only_after_the_commit_anybody_is_told(database, done):
    seen = []
    work.on_queued(lambda: seen.append(row("a")))
    with db.write():
        work.enqueue("note", "a")
        assert seen == []
    assert seen == [("queued", 0, False, None)]


def test_the_one_that_waited_longest_comes_first(database, done, frozen):
    for minutes, key in ((3, "late"), (1, "early"), (2, "middle")):
        queue("note", key, due=NOON + timedelta(minutes=minutes))
    with frozen(NOON):
        assert work.claim() is None
        assert work.due(3) == (0, NOON + timedelta(minutes=1))
    with frozen(NOON + timedelta(minutes=5)):
        assert work.due(2) == (2, None)
        assert [work.claim().key for _ in range(3)] == ["early", "middle", "late"]


def test_a_kind_that_this_process_does_not_know_waits_for_one_that_does(database, kinds, done):
    work.kind("other")(lambda unit: None)
    queue("other", "a")
    del kinds["other"]
    assert work.due(3) == (0, None)
    assert work.claim() is None


def test_work_of_a_place_waits_for_who_serves_it(database, done):
    with db.write():
        work.enqueue("note", "a", place="berlin")
    queue("note", "b")
    assert (work.due(3), work.due(3, "berlin"), work.due(3, "oslo")) == ((1, None), (1, None), (0, None))
    assert work.claim("oslo") is None
    assert work.claim("berlin").key == "a"
    assert work.claim().key == "b"
    assert work.claim() is work.claim("berlin") is None


def test_work_that_is_queued_again_waits_where_it_was_queued_last(database, done):
    for place in ("berlin", "oslo"):
        with db.write():
            work.enqueue("note", "a", place=place)
    assert work.claim("berlin") is None
    unit = work.claim("oslo")
    with db.write():
        work.enqueue("note", "a", place="berlin")
    work.finish(unit)
    assert work.claim("berlin").key == "a"


def test_no_two_claim_the_same(database, done):
    for number in range(20):
        queue("note", str(number))
    with ThreadPoolExecutor(8) as pool:
        claimed = [unit.key for unit in pool.map(lambda _: work.claim(), range(24)) if unit is not None]
    assert sorted(claimed, key=int) == [str(number) for number in range(20)]


def test_queued_twice_is_done_once_with_the_newer_payload(database, done):
    queue("note", "a", 1)
    queue("note", "a", 2)
    work.run(work.claim())
    assert work.claim() is None
    assert done == [2]


def test_queued_while_it_runs_it_runs_once_more(database, done):
    queue("note", "a", 1)
    unit = work.claim()
    queue("note", "a", 2)
    queue("note", "a", 3)
    assert work.claim() is None
    work.run(unit)
    work.run(work.claim())
    assert done == [1, 3]
    assert row("a") is None


def test_a_failure_is_tried_again_later_and_later_until_it_is_final(database, kinds, frozen):
    tries = []

    @work.kind("break", attempts=3)
    def _(unit):
        tries.append(unit.attempts)
        raise Unavailable("not now")

    with frozen(NOON):
        queue("break", "a")
        work.run(work.claim())
        assert work.claim() is None
        assert row("a") == ("queued", 1, False, "Unavailable: not now")
    with frozen(NOON + timedelta(minutes=1)):
        work.run(work.claim())
    with frozen(NOON + timedelta(minutes=2)):
        work.run(work.claim())
    assert tries == [1, 2, 3]
    assert row("a") == ("failed", 3, False, "Unavailable: not now")
    with frozen(NOON + timedelta(days=1)):
        assert work.claim() is None
    assert [(unit.kind, unit.key, unit.attempts) for unit in failed_units.oldest()] == [("break", "a", 3)]


def test_a_failed_unit_can_be_tried_again(database, kinds):
    work.kind("break", attempts=1)(lambda unit: 1 / 0)
    queue("break", "a")
    work.run(work.claim())
    failed = failed_units.oldest()[0]
    assert failed.error == "ZeroDivisionError: division by zero"
    assert not failed_units.retry(failed.pk + 1)
    assert failed_units.retry(failed.pk)
    assert not failed_units.retry(failed.pk)
    assert work.claim().attempts == 1


def test_what_can_never_succeed_is_tried_once(database, kinds):
    @work.kind("refuse")
    def _(unit):
        raise work.Permanent("no such file")

    queue("refuse", "a")
    work.run(work.claim())
    assert row("a") == ("failed", 1, False, "Permanent: no such file")


@pytest.mark.parametrize("attempts", range(1, 12))
def test_the_wait_doubles_to_ten_minutes(attempts):
    full = min(timedelta(seconds=2 * 2 ** (attempts - 1)), timedelta(minutes=10))
    assert full / 2 <= work.delay(attempts) <= full


def test_a_lease_that_ends_puts_the_unit_back(database, done, frozen):
    with frozen(NOON):
        queue("note", "a", 1)
        dead = work.claim()
    with frozen(NOON + timedelta(seconds=30)):
        assert work.sweep() == 0  # it lasts thirty seconds
    with frozen(NOON + timedelta(seconds=31)):
        assert work.sweep() == 1
        other = work.claim()
        assert (other.key, other.attempts) == ("a", 2)
        # The first worker was only slow: it may not finish what is another's now.
        with pytest.raises(work.LeaseLost):
            dead.check()
        with pytest.raises(work.LeaseLost):
            work.finish(dead)
        other.check()
        work.finish(other)
    assert row("a") is None


def test_a_renewed_lease_lasts_from_then(database, done, frozen):
    with frozen(NOON):
        queue("note", "a")
        unit = work.claim()
    with frozen(NOON + timedelta(seconds=25)):
        work.renew([unit.claim])
    with frozen(NOON + timedelta(seconds=54)):
        assert work.sweep() == 0
        unit.check()


def test_a_unit_whose_workers_die_again_and_again_fails(database, kinds, frozen):
    work.kind("kill", attempts=2)(lambda unit: None)
    with frozen(NOON):
        queue("kill", "a")
        work.claim()
    with frozen(NOON + timedelta(minutes=1)):
        work.sweep()
        work.claim()
    with frozen(NOON + timedelta(minutes=2)):
        work.sweep()
    assert row("a") == ("failed", 2, False, "its workers died or hung")


def test_who_asked_for_it_is_told_when_a_unit_fails_for_good(database, kinds, frozen):
    told = []
    work.kind("break", attempts=2, given_up=lambda key, error: told.append((key, error)))(lambda unit: 1 / 0)
    work.kind("kill", attempts=1, given_up=lambda key, error: told.append((key, error)))(lambda unit: None)
    with frozen(NOON):
        queue("break", "a")
        queue("kill", "b")
        work.run(work.claim())
        work.claim()
        assert told == []
    with frozen(NOON + timedelta(minutes=1)):
        work.sweep()
        assert told == [("b", "its workers died or hung")]
        work.run(work.claim())
    assert told[1:] == [("a", "ZeroDivisionError: division by zero")]


def test_nobody_is_told_of_a_unit_that_somebody_else_has_now(database, kinds, frozen):
    told = []
    work.kind("break", attempts=1, given_up=lambda key, error: told.append(key))(lambda unit: None)
    queue("break", "a")
    unit = work.claim()
    work.hand_back([unit.claim])
    work.fail(unit, ValueError("late"))
    assert told == []
    assert row("a") == ("queued", 0, False, None)


def test_what_telling_changes_is_undone_with_the_failure(database, kinds):
    def told(key, error):
        db.execute("UPDATE core_work SET payload = '1' WHERE key = ?", key)
        raise Unavailable("not now")

    work.kind("break", attempts=1, given_up=told)(lambda unit: None)
    queue("break", "a")
    unit = work.claim()
    with pytest.raises(Unavailable):
        work.fail(unit, ValueError("wrong"))
    with db.read():
        assert db.row("SELECT state, payload FROM core_work WHERE key = 'a'") == ("running", "null")


def test_many_are_queued_in_one_statement(database, done):
    with db.count_queries() as queries:
        with db.write():
            work.enqueue_many("note", [str(number) for number in range(500)], "x", place="site/1")
            work.enqueue_many("note", [])
        assert queries.count == 1
    unit = work.claim("site/1")
    with db.read():
        assert work.running("note") == {unit.key}
        assert work.running("other") == set()
    with db.write():
        work.enqueue_many("note", [unit.key, "new"], "y", place="site/1")
    assert row(unit.key)[:3] == ("running", 1, True)
    assert row("new")[:3] == ("queued", 0, False)
    with pytest.raises(ValueError, match="no function"):
        queue_many("nothing", ["a"])


def queue_many(*args):
    with db.write():
        work.enqueue_many(*args)


def test_a_unit_in_hand_is_held_until_the_end_of_a_write_unit(database, done):
    queue("note", "a")
    unit = work.claim()
    with db.write():
        unit.hold()
    work.hand_back([unit.claim])
    with pytest.raises(work.LeaseLost), db.write():
        unit.hold()


def test_handed_back_it_was_never_tried(database, done):
    queue("note", "a")
    unit = work.claim()
    work.hand_back([unit.claim])
    assert row("a") == ("queued", 0, False, None)
    with pytest.raises(work.LeaseLost):
        unit.check()


def test_two_functions_for_one_kind_are_refused(kinds, done):
    with pytest.raises(ValueError, match="two functions for work note"):
        work.kind("note")(print)


def test_work_that_nobody_can_do_is_refused(database, kinds):
    with pytest.raises(ValueError, match="no function for work lost"), db.write():
        work.enqueue("lost")


def test_counts_by_kind_and_state(database, done):
    queue("note", "a")
    queue("note", "b")
    work.claim()
    assert work.count() == {("note", "queued"): 1, ("note", "running"): 1}


def test_after_commit_needs_a_write_unit(database):
    with pytest.raises(RuntimeError), db.read():
        db.after_commit(lambda: None)


def test_a_long_unit_sees_that_it_was_lost(database, kinds, frozen):
    """`check` ends work that another took over; nothing is noted against the unit."""
    moment = [NOON]
    steps = []

    @work.kind("long")
    def _(unit):
        steps.append("first")
        with clock.freeze(NOON + timedelta(minutes=1)):
            work.sweep()
        unit.check()
        steps.append("second")

    with frozen(moment[0]):
        queue("long", "a")
        work.run(work.claim())
    assert steps == ["first"]
    assert row("a")[0] == "queued"


def test_a_claim_never_waits_for_a_unit_that_another_transaction_holds(postgres, done):
    """SKIP LOCKED: workers do not queue up behind each other."""
    queue("note", "a")
    queue("note", "b")
    held, go = threading.Event(), threading.Event()

    def hold():
        with db.write():
            db.row("SELECT pk FROM core_work WHERE key = 'a' FOR UPDATE")
            held.set()
            go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    try:
        assert work.claim().key == "b"
    finally:
        go.set()
        holder.join()
