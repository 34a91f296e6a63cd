import threading
import time

import pytest

from app.core.fifo import FifoLock


def wait_until_queued(lock: FifoLock, number: int) -> None:
    while len(lock._waiters) < number:
        time.sleep(0.0005)


def test_forty_waiters_are_served_in_the_order_they_came() -> None:
    lock = FifoLock()
    served: list[int] = []
    assert lock.acquire(1)

    def wait(number: int) -> None:
        assert lock.acquire(60)
        served.append(number)
        lock.release()

    threads = []
    for number in range(40):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        wait_until_queued(lock, number + 1)
    lock.release()
    for thread in threads:
        thread.join()
    assert served == list(range(40))
    assert lock.acquire(0)


def test_who_comes_back_at_once_stands_behind_those_who_wait() -> None:
    lock = FifoLock()
    served: list[str] = []

    def wait(name: str) -> None:
        assert lock.acquire(60)
        served.append(name)
        lock.release()

    assert lock.acquire(1)
    threads = []
    for number, name in enumerate(("first", "second")):
        threads.append(threading.Thread(target=wait, args=(name,)))
        threads[-1].start()
        wait_until_queued(lock, number + 1)
    lock.release()
    wait("the one who comes back")
    for thread in threads:
        thread.join()
    assert served == ["first", "second", "the one who comes back"]


def test_who_gives_up_waiting_leaves_the_line_to_the_others() -> None:
    lock = FifoLock()
    assert lock.acquire(1)
    assert not lock.acquire(0.01)
    assert not lock._waiters
    lock.release()
    assert lock.acquire(0)


def test_whom_the_lock_was_handed_while_giving_up_owns_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FifoLock()
    assert lock.acquire(1)

    class Late:
        """A turn that comes at the very moment the wait for it ends."""

        def acquire(self, timeout: float = -1) -> bool:
            if timeout != -1:
                lock.release()
                return False
            return True

        def release(self) -> None: ...

    monkeypatch.setattr(threading, "Lock", Late)
    assert lock.acquire(0.01)
    monkeypatch.undo()
    assert not lock.acquire(0.01)
    lock.release()
    assert lock.acquire(0)


def test_an_interrupted_wait_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = FifoLock()
    assert lock.acquire(1)

    class Interrupted:
        def acquire(self, timeout: float = -1) -> bool:
            if timeout != -1:
                raise KeyboardInterrupt
            return True

    monkeypatch.setattr(threading, "Lock", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        lock.acquire(1)
    monkeypatch.undo()
    lock.release()
    assert lock.acquire(0)
