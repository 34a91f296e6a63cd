"""SIGTERM while an upload comes and a download goes: both finish, nothing new is taken, the exit code is 0.

What does not finish in the time that is given is ended, and leaves nothing half (design sections 5 and 6).
"""

import hashlib
import os
import signal
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.support import server as servers
from tests.support.artifacts import Payload, build
from tests.support.mender import DEPLOYMENTS
from tests.support.waiting import eventually

ARTIFACTS = f"{DEPLOYMENTS}/artifacts"
MEGABYTE = 1024 * 1024


class Upload:
    """An artifact on its way: half of it was sent."""

    def __init__(self, server, token, name):
        content = build(name=name, suffix="", payloads=[Payload(files={"file": os.urandom(4 * MEGABYTE)})])
        before = b'--b\r\nContent-Disposition: form-data; name="artifact"; filename="a"\r\n\r\n'
        self._rest = content[len(content) // 2 :] + b"\r\n--b--\r\n"
        head = (
            f"POST {ARTIFACTS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(before) + len(content) + len(b'|--b--|') + 2}\r\n\r\n"
        )
        self.connection = connect(server)
        self.connection.sendall(head.encode() + before + content[: len(content) // 2])
        eventually(lambda: spooled(server))

    def finish(self):
        self.connection.sendall(self._rest)
        return self.connection.recv(65536)


class Download:
    """A file on its way: its beginning was read, and more than any buffer holds is left."""

    def __init__(self, server, link):
        where = urlsplit(link)
        self.connection = connect(server, receive_buffer=65536)
        self.connection.sendall(f"GET {where.path}?{where.query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        self._received = b""
        while b"\r\n\r\n" not in self._received:
            self._received += self.connection.recv(1024)

    def finish(self):
        while data := self.connection.recv(MEGABYTE):
            self._received += data
        return self._received.partition(b"\r\n\r\n")[2]


def connect(server, receive_buffer=None):
    where = urlsplit(server.url)
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(60)
    made.connect((where.hostname, where.port))
    return made


def spooled(server):
    return [file for file in (server.data / "spool").iterdir() if file.stat().st_size]


def takes_connections(server):
    try:
        connect(server).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.fixture(params=["sqlite", "postgres"])
def server(request, tmp_path, cluster):
    url = cluster.create(f"stop_{uuid4().hex}") if request.param == "postgres" else None
    started = servers.start(tmp_path / "data", url, CHECK_ANSWERS="true")
    started.url_of_database = url
    yield started
    started.process.kill()
    started.process.wait()


@pytest.fixture
def client(server):
    with httpx.Client(base_url=server.url, timeout=60, verify=False) as made:
        made.headers["Authorization"] = f"Bearer {server.login()}"
        yield made


def test_what_is_under_way_is_finished(server, client):
    content = build(name="kept", suffix="", payloads=[Payload(files={"file": os.urandom(24 * MEGABYTE)})])
    assert client.post(ARTIFACTS, files={"artifact": ("a", content)}).status_code == 201
    artifact = client.get(ARTIFACTS).json()[0]["id"]
    download = Download(server, client.get(f"{ARTIFACTS}/{artifact}/download").json()["uri"])
    upload = Upload(server, client.headers["Authorization"].split()[1], "late")

    server.process.send_signal(signal.SIGTERM)
    eventually(lambda: not takes_connections(server))
    assert upload.finish().startswith(b"HTTP/1.1 201")
    assert hashlib.sha256(download.finish()).digest() == hashlib.sha256(content).digest()
    assert server.process.wait(30) == 0
    assert "Traceback" not in server.log.read_text()
    assert listed_after_a_new_start(server) == ["kept", "late"]


def test_what_does_not_finish_is_ended_and_leaves_nothing(server, client):
    upload = Upload(server, client.headers["Authorization"].split()[1], "never")
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(30) == 0
    upload.connection.close()
    assert list((server.data / "spool").iterdir()) == []
    assert listed_after_a_new_start(server) == []


def listed_after_a_new_start(server):
    again = servers.start(server.data, server.url_of_database, admin=False)
    try:
        headers = {"Authorization": f"Bearer {again.login()}"}
        answer = httpx.get(again.url + ARTIFACTS, headers=headers, timeout=30, verify=False)
        return sorted(artifact["name"] for artifact in answer.json())
    finally:
        assert again.stop() == 0
