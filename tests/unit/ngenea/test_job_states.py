"""Pausing, going on with, cancelling, repeating and deleting jobs (ngenea 3.3)."""

import threading

import pytest

from app.core import db, failpoints, work
from app.core.errors import Conflict, Forbidden, NotFound
from app.ngenea import graph, job_actions, job_removal, rights, running, states, tasks
from app.ngenea.outcomes import Outcome
from models.ngenea.jobs import Job, Task, TaskPath
from tests.support.ngenea import make_group, make_user
from tests.support.ngenea_jobs import (
    COPY,
    SHOUT,
    SPACE,
    call,
    check_counters,
    job_row,
    make_hall,
    make_workflow,
    path_rows,
    root_caller,
    submit,
    task_rows,
)
from tests.support.racing import race
from tests.support.waiting import eventually

pytestmark = pytest.mark.rule("ngenea 3.3")


@pytest.fixture
def gate(monkeypatch):
    """A task that waits at its third file until it may go on."""
    reached, go = threading.Event(), threading.Event()

    def slow(context, paths, arguments):
        for at, path in enumerate(paths):
            if at == 2 and not go.is_set():
                reached.set()
                while not go.wait(0.05) and not context.stopped():
                    pass
            if context.stopped():
                return
            yield Outcome(path, "processed", 3)

    monkeypatch.setitem(tasks.TASKS, SHOUT, tasks.Task(SHOUT, {}, slow))
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.05)
    yield reached, go
    go.set()


@pytest.fixture
def job(hall, me):
    """A job of ten files whose paths are found, and whose one task has not begun."""
    for number in range(10):
        hall.file(b"f%d" % number)
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    hall.work_off(2)
    assert job_row(number).live == 1
    return number


def states_of(number):
    return [task.state for task in task_rows(number) if task.tasktype in (SHOUT, COPY)]


def queued():
    with db.read():
        return db.rows("SELECT COUNT(*) FROM core_work WHERE kind = 'ngenea.task'")[0][0]


def put(number, state):
    with db.write():
        Job.update(state=state).where(Job.pk == number).execute()


@pytest.mark.parametrize("name", ["pause", "resume", "cancel"])
@pytest.mark.parametrize("state", states.JOB_STATES)
def test_each_call_is_for_certain_states(hall, job, name, state):
    put(job, state)
    after = states.TRANSITIONS[name].get(state)
    if after is None:
        with pytest.raises(Conflict):
            call(name, job)
        assert job_row(job).state == state
    else:
        call(name, job)
        assert job_row(job).state in (after, "PAUSED", "CANCELLED")


def test_the_table_is_that_of_the_reference():
    assert set(states.TRANSITIONS["pause"]) == {"PENDING", "STARTED"}
    assert set(states.TRANSITIONS["resume"]) == {"PAUSED", "PAUSING"}
    assert set(states.TRANSITIONS["cancel"]) == {"NEW", "PENDING", "STARTED", "PAUSING", "PAUSED"}


def test_a_paused_job_hands_out_nothing_and_burns_nothing(hall, job):
    call("pause", job)
    assert job_row(job).state == "PAUSED"
    assert hall.work_off() <= 1
    assert hall.work_off() == queued() == 0
    assert states_of(job) == ["PENDING"]
    call("resume", job)
    assert queued() == 1
    hall.work_off()
    assert job_row(job).state == "SUCCESS"
    assert job_row(job).processed == 10
    check_counters(job)


def test_what_runs_stops_at_the_next_file_and_goes_on_there(hall, job, gate):
    reached, go = gate
    with hall.worker():
        assert reached.wait(30)
        call("pause", job)
        assert job_row(job).state == "PAUSING"
        eventually(lambda: job_row(job).state == "PAUSED")
        check_counters(job)
        assert states_of(job) == ["PENDING"]
        with db.read():
            done = TaskPath.select().where(TaskPath.job == job, TaskPath.state == "processed")
            assert done.join(Task).where(Task.tasktype == SHOUT).count() == 2
        go.set()
        call("resume", job)
        eventually(lambda: job_row(job).state == "SUCCESS")
    assert job_row(job).processed == 10
    check_counters(job)


def test_resumed_before_it_had_stopped_it_goes_on(hall, job, gate):
    reached, go = gate
    with hall.worker():
        assert reached.wait(30)
        call("pause", job)
        call("resume", job)
        go.set()
        eventually(lambda: job_row(job).state == "SUCCESS")
    assert job_row(job).processed == 10
    check_counters(job)


