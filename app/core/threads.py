"""Worker threads: one executor per transaction mode, never shrinking, so that writers never make readers wait.

AnyIO's pool serves all alike and ends idle threads, each leaving a database connection to the cycle collector
(pipeline.md section 0, items 7 and 8).
"""

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from typing import Final, Literal, TypeVar

T = TypeVar("T")
Mode = Literal["read", "write", "none"]

SIZES: Final[dict[Mode, int]] = {"read": 24, "write": 16, "none": 8}

_executors: dict[Mode, ThreadPoolExecutor] = {}


def executor(mode: Mode) -> ThreadPoolExecutor:
    """The executor of a mode, made when it is first needed (after a fork, that is)."""
    if mode not in _executors:
        _executors[mode] = ThreadPoolExecutor(SIZES[mode], thread_name_prefix=f"flotilla-{mode}")
    return _executors[mode]


async def run(mode: Mode, function: Callable[[], T]) -> T:
    """Call `function` in a thread of `mode`, with this task's context variables."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor(mode), context.run, function)


def shutdown(deadline: float = 10) -> bool:
    """Refuse new work, drop what has not begun, and wait `deadline` seconds for the rest; whether all of it ended.

    A thread that is still at work would hold up the interpreter's exit: the caller then leaves by os._exit.
    """
    pools = list(_executors.values())
    _executors.clear()
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


os.register_at_fork(after_in_child=_executors.clear)
