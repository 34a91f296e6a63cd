"""Jobs at work: what is found, which tasks have it, how tasks and jobs end (ngenea 3.1 to 3.3)."""

import os
import uuid
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import db, failpoints, work
from app.ngenea import discovery, graph, here, job_paths, rules, running, states, tasks, walk
from app.ngenea.outcomes import Outcome
from tests.support.ngenea_jobs import (
    COPY,
    SHOUT,
    SPACE,
    call,
    check_counters,
    job_row,
    make_hall,
    make_space,
    make_workflow,
    path_rows,
    submit,
    task_rows,
)
from tests.support.waiting import eventually

STEPS = ("ngenea.emitted", "ngenea.batch")


def ended(number):
    job = job_row(number)
    return job if job.state in states.ENDED else None


def done_by(number):
    """How many tasks of each type and state a job has."""
    return Counter((task.tasktype.rpartition(".")[2], task.state) for task in task_rows(number))


@pytest.fixture
def failing(tmp_path):
    """Order a failpoint."""
    file = tmp_path / "failpoints"
    failpoints.configure(file)
    failpoints._hits.clear()
    yield file
    failpoints.configure(None)


def expire():
    """The worker that has the unit is dead, and everybody knows it."""
    with db.write():
        db.execute("UPDATE core_work SET lease_ts = 1 WHERE state = 'running'")
        db.execute("UPDATE core_work SET due_ts = 1 WHERE state = 'queued'")
    work.sweep()


@pytest.mark.rule("ngenea 3.2")
def test_a_tree_goes_through_a_chain(hall, me):
    names = ["a", "b/c", "b/d/e", "b/d/with space", "ümlaut", "new\nline"]
    for name in names:
        hall.file(name.encode())
    (hall.folder / "mmfs1/data/film/empty").mkdir()
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    assert job_row(number).state == "NEW"
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.processed, job.processed_bytes, job.progress) == ("SUCCESS", 6, 18, 100)
    assert job.created_ts <= job.started_ts <= job.completed_ts
    assert path_rows(number).keys() == set(names)
    assert [hall.text(name + end) for name in names for end in ("", ".copy")] == [b"ABC"] * 12
    # The space, b and b/d have something in them; `empty` has not.
    assert done_by(number)["recursive_navigate", "SUCCESS"] == 3
    assert done_by(number)["given_paths", "SUCCESS"] == 1
    check_counters(number)


def test_names_are_bytes_and_links_are_not_followed(hall, me, tmp_path):
    odd = hall.file(b"dir/\xff\xfe")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_bytes(b"abc")
    space = hall.folder / SPACE[1:]
    (space / "dir/link").symlink_to(tmp_path / "outside")
    make_workflow("loud", {"name": SHOUT})
    make_workflow("links", rules=[{"type": "link", "state": "all", "action": [{"name": SHOUT}]}])
    number = submit(me, "loud", SPACE)
    links = submit(me, "links", SPACE)
    hall.work_off()
    assert set(path_rows(number)) == {os.fsdecode(b"dir/\xff\xfe")} == {odd.removeprefix(f"{SPACE}/")}
    assert set(path_rows(links)) == {"dir/link"}
    assert (tmp_path / "outside/secret").read_bytes() == b"abc"


def test_batches_fill_by_count_and_by_bytes(hall, me):
    for number in range(7):
        hall.file(b"f%d" % number, b"x" * 10)
    make_workflow("loud", {"name": SHOUT})
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 3")
    number = submit(me, "loud", SPACE)
    hall.work_off()
    sizes = [task.result["processed"] for task in task_rows(number) if task.tasktype == SHOUT]
    assert sorted(sizes) == [1, 3, 3]
    check_counters(number)


def test_bytes_fill_a_batch_too(hall, me, monkeypatch):
    monkeypatch.setattr("app.ngenea.running.GIGABYTE", 25)
    for number in range(7):
        hall.file(b"f%d" % number, b"x" * 10)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    sizes = [task.result["processed"] for task in task_rows(number) if task.tasktype == SHOUT]
    assert sorted(sizes) == [1, 3, 3]


