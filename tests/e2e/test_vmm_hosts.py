"""An LXD host through a server of its own, over https: instances of its own images, events, kills, the guide."""

import json
import re
import ssl
import subprocess
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.support import server as servers
from tests.support.images import SERIAL, TINY, TINY_ID, sent
from tests.support.lxd import SCRIPT, furnish, lxd
from tests.support.mailbox import mailbox
from tests.support.vmm import API, PASSWORD, Panel, code_in, host, on
from tests.support.waiting import eventually

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "vmm.md"
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]

GRACE = {
    "user_login": "grace",
    "user_email": "grace@example.com",
    "user_password": PASSWORD,
    "user_passwordRepeat": PASSWORD,
    "user_code": "",
}


@pytest.fixture
def daemon():
    with lxd() as started:
        yield started


@pytest.fixture
def server(daemon, empty_database, tmp_path):
    with mailbox() as box:
        settings = {
            "TLS_CERT": daemon.settings["LXD_TLS_CRT"], "TLS_KEY": daemon.settings["LXD_TLS_KEY"],
            "SMTP_URL": f"smtp://127.0.0.1:{box.port}", "VMM_REGISTRATION": "true", "VMM_ALLOWED_HOSTS": "127.0.0.1",
            "VMM_IMAGE_SERVERS": "https://localhost:1", "CHECK_ANSWERS": "true",
        }  # fmt: skip
        started = servers.start(tmp_path / "data", empty_database.url, **settings)
        started.box = box
        yield started
        assert started.stop() == 0


@pytest.fixture
def trust(daemon):
    return ssl.create_default_context(cafile=daemon.settings["LXD_TLS_CRT"])


@pytest.fixture
def nobody(server, trust):
    return Panel(httpx.Client(base_url=server.url, timeout=60, verify=trust))


@pytest.fixture
def images(server, nobody, daemon):
    """A split and a unified image of this server's own, uploaded by an administrator."""
    admin = nobody.log_in("admin@example.com", servers.PASSWORD)
    admin.done("simplestream.add", {**TINY, "product_aliases": "tiny"})
    for name in ("lxd.tar.xz", "rootfs.squashfs"):
        sent(admin, name, (daemon.images / name).read_bytes(), SERIAL, TINY_ID)
    admin.done("simplestream.add", {**TINY, "product_variant": "whole", "product_aliases": "whole"})
    sent(admin, "unified.tar.gz", (daemon.images / "unified.tar.gz").read_bytes(), SERIAL, "tiny:1.0:amd64:whole")
    return f"{server.url}{API}/simplestream.list"


class Listener:
    """A websocket of a caller's events."""

    def __init__(self, server, trust, caller):
        address = server.url.replace("https", "wss") + f"{API}/event.subscribe?stream=mine"
        self.connection = connect(address, ssl=trust, proxy=None, open_timeout=20).__enter__()
        caller.done("event.auth", {"stream": "mine"})

    def next(self, kind):
        while True:
            event = json.loads(self.connection.recv(timeout=60))
            if event["type"] == kind:
                return json.loads(event["body"])["data"]["attributes"]


def test_from_registration_to_the_end_of_an_instance(daemon, server, trust, nobody, images):
    nobody.done("user.register", GRACE)
    eventually(lambda: server.box.mails)
    nobody.done("user.register", {**dict.fromkeys(GRACE, ""), "user_code": code_in(server.box)})
    grace = nobody.log_in("grace")
    assert grace.done("server.verify", host(daemon))["attributes"]["server_server_version"]
    number = int(grace.done("server.add", host(daemon))["id"])
    offered, _ = grace.done("image.serverList", on(number))
    assert offered["attributes"]["image_server_host"] == images
    found = {
        one["attributes"]["image_aliases"][0]: one
        for one in grace.done("image.list", on(number, image_server_host=images))
    }
    assert set(found) == {"tiny", "whole"}

    listener = Listener(server, trust, grace)
    for alias in found:
        wanted = {"instance_name": alias, "instance_image": alias, "image_server_host": images, "instance_id": 0}
        grace.done("instance.add", on(number, **wanted))
        assert listener.next("instance.add")["instance_status"] == "stopped"
    fingerprints = {one["fingerprint"] for one in daemon.query("/1.0/images?recursion=1")}
    assert fingerprints == {one["attributes"]["image_fingerprint"] for one in found.values()}

    (instance,) = [
        one for one in grace.done("instance.list", on(number)) if one["attributes"]["instance_name"] == "tiny"
    ]
    for action, status in [("start", "running"), ("freeze", "frozen"), ("unfreeze", "running"), ("stop", "stopped")]:
        body = {"instance_id": int(instance["id"]), "instance_status": action, "provider": "lxd"}
        grace.done("instance.action", body)
        assert listener.next("instance.action")["instance_status"] == status
        assert daemon.query("/1.0/instances/tiny/state")["status"].lower() == status
    # What is acknowledged is done, also when the server is killed at once; and who was away is told.
    grace.done("instance.action", on(number, instance_id=0, instance_name="tiny", instance_status="delete"))
    server.process.kill()
    server.process.wait()
    server.start_again()
    eventually(lambda: "tiny" not in {one["name"] for one in daemon.query("/1.0/instances?recursion=1")})
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "1"}
    with nobody.http.stream("GET", f"{API}/event.subscribe?stream=again", headers=headers) as answer:
        grace.done("event.auth", {"stream": "again"})
        for line in answer.iter_lines():
            if line.startswith("data") and "deleted" in line:
                break
    for one in grace.done("image.list", on(number)):
        grace.done("image.delete", on(number, image_fingerprint=one["attributes"]["image_fingerprint"]))
    assert daemon.query("/1.0/images") == []

    stop = ["bash", str(SCRIPT), "stop", str(daemon.folder)]
    subprocess.run(stop, check=True, capture_output=True, timeout=120)
    assert grace.detail(502, "instance.list", on(number)) == "no connection"
    start = ["bash", str(SCRIPT), "start", str(daemon.folder), str(daemon.port)]
    subprocess.run(start, check=True, capture_output=True, timeout=120)
    assert [one["attributes"]["instance_name"] for one in grace.done("instance.list", on(number))] == ["whole"]


def test_the_guide_works_as_it_stands(daemon, tmp_path):
    furnish(daemon)
    server = servers.start(tmp_path / "data", LOG_LEVEL="warning", admin=False, VMM_ALLOWED_HOSTS="127.0.0.1")
    try:
        first, hosts, instances, _ = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
        script = f"{first}\n{hosts}\n{instances}"
        for shown, ours in (
            ("http://127.0.0.1:8080", server.url),
            ("data/admin-password", "admin-password"),
            ("PORT=8443", f"PORT={daemon.port}"),
            ("the trust password", daemon.password),
            ("IMAGE=ubuntu", "IMAGE=tiny"),
        ):
            assert shown in script
            script = script.replace(shown, ours)
        done = subprocess.run(["bash", "-euc", script], cwd=server.data, capture_output=True, text=True, timeout=120)
    finally:
        assert server.stop() == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"errors"' not in done.stdout.partition("token has been revoked")[2], done.stdout
    assert daemon.query("/1.0/instances/web/state")["status"] == "Running"
