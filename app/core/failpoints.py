"""Failpoints: named steps at which a test makes this process die or fail. Off unless FLOTILLA_FAILPOINTS names a file.

The file holds `NAME ACTION` or `NAME ACTION@N` (at the Nth time) in a line each, and is read at every step, so that a
test arms a running server by writing it. What a step did is noted beside it, in `FILE.hit`.
"""

import errno
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from app.core.errors import Unavailable

# Each name, with what has happened when it is reached.
STEPS: Final = {
    "spool.created": "an upload's first bytes are about to be written",
    "spool.synced": "a staged file is whole and on disk",
    "storage.synced": "a staged file is about to get its object's name",
    "storage.renamed": "an object has its name, its folder is not yet synced",
    "storage.adopted": "an object is durable, no row names it yet",
    "storage.removed": "an object's file is gone",
    "db.commit": "a unit of work is about to be committed",
    "db.committed": "a unit of work is committed, nobody was told",
    "handler": "a handler is about to be called",
    "answer": "an answer is ready, not a byte of it was sent",
    "answer.streaming": "a part of a streamed answer was sent",
    "work.claimed": "a unit of work in the background has its lease",
    "work.done": "a unit of work did what it is for, its row is still there",
    "work.finished": "a unit of work is done and its row gone",
    "work.sweep": "expired leases are about to be looked for",
    "ngenea.batch": "a batch of outcomes is about to be written",
    "ngenea.emitted": "paths of a folder are on their way, the folder is not yet marked as done",
    "vmm.joined": "a host trusts our certificate, its row does not say so yet",
    "vmm.task.begun": "a task is about to ask a host for what it is for",
    "vmm.task.asked": "a host has begun what a task is for, its operation is not noted",
    "vmm.task.noted": "a host's operation is noted, nobody has waited for it",
    "ngenea.settings.done": "what a settings task is for is true on its site, nobody has said so",
    "ngenea.journal": "the journal says what is begun with some files, nothing is done yet",
    "ngenea.uploaded": "the objects of some files are in their bucket, no entry says so",
    "ngenea.punching": "a file's data is about to be dropped",
    "ngenea.punched": "a file's data is dropped, its entry does not say so",
    "ngenea.recalling": "a part of a file's data has been written into its stub",
}


class Failure(RuntimeError):
    """What the action `error` raises: a bug of ours, for whoever catches it."""


_file: Path | None = None
_hits: Counter[str] = Counter()
_lock = threading.Lock()


def configure(file: Path | None) -> None:
    """Take orders from `file`; None switches all failpoints off."""
    global _file
    _file = file


def hit(name: str) -> None:
    """A step is reached. Does nothing in production; else what the file says.

    Actions: `kill` (SIGKILL to this process), `stop` (SIGSTOP, until somebody has it go on), `error` (raises Failure),
    `full` (OSError, no space left), `busy` (Unavailable).
    """
    if _file is not None:
        _act(_file, name)


def _act(file: Path, name: str) -> None:
    if name not in STEPS:
        raise RuntimeError(f"no failpoint is called {name}")
    try:
        orders = [line.split() for line in file.read_text().splitlines() if line.strip()]
    except FileNotFoundError:
        return
    for wanted, order in orders:
        action, _, count = order.partition("@")
        if wanted == name and _nth(name, int(count or 1)):
            with file.with_name(f"{file.name}.hit").open("a") as note:
                note.write(f"{name} {action} {os.getpid()}\n")
            _perform(action, name)


def _nth(name: str, count: int) -> bool:
    with _lock:
        _hits[name] += 1
        return _hits[name] >= count


def _perform(action: str, name: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "stop":
        # All threads stop; had the process been sent it, this one might run on for a while.
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
    elif action == "full":
        raise OSError(errno.ENOSPC, f"failpoint {name}")
    elif action == "busy":
        raise Unavailable(f"failpoint {name}")
    elif action == "error":
        raise Failure(f"failpoint {name}")
    else:
        raise RuntimeError(f"no action is called {action}")