def test_many_small_folders_make_few_batches(hall, me):
    """While others are at work, a batch is filled by folder after folder; each is one of its parents."""
    for number in range(25):
        hall.file(b"%d/f" % number)
    make_workflow("loud", {"name": SHOUT})
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 10")
    number = submit(me, "loud", SPACE)
    hall.work_off()
    batches = [task for task in task_rows(number) if task.tasktype == SHOUT]
    # The first goes on its way at once, since nobody else has anything to do.
    assert [task.result["processed"] for task in batches] == [1, 10, 10, 4]
    with db.read():
        edges = db.rows("SELECT parent_id FROM ngenea_task_parent WHERE task_id = ? AND dynamic", batches[1].pk)
    assert len(edges) == 10
    assert job_row(number).state == "SUCCESS"
    check_counters(number)


def test_what_was_found_goes_on_when_its_folder_fails_for_good(hall, me, monkeypatch):
    for name in (b"dir/1", b"dir/2", b"dir/3"):
        hall.file(name)
    plain = walk.scan

    def scan(root, folder):
        for number, one in enumerate(plain(root, folder)):
            if number == 2:
                raise RuntimeError("it cannot be")
            yield one

    monkeypatch.setattr(discovery, "CHUNK", 1)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/dir")
    hall.work_off(1)
    monkeypatch.setattr(walk, "scan", scan)
    with db.write():
        db.execute("UPDATE core_work SET attempts = 99")
    hall.work_off()
    assert (job_row(number).state, job_row(number).processed) == ("FAILURE", 2)
    check_counters(number)


def test_batches_grow_where_the_site_leaves_that_to_us(hall, me):
    for number in range(100):
        hall.file(b"f%d" % number)
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 30, enable_auto_file_batch_sizing = ?", True)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    sizes = [task.result["processed"] for task in task_rows(number) if task.tasktype == SHOUT]
    assert sizes == [10, 20, 30, 30, 10]
    check_counters(number)


def test_given_paths_and_no_more(hall, me):
    first, second = hall.file(b"a"), hall.file(b"dir/b")
    hall.file(b"dir/c")
    make_workflow("loud", {"name": SHOUT}, discovery=None)
    number = submit(me, "loud", first, f"{SPACE}/dir", second, second)
    hall.work_off()
    assert set(path_rows(number)) == {"a", "dir/b"}
    assert job_row(number).state == "SUCCESS"


@pytest.mark.rule("ngenea 8")
def test_a_given_path_that_is_not_there_is_that_paths_error(hall, me):
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/a", f"{SPACE}/gone", f"{SPACE}/a/below")
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.processed, job.failed) == ("ERROR", 1, 2)
    gone = path_rows(number)["gone"]
    assert (gone.state, gone.code, gone.message) == ("failed", "missing", "There is no such file or directory.")
    check_counters(number)


def test_missing_paths_may_be_passed_on(hall, me):
    make_workflow("loud", {"name": SHOUT}, discovery_options={"skip_missing": True})
    number = submit(me, "loud", f"{SPACE}/gone")
    hall.work_off()
    assert (job_row(number).state, path_rows(number)["gone"].state) == ("SKIPPED", "aborted")
    check_counters(number)


def test_a_folder_that_vanishes_is_no_error(hall, me):
    hall.file(b"a")
    hall.file(b"dir/b")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off(2)  # the given path, and the space; `dir` has its task now
    (hall.folder / SPACE[1:] / "dir/b").unlink()
    (hall.folder / SPACE[1:] / "dir").rmdir()
    hall.work_off()
    assert (job_row(number).state, set(path_rows(number))) == ("SUCCESS", {"a"})


