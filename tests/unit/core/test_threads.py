import asyncio
import contextvars
import threading

import pytest

from app.core import threads
from app.core.errors import Unavailable

request_id: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="none")


@pytest.fixture(autouse=True)
def own_executors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_executors", {})
    monkeypatch.setattr(threads, "_gates", {})


async def _run_in_context() -> str:
    request_id.set("abc")
    return await threads.run("read", request_id.get)


def test_the_worker_sees_the_tasks_context() -> None:
    assert asyncio.run(_run_in_context()) == "abc"
    assert threads.shutdown()


def test_a_thread_forgets_the_context_of_the_last_task() -> None:
    async def both() -> tuple[str, str]:
        first = await asyncio.create_task(_run_in_context())
        return first, await threads.run("read", request_id.get)

    assert asyncio.run(both()) == ("abc", "none")
    assert threads.shutdown()


def test_an_error_reaches_the_task() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(threads.run("none", lambda: 1 // 0))
    assert threads.shutdown()


@pytest.mark.parametrize(("mode", "size"), [("read", 16), ("write", 10), ("none", 8)])
def test_each_mode_has_its_own_threads_and_a_system_its_share(mode: threads.Mode, size: int) -> None:
    release = threading.Event()
    at_work = threading.Semaphore(0)
    other: threads.Mode = "write" if mode == "read" else "read"

    def work() -> str:
        at_work.release()
        release.wait()
        return threading.current_thread().name

    async def fill() -> list[str]:
        tasks = [asyncio.create_task(threads.run(mode, work)) for _ in range(size + 5)]
        for _ in range(size):
            await asyncio.to_thread(at_work.acquire)
        # All threads of this mode are taken, and another mode does not wait for them.
        assert await threads.run(other, lambda: "free") == "free"
        assert not at_work.acquire(blocking=False)
        release.set()
        return await asyncio.gather(*tasks)

    names = asyncio.run(fill())
    assert len(set(names)) == size
    assert threads.shutdown()


def test_a_thread_that_is_stuck_does_not_hold_up_the_end() -> None:
    release, at_work = threading.Event(), threading.Event()

    def stuck() -> None:
        at_work.set()
        release.wait()

    future = threads.executor("write").submit(stuck)
    at_work.wait()
    assert not threads.shutdown(0.01)
    release.set()
    future.result()


def test_what_is_at_work_may_finish() -> None:
    begun = threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        done.append("done")

    threads.executor("write").submit(work)
    begun.wait()
    assert threads.shutdown(60)
    assert done == ["done"]


MODES: list[threads.Mode] = ["read", "write", "none"]


@pytest.mark.parametrize("mode", MODES)
def test_a_system_that_hangs_keeps_no_other_from_its_work(mode: threads.Mode) -> None:
    release = threading.Event()
    share = threads.SHARES[mode]

    async def both() -> None:
        hanging = [asyncio.create_task(threads.run(mode, release.wait, "slow")) for _ in range(3 * share)]
        await asyncio.sleep(0.1)
        assert [await threads.run(mode, lambda: "done", "quick") for _ in range(5)] == ["done"] * 5
        release.set()
        await asyncio.gather(*hanging)

    asyncio.run(both())
    assert threads.shutdown()


def test_more_waiting_than_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MAX_WAITING", 3)
    release = threading.Event()

    async def fill() -> None:
        taken = [asyncio.create_task(threads.run("none", release.wait, "slow")) for _ in range(8 + 3)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable):
            await threads.run("none", lambda: None, "slow")
        release.set()
        await asyncio.gather(*taken)
        await threads.run("none", lambda: None, "slow")

    asyncio.run(fill())
    assert threads.shutdown()


def test_one_who_gives_up_waiting_takes_no_turn() -> None:
    release = threading.Event()

    async def give_up() -> None:
        taken = [asyncio.create_task(threads.run("none", release.wait, "slow")) for _ in range(8)]
        await asyncio.sleep(0)
        leaving = asyncio.create_task(threads.run("none", lambda: None, "slow"))
        staying = asyncio.create_task(threads.run("none", lambda: "done", "slow"))
        await asyncio.sleep(0)
        leaving.cancel()
        release.set()
        assert await staying == "done"
        await asyncio.gather(*taken)
        # All turns are back.
        assert await asyncio.gather(*(threads.run("none", lambda: 1, "slow") for _ in range(20))) == [1] * 20

    asyncio.run(give_up())
    assert threads.shutdown()
