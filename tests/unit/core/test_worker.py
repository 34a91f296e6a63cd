"""The threads that do work: woken at once, here and elsewhere; leases kept and handed back (design section 5)."""

import threading
import time
from datetime import timedelta

import pytest

from app.core import clock, db, failed_units, schedule, work, worker
from app.core.worker import Worker

PATIENCE = 60


@pytest.fixture
def kinds(monkeypatch):
    monkeypatch.setattr(work, "_kinds", {})
    monkeypatch.setattr(work, "_listeners", [])
    monkeypatch.setattr(schedule, "_schedules", {})


@pytest.fixture
def start(database):
    """Start workers on the database of this test; they are stopped at its end."""
    url = database.url if database.kind == "postgres" else None
    worker.prepare(url)
    running = []

    def begin(threads=2):
        running.append(Worker(threads, postgres_url=url))
        running[-1].start()
        return running[-1]

    yield begin
    for each in running:
        each.stop()


def queue(*args, **options):
    with db.write():
        work.enqueue(*args, **options)


def empty():
    with db.read():
        return db.row("SELECT COUNT(*) FROM core_work WHERE state != 'failed'") == (0,)


def wait_until(true):
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "never came true"
        time.sleep(0.02)


def test_what_is_queued_is_done(kinds, start):
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    start()
    for number in range(20):
        queue("note", payload=number)
    wait_until(empty)
    assert sorted(seen) == list(range(20))


def test_what_was_queued_before_the_start_is_done(kinds, start):
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    queue("note", payload=1)
    start()
    wait_until(empty)
    assert seen == [1]


def test_a_wake_up_needs_no_sweep(kinds, start, monkeypatch):
    """With sweeps an hour apart work is done all the same, also by a worker that did not queue it."""
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 3600.0)
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    start()
    wait_until(lambda: work.due(1) == (0, None))
    time.sleep(0.2)
    for number in range(5):
        queue("note", payload=number)
        wait_until(lambda wanted=number: len(seen) > wanted)
    assert seen == list(range(5))


def test_a_process_without_threads_wakes_those_that_have_some(kinds, postgres, monkeypatch):
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 3600.0)
    worker.prepare(postgres.url)
    seen = []
    work.kind("note")(lambda unit: seen.append(threading.current_thread().name))
    does = Worker(1, postgres_url=postgres.url)
    does.start()
    time.sleep(0.3)
    monkeypatch.setattr(work, "_listeners", [])  # the one that queues is another process
    tells = Worker(0, postgres_url=postgres.url)
    tells.start()
    try:
        queue("note")
        wait_until(lambda: seen)
    finally:
        does.stop()
        tells.stop()


def test_a_lost_message_costs_a_sweep(kinds, start, monkeypatch):
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 0.2)
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    start()
    monkeypatch.setattr(work, "_listeners", [])
    queue("note", payload=1)
    wait_until(empty)
    assert seen == [1]


def test_a_worker_of_a_place_looks_by_itself(kinds, start, monkeypatch):
    """Who queues work of a place may be a process that sends no messages to it."""
    seen = []
    work.kind("note")(lambda unit: seen.append(unit.payload))
    there = Worker(1, place="berlin", pause=0.2)
    there.start()
    try:
        monkeypatch.setattr(work, "_listeners", [])
        queue("note", "here", payload=1)
        with db.write():
            work.enqueue("note", "there", 2, place="berlin")
        wait_until(lambda: seen)
        assert seen == [2]
    finally:
        there.stop()


def test_work_for_later_is_done_when_it_is_due(kinds, start):
    seen = []
    work.kind("note")(lambda unit: seen.append(clock.now()))
    start()
    due = clock.now() + timedelta(seconds=1)
    queue("note", due=due)
    wait_until(lambda: seen)
    assert seen[0] >= due


def test_a_lease_is_renewed_while_its_unit_runs(kinds, start, monkeypatch):
    monkeypatch.setattr(worker, "RENEW_SECONDS", 0.1)
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 0.1)
    go = threading.Event()
    work.kind("slow")(lambda unit: go.wait(PATIENCE))
    start()
    queue("slow", "a")

    def lease():
        with db.read():
            return db.row("SELECT lease_ts FROM core_work WHERE state = 'running'")

    try:
        wait_until(lease)
        first = lease()
        wait_until(lambda: lease() > first)
    finally:
        go.set()
    wait_until(empty)


def test_a_stop_hands_back_what_still_runs(kinds, start):
    go, running = threading.Event(), threading.Event()

    @work.kind("slow")
    def _(unit):
        running.set()
        go.wait(PATIENCE)

    first = start(1)
    queue("slow", "a")
    running.wait(PATIENCE)
    first.stop(grace=0.1)
    with db.read():
        assert db.row("SELECT state, attempts, claim FROM core_work") == ("queued", 0, None)
    go.set()


def test_a_stop_lets_what_is_nearly_done_end(kinds, start):
    running = threading.Event()

    @work.kind("slow")
    def _(unit):
        running.set()
        time.sleep(0.3)

    first = start(1)
    queue("slow", "a")
    running.wait(PATIENCE)
    first.stop(grace=PATIENCE)
    assert empty()


def test_a_unit_that_breaks_harms_no_other(kinds, start):
    seen = []
    work.kind("break", attempts=1)(lambda unit: 1 / 0)
    work.kind("note")(lambda unit: seen.append(unit.payload))
    start(1)
    queue("break")
    queue("note", payload=1)
    wait_until(empty)
    assert seen == [1]
    assert len(failed_units.oldest()) == 1


def test_only_signed_messages_are_opened(kinds, postgres):
    """A message is a pickle: one that somebody put into the table would run code."""
    worker.prepare(postgres.url)
    queue_of_messages = worker._queue(postgres.url)
    with pytest.raises(ValueError, match="Separator|match|signature"):
        queue_of_messages.serializer.deserialize(b"cos\nsystem\n(S'true'\ntR.")
    queue_of_messages.storage.close()