def test_globs_of_site_request_and_rule_all_count_and_exclude_wins(hall, me):
    for name in (b"a.mov", b"b.mov", b"c.txt", b"d.tmp", b"trash/e.mov", b"f.mov"):
        hall.file(name)
    with db.write():
        db.execute("UPDATE ngenea_site SET include = ?, exclude = ?", '["*.mov","*.txt"]', '["a.*"]')
    make_workflow("loud", rules=[
        {"type": "file", "state": "all", "exclude": ["/mmfs1/*/f.mov"], "action": [{"name": SHOUT}]}
    ])  # fmt: skip

    def taken(**changes):
        number = submit(me, "loud", SPACE, dry_run=True, **changes)
        hall.work_off()
        return set(path_rows(number))

    assert taken() == {"b.mov", "c.txt", "trash/e.mov"}
    assert taken(exclude=["trash"]) == {"b.mov", "c.txt"}
    assert taken(include=["*.mov", "a*"], exclude=["b.mov"]) == {"trash/e.mov"}
    assert taken(ignore_site_excludes=True) == {"a.mov", "b.mov", "c.txt", "trash/e.mov"}
    assert taken(ignore_site_includes=True) == {"b.mov", "c.txt", "d.tmp", "trash/e.mov"}
    assert taken(include=["trash/*"]) == {"trash/e.mov"}


def test_a_path_too_long_for_the_tables_is_told_of(hall, me):
    """Made step by step: no single path of a system call is as long."""
    hall.file(b"a")
    at = os.open(hall.folder / SPACE[1:], os.O_RDONLY)
    name = os.urandom(100).hex()
    for _ in range(14):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    assert (job_row(number).state, set(path_rows(number))) == ("ERROR", {"a"})
    assert sum((task.result or {}).get("too_long", 0) for task in task_rows(number)) == 1
    check_counters(number)


def test_a_folder_that_cannot_be_read_is_its_own_error(hall, me, monkeypatch):
    hall.file(b"a")
    hall.file(b"dir/b")
    plain = walk.scan

    def scan(root, folder):
        if folder.endswith(b"/dir"):
            raise PermissionError(13, "Permission denied")
        return plain(root, folder)

    monkeypatch.setattr(walk, "scan", scan)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    assert (job_row(number).state, job_row(number).processed) == ("ERROR", 1)
    assert (path_rows(number)["dir"].code, path_rows(number)["dir"].message) == ("unreadable", "Permission denied")
    check_counters(number)


def test_an_excluded_folder_is_not_looked_into(hall, me):
    hall.file(b".snap/a")
    hall.file(b"b")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE, exclude=[".snap"])
    hall.work_off()
    assert set(path_rows(number)) == {"b"}
    assert done_by(number)["recursive_navigate", "SUCCESS"] == 1


@pytest.mark.rule("ngenea 3.1")
def test_rules_take_by_type_and_state():
    def rule(kind, state):
        return rules.Rule(kind, state, (), (), ())

    every = [rule("all", "all"), rule("folder", "all"), rule("file", "default"), rule("file", "created")]
    plan = rules.Plan("recursive", False, (), every, (b"/s",), 10, 0)
    assert [plan.chosen(b"/s/a", kind) for kind in ("file", "directory", "symlink")] == [[0], [0, 1], [0]]
    given_paths = rules.Plan(None, False, (), every, (b"/s",), 10, 0)
    assert given_paths.chosen(b"/s/a", "file") == [0, 2]


def test_folders_have_their_rules_too(hall, me):
    hall.file(b"dir/sub/a")
    make_workflow("folders", rules=[{"type": "directory", "state": "all", "action": [{"name": SHOUT}]}])
    number = submit(me, "folders", f"{SPACE}/dir")
    hall.work_off()
    assert set(path_rows(number)) == {"dir", "dir/sub"}
    assert job_row(number).state == "SKIPPED"


@pytest.mark.rule("ngenea 3.3")
def test_faults_of_paths_are_an_error_and_the_good_go_on(hall, me):
    hall.file(b"bad", b"fail")
    hall.file(b"good")
    hall.file(b"dull", b"skip")
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.processed, job.failed, job.skipped) == ("ERROR", 2, 1, 0)
    assert {name: row.state for name, row in path_rows(number).items()} == {
        "bad": "failed",
        "good": "processed",
        "dull": "processed",
    }
    assert done_by(number)["shout", "ERROR"] == done_by(number)["copy", "SUCCESS"] == 1
    assert hall.text("good.copy") == b"ABC"
    check_counters(number)


