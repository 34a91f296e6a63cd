"""Workers of Ngenea's sites as processes: SIGKILL at each step, and an end in good order (ngenea 5, 8)."""

import os
import signal

import pytest

from tests.crash.site import KINDS, Site
from tests.support import server as servers
from tests.support.ngenea import Hub
from tests.support.sites import make_site, make_space, ready
from tests.support.waiting import eventually

pytestmark = [pytest.mark.rule("ngenea 5"), pytest.mark.rule("ngenea 8")]
STEPS = ("ngenea.settings.done",)
# Claimed, made, told, and gone from the table of work.
MOMENTS = ("work.claimed", "ngenea.settings.done", "work.done", "work.finished")
SETTINGS = {"SYSTEMS": "mender,ngenea", "LOG_LEVEL": "info"}


@pytest.fixture(scope="module", params=KINDS)
def site(request, tmp_path_factory, cluster):
    url = cluster.create(f"sites_{os.getpid()}") if request.param == "postgres" else None
    running = Site(tmp_path_factory.mktemp(f"sites-{request.param}"), url, **SETTINGS)
    yield running
    running.server.stop()


@pytest.fixture(scope="module")
def hub(site):
    return Hub(site.http).log_in(servers.EMAIL.partition("@")[0], servers.PASSWORD)


@pytest.fixture(scope="module")
def number(hub):
    return make_site(hub)


def health(hub, number):
    return hub.get(f"/sites/{number}/health/")["health"]


def test_a_killed_worker_loses_nothing_and_does_nothing_twice(site, hub, number, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    for moment in MOMENTS:
        name = moment.replace(".", "-")
        path = f"/spaces/{make_space(hub, name)}/"
        site.arm(f"{moment} kill")
        worker = site.server.site_worker("london", folder)
        assert worker.wait(60) == -signal.SIGKILL
        site.orders.unlink()
        site.end_leases()
        worker = site.server.site_worker("london", folder)
        try:
            assert ready(hub, path)["on_sites"] == ["london"]
            tasks = hub.get("/settingstasks/", page_size=0)["results"]
            mine = [task for task in tasks if hub.get(f"/settingstasks/{task['id']}/")["request"]["name"] == name]
            assert len(mine) == 1
            eventually(lambda at=mine[0]["id"]: hub.get(f"/settingstasks/{at}/")["state"] == "SUCCESS")
            assert (folder / name).is_dir()
        finally:
            worker.kill()
            worker.wait()
    assert health(hub, number) == "ok", "a killed worker is online until its heartbeats are missed"


def test_a_worker_ends_in_good_order(site, hub, number, tmp_path):
    worker = site.server.site_worker("london", tmp_path, "--node", "kept", "--queue", "default", "--queue", "extra")
    node = eventually(lambda: next((one for one in hub.get("/nodes/")["results"] if one["name"] == "kept"), None))
    assert node["online"] is True
    assert {"default", "extra"} <= {queue["name"] for queue in hub.get("/queues/")["results"]}
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0
    assert hub.get(f"/nodes/{node['id']}/")["online"] is False


def test_a_worker_waits_for_its_site(site, hub, tmp_path):
    worker = site.server.site_worker("later", tmp_path)
    try:
        eventually(lambda: "no such site yet: waiting for it" in site.server.log.read_text())
        number = make_site(hub, "later")
        eventually(lambda: health(hub, number) == "ok")
    finally:
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(60) == 0


def test_a_server_works_on_a_site_itself(site, tmp_path):
    """The site is made at the start, and is there at the next."""
    folder = tmp_path / "files"
    folder.mkdir()
    server = servers.start(tmp_path / "data", SYSTEMS="mender,ngenea", NGENEA_SITE="own", NGENEA_ROOT=str(folder))
    for turn in ("first", "second"):
        with site._client() as client:
            client.base_url = server.url
            hub = Hub(client).log_in(servers.EMAIL.partition("@")[0], servers.PASSWORD)
            assert [one["name"] for one in hub.get("/sites/")["results"]] == ["own"]
            ready(hub, f"/spaces/{make_space(hub, turn, 'own')}/")
            assert (folder / turn).is_dir()
            seen = hub.done("GET", "/file/", params={"path": "/", "site": "own"})
            assert turn in [child["name"] for child in seen["children"]["results"]]
        assert server.stop() == 0
        if turn == "first":
            server.start_again()
