"""Images uploaded to a server of its own over TLS, and read, copied and started by a genuine LXD (vmm 7)."""

import json
import shutil
import ssl
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest

from tests.support import server as servers
from tests.support.images import SERIAL, TINY, TINY_ID, sent
from tests.support.lxd import Lxd, lxd
from tests.support.vmm import Panel

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]

REMOTE = "ours"
LATER = "20231115"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Lxd]:
    with lxd() as started:
        yield started


@pytest.fixture
def server(daemon, empty_database, tmp_path) -> Iterator[servers.Server]:
    """One that LXD knows by its certificate."""
    settings = {
        "TLS_CERT": daemon.settings["LXD_TLS_CRT"],
        "TLS_KEY": daemon.settings["LXD_TLS_KEY"],
        "VMM_ALLOWED_HOSTS": "127.0.0.1",
        "CHECK_ANSWERS": "true",
    }
    started = servers.start(tmp_path / "data", empty_database.url, **settings)
    yield started
    assert started.stop() == 0


@pytest.fixture
def admin(server) -> Panel:
    trust = ssl.create_default_context(cafile=server.environment["FLOTILLA_TLS_CERT"])
    http = httpx.Client(base_url=server.url, verify=trust, timeout=60)
    return Panel(http).log_in(servers.EMAIL, servers.PASSWORD)


@pytest.fixture
def remote(daemon, server) -> Iterator[str]:
    """The address that LXD knows the server by, as a remote of its command line."""
    certificates = Path(daemon.settings["LXD_CONF"]) / "servercerts"
    certificates.mkdir(exist_ok=True)
    shutil.copy(daemon.settings["LXD_TLS_CRT"], certificates / f"{REMOTE}.crt")
    address = f"{server.url}/api/v1/simplestream.list"
    daemon.lxc("remote", "add", REMOTE, address, "--protocol", "simplestreams", "--public")
    yield address
    for instance in daemon.query("/1.0/instances?recursion=1"):
        daemon.lxc("delete", "--force", instance["name"])
    for image in daemon.query("/1.0/images?recursion=1"):
        daemon.lxc("image", "delete", image["fingerprint"])
    daemon.lxc("remote", "remove", REMOTE)


def fingerprint(folder, *names):
    digest = sha256()
    for name in names:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def listed(daemon):
    """fingerprint -> the names of an image of ours, as `lxc` sees it."""
    found = json.loads(daemon.lxc("image", "list", f"{REMOTE}:", "--format", "json"))
    return {image["fingerprint"]: {alias["name"] for alias in image["aliases"] or ()} for image in found}


def upload(admin, folder, *names, serial=SERIAL, product=TINY_ID):
    return [sent(admin, name, (folder / name).read_bytes(), serial, product)["listed"] for name in names]


@pytest.mark.rule("vmm 7")
def test_lxd_starts_what_was_uploaded(daemon, server, admin, remote):
    folder = daemon.images
    admin.done("simplestream.add", TINY | {"product_aliases": "tiny/1.0,tiny"})
    whole = admin.done("simplestream.add", TINY | {"product_variant": "whole", "product_aliases": "tiny/whole"})["id"]
    assert upload(admin, folder, "lxd.tar.xz") == [False]
    assert listed(daemon) == {}
    assert upload(admin, folder, "rootfs.squashfs", "root.tar.xz") == [True, True]
    assert upload(admin, folder, "unified.tar.gz", product=whole) == [True]

    split = fingerprint(folder, "lxd.tar.xz", "rootfs.squashfs")
    packed, unified = fingerprint(folder, "lxd.tar.xz", "root.tar.xz"), fingerprint(folder, "unified.tar.gz")
    seen = listed(daemon)
    assert set(seen) == {split, packed, unified}
    assert {"tiny", "tiny/1.0", "tiny/amd64"} <= seen[split]
    assert "tiny/whole" in seen[unified]
    about = daemon.lxc("image", "info", f"{REMOTE}:tiny")
    assert split in about
    assert "Architecture: x86_64" in about

    for name, source in {split: "tiny", packed: packed, unified: "tiny/whole"}.items():
        daemon.lxc("image", "copy", f"{REMOTE}:{source}", "local:")
        assert daemon.query(f"/1.0/images/{name}")["fingerprint"] == name
        daemon.lxc("image", "delete", name)
    for name, source in {"split": "tiny", "packed": packed, "whole": "tiny/whole"}.items():
        daemon.lxc("launch", f"{REMOTE}:{source}", name)
        state = daemon.query(f"/1.0/instances/{name}/state")
        assert state["status"] == "Running"
        assert daemon.lxc("exec", name, "--", "cat", "/etc/hostname")


@pytest.mark.rule("vmm 7")
def test_a_new_version_takes_the_name_and_the_panel_sees_what_lxd_sees(daemon, server, admin, remote):
    folder = daemon.images
    admin.done("simplestream.add", TINY | {"product_aliases": "tiny"})
    upload(admin, folder, "lxd.tar.xz", "rootfs.squashfs")
    old, new = fingerprint(folder, "lxd.tar.xz", "rootfs.squashfs"), fingerprint(folder, "unified.tar.gz")
    assert old in daemon.lxc("image", "info", f"{REMOTE}:tiny")
    upload(admin, folder, "unified.tar.gz", serial=LATER)
    assert set(listed(daemon)) == {old, new}
    assert new in daemon.lxc("image", "info", f"{REMOTE}:tiny")

    host = {"server_host": "127.0.0.1", "server_port": daemon.port, "server_password": daemon.password}
    number = int(admin.done("server.add", {**host, "server_protocol": "lxd"})["id"])
    for base in (remote, remote.replace("simplestream.list", "simplestream.images")):
        body = {"server_id": number, "provider": "lxd", "image_server_host": base}
        images = admin.done("image.list", body)
        assert [image["attributes"]["image_fingerprint"] for image in images] == [new]


@pytest.mark.rule("vmm 7")
def test_a_server_that_was_killed_lists_what_it_did(daemon, server, admin, remote):
    folder = daemon.images
    admin.done("simplestream.add", TINY)
    upload(admin, folder, "lxd.tar.xz", "rootfs.squashfs")
    before = listed(daemon)
    server.process.kill()
    server.process.wait()
    server.start_again()
    assert listed(daemon) == before != {}
    assert upload(admin, folder, "lxd.tar.xz", "root.tar.xz") == [True, True]
    assert len(listed(daemon)) == 2