@pytest.mark.rule("ngenea 3.3")
def test_a_crash_ends_its_chain_and_no_other(hall, me):
    hall.file(b"one/1-good")
    hall.file(b"one/2-bad", b"crash")
    hall.file(b"two/good")
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    job = job_row(number)
    assert job.state == "FAILURE"
    assert done_by(number)["shout", "FAILURE"] == done_by(number)["copy", "SUCCESS"] == 1
    rows = path_rows(number)
    assert (rows["one/2-bad"].state, rows["one/2-bad"].code) == ("failed", "failure")
    assert "says so" in rows["one/2-bad"].message
    assert rows["two/good"].state == "processed"
    crashed = next(task for task in task_rows(number) if task.state == "FAILURE")
    assert "RuntimeError" in crashed.result["error"]
    assert not (hall.folder / SPACE[1:] / "one/1-good.copy").exists()
    check_counters(number)


def test_nothing_to_be_done_is_skipped(hall, me):
    make_workflow("loud", {"name": SHOUT})
    nothing = submit(me, "loud", SPACE)
    hall.file(b"a", b"skip")
    dull = submit(me, "loud", SPACE)
    hall.work_off()
    assert [job_row(number).state for number in (nothing, dull)] == ["SKIPPED", "SKIPPED"]


def test_a_path_that_two_rules_take_goes_through_both_chains(hall, me):
    hall.file(b"a", b"skip")
    hall.file(b"b")
    both = [
        {"type": "file", "state": "all", "action": [{"name": SHOUT}]},
        {"type": "all", "state": "all", "include": ["a"], "action": [{"name": COPY}]},
    ]
    make_workflow("both", rules=both)
    number = submit(me, "both", SPACE)
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.discovered, job.processed, job.skipped) == ("SUCCESS", 2, 2, 0)
    assert hall.text("a.copy") == b"skip"
    check_counters(number)


def test_fields_stand_in_their_places(hall, me):
    hall.file(b"a")
    hall.file(b"a.copy", b"old")
    make_workflow(
        "copy",
        {"name": COPY, "overwrite": "*again"},
        fields=[{"name": "again", "type": "bool", "default": False}],
        discovery=None,
    )
    number = submit(me, "copy", f"{SPACE}/a")
    hall.work_off()
    assert job_row(number).state == "ERROR"
    number = submit(me, "copy", f"{SPACE}/a", fields={"again": True})
    hall.work_off()
    assert job_row(number).state == "SUCCESS"
    assert hall.text("a.copy") == b"abc"


def test_an_action_may_run_on_another_site(hall, me, tmp_path):
    paris = make_hall(tmp_path / "paris", "paris")
    hall.file(b"a")
    paris.file(b"a", b"bonjour")
    make_workflow(
        "send",
        {"name": SHOUT},
        {"name": COPY, "site": "*to", "queue": "default"},
        fields=[{"name": "to", "type": "site", "required": True}],
    )
    number = submit(me, "send", SPACE, fields={"to": "paris"})
    hall.work_off()
    assert job_row(number).state == "STARTED"
    assert paris.work_off() == 1
    assert job_row(number).state == "SUCCESS"
    assert paris.text("a.copy") == b"bonjour"
    assert not (hall.folder / SPACE[1:] / "a.copy").exists()


@pytest.mark.rule("ngenea 8")
def test_a_dry_run_changes_nothing_and_counts_the_same(hall, me):
    hall.file(b"a", b"fail")
    for number in range(30):
        hall.file(b"dir/f%d" % number)
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    dry = submit(me, "loud", SPACE, dry_run=True)
    hall.work_off()
    assert hall.text("dir/f1") == b"abc"
    wet = submit(me, "loud", SPACE)
    hall.work_off()
    for name in ("state", "discovered", "discovered_bytes", "processed", "processed_bytes", "failed", "skipped"):
        assert getattr(job_row(dry), name) == getattr(job_row(wet), name)
    assert hall.text("dir/f1") == b"ABC"


