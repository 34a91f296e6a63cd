"""Two servers and two workers on one PostgreSQL: one state, shared work, and half of them may die."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.crash.site import ARTIFACTS, PATIENCE, Site
from tests.support import server as servers
from tests.support.artifacts import build

LOGOUT = "/api/management/v1/useradm/auth/logout"


@pytest.fixture
def site(tmp_path, cluster):
    made = Site(tmp_path, cluster.create(f"many_{os.getpid()}"), WORKER_THREADS="0")
    yield made
    made.server.stop()


@pytest.fixture
def other(site):
    """The second server, on the same database and data directory."""
    second = servers.start(site.folder / "data", site.url, admin=False, **site.settings)
    yield second
    second.stop()


@pytest.fixture
def workers(site):
    both = [site.server.worker("--threads", "2") for _ in range(2)]
    yield both
    for worker in both:
        worker.kill()
        worker.wait()


def through(server, method, path, token, **options):
    return httpx.request(
        method, server.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=60, verify=False, **options
    )


def test_two_servers_and_two_workers(site, other, workers):
    token = other.login()
    # What one server has done the other sees at once; a session that ends on one is over on both.
    name = site.upload()
    listed = through(other, "GET", ARTIFACTS, token).json()
    assert [entry["name"] for entry in listed] == [name]
    assert through(other, "POST", LOGOUT, token).status_code == 202
    assert through(site.server, "GET", ARTIFACTS, token).status_code == 401

    # Two at once through both: a name is taken once.
    answers = []
    with ThreadPoolExecutor(8) as pool:
        content = build(name="contested")
        for server in (site.server, other) * 4:
            answers.append(
                pool.submit(through, server, "POST", ARTIFACTS, site.token, files={"artifact": ("a", content)})
            )
    assert sorted(answer.result().status_code for answer in answers) == [201] + [409] * 7
    contested = next(e for e in site.call("GET", ARTIFACTS).json() if e["name"] == "contested")
    assert through(other, "DELETE", f"{ARTIFACTS}/{contested['id']}", site.token).status_code == 204

    # Work queued by either is done by the workers, also when one of them dies.
    names = [site.upload() for _ in range(12)]
    for name in names[:6]:
        site.delete(name)
    workers[0].send_signal(signal.SIGKILL)
    for name in names[6:]:
        assert through(other, "DELETE", site.artifact_path(name), site.token).status_code == 204
        site.ledger.deleting.add(name)
        site.ledger.deleted.add(name)
    site.check_files()
    assert workers[0].wait(PATIENCE) == -9
    site.check(again=True)

    # One server dies, the other does not notice.
    other.process.kill()
    site.delete(site.upload())
    site.check_files()
    workers[1].terminate()
    assert workers[1].wait(PATIENCE) == 0
    assert site.files() == {entry["id"] for entry in site.call("GET", ARTIFACTS).json()}
