"""Feeds on the wire: server-sent events over HTTP, or text frames of a websocket."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from app.core.feeds import GONE, Feed, Message
from app.http.answers import Answer, Headers
from app.http.receiving import Receive

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PING_SECONDS: Final = 1.0
LINGER_SECONDS: Final = 2.0  # for a reader to take the last words
FIRST_FRAME_SECONDS: Final = 10.0
NO_QUERY: Final = 4400
REFUSED: Final = 4000  # and the status of the refusal
EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = [
    (b"content-type", EVENT_STREAM.encode()),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


async def push_events(feed: Feed, extra: Headers, receive: Receive, send: Send) -> None:
    """Send a feed as server-sent events, with a comment whenever there is nothing to say, until either side ends."""
    await send({"type": "http.response.start", "status": 200, "headers": [*HEADERS, *extra]})
    await _push(feed, _events(feed, send), receive, "http.disconnect")


async def _events(feed: Feed, send: Send) -> None:
    async for body in events(feed):
        await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def events(feed: Feed) -> AsyncIterator[bytes]:
    """A feed as server-sent events, with one more when it is closed, that says why."""
    async for message in feed.messages(PING_SECONDS):
        yield _event(message)
    why = feed.closing
    if why is not None and why is not GONE:
        yield b"event: close\ndata: %b\n\n" % orjson.dumps({"code": why.code, "reason": why.reason})


def _event(message: Message | None) -> bytes:
    if message is None:
        return b": ping\n\n"
    number = f"id: {message.number}\n" if message.number else ""
    lines = "".join(f"data: {line}\n" for line in message.text.splitlines())
    return f"{number}{lines}\n".encode()


async def push_frames(feed: Feed, receive: Receive, send: Send) -> None:
    """Send a feed over a websocket that is open; uvicorn sends the pings."""
    await _push(feed, _frames(feed, send), receive, "websocket.disconnect")


async def _frames(feed: Feed, send: Send) -> None:
    async for message in feed.messages(PING_SECONDS):
        if message is not None:
            await send({"type": "websocket.send", "text": message.text})
    if feed.closing is not None and feed.closing is not GONE:
        await send({"type": "websocket.close", "code": feed.closing.code, "reason": feed.closing.reason})


async def _push(feed: Feed, sending: Coroutine[Any, Any, None], receive: Receive, ended: str) -> None:
    """Run `sending` until it is done or the reader has gone; one that does not take the last words loses them."""
    gone = asyncio.create_task(_until(receive, ended))
    sender = asyncio.create_task(sending)
    try:
        while not (gone.done() or sender.done() or feed.closing):
            await asyncio.wait({gone, sender}, timeout=PING_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            await asyncio.wait({gone, sender}, timeout=LINGER_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        feed.close(GONE)
        for task in (gone, sender):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(gone, sender, return_exceptions=True)


async def _until(receive: Receive, ended: str) -> None:
    while (await receive())["type"] != ended:
        pass


async def first_frame(receive: Receive) -> bytes | None:
    """The query string that the first frame of a websocket stands for: a JSON object of texts; None for none such."""
    try:
        message = await asyncio.wait_for(receive(), FIRST_FRAME_SECONDS)
        said = orjson.loads(message.get("text") or message.get("bytes") or b"")
        return urlencode({name: value for name, value in said.items() if isinstance(value, str)}).encode()
    except (TimeoutError, ValueError, AttributeError):
        return None


async def refuse_socket(
    answer: Answer, headers: Headers, scope: MutableMapping[str, Any], opened: bool, send: Send
) -> None:
    """Answer a handshake with a refusal, or end a websocket that is open already, with the status in the code."""
    if opened or "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": REFUSED + answer.status, "reason": ""})
        return
    media = (answer.media or "application/json").encode()
    lines = [*answer.headers, *headers, (b"content-type", media), (b"content-length", b"%d" % len(answer.body))]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": lines})
    await send({"type": "websocket.http.response.body", "body": answer.body})