@pytest.mark.parametrize("step", [*STEPS, "db.commit", "db.committed", "work.done"])
@pytest.mark.parametrize("nth", [1, 2, 5, 9])
@pytest.mark.rule("ngenea 5")
def test_a_worker_that_dies_at_any_step_loses_nothing_and_repeats_nothing(hall, me, failing, monkeypatch, step, nth):
    monkeypatch.setattr(discovery, "CHUNK", 3)
    monkeypatch.setattr("app.ngenea.run_tasks.BATCH", 2)
    for number in range(20):
        hall.file(b"%d/f%d" % (number % 3, number))
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 4")
    twice = [{"name": COPY, "overwrite": True}] * 2
    make_workflow("twice", rules=[{"type": "file", "state": "all", "exclude": ["*.copy"], "action": twice}])
    number = submit(me, "twice", SPACE)
    failing.write_text(f"{step} error@{nth}\n")
    for _ in range(40):
        unit = None
        try:
            unit = work.claim(hall.place)
            if unit is None:
                break
            work.run(unit)
        except failpoints.Failure:
            failing.write_text("")
            expire()
        if unit is not None and failpoints._hits[step] >= nth:
            failing.write_text("")
            expire()
    failing.write_text("")
    for _ in range(10):
        expire()
        hall.work_off()
    assert failing.with_name("failpoints.hit").exists()
    job = job_row(number)
    assert (job.state, job.discovered, job.processed) == ("SUCCESS", 20, 20)
    check_counters(number)
    with db.read():
        # Each path was given to each step once.
        given_to = db.rows(
            "SELECT t.step, p.path FROM ngenea_task_path p JOIN ngenea_task t ON t.pk = p.task_id"
            " WHERE t.job_id = ? AND t.rule >= 0",
            number,
        )
    assert len({(step, bytes(path)) for step, path in given_to}) == len(given_to) == 40
    assert not ({"PENDING", "STARTED"} & {task.state for task in task_rows(number)})
    folders = [task.arguments["path"] for task in task_rows(number) if task.tasktype == graph.NAVIGATE]
    assert sorted(folders) == [SPACE, *(f"{SPACE}/{name}" for name in range(3))]


@pytest.mark.rule("ngenea 5")
def test_the_first_outcome_of_a_path_in_a_task_stands(hall, me):
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off(2)
    task = next(task.pk for task in task_rows(number) if task.tasktype == SHOUT)
    path = f"{SPACE}/a".encode()
    for state in ("processed", "failed", "processed"):
        with db.write():
            job_paths.record(number, task, [Outcome(path, state, 3)], last=True)
        check_counters(number)
    job = job_row(number)
    assert (job.processed, job.processed_bytes, job.failed) == (1, 3, 0)


@pytest.mark.rule("ngenea 5")
def test_paths_with_an_outcome_are_not_done_again(hall, me, monkeypatch):
    monkeypatch.setattr("app.ngenea.run_tasks.BATCH", 1)
    calls = []

    def half(context, paths, arguments):
        calls.append(len(paths))
        for path in paths:
            if len(calls) == 1 and path == paths[2]:
                raise work.LeaseLost("killed")
            yield Outcome(path, "processed", 1)

    monkeypatch.setitem(tasks.TASKS, SHOUT, tasks.Task(SHOUT, {}, half))
    for number in range(5):
        hall.file(b"f%d" % number)
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE)
    hall.work_off()
    assert job_row(number).processed == 2
    expire()
    hall.work_off()
    assert calls == [5, 3]
    assert (job_row(number).state, job_row(number).processed) == ("SUCCESS", 5)
    check_counters(number)


def test_a_worker_that_lost_its_lease_writes_nothing(hall, me):
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/a")
    hall.work_off(1)
    late = work.claim(hall.place)
    expire()
    hall.work_off()
    assert job_row(number).state == "SUCCESS"
    work.run(late)
    assert [task.result for task in task_rows(number)][1] == {"processed": 1}
    check_counters(number)


def test_a_worker_that_hung_does_not_end_what_another_does_now(hall, me, monkeypatch):
    other = []

    def hang(context, paths, arguments):
        expire()
        other.append(running.begin(work.claim(hall.place)))
        for path in paths:
            yield Outcome(path, "processed", 3)

    monkeypatch.setitem(tasks.TASKS, SHOUT, tasks.Task(SHOUT, {}, hang))
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/a")
    hall.work_off()
    (run,) = other
    assert [(task.pk, task.state) for task in task_rows(number) if task.tasktype == SHOUT] == [(run.number, "STARTED")]
    assert job_row(number).processed == 0
    check_counters(number)


