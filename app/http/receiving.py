"""The bytes of a request as the server hands them over: whole up to a limit, or in lumps for the spool."""

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final

from app.core.calls import Request
from app.core.errors import BadRequest, PayloadTooLarge

LUMP: Final = 1024 * 1024

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Disconnected(Exception):
    """The client went away: nothing is left to answer."""


def declared_length(request: Request, limit: int) -> int:
    """What Content-Length says, 0 without one. Raises PayloadTooLarge beyond `limit`, BadRequest for no number."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal():
        raise BadRequest("Content-Length is not a number")
    if int(declared[:20]) > limit:
        raise PayloadTooLarge("the body is too large")
    return int(declared[:20])


async def whole(receive: Receive, request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes of it."""
    declared_length(request, limit)
    parts: list[bytes] = []
    size = 0
    while True:
        part, more = await _part(receive)
        size += len(part)
        if size > limit:
            raise PayloadTooLarge("the body is too large")
        parts.append(part)
        if not more:
            return parts[0] if len(parts) == 1 else b"".join(parts)


async def lumps(receive: Receive) -> AsyncIterator[bytes]:
    """The body in lumps of about 1 MiB: a hop to a worker thread per network packet would cost more than the work."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        part, more = await _part(receive)
        parts.append(part)
        size += len(part)
        if size >= LUMP or not more:
            yield b"".join(parts)
            parts, size = [], 0


async def _part(receive: Receive) -> tuple[bytes, bool]:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Disconnected
    return message.get("body", b""), message.get("more_body", False)
