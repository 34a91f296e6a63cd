"""The built-in workflows with the real tasks: files go into a bucket by a job and come back by another (ngenea 3.1)."""

import os

import pytest

from app.core import db, work
from app.ngenea import here, inodes, install, job_removal, run_tasks, submissions, workflows
from models.ngenea.jobs import JobPath
from models.ngenea.sites import Queue
from tests.support.ngenea import make_user
from tests.support.ngenea_jobs import check_counters, job_row, root_caller

pytestmark = pytest.mark.rule("ngenea 3.1")


@pytest.fixture
def through(fs):
    """Run a built-in workflow on the space to the end; its job."""
    install.ensure()
    with db.write():
        Queue.create(site=fs.site, name="default")
    here.serve(fs.site.pk, fs.folder)
    caller = root_caller(make_user("root", might=True))

    def submit(workflow, **changes):
        body = {"workflow": workflow, "site": fs.site.name, "paths": ["/space"], **changes}
        with db.write():
            return submissions.submit(caller, body)["id"]

    def do(workflow, **changes):
        number = submit(workflow, **changes)
        work_off()
        check_counters(number)
        return job_row(number)

    def work_off():
        while (unit := work.claim(here.place(fs.site.pk, "default"))) is not None:
            work.run(unit)

    do.submit, do.work_off = submit, work_off
    yield do
    here.forget()


def test_there_and_back(fs, through):
    data = {f"dir{number % 3}/f{number}".encode(): os.urandom(5_000 + number) for number in range(20)}
    data[b"odd/\xff\n"] = b"odd"
    for name, content in data.items():
        fs.write(name, content)
    total = sum(map(len, data.values()))
    dry = through("migrate", dry_run=True)
    assert (dry.state, dry.processed, dry.processed_bytes) == ("SUCCESS", 21, total)
    assert fs.objects() == []
    job = through("migrate")
    assert (job.state, job.processed, job.processed_bytes) == ("SUCCESS", 21, total)
    assert all(fs.is_stub(name) for name in data)
    assert len(fs.objects()) == 21
    again = through("migrate")
    assert (again.state, again.processed) == ("SKIPPED", 0)
    job = through("recall", fields={"lock_level": "partial"})
    assert (job.state, job.processed) == ("SUCCESS", 21)
    assert {name: fs.read(name) for name in data} == data


def test_a_file_that_cannot_go_is_an_error_of_its_own(fs, through):
    fs.write(b"good", b"abc")
    os.mkfifo(fs.path(b"pipe"))
    (fs.folder / "space" / "link").symlink_to("good")
    job = through("premigrate")
    assert (job.state, job.processed, job.discovered) == ("SUCCESS", 1, 1)
    assert not fs.is_stub(b"good")
    with db.write():
        job_removal.delete(job.pk)
        assert JobPath.select().count() == 0


def chain(name, *actions):
    taken = [{"type": "file", "state": "all", "action": [dict(action) for action in actions]}]
    with db.write():
        workflows.create({"name": name, "label": name, "discovery": "recursive", "filter_rules": taken})


MIGRATE, PREMIGRATE, RECALL = {"name": "migrate"}, {"name": "migrate", "premigrate": True}, {"name": "recall"}


@pytest.mark.rule("ngenea 3.4")
def test_jobs_on_the_same_files_count_each_of_them_once(fs, through):
    for number in range(10):
        fs.write(b"f%d" % number, b"abc")
    numbers = [through.submit("migrate") for _ in range(3)]
    through.work_off()
    jobs = [job_row(number) for number in numbers]
    assert sorted((job.state, job.processed, job.skipped) for job in jobs) == [
        ("SKIPPED", 0, 10),
        ("SKIPPED", 0, 10),
        ("SUCCESS", 10, 0),
    ]


