"""Worker threads: one executor per transaction mode, never shrinking, so that writers never make readers wait.

No system has them all: threads that hold transactions are shared, each system to its share; those of mode none, which
may wait for other machines, and those that read streams each system has for itself. So one that hangs keeps no other
from its work.

AnyIO's pool serves all alike and ends idle threads, each leaving a database connection to the cycle collector
(pipeline.md section 0, items 7 and 8).
"""

import asyncio
import contextvars
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock, Thread
from typing import Final, Literal, TypeVar

from app.core.errors import Unavailable

T = TypeVar("T")
Mode = Literal["read", "write", "none"]
Kind = Mode | Literal["file"]  # `file`: reads what is streamed, for each system on its own like `none`

SIZES: Final[dict[Kind, int]] = {"read": 24, "write": 16, "none": 8, "file": 8}

SHARES: Final[dict[Mode, int]] = {"read": 16, "write": 10, "none": 8}
MAX_WAITING: Final = 1000  # requests of a system and mode; the next is refused


class _Gate:
    """Lets so many tasks of one system and mode pass at a time, in the order they came; of any event loop.

    When as many wait as may, Unavailable is raised for the next, unless it is `unlimited`.
    """

    def __init__(self, share: int) -> None:
        self._free = share
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lock = Lock()

    async def enter(self, unlimited: bool) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            if len(self._waiting) >= MAX_WAITING and not unlimited:
                raise Unavailable("too many requests are waiting", headers={"Retry-After": "5"})
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            with self._lock:
                still_waiting = turn in self._waiting
                if still_waiting:
                    self._waiting.remove(turn)
            if not still_waiting:  # the turn had come already
                self.leave()
            raise

    def leave(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            turn = self._waiting.popleft()
        turn.get_loop().call_soon_threadsafe(_grant, turn)


def _grant(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)


_executors: dict[tuple[Kind, str], ThreadPoolExecutor] = {}
_notes: set["Future[object]"] = set()
_gates: dict[tuple[Mode, str], _Gate] = {}


def executor(kind: Kind, system: str = "") -> ThreadPoolExecutor:
    """The executor of a kind (and of a system, unless it holds transactions), made when first needed, after a fork."""
    key = (kind, system if kind in ("none", "file") else "")
    if key not in _executors:
        _executors[key] = ThreadPoolExecutor(SIZES[kind], thread_name_prefix=f"flotilla-{kind}")
    return _executors[key]


async def run(mode: Mode, function: Callable[[], T], system: str = "", *, unlimited: bool = False) -> T:
    """Call `function` in a thread of `mode`, with this task's context variables, when there is one for the system.

    Raises Unavailable when too many of the system's requests wait for one already, unless this one is `unlimited`.
    """
    context = contextvars.copy_context()
    gate = _gates.get((mode, system)) or _gates.setdefault((mode, system), _Gate(SHARES[mode]))
    await gate.enter(unlimited)
    try:
        return await asyncio.get_running_loop().run_in_executor(executor(mode, system), context.run, function)
    finally:
        gate.leave()


def later(function: Callable[[], object]) -> None:
    """Call `function`, which writes, in a thread that may: for notes that no request waits for."""
    note = executor("write").submit(function)
    _notes.add(note)
    note.add_done_callback(_notes.discard)


def settle() -> None:
    """Wait for what was to be done later."""
    wait(list(_notes))


def shutdown(deadline: float = 10) -> bool:
    """Refuse new work, drop what has not begun, and wait `deadline` seconds for the rest; whether all of it ended.

    A thread that is still at work would hold up the interpreter's exit: the caller then leaves by os._exit.
    """
    pools = list(_executors.values())
    _executors.clear()
    _gates.clear()
    for pool in pools:
        pool.shutdown(wait=False, cancel_futures=True)
    # ThreadPoolExecutor waits without a limit, so a thread that may be left behind waits in our stead.
    waiter = Thread(target=_join, args=(pools,), daemon=True)
    waiter.start()
    waiter.join(deadline)
    return not waiter.is_alive()


def _join(pools: list[ThreadPoolExecutor]) -> None:
    for pool in pools:
        pool.shutdown(wait=True)


def _after_fork() -> None:
    _executors.clear()
    _notes.clear()
    _gates.clear()


os.register_at_fork(after_in_child=_after_fork)