def test_resumed_after_it_was_told_to_stop_it_goes_on(hall, job, monkeypatch):
    monkeypatch.setattr(running, "LOOK_SECONDS", 0)
    turns = []

    def stop(context, paths, arguments):
        turns.append(len(paths))
        for path in paths:
            if len(turns) == 1 and path == paths[3]:
                call("pause", job)
                assert context.stopped()
                call("resume", job)
                return
            yield Outcome(path, "processed", 3)

    monkeypatch.setitem(tasks.TASKS, SHOUT, tasks.Task(SHOUT, {}, stop))
    hall.work_off()
    assert turns == [10, 7]
    assert (job_row(job).state, job_row(job).processed) == ("SUCCESS", 10)
    check_counters(job)


@pytest.mark.parametrize("name", ["pause", "cancel"])
@pytest.mark.parametrize("seconds", [0, 60])
def test_discovery_stops_and_finds_the_rest_later(hall, me, monkeypatch, name, seconds):
    """At once, or as soon as it wants to write."""
    monkeypatch.setattr(running, "LOOK_SECONDS", seconds)
    monkeypatch.setattr("app.ngenea.discovery.CHUNK", 5)
    for number in range(20):
        hall.file(b"f%d" % number)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off(1)
    plain = running.Run.stopped
    asked = []

    def stopped(run):
        asked.append(1)
        if len(asked) == 12:
            call(name, number)
        return plain(run)

    monkeypatch.setattr(running.Run, "stopped", stopped)
    hall.work_off()
    job = job_row(number)
    assert (job.state, 0 < job.discovered < 20) == ("PAUSED" if name == "pause" else "CANCELLED", True)
    check_counters(number)
    if name == "cancel":
        assert queued() == 0
        return
    call("resume", number)
    hall.work_off()
    assert (job_row(number).state, job_row(number).processed) == ("SUCCESS", 20)
    check_counters(number)


def test_cancel_leaves_nothing_waiting(hall, job):
    call("cancel", job)
    assert job_row(job).state == "CANCELLED"
    assert states_of(job) == ["CANCELLED"]
    hall.work_off()
    assert queued() == 0
    assert job_row(job).processed == 0
    assert hall.text("f1") == b"abc"
    assert job_row(job).completed_ts is not None
    check_counters(job)


def test_cancelled_while_it_runs_it_stops_at_the_next_file(hall, job, gate):
    reached, _ = gate
    with hall.worker():
        assert reached.wait(30)
        call("cancel", job)
        assert job_row(job).state == "CANCELLING"
        eventually(lambda: job_row(job).state == "CANCELLED")
    assert states_of(job) == ["CANCELLED"]
    check_counters(job)
    assert job_row(job).progress == 100  # all of its tasks are at their end


@pytest.mark.parametrize(("name", "ends"), [("pause", "PAUSED"), ("cancel", "CANCELLED")])
def test_a_worker_that_died_keeps_no_job_from_stopping(hall, job, name, ends):
    unit = work.claim(hall.place)
    assert running.begin(unit) is not None
    call(name, job)
    running.settle_all(unit)
    assert job_row(job).state == ("PAUSING" if name == "pause" else "CANCELLING")
    with db.write():
        db.execute("UPDATE core_work SET lease_ts = 1")
    work.sweep()
    running.settle_all(unit)
    assert job_row(job).state == ends
    check_counters(job)
    if name == "pause":
        call("resume", job)
        hall.work_off()
        assert job_row(job).state == "SUCCESS"


def test_cancel_and_the_end_of_the_last_task_at_once(hall, job):
    unit = work.claim(hall.place)
    race(lambda: work.run(unit), lambda: call("cancel", job))
    hall.work_off()
    assert job_row(job).state == "CANCELLED"
    check_counters(job)


def test_append_and_the_end_of_the_last_task_at_once(hall, me):
    make_workflow("loud", {"name": SHOUT}, discovery=None)
    for turn in range(5):
        first, second = hall.file(b"a%d" % turn), hall.file(b"b%d" % turn)
        number = submit(me, "loud", first)
        hall.work_off(1)
        unit = work.claim(hall.place)

        def append(number=number, second=second):
            try:
                submit(me, "loud", second, job=number)
            except Conflict:
                return False
            return True

        _, joined = race(lambda unit=unit: work.run(unit), append)
        hall.work_off()
        job = job_row(number)
        assert (job.state, job.processed) == ("SUCCESS", 2 if joined else 1)
        check_counters(number)


