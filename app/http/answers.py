"""Answers: what a handler returned becomes status, headers and bytes; streams are sent in chunks; tests check both.

Stands in for connexion's jsonifier and ResponseValidationMiddleware: orjson is twenty times faster on a list, and an
answer is judged on the bytes to be sent (pipeline.md i).
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app.core import failpoints, threads
from app.core.calls import Chunks, Request, Stream
from app.core.feeds import Feed
from app.http.ranges import Selection, http_date, select
from app.http.schemas import Compiled, Errors, Schemas

Headers = list[tuple[bytes, bytes]]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

WITHOUT_BODY: Final = frozenset({204, 304})
WITH_CONTENT: Final = frozenset({200, 206})  # of a stream


@dataclass(slots=True)
class Answer:
    """Ready to send. `media` is None where there is no body."""

    status: int
    media: str | None
    body: bytes
    headers: Headers = field(default_factory=list)
    stream: Stream | None = None
    feed: Feed | None = None
    chunks: Chunks | None = None


class Answers:
    """The declared answers of one operation: media type and schema per status."""

    def __init__(self, media: Mapping[int, str | None], schemas: Mapping[int, Compiled | None]) -> None:
        self._media = media
        self._schemas = schemas

    @property
    def opens_sockets(self) -> bool:
        """Whether the operation may be asked for by websocket."""
        return 101 in self._media

    def render(self, result: Any) -> Answer:
        """The answer of what a handler returned: body, (body, status[, headers]), a Stream, Chunks or a Feed."""
        body, status, headers = result, 200, None
        if isinstance(result, tuple):
            body, status = result[0], result[1]
            headers = result[2] if len(result) > 2 else None
        if isinstance(body, Stream):
            return Answer(status, body.media_type, b"", encode(headers), body)
        if isinstance(body, Chunks):
            return Answer(status, self._media[status], b"", encode(headers), chunks=body)
        if isinstance(body, Feed):
            return Answer(status, self._media[status], b"", encode(headers), feed=body)
        if body is None:
            return Answer(status, None, b"", encode(headers))
        if isinstance(body, bytes):
            raw = body
        elif isinstance(body, str):
            raw = body.encode()
        else:
            raw = orjson.dumps(body)
        return Answer(status, self._media.get(status) or "application/json", raw, encode(headers))

    def check(self, answer: Answer, request: Request | None = None) -> Errors:
        """Faults of an answer against the spec: an undeclared status or media type, or a body its schema refuses.

        What becomes of a stream depends on the request's conditions and range, so that is judged with the request.
        """
        status, media = answer.status, answer.media
        if answer.stream is not None and request is not None:
            status = select(request.method, request.headers, answer.stream).status
            media = media if status in WITH_CONTENT else None
        if status not in self._media:
            return [("", f"status {status} is not declared")]
        declared = self._media[status]
        if declared != media:
            return [("", f"status {status} declares {declared}, not {media}")]
        schema = self._schemas[status]
        if schema is None or declared is None or answer.stream or answer.feed or answer.chunks:
            return []
        try:
            value = orjson.loads(answer.body) if declared.endswith("json") else answer.body.decode()
        except ValueError as exc:
            return [("", f"status {status} is no {declared}: {exc}")]
        return schema.errors(value)


def compile_answers(operation: Mapping[str, Any], schemas: Schemas, follow: Callable[[Any], Any]) -> Answers:
    """Compile the `responses` of an operation; one media type per status. Raises ValueError."""
    media: dict[int, str | None] = {}
    compiled: dict[int, Compiled | None] = {}
    for code, response in operation["responses"].items():
        content = follow(response).get("content") or {}
        if len(content) > 1:
            raise ValueError(f"answer {code} declares several media types")
        if not code.isdecimal():
            raise ValueError(f"answer {code}: each status is written out")
        status = int(code)
        media[status] = next(iter(content), None)
        schema = content[media[status]].get("schema") if content else None
        binary = schema is not None and follow(schema).get("format") == "binary"
        compiled[status] = None if schema is None or binary else schemas.response(schema)
    return Answers(media, compiled)


def encode(headers: Mapping[str, Any] | None) -> Headers:
    """Header lines; a list value gives a line per item. Raises ValueError for a value that would break the line."""
    lines: Headers = []
    for name, value in (headers or {}).items():
        for item in value if isinstance(value, list) else [value]:
            text = str(item)
            if "\r" in text or "\n" in text:
                raise ValueError(f"header {name} holds a line break")
            lines.append((name.lower().encode("latin-1"), text.encode("latin-1")))
    return lines


async def send_answer(
    answer: Answer, request: Request | None, extra: Headers, receive: Receive, send: Send, system: str = ""
) -> None:
    """Send an answer with `extra` header lines; for HEAD without the body. Streams are read in threads of `system`."""
    method = request.method if request is not None else "GET"
    if answer.stream is not None:
        asked = request.headers if request is not None else {}
        readers = threads.executor("file", system)
        await _send_stream(answer, answer.stream, method, asked, extra, receive, send, readers)
        return
    headers = [*answer.headers, *extra]
    if answer.chunks is not None:
        headers.append((b"content-type", _with_charset(str(answer.media))))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if method != "HEAD":
            await _send_chunks(answer.chunks.parts, receive, send, threads.executor("file", system))
        await send({"type": "http.response.body", "body": b""})
        return
    if answer.status not in WITHOUT_BODY:
        headers.append((b"content-length", str(len(answer.body)).encode()))
        if answer.media is not None:
            headers.append((b"content-type", _with_charset(answer.media)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if method == "HEAD" or answer.status in WITHOUT_BODY else answer.body
    await send({"type": "http.response.body", "body": body})


def _with_charset(media: str) -> bytes:
    return f"{media}; charset=utf-8".encode() if media.startswith("text/") else media.encode()


async def _send_stream(
    answer: Answer,
    stream: Stream,
    method: str,
    request_headers: Mapping[str, str],
    extra: Headers,
    receive: Receive,
    send: Send,
    readers: Executor,
) -> None:
    chosen = select(method, request_headers, stream)
    answer.status = chosen.status  # what the log will say
    headers = [*answer.headers, *extra, *stream_headers(stream, chosen)]
    await send({"type": "http.response.start", "status": chosen.status, "headers": headers})
    if method != "HEAD" and chosen.length:
        await _send_chunks(stream.read(chosen.offset, chosen.length), receive, send, readers)
    await send({"type": "http.response.body", "body": b""})


def stream_headers(stream: Stream, chosen: Selection) -> Headers:
    """The header lines that go with a selection; what describes content only where there is some."""
    headers: Headers = [(b"accept-ranges", b"bytes")]
    if stream.etag is not None:
        headers.append((b"etag", stream.etag.encode()))
    if stream.modified is not None:
        headers.append((b"last-modified", http_date(stream.modified).encode()))
    if chosen.status in WITH_CONTENT:
        headers += [*encode(stream.headers), (b"content-type", _with_charset(stream.media_type))]
    if chosen.status == 206:
        last = chosen.offset + chosen.length - 1
        headers.append((b"content-range", f"bytes {chosen.offset}-{last}/{stream.size}".encode()))
    if chosen.status == 416:
        headers.append((b"content-range", f"bytes */{stream.size}".encode()))
    if chosen.status != 304:
        headers.append((b"content-length", str(chosen.length).encode()))
    return headers


async def _send_chunks(chunks: Iterator[bytes], receive: Receive, send: Send, readers: Executor) -> None:
    """Read in threads of their own, chunk by chunk, until the end or until the client is gone.

    uvicorn swallows what is sent after a disconnect, so without the watcher the rest would be read for nobody.
    """
    loop = asyncio.get_running_loop()
    gone = asyncio.create_task(_disconnected(receive))
    # When this task is cancelled a thread may still be reading: the iterator is closed behind it.
    turn = threading.Lock()
    try:
        while not gone.done():
            chunk = await loop.run_in_executor(readers, _next, chunks, turn)
            if chunk is None:
                break
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            failpoints.hit("answer.streaming")
    finally:
        gone.cancel()
        await loop.run_in_executor(readers, _close, chunks, turn)


def _next(chunks: Iterator[bytes], turn: threading.Lock) -> bytes | None:
    with turn:
        return next(chunks, None)


def _close(chunks: Iterator[bytes], turn: threading.Lock) -> None:
    close = getattr(chunks, "close", None)
    if close is not None:
        with turn:
            close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
