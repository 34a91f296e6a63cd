"""uvicorn's HTTP protocol with limits on what precedes a request's body, and a neutral JSON refusal.

What is no HTTP has no path, hence no system and no envelope (pipeline.md section 0, item 12).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD: Final = 64 * 1024  # bytes of request line and header fields
HEAD_SECONDS: Final = 30  # for a client to say what it wants
HANG_UP: Final = "flotilla.hang_up"  # in the extensions of a scope: closes the connection, whatever was not said yet


async def hang_up(scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    """Close the connection without an answer: a client takes that for trouble on the way, and tries again."""
    scope["extensions"][HANG_UP]()
    while (await receive())["type"] != "http.disconnect":
        pass


class HeadTooLarge(Exception):
    """More header bytes than MAX_HEAD."""


class Protocol(HttpToolsProtocol):
    """One connection. httptools itself would collect a head of any size for any time."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._size = 0
        self._silent = 0
        self._moved = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._got_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._moved = False
        super().data_received(data)
        # A field that never ends makes the parser collect bytes without telling us of any.
        self._silent = 0 if self._moved else self._silent + len(data)
        if self._silent > MAX_HEAD and not self.transport.is_closing():
            self._refuse(b"431 Request Header Fields Too Large", b"request head too large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: Any = {HANG_UP: self.transport.close}
        self.scope["extensions"] = extensions
        self._size = 0
        self._moved = True
        if self._head_timer is None:
            self._expect_head()

    def on_url(self, url: bytes) -> None:
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._got_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def send_400_response(self, msg: str) -> None:
        if self._size > MAX_HEAD:
            self._refuse(b"431 Request Header Fields Too Large", b"request head too large")
        else:
            self._refuse(b"400 Bad Request", b"invalid HTTP request")

    def _count(self, size: int) -> None:
        self._moved = True
        self._size += size
        if self._size > MAX_HEAD:
            raise HeadTooLarge

    def _refuse(self, status: bytes, error: bytes) -> None:
        body = b'{"error":"%s"}' % error
        head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\nconnection: close\r\n" % status
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _got_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
