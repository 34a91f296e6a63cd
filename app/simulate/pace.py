"""A steady rate for many tasks."""

import asyncio


class Pace:
    """Gives turns, `rate` of them a second, in the order they are asked for; 0: at once."""

    def __init__(self, rate: float) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn. Turns that nobody took are lost: a slow server is not met by a burst afterwards."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next + self._interval, now)
        await asyncio.sleep(self._next - now)
