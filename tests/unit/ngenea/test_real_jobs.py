"""The built-in workflows with the real tasks: files go into a bucket by a job and come back by another (ngenea 3.1)."""

import os

import pytest

from app.core import db, work
from app.ngenea import here, install, job_actions, submissions
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

    def do(workflow, **changes):
        body = {"workflow": workflow, "site": fs.site.name, "paths": ["/space"], **changes}
        with db.write():
            number = submissions.submit(caller, body)["id"]
        while (unit := work.claim(here.place(fs.site.pk, "default"))) is not None:
            work.run(unit)
        check_counters(number)
        return job_row(number)

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
        job_actions.delete(job.pk)
        assert JobPath.select().count() == 0