def test_a_unit_that_fails_for_good_fails_its_task(hall, me, monkeypatch):
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/a")
    hall.work_off(1)
    here.forget()  # as on a worker that serves another folder
    for _ in range(6):
        expire()
        hall.work_off()
    job = job_row(number)
    assert (job.state, job.failed) == ("FAILURE", 1)
    assert "does not serve" in path_rows(number)["a"].message
    check_counters(number)


def test_a_folder_of_many_files_is_written_in_parts(hall, me, monkeypatch):
    """No transaction holds more rows than a part, and no list more paths."""
    for number in range(1300):
        hall.file(b"dir/f%d" % number)
    make_workflow("loud", {"name": SHOUT})
    largest = []
    plain = job_paths.discover

    def noting(job, task, found):
        largest.append(len(found))
        return plain(job, task, found)

    monkeypatch.setattr(job_paths, "discover", noting)
    number = submit(me, "loud", f"{SPACE}/dir")
    hall.work_off(2)
    assert max(largest) == 500
    assert job_row(number).discovered == 1300


def test_the_queries_of_a_batch_do_not_grow_with_it(hall, me):
    make_workflow("loud", {"name": SHOUT})
    counts = []
    for size in (20, 100):
        for number in range(size):
            hall.file(b"%d/f%d" % (size, number))
        submit(me, "loud", f"{SPACE}/{size}")
        with db.count_queries() as queries:
            hall.work_off()
        counts.append(queries.count)
    assert counts[0] == counts[1]


@pytest.mark.rule("ngenea 3.3")
def test_two_workers_do_a_job_once(hall, me):
    hall.tree(300, 10)
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = 7")
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    with hall.worker(2), hall.worker(2):
        job = eventually(lambda: ended(number))
    assert (job.state, job.processed, job.failed) == ("SUCCESS", 300, 0)
    check_counters(number)


def test_progress_never_goes_back_and_ends_with_the_job(hall, me):
    for folder in ("", "a/", "a/b/", "a/b/c/", "a/b/c/d/"):
        hall.file(f"{folder}file".encode())
    twice = [{"type": "file", "state": "all", "action": [{"name": name}]} for name in (SHOUT, COPY)]
    make_workflow("both", rules=twice)
    number = submit(me, "both", SPACE)
    seen = []
    while hall.work_off(1):
        job = job_row(number)
        seen.append(job.progress)
        if job.discovering:
            assert job.progress == 0
        if job.state not in states.ENDED:
            assert job.progress < 100
    assert seen == sorted(seen)
    # Every path has been through one of its chains before the last of them has been through the other.
    assert {0, 99, 100} <= set(seen)


@pytest.mark.rule("ngenea 3.3")
def test_a_path_is_processed_at_the_end_of_its_chain(hall, me):
    hall.file(b"a")
    make_workflow("loud", {"name": SHOUT}, {"name": COPY})
    number = submit(me, "loud", SPACE)
    hall.work_off(3)
    assert [task.state for task in task_rows(number)[2:]] == ["SUCCESS", "PENDING"]
    assert (path_rows(number)["a"].state, job_row(number).processed) == ("", 0)
    hall.work_off()
    assert (path_rows(number)["a"].state, job_row(number).processed) == ("processed", 1)


@pytest.mark.rule("ngenea 3.3")
def test_a_path_counts_as_processed_where_any_step_of_its_chain_did_something(hall, me):
    hall.file(b"new")
    hall.file(b"dull", b"skip")
    make_workflow("twice", {"name": SHOUT}, {"name": SHOUT})
    number = submit(me, "twice", SPACE)
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.processed, job.skipped, job.processed_bytes) == ("SUCCESS", 1, 1, 3)
    assert {name: row.state for name, row in path_rows(number).items()} == {"new": "processed", "dull": "skipped"}
    check_counters(number)


@pytest.mark.rule("ngenea 3.3")
def test_what_failed_in_one_chain_is_not_made_good_by_another(hall, me):
    hall.file(b"a", b"fail")
    both = [{"type": "file", "state": "all", "action": [{"name": name}]} for name in (SHOUT, COPY)]
    make_workflow("both", rules=both)
    number = submit(me, "both", SPACE)
    hall.work_off()
    assert hall.text("a.copy") == b"fail"
    job = job_row(number)
    assert (job.state, job.failed, job.processed) == ("ERROR", 1, 0)
    check_counters(number)


