"""What is not for connexion: pages for people under /ui on the public listener, and websockets, which are refused."""

import asyncio
import json
import re
from typing import Any

import httpx
import pytest

from app import __version__
from app.http.pages import VIEWER, create_pages
from app.http.switch import Switch
from app.http.systems import Login, System
from tests.support.live import live, raw

HANDSHAKE = (
    b"GET /toy HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Request-ID: mine\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def system(name: str, title: str, login: Login | None = None) -> System:
    nothing: dict = {"public": [], "internal": []}
    return System(name, title, "mender", nothing, nothing, login=login)


SYSTEMS = [
    system("mender", "Mender <updates>", Login("/login", "/logout", "Token")),
    system("flotilla", "Flotilla itself"),
]


async def inner(scope: Any, receive: Any, send: Any) -> None:
    """Stands for connexion: answers everything alike."""
    if scope["type"] == "lifespan":
        for _ in range(2):
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
        return
    body = f"{scope['path']} for connexion".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def public():
    with live(Switch(inner, "public", SYSTEMS)) as url:
        yield url


@pytest.fixture(scope="module")
def internal():
    with live(Switch(inner, "internal", SYSTEMS)) as url:
        yield url


@pytest.mark.parametrize("path", ["/", "/uix", "/u", "/UI", "/api/ui", "//ui/"])
def test_all_else_goes_to_connexion(public, path):
    assert raw(public, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).endswith(f"{path} for connexion".encode())


@pytest.mark.parametrize("path", ["/ui", "/ui/", "/ui/static/flotilla.css"])
def test_the_internal_listener_has_no_pages(internal, path):
    assert httpx.get(internal + path).text == f"{path} for connexion"


def test_the_start_page_names_what_runs_here(public):
    page = httpx.get(f"{public}/ui/")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert f"Version {__version__}" in page.text
    assert "Mender &lt;updates&gt;" in page.text
    assert '<a href="/openapi/mender.json">' in page.text
    assert page.text.count("<li>") == 1
    assert page.text.count('<a href="/openapi/flotilla.json">') == 1


@pytest.mark.parametrize("path", ["/ui/", "/ui/reference/mender", "/ui/nothing"])
def test_all_that_a_page_needs_is_here(public, path):
    page = httpx.get(public + path).text
    assert "://" not in page
    assert not re.search(r"<script(?! src)|<style|style=| on[a-z]+=", page)
    for needed in re.findall(r'<(?:link|script|img) [^>]*(?:href|src)="([^"]+)"', page):
        assert httpx.get(public + needed).status_code == 200, needed


def test_each_system_that_is_on_has_a_reference(public):
    for name, title in (("mender", "Mender &lt;updates&gt;"), ("flotilla", "Flotilla itself")):
        page = httpx.get(f"{public}/ui/reference/{name}")
        assert page.status_code == 200
        assert title in page.text
        assert f'data-document="/openapi/{name}.json"' in page.text
    for name in ("nebula", "mender/", "..%2Fmender", "%00", "mender.json"):
        missing = httpx.get(f"{public}/ui/reference/{name}")
        assert missing.status_code == 404
        assert "There is no such page" in missing.text


def test_a_login_is_offered_where_a_system_has_one(public):
    assert 'data-path="/login" data-logout="/logout"' in httpx.get(f"{public}/ui/reference/mender").text
    assert "<form" not in httpx.get(f"{public}/ui/reference/flotilla").text


def test_the_viewer_may_be_kept_for_good_and_nothing_else(public):
    def kept(path):
        return httpx.get(f"{public}/ui/static/{path}").headers.get("Cache-Control", "")

    assert "immutable" in kept(f"{VIEWER}/swagger-ui.css")
    assert "immutable" not in kept("flotilla.css")
    assert "immutable" not in kept(f"{VIEWER}/nothing.css")


@pytest.mark.parametrize(
    "path",
    ["../pages.py", "..%2Fpages.py", "%2e%2e/pages.py", "swagger-ui/../../pages.py", "/etc/passwd", "..%5Cpages.py"],
)
def test_files_beside_the_static_ones_are_out_of_reach(public, path):
    answer = raw(public, f"GET /ui/static/{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("path", ["/ui/", "/ui/static/flotilla.css", "/ui/nothing"])
def test_every_page_says_what_a_browser_may_do(public, path):
    headers = httpx.get(public + path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(headers.get_list("date")) == 1


@pytest.mark.parametrize("host", ["x", "evil.example", "a b"])
def test_the_way_to_the_start_page_repeats_nothing_of_the_request(public, host):
    answer = raw(public, f"GET /ui HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 308")
    assert b"\r\nlocation: ui/\r\n" in answer
    assert host == "x" or host.encode() not in answer


def test_a_browser_finds_the_start_page(public):
    assert str(httpx.get(f"{public}/ui", follow_redirects=True).url) == f"{public}/ui/"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("HEAD", "/ui/", 200),
        ("POST", "/ui/", 405),
        ("GET", "/ui/nothing", 404),
        ("GET", "/ui/static/nothing", 404),
        ("GET", "/ui/static/../pages.py", 404),
        ("GET", "/ui/static/%2e%2e/pages.py", 404),
        ("GET", "/ui/static/..%2fpages.py", 404),
        ("GET", "/ui/%ff%00", 404),
        ("GET", "/ui/?a=%ff", 200),
    ],
)
def test_other_requests(public, method, path, status):
    answer = raw(public, f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: abc\r\n\r\n".encode(), timeout=2)
    assert answer.startswith(f"HTTP/1.1 {status}".encode())
    assert b"\r\nx-request-id: abc\r\n" in answer


def test_a_page_that_breaks_tells_nothing(monkeypatch):
    pages = create_pages(SYSTEMS)

    @pages.get("/broken")
    def broken() -> str:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("app.http.switch.create_pages", lambda systems: pages)
    with live(Switch(inner, "public", SYSTEMS)) as url:
        answer = httpx.get(f"{url}/ui/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Content-Security-Policy" in answer.headers


def test_a_websocket_is_not_found(public):
    head, _, body = raw(public, HANDSHAKE).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404")
    assert json.loads(body) == {"error": "not found", "request_id": "mine"}


def test_a_websocket_is_closed_where_the_server_knows_no_more():
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(Switch(inner, "public", SYSTEMS)({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert [message["type"] for message in sent] == ["websocket.close"]