def test_pause_and_resume_over_and_over_lose_nothing(hall, me):
    hall.tree(120, 10)
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 3")
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    with hall.worker(2), hall.worker(2):
        while job_row(number).state not in states.ENDED:
            for name in ("pause", "resume"):
                try:
                    call(name, number)
                except Conflict:
                    continue
    assert (job_row(number).state, job_row(number).processed) == ("SUCCESS", 120)
    check_counters(number)


def test_a_job_that_has_ended_is_run_again_with_the_same_paths(hall, me):
    paths = [hall.file(b"f%d" % number) for number in range(30)]
    make_workflow("loud", {"name": SHOUT}, discovery=None)
    old = submit(me, "loud", *paths, exclude=["f1"])
    with db.write():
        assert job_actions.resubmit(me, old) == old
    hall.work_off()
    for number in range(30):
        hall.file(b"f%d" % number)
    with db.write():
        new = job_actions.resubmit(me, old)
    hall.work_off()
    assert new != old
    assert set(path_rows(new)) == set(path_rows(old)) == {f"f{number}" for number in range(30) if number != 1}
    assert job_row(new).state == "SUCCESS"
    assert job_row(new).request == job_row(old).request
    check_counters(new)


def test_who_sees_the_space_no_more_repeats_nothing(hall, me):
    make_workflow("loud", {"name": SHOUT})
    hall.file(b"a")
    number = submit(me, "loud", SPACE)
    hall.work_off()
    make_group("operators", "change_job", "view_job")
    eve = root_caller(make_user("eve", "operators"))
    eve = type(eve)("ngenea", "user", eve.id)
    with pytest.raises(Forbidden), db.write():
        job_actions.resubmit(eve, number)


def test_a_deleted_job_leaves_nothing(hall, job):
    with pytest.raises(Conflict):
        delete(job)
    hall.work_off()
    delete(job)
    assert left_of(job) == 0
    with pytest.raises(NotFound):
        call("cancel", job)


def delete(number):
    with db.write():
        job_removal.delete(number)


def left_of(number):
    """How many rows there are of a job."""
    tables = ("ngenea_job_input", "ngenea_job_path", "ngenea_job_space", "ngenea_task", "ngenea_task_path")
    with db.read():
        counts = [db.rows(f"SELECT COUNT(*) FROM {table} WHERE job_id = ?", number)[0][0] for table in tables]
        return sum(counts) + db.rows("SELECT COUNT(*) FROM ngenea_job WHERE pk = ?", number)[0][0]


@pytest.fixture
def small_parts(monkeypatch, hall, job):
    """A job that has ended and is too large to be removed in one transaction."""
    hall.work_off()
    monkeypatch.setattr(job_removal, "ROWS", 7)
    return job


def test_a_large_job_goes_in_parts(me, small_parts):
    before = left_of(small_parts)
    delete(small_parts)
    assert 0 < left_of(small_parts) < before
    # It is gone all the same.
    for call_again in (delete, lambda number: job_actions.resubmit(me, number)):
        with pytest.raises(NotFound), db.write():
            call_again(small_parts)
    with db.read():
        assert not Job.select().where(rights.visible(me, Job)).exists()
        assert not Task.select().where(rights.visible(me, Task)).exists()
    work.run(work.claim())
    assert left_of(small_parts) == 0
    assert work.claim() is None


def test_what_removes_a_job_goes_with_it(small_parts):
    """A worker that dies just then leaves nothing that would remove the next job of this number."""
    delete(small_parts)
    unit = work.claim()
    job_removal.forget(unit)
    with db.read():
        assert graph.going() == set()
    work.finish(unit)


def test_who_removes_a_job_may_die(tmp_path, small_parts):
    file = tmp_path / "failpoints"
    failpoints.configure(file)
    file.write_text("ngenea.forgetting error@2\n")
    try:
        delete(small_parts)
        work.run(work.claim())
        assert left_of(small_parts) > 0
    finally:
        failpoints.configure(None)
    with db.write():
        db.execute("UPDATE core_work SET due_ts = 1")
    work.run(work.claim())
    assert left_of(small_parts) == 0
    assert work.claim() is None


def test_a_deleted_job_leaves_no_work_to_the_next_one(me, hall, tmp_path):
    """On a site whose workers never came; a new job may get the numbers of the old one."""
    paris = make_hall(tmp_path / "paris", "paris")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE, site="paris")
    call("cancel", number)
    delete(number)
    with db.read():
        assert db.rows("SELECT COUNT(*) FROM core_work WHERE kind = 'ngenea.task'") == [(0,)]
    hall.file(b"a")
    number = submit(me, "loud", SPACE)
    hall.work_off()
    assert job_row(number).state == "SUCCESS"
    assert paris.work_off() == 0
