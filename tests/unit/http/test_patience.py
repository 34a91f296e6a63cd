"""A body that comes too slowly ends with 408; the limits are shortened here, no test looks at a clock."""

import asyncio
import json
import socket
import threading
import time
from types import SimpleNamespace

import pytest

from app.core.errors import RequestTimeout
from app.http import patience
from tests.unit.http.toy import toy_server

HEAD = "{method} {path} HTTP/1.1\r\nHost: toy\r\nAuthorization: Bearer good\r\nContent-Type: {media}\r\n{more}\r\n"
JSON = HEAD.format(method="POST", path="/toy/things", media="application/json", more="Content-Length: 40\r\n")
FORM = HEAD.format(
    method="POST", path="/toy/files", media="multipart/form-data; boundary=b", more="Transfer-Encoding: chunked\r\n"
)
PART = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nsome bytes'


@pytest.fixture(scope="module")
def toy(tmp_path_factory, module_database):
    folder = tmp_path_factory.mktemp("toy")
    with toy_server(folder) as started:
        yield started[0], folder


def whole(connection):
    """Everything until the server closes."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def connect(url):
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=60)


@pytest.mark.parametrize(
    "request_text",
    [JSON, JSON + '{"name": ', FORM, FORM + f"{len(PART):x}\r\n{PART}\r\n"],
    ids=["nothing", "some", "nothing of a form", "some of a form"],
)
def test_a_client_that_falls_silent(toy, monkeypatch, request_text):
    monkeypatch.setattr(patience, "SILENT_SECONDS", 0.2)
    url, folder = toy
    with connect(url) as connection:
        connection.sendall(request_text.encode())
        head, _, body = whole(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert json.loads(body)["error"] == "the body came too slowly"
    assert not [file for file in folder.rglob("upload-*") if file.is_file()]


def test_a_client_that_sends_drop_by_drop(toy, monkeypatch):
    """No pause is long, but the whole would take for ever."""
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.5)
    monkeypatch.setattr(patience, "MIN_RATE", 10**9)
    url, _ = toy
    stop = threading.Event()
    with connect(url) as connection:
        connection.sendall(JSON.replace("40", "1000000").encode())

        def drip():
            while not stop.is_set():
                try:
                    connection.sendall(b" ")
                except OSError:
                    return
                time.sleep(0.05)

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            received = connection.recv(65536)
        finally:
            stop.set()
            dripping.join()
    assert received.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(("sent", "served"), [(60 * 1024, True), (10 * 1024, False)])
def test_bytes_buy_time(monkeypatch, sent, served):
    """A second for each KiB: after 100 s somebody who has sent 60 KiB goes on, and one who has sent 10 does not."""
    clock = iter([0.0, 1.0, 100.0])
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: next(clock)))

    async def part():
        return {"type": "http.request", "body": b"x" * sent, "more_body": True}

    async def send():
        receive = patience.patient(part)
        await receive()
        await receive()

    if served:
        asyncio.run(send())
    else:
        with pytest.raises(RequestTimeout):
            asyncio.run(send())
