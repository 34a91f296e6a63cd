"""How long a client may take to send a body: neither silent for long, nor drop by drop."""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from app.core.errors import RequestTimeout

SILENT_SECONDS = 30.0  # between two parts of a body
BODY_SECONDS = 60.0  # for a body in all, and a second more for each
MIN_RATE = 1024  # bytes of it

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


def patient(receive: Receive) -> Receive:
    """`receive` of one request, which raises RequestTimeout when the body comes too slowly."""
    started = time.monotonic()
    received = 0

    async def bounded() -> MutableMapping[str, Any]:
        nonlocal received
        left = BODY_SECONDS + received / MIN_RATE - (time.monotonic() - started)
        try:
            if left <= 0:
                raise TimeoutError
            async with asyncio.timeout(min(SILENT_SECONDS, left)):
                message = await receive()
        except TimeoutError:
            # What else the client may send belongs to no request.
            raise RequestTimeout("the body came too slowly", headers={"Connection": "close"}) from None
        received += len(message.get("body", b""))
        return message

    return bounded
