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
        try:
            if turn.acquire(timeout=timeout):
                return True
        except BaseException:  # Ctrl-C while waiting: nobody may hand the lock to one who has left
            if not self._leave(turn):
                self.release()
            raise
        # Whom the releaser took off the queue meanwhile owns the lock.
        return not self._leave(turn)

    def _leave(self, turn: threading.Lock) -> bool:
        """Give up waiting; False when the lock had been handed over already."""
        with self._mutex:
            if turn in self._waiters:
                self._waiters.remove(turn)
                return True
            return False

    def release(self) -> None:
        """Hand the lock to the longest waiter, or leave it free."""
        with self._mutex:
            if self._waiters:
                self._waiters.popleft().release()
            else:
                self._held = False
