"""A full disk is 507 and harmless (design section 8): a server on file systems of a few megabytes."""

import os
import subprocess
from contextlib import contextmanager

import httpx
import pytest

from tests.support import server as servers
from tests.support.artifacts import Payload, build
from tests.support.mender import DEPLOYMENTS, DEVAUTH, Device

ARTIFACTS = f"{DEPLOYMENTS}/artifacts"
MEGABYTE = 1024 * 1024


@contextmanager
def small_disk(folder, megabytes):
    """A file system of its own at `folder`; needs root."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=700", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True)
    if mounted.returncode:
        reason = f"no file system can be mounted here: {mounted.stderr.strip()}"
        if os.environ.get("FLOTILLA_E2E") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Take all that is left of a file system; the file that holds it."""
    file = folder / "filler"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT)
    for size in (65536, 4096, 512, 1):
        try:
            while True:
                os.write(descriptor, b"x" * size)
        except OSError:
            continue
    os.close(descriptor)
    return file


@pytest.fixture
def client():
    with httpx.Client(timeout=60, verify=False) as made:
        yield made


def upload(client, server, token, name, size):
    content = build(name=name, payloads=[Payload(files={"file": os.urandom(size)})])
    headers = {"Authorization": f"Bearer {token}"}
    return client.post(server.url + ARTIFACTS, headers=headers, files={"artifact": ("a", content)})


def listed(client, server, token):
    answer = client.get(server.url + ARTIFACTS, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    return [entry["name"] for entry in answer.json()]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_full_spool_refuses_uploads_and_nothing_else(kind, tmp_path, cluster, client):
    url = cluster.create(f"full_{os.getpid()}") if kind == "postgres" else None
    with small_disk(tmp_path / "spool", 2) as spool:
        server = servers.start(tmp_path / "data", url, SPOOL_DIR=str(spool), CHECK_ANSWERS="true")
        try:
            token = server.login()
            answer = upload(client, server, token, "big", 3 * MEGABYTE)
            assert answer.status_code == 507, answer.text
            assert answer.json() == {
                "error": "no space left for the upload",
                "request_id": answer.headers["X-MEN-RequestID"],
            }
            assert listed(client, server, token) == []
            assert list(spool.iterdir()) == []
            assert upload(client, server, token, "small", MEGABYTE).status_code == 201
            assert listed(client, server, token) == ["small"]
        finally:
            assert server.stop() == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_full_store_lists_nothing_half(kind, tmp_path, cluster, client):
    """The spool has room, the place for objects has not: the copy between the two file systems fails midway."""
    url = cluster.create(f"store_{os.getpid()}") if kind == "postgres" else None
    with small_disk(tmp_path / "data" / "objects", 2) as objects:
        server = servers.start(tmp_path / "data", url, CHECK_ANSWERS="true")
        try:
            token = server.login()
            assert upload(client, server, token, "big", 3 * MEGABYTE).status_code == 507
            assert listed(client, server, token) == []
            assert [file for file in objects.rglob("*") if file.is_file()] == []
            assert list((server.data / "spool").iterdir()) == []
            assert upload(client, server, token, "small", MEGABYTE).status_code == 201
        finally:
            assert server.stop() == 0


def test_a_full_database_refuses_writes_and_still_reads(tmp_path, client):
    with small_disk(tmp_path / "disk", 16) as disk:
        server = servers.start(
            disk / "data", SPOOL_DIR=str(tmp_path / "spool"), CHECK_ANSWERS="true", LOG_LEVEL="error"
        )
        try:
            token = server.login()
            filler = fill(disk)
            statuses = set()
            for number in range(200):
                # Until what SQLite had in hand is used up.
                device = Device(client, identity={"serial": f"{number}", "filling": "x" * 4000})
                client.base_url = server.url
                statuses.add(device.request().status_code)
                if 507 in statuses:
                    break
            assert statuses <= {401, 507}
            assert 507 in statuses, "the database never was full"
            headers = {"Authorization": f"Bearer {token}"}
            before = client.get(server.url + f"{DEVAUTH}/devices/count", headers=headers)
            assert before.status_code == 200
            assert client.get(server.url + "/readyz").status_code == 200

            filler.unlink()
            device = Device(client, identity={"serial": "later"})
            assert device.request().status_code == 401
            after = client.get(server.url + f"{DEVAUTH}/devices/count", headers=headers).json()["count"]
            assert after == before.json()["count"] + 1
        finally:
            assert server.stop() == 0
