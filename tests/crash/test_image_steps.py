"""SIGKILL while a file completes an image: it is listed whole with its fingerprint, or not at all (vmm 7)."""

import contextlib
import os
from hashlib import sha256

import httpx
import pytest

from tests.crash.site import KINDS, Site
from tests.support import server as servers
from tests.support.images import TINY, TINY_ID, meta, send, sent, squashfs
from tests.support.vmm import API, Panel

pytestmark = pytest.mark.long

STEPS = ("storage.renamed", "storage.adopted", "db.commit", "db.committed")
BASE = f"{API}/simplestream.list"
META, ROOT = meta(), squashfs()
COMBINED = sha256(META + ROOT).hexdigest()


@pytest.fixture(scope="module", params=KINDS)
def site(request, tmp_path_factory, cluster):
    url = cluster.create(f"images_{os.getpid()}") if request.param == "postgres" else None
    running = Site(tmp_path_factory.mktemp(f"images-{request.param}"), url, SYSTEMS="mender,vmm")
    yield running
    running.server.stop()


@pytest.fixture(scope="module")
def token(site):
    panel = Panel(site.http).log_in(servers.EMAIL, servers.PASSWORD)
    panel.done("simplestream.add", TINY)
    return panel.token


def check(site, serial):
    """What is listed is there, byte by byte, and says so; whether this version is."""
    found = site.http.get(f"{BASE}/streams/v1/images.json").json()["products"]
    versions = found[TINY_ID]["versions"] if found else {}
    for version in versions.values():
        items = version["items"]
        assert items["lxd.tar.xz"]["combined_squashfs_sha256"] == COMBINED
        for item in items.values():
            content = site.http.get(f"{BASE}/{item['path']}").content
            assert (len(content), sha256(content).hexdigest()) == (item["size"], item["sha256"])
        assert len(items) == 2
    return serial in versions


@pytest.mark.rule("vmm 7")
@pytest.mark.parametrize("step", STEPS)
def test_the_file_that_completes_an_image(site, token, step):
    serial = f"2023110{STEPS.index(step) + 1}"
    assert sent(Panel(site.http, token), "lxd.tar.xz", META, serial)["listed"] is False
    site.arm(f"{step} kill")
    with contextlib.suppress(httpx.TransportError):
        send(Panel(site.http, token), "rootfs.squashfs", ROOT, serial)
    site.wait_death()
    site.restart()
    listed = check(site, serial)
    assert not listed or step == "db.committed"
    assert sent(Panel(site.http, token), "rootfs.squashfs", ROOT, serial)["listed"]
    assert check(site, serial)
