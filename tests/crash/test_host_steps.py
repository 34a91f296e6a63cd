"""SIGKILL between what a user was told and what an LXD host does: it is done once, and told once (vmm 5, 6)."""

import os

import pytest

from tests.crash.site import Site
from tests.support import server as servers
from tests.support.lxd import furnish, lxd
from tests.support.streams import Events
from tests.support.vmm import Panel, host, on

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.xdist_group("lxd")]

STEPS = ("vmm.task.begun", "vmm.task.asked", "vmm.task.noted")
JOINED = "vmm.joined"
SETTINGS = {"SYSTEMS": "mender,vmm", "VMM_ALLOWED_HOSTS": "127.0.0.1"}


@pytest.fixture(scope="module")
def daemon():
    with lxd() as started:
        furnish(started)
        yield started


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def site(request, daemon, tmp_path_factory, cluster):
    url = cluster.create(f"hosts_{os.getpid()}") if request.param == "postgres" else None
    running = Site(tmp_path_factory.mktemp(f"hosts-{request.param}"), url, **SETTINGS)
    yield running
    running.server.stop()


@pytest.fixture(scope="module")
def token(site):
    return Panel(site.http).log_in(servers.EMAIL, servers.PASSWORD).token


@pytest.fixture(scope="module")
def number(site, token, daemon):
    added = int(Panel(site.http, token).done("server.add", host(daemon))["id"])
    yield added
    for one in daemon.query("/1.0/instances?recursion=1"):
        if one["name"].startswith("kept"):
            daemon.lxc("delete", "--force", one["name"])


@pytest.mark.rule("vmm 5")
@pytest.mark.rule("vmm 6")
def test_what_was_acknowledged(site, token, daemon, number):
    panel = Panel(site.http, token)
    with Events(site.http) as stream:
        stream.of(panel)
        panel.done("instance.add", on(number, instance_id=0, instance_name="kept", instance_image="tiny"))
        latest = stream.next(60)["number"]
    for turn, step in enumerate(STEPS):
        name = f"kept-{turn}"
        site.arm(f"{step} kill")
        asked = on(number, instance_id=0, instance_name=name, instance_image="tiny", request_id=name)
        assert panel.done("instance.add", asked)["attributes"]["request_id"] == name
        site.wait_death()
        site.end_leases()
        site.restart()
        panel = Panel(site.http, token)
        with Events(site.http, **{"Last-Event-ID": str(latest)}) as stream:
            stream.of(panel)
            event = stream.next(60)
            assert (event["type"], event["request_id"]) == ("instance.add", name)
            assert event["body"]["data"]["attributes"]["instance_status"] == "stopped"
            assert stream.silent(), "it is told once"
        assert daemon.query(f"/1.0/instances/{name}/state")["status"] == "Stopped"
        latest = event["number"]


@pytest.mark.rule("vmm 5")
def test_a_host_that_was_half_added(site, token, daemon):
    """It is nobody's, and the work of the hour takes our certificate back (test_hosts.py)."""
    site.arm(f"{JOINED} kill")
    with pytest.raises(Exception, match="disconnected|reset|closed"):
        Panel(site.http, token).call("server.add", host(daemon, server_host="localhost"))
    site.wait_death()
    site.restart()
    listed = Panel(site.http, token).done("server.list", on(0))
    assert "localhost" not in {one["attributes"]["server_host"] for one in listed}