def test_paths_join_a_job_that_is_under_way(hall, me):
    hall.file(b"a")
    hall.file(b"b")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", f"{SPACE}/a")
    hall.work_off(1)
    assert submit(me, "loud", f"{SPACE}/a", f"{SPACE}/b", job=number) == number
    hall.work_off()
    job = job_row(number)
    assert (job.state, job.processed, job.request["count"]) == ("SUCCESS", 2, 2)
    check_counters(number)


def test_globs_are_of_the_innermost_space(hall, me):
    with db.write():
        make_space("inner", f"{SPACE}/inner", hall.site)
    hall.file(b"inner/x/a")
    hall.file(b"x/a")
    make_workflow("loud", {"name": SHOUT})
    number = submit(me, "loud", SPACE, include=["x/*"])
    hall.work_off()
    assert set(path_rows(number)) == {"inner/x/a", "x/a"}


contents = st.sampled_from([b"abc", b"abc", b"fail", b"skip", b"ABC", b"crash"])
trees = st.lists(st.tuples(st.sampled_from(["", "a/", "a/b/", "c/"]), contents), max_size=12)


@given(tree=trees, batch=st.integers(1, 5), steps=st.integers(1, 2), stop=st.sampled_from(["", "pause", "cancel"]))
@settings(max_examples=25)
@pytest.mark.rule("ngenea 3.3")
def test_counters_are_what_the_rows_say(hall, me, tree, batch, steps, stop):
    folder = uuid.uuid4().hex
    for at, (where, text) in enumerate(tree):
        hall.file(f"{folder}/{where}f{at}".encode(), text)
    hall.file(f"{folder}/z/last".encode())
    with db.write():
        db.execute("UPDATE ngenea_site SET file_batch_size = ?", batch)
    actions = [{"name": SHOUT}, {"name": COPY}][:steps]
    make_workflow(folder, *actions)
    number = submit(me, folder, f"{SPACE}/{folder}")
    hall.work_off(3)
    check_counters(number)
    if stop:
        call(stop, number)
        check_counters(number)
        hall.work_off()
        check_counters(number)
    if stop == "pause":
        assert job_row(number).state == "PAUSED"
        call("resume", number)
    hall.work_off()
    check_counters(number)
    job, wanted = job_row(number), Counter(text for _, text in tree)
    if stop == "cancel":
        assert job.state == "CANCELLED"
        return
    # Whatever the order: how a job ends follows from what was in its files.
    assert job.state == ("FAILURE" if wanted[b"crash"] else "ERROR" if wanted[b"fail"] else "SUCCESS")
    assert job.discovered == len(tree) + 1
    if not wanted[b"crash"]:
        assert job.failed == wanted[b"fail"]
        dull = wanted[b"skip"] + wanted[b"ABC"]
        assert job.skipped == (dull if steps == 1 else 0)  # what one step passes over the next one still gets
        assert job.processed == wanted[b"abc"] + 1 + (0 if steps == 1 else dull)


@pytest.mark.rule("ngenea 3.4")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT pk FROM ngenea_job WHERE state = 'NEW' ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_job_path WHERE job_id = 1 ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_job_path WHERE job_id = 1 AND state = 'failed' ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_job_path WHERE path = x'2f' ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_task WHERE job_id = 1 ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_task WHERE state = 'ERROR' ORDER BY pk LIMIT 20",
        "SELECT pk FROM ngenea_task_path WHERE task_id = 1 AND state = '' ORDER BY pk LIMIT 20",
        "SELECT job_id FROM ngenea_job_input WHERE path >= x'2f' AND path < x'30'",
    ],
)
def test_lists_walk_along_an_index(sqlite, sql):
    with db.read():
        plan = " ".join(str(row[3]) for row in db.rows(f"EXPLAIN QUERY PLAN {sql}"))
    assert "USING" in plan
    assert "INDEX" in plan
    assert "TEMP B-TREE" not in plan
