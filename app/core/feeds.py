"""Connections that stay open: messages are put by any thread, and taken by the event loop that sends them."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from weakref import WeakSet

MAX_WAITING: Final = 256  # messages that a reader may be late by


@dataclass(frozen=True, slots=True)
class Message:
    """A message, and the number by which a client says that it has it (0: none)."""

    text: str
    number: int = 0


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a feed ends: a code of the websocket protocol, and words."""

    code: int
    reason: str


SLOW: Final = Closing(4408, "the reader is too slow")
ENDING: Final = Closing(1012, "the server ends")
GONE: Final = Closing(1001, "the reader has gone")


class Feed:
    """What one open connection is sent. Bounded: whoever reads too slowly is not sent anything more."""

    def __init__(self) -> None:
        self._waiting: deque[Message] = deque()
        self._lock = threading.Lock()
        self._closing: Closing | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stirred = asyncio.Event()
        _open.add(self)

    @property
    def closing(self) -> Closing | None:
        """Why it ends; None while it goes on."""
        return self._closing

    def put(self, message: Message) -> None:
        """Send a message, from any thread. One that is closed takes nothing more."""
        with self._lock:
            if self._closing is not None:
                return
            if len(self._waiting) >= MAX_WAITING:
                self._closing = SLOW
                self._waiting.clear()
            else:
                self._waiting.append(message)
        self._stir()

    def close(self, why: Closing) -> None:
        """Send what waits and nothing more, from any thread. What was said first counts."""
        with self._lock:
            self._closing = self._closing or why
        self._stir()

    def _stir(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stirred.set)

    async def messages(self, pause: float) -> AsyncIterator[Message | None]:
        """Each message as it comes, and None when there was none for `pause` seconds; ends when it is closed."""
        self._loop = asyncio.get_running_loop()
        while True:
            self._stirred.clear()
            while self._waiting:
                yield self._waiting.popleft()
            if self._closing is not None:
                return
            try:
                await asyncio.wait_for(self._stirred.wait(), pause)
            except TimeoutError:
                yield None


_open: WeakSet[Feed] = WeakSet()


def close_all() -> None:
    """Close every feed of this process, which ends."""
    for feed in list(_open):
        feed.close(ENDING)
