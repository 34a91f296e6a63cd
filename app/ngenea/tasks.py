"""The tasks on files that a workflow can name, and their arguments (ngenea 3.2)."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.ngenea.context import NAP, Context
from app.ngenea.held import BUSY
from app.ngenea.migrate import Options as MigrateOptions
from app.ngenea.migrate import migrate
from app.ngenea.outcomes import Outcome
from app.ngenea.recall import Options as RecallOptions
from app.ngenea.recall import recall

PREFIX: Final = "dynamo.tasks."
LOCK_LEVELS: Final = ("partial", "implicit", "none")
LIMIT: Final = 2**63
# Seconds between tries at files that other tasks are at work on: ten minutes in all.
PAUSES: Final = (0.1, 0.2, 0.5, 1, 2, *([5] * 119), 0)


@dataclass(frozen=True, slots=True)
class Argument:
    """What a task takes: `type` is bool, int or str; with `choices` one of these."""

    type: type
    default: Any
    choices: tuple[str, ...] = ()

    def fault(self, value: Any) -> str:
        """What is wrong with a value, '' if nothing. The default may always be given."""
        if value is None and self.default is None:
            return ""
        # To Python a bool is an int.
        if not isinstance(value, self.type) or (isinstance(value, bool) and self.type is not bool):
            return f"must be of type {self.type.__name__}"
        if isinstance(value, int) and not 0 <= value < LIMIT:
            return "must not be negative, nor beyond 64 bits"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        return ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task: `run(context, paths, arguments)` gives an outcome for each path it came to."""

    name: str
    arguments: Mapping[str, Argument]
    run: Callable[[Context, Sequence[bytes], Mapping[str, Any]], Iterator[Outcome]]

    def faults(self, arguments: Mapping[str, Any]) -> list[str]:
        """What is wrong with arguments, a line each."""
        unknown = [f"{name}: {self.name} takes no such argument" for name in arguments if name not in self.arguments]
        known = {name: self.arguments[name].fault(value) for name, value in arguments.items() if name in self.arguments}
        return unknown + [f"{name}: {fault}" for name, fault in known.items() if fault]


def _migrate(context: Context, paths: Sequence[bytes], arguments: Mapping[str, Any]) -> Iterator[Outcome]:
    chosen = {name: value for name, value in arguments.items() if name not in ("lock_level",)}
    return migrate(context, paths, MigrateOptions(**chosen))


def _recall(context: Context, paths: Sequence[bytes], arguments: Mapping[str, Any]) -> Iterator[Outcome]:
    chosen = {name: value for name, value in arguments.items() if name not in ("lock_level",)}
    return recall(context, paths, RecallOptions(**chosen))


# Locks are always those of the strictest level: they are on the inode, and cost nothing.
_LOCK_LEVEL: Final = Argument(str, "implicit", LOCK_LEVELS)
_FLAG: Final = Argument(bool, False)
_OPTIONAL: Final = Argument(int, None)

TASKS: Final[Mapping[str, Task]] = {
    task.name: task
    for task in (
        Task(
            f"{PREFIX}migrate",
            {
                "premigrate": _FLAG,
                "stub_size": Argument(int, 0),
                "overwrite": _FLAG,
                "fail_on_mismatch": _FLAG,
                "lock_level": _LOCK_LEVEL,
                "endpoint": Argument(str, None),
                "abort_missing": _FLAG,
            },
            _migrate,
        ),
        Task(
            f"{PREFIX}recall",
            {
                "skip_hash": _FLAG,
                "endpoint": Argument(str, None),
                "lock_level": Argument(str, "partial", LOCK_LEVELS),
                "default_uid": _OPTIONAL,
                "default_gid": _OPTIONAL,
                "update_atime": _FLAG,
                "update_mtime": _FLAG,
                "delete_remote": _FLAG,
            },
            _recall,
        ),
    )
}


def find(name: str) -> Task | None:
    """The task of a name, which may go without `dynamo.tasks.`; None when there is none."""
    return TASKS.get(name) or TASKS.get(PREFIX + name)


def faults(name: str, arguments: Mapping[str, Any]) -> list[str]:
    """What is wrong with a call of a task, a line each; empty when it can be run."""
    task = find(name)
    return task.faults(arguments) if task else [f"there is no task {name}"]


def run(name: str, context: Context, paths: Sequence[bytes], arguments: Mapping[str, Any]) -> Iterator[Outcome]:
    """Run a task on a batch of paths; a file that another task is at work on, as another name of it, is waited for.

    Raises KeyError for a task that there is not; `faults` says what else is wrong.
    """
    task = find(name)
    if task is None:
        raise KeyError(name)
    waiting, busy = paths, list[Outcome]()
    for pause in PAUSES:
        busy = []
        for outcome in task.run(context, waiting, arguments):
            if outcome.code == BUSY[0]:
                busy.append(outcome)
            else:
                yield outcome
        if not busy or not _waited(context, pause):
            return
        waiting = [outcome.path for outcome in busy]
    yield from busy


def _waited(context: Context, seconds: float) -> bool:
    """Whether the time passed without the task being told to end."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if context.stopped():
            return False
        time.sleep(min(left, NAP))
    return not context.stopped()