@pytest.mark.rule("ngenea 3.3")
def test_what_was_done_by_a_run_that_broke_off_counts_for_the_job(fs, through, monkeypatch):
    fs.write(b"file", b"abc")
    number = through.submit("migrate")
    lost = []

    def note(batch):
        if not lost:
            lost.append(batch)
            raise work.LeaseLost("the worker hangs")
        record(batch)

    record = run_tasks._Batch._note
    monkeypatch.setattr(run_tasks._Batch, "_note", note)
    through.work_off()
    assert fs.is_stub(b"file")
    assert job_row(number).processed == 0
    with db.write():
        db.execute("UPDATE core_work SET lease_ts = 1 WHERE state = 'running' AND kind = 'ngenea.task'")
    work.sweep()
    through.work_off()
    assert (job_row(number).state, job_row(number).processed) == ("SUCCESS", 1)


@pytest.mark.rule("ngenea 3.1")
def test_a_chain_goes_on_with_what_is_so_already(fs, through):
    """Each action gets the paths that the one before has finished: a file that is premigrated is finished."""
    fs.write(b"here", b"abc")
    assert through("premigrate").processed == 1
    fs.write(b"new", b"defg")
    chain("both", PREMIGRATE, MIGRATE)
    job = through("both")
    assert (job.state, job.processed, job.skipped) == ("SUCCESS", 2, 0)
    assert fs.is_stub(b"here")
    assert fs.is_stub(b"new")
    again = through("both")
    assert (again.state, again.processed, again.skipped) == ("SKIPPED", 0, 2)


@pytest.mark.rule("ngenea 8")
@pytest.mark.parametrize("before", ["", "premigrate", "migrate"])
@pytest.mark.parametrize(
    "actions",
    [
        (PREMIGRATE, MIGRATE, RECALL),
        (PREMIGRATE, MIGRATE),
        (MIGRATE, RECALL),
        (RECALL, MIGRATE),
        (RECALL, PREMIGRATE),
        (RECALL,),
    ],
)
def test_a_dry_run_of_a_chain_counts_what_the_chain_does(fs, through, actions, before):
    fs.write(b"a", b"abc")
    os.link(fs.path(b"a"), fs.path(b"b"))
    fs.write(b"dir/c", b"defg")
    if before:
        through(before)
    chain("chain", *actions)
    was = fs.states(), fs.objects(), [fs.is_stub(name) for name in (b"a", b"b", b"dir/c")]
    dry = through("chain", dry_run=True)
    assert (fs.states(), fs.objects(), [fs.is_stub(name) for name in (b"a", b"b", b"dir/c")]) == was
    job = through("chain")
    columns = ("state", "discovered", "processed", "processed_bytes", "skipped", "failed")
    assert [getattr(dry, name) for name in columns] == [getattr(job, name) for name in columns]


@pytest.mark.rule("ngenea 3.2")
def test_how_often_a_job_waits_for_the_disk(fs, through, monkeypatch):
    """Two batches, of which the first goes on its way before the others are found. Folders and claims wait for none."""
    for number in range(40):
        fs.write(b"%d/f%d" % (number // 2, number), b"%d" % number)
    durable, syncs = [], []
    engine, sync = db.db.obj, inodes.sync
    writing = engine.writing

    def noting(wanted):
        if wanted:
            durable.append(wanted)
        return writing(wanted)

    monkeypatch.setattr(engine, "writing", noting)
    monkeypatch.setattr(inodes, "sync", lambda descriptor: (syncs.append(descriptor), sync(descriptor)))
    counts = {}
    for workflow in ("premigrate", "migrate", "recall"):
        durable.clear()
        syncs.clear()
        assert through(workflow).processed == 40
        counts[workflow] = len(durable), len(syncs)
    # The submission; for each batch the journal, the objects or what was recalled, what is dropped, the outcomes.
    assert counts == {"premigrate": (1 + 2 * 3, 2), "migrate": (1 + 2 * 4, 2), "recall": (1 + 2 * 3, 2)}
