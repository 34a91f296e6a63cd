"""A first-come, first-served lock with a time limit: whoever waits longest is next.

SQLite has one writer. Its own waiting is a race of sleepers that starves some for seconds (pipeline.md d); a queue is
fair and makes "database is locked" impossible.
"""

import threading
from collections import deque


class FifoLock:
    """Handed from holder to the longest waiter. Not re-entrant."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiters: deque[threading.Lock] = deque()

    def acquire(self, timeout: float) -> bool:
        """Take the lock within `timeout` seconds; False when that was not possible."""
        with self._mutex:
            if not self._held:
                self._held = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiters.append(turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._mutex:
            if turn in self._waiters:
                self._waiters.remove(turn)
                return False
        # The releaser took this waiter off the queue while it timed out: the lock is ours.
        return True

    def release(self) -> None:
        """Hand the lock to the longest waiter, or leave it free."""
        with self._mutex:
            if self._waiters:
                self._waiters.popleft().release()
            else:
                self._held = False
