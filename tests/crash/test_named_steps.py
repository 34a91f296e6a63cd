"""SIGKILL at every named step of uploads, status reports and work (design sections 4 and 5)."""

import contextlib
import os

import httpx
import pytest

from app.core.failpoints import STEPS
from tests.crash import test_host_steps
from tests.crash.site import KINDS, PATIENCE, Site
from tests.unit.ngenea import test_crashes, test_graph

pytestmark = pytest.mark.long

UPLOAD = (
    "spool.created",
    "spool.synced",
    "handler",
    "storage.synced",
    "storage.renamed",
    "storage.adopted",
    "db.commit",
    "db.committed",
    "answer",
)
REPORT = ("handler", "db.commit", "db.committed", "answer")
DELETE = (
    "handler",
    "db.commit",
    "db.committed",
    "work.claimed",
    "storage.removed",
    "work.done",
    "db.commit@3",  # after the deletion and the claim: the unit's end
    "db.committed@3",
    "work.finished",
)
WORK = ("work.claimed", "storage.removed", "work.done", "work.finished", "work.sweep")
DOWNLOAD = ("answer.streaming",)
# Work exists once the deletion is committed, so it has happened, whether the client had its answer in time or not.
AFTER_THE_DELETION = DELETE[DELETE.index("db.committed") :]


@pytest.fixture(scope="module", params=KINDS)
def site(request, tmp_path_factory, cluster):
    kind = request.param
    url = cluster.create(f"crash_{os.getpid()}") if kind == "postgres" else None
    running = Site(tmp_path_factory.mktemp(f"crash-{kind}"), url)
    yield running
    running.server.stop()


def dies(site, step, action):
    """Do something while the process is ordered to die; then start it again and look at everything."""
    name, _, count = step.partition("@")
    site.arm(f"{name} kill@{count or 1}")
    with contextlib.suppress(httpx.TransportError):
        action()
    site.wait_death()
    site.restart()
    site.check()


@pytest.mark.parametrize("step", UPLOAD)
def test_an_upload(site, step):
    dies(site, step, site.upload)
    site.upload()
    site.check()


@pytest.mark.parametrize("step", REPORT)
def test_a_status_report(site, step):
    device = site.devices[0] if site.devices else site.new_device()
    deployment = site.deploy(site.upload(), [device])
    assert site.ask(device) == deployment
    site.report(deployment, device, "downloading")
    dies(site, step, lambda: site.report(deployment, device, "installing"))
    # As a client does that had no answer: it says it again.
    site.report(deployment, device, "installing")
    site.report(deployment, device, "success")
    site.check()


@pytest.mark.parametrize("step", DELETE)
def test_a_deletion_and_its_work(site, step):
    name = site.upload()
    dies(site, step, lambda: site.delete(name))
    if step in AFTER_THE_DELETION:
        assert name not in site.listed()
    site.check()


@pytest.mark.parametrize("step", DOWNLOAD)
def test_a_download(site, step):
    name = site.upload(2_000_000)
    link = site.call("GET", f"{site.artifact_path(name)}/download").json()["uri"]
    dies(site, step, lambda: site.http.get(link))


@pytest.mark.parametrize("step", WORK)
def test_a_worker_of_its_own(site, step):
    """The server goes on; what the dead worker had, another does."""
    site.server.stop()
    site.settings["WORKER_THREADS"] = "0"
    try:
        site.restart()
        site.arm(f"{step} kill")
        worker = site.server.worker("--threads", "1")
        try:
            name = site.upload()
            site.delete(name)
            assert worker.wait(PATIENCE) == -9
        finally:
            worker.kill()
            worker.wait()
        site.orders.unlink()
        site.check()
    finally:
        site.server.stop()
        del site.settings["WORKER_THREADS"]
        site.restart()


def test_all_work_that_was_left_is_done(site):
    """Leases of the dead end by themselves, and what they covered is done."""
    site.check_files()
    site.check(again=True)
    listed = site.call("GET", "/api/management/v1/deployments/artifacts").json()
    stray = site.files() - {entry["id"] for entry in listed}
    # An upload that was killed between file and row leaves a file that nothing lists; the hourly work removes it.
    assert len(stray) <= len(UPLOAD)
    assert "No work has failed." in site.server.command("work").stdout


def test_every_step_has_its_turn():
    here = {step.partition("@")[0] for step in UPLOAD + REPORT + DELETE + WORK + DOWNLOAD}
    elsewhere = {test_host_steps.JOINED, *test_host_steps.STEPS, *test_crashes.STEPS, *test_graph.STEPS}
    assert here | elsewhere == STEPS.keys()
