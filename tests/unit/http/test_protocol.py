"""What a connection refuses before there is a request: no HTTP, heads without end, clients that say nothing."""

import json
import socket
import time
from typing import Any

import pytest

from app.http import protocol
from tests.support.live import live, raw

HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"
FIELD = b"a: " + b"x" * 1000 + b"\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size of the head and of the body that it got."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
        return
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = json.dumps([len(scope["headers"]), size]).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def url():
    with live(app) as started:
        yield started


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_what_is_no_http_gets_neutral_json(url, request_):
    answer = raw(url, request_)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert status(answer) == 400
    assert b"content-type: application/json" in head
    assert b"connection: close" in head
    assert json.loads(body) == {"error": "invalid HTTP request"}


def test_many_fields_within_the_limit_are_served(url):
    answer = raw(url, HEAD + FIELD * 60 + b"\r\n")
    assert (status(answer), answer.endswith(b"[61, 0]")) == (200, True)


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + FIELD * 70 + b"\r\n",
        HEAD + FIELD * 70,
        b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /?" + b"x" * 70_000,
        HEAD + b"a: " + b"x" * 400_000,
        HEAD + b"x" * 400_000,
        HEAD + b"a:" + b" " * 400_000,
    ],
    ids=["whole", "unfinished", "path", "query", "value", "name", "blanks"],
)
def test_a_head_beyond_the_limit_is_refused(url, request_):
    answer = raw(url, request_)
    assert status(answer) == 431
    assert json.loads(answer.partition(b"\r\n\r\n")[2]) == {"error": "request head too large"}


def test_trailers_count_too(url):
    start = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    assert status(raw(url, start + FIELD + b"\r\n")) == 200
    assert status(raw(url, start + FIELD * 70)) == 431
    assert status(raw(url, start + b"a: " + b"x" * 400_000)) == 431


def test_the_limit_is_for_each_request_not_for_the_connection(url):
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall((HEAD + FIELD * 30 + b"\r\n") * 5 + HEAD + b"Connection: close\r\n\r\n")
        assert connection.makefile("rb").read().count(b"HTTP/1.1 200 OK") == 6


def test_bodies_are_not_heads(url):
    body = b"x" * 3_000_000
    answer = raw(url, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + body)
    assert answer.endswith(b"[2, 3000000]")


@pytest.mark.parametrize("sent", [b"", b"GET / HT", HEAD, HEAD + b"\r\n" + HEAD])
def test_whoever_does_not_finish_a_head_is_left(monkeypatch, sent):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.2)
    with live(app) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(sent)
            received = connection.makefile("rb").read()
    assert received.count(b"200 OK") == sent.count(b"\r\n\r\n")


def test_a_body_may_take_its_time(monkeypatch):
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.1)
    with live(app) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\na")
            time.sleep(0.5)
            connection.sendall(b"b")
            assert connection.makefile("rb").read().endswith(b"[3, 2]")
