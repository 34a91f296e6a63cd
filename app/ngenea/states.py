"""The states of jobs and tasks, and which call leads from one to another (ngenea 3.3)."""

from collections.abc import Mapping
from typing import Final

NEW, PENDING, STARTED = "NEW", "PENDING", "STARTED"
PAUSING, PAUSED, CANCELLING = "PAUSING", "PAUSED", "CANCELLING"
SUCCESS, ERROR, FAILURE, SKIPPED, CANCELLED = "SUCCESS", "ERROR", "FAILURE", "SKIPPED", "CANCELLED"

RUNNING: Final = (NEW, PENDING, STARTED)
HELD: Final = (PAUSING, PAUSED)
ENDED: Final = (SUCCESS, ERROR, FAILURE, SKIPPED, CANCELLED)
JOB_STATES: Final = (*RUNNING, *HELD, CANCELLING, *ENDED)
OPEN_TASKS: Final = (PENDING, STARTED)  # a task that is not at its end

# call -> state of the job -> the state it takes; any other is a conflict.
TRANSITIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "pause": {PENDING: PAUSING, STARTED: PAUSING},
    "resume": {PAUSING: STARTED, PAUSED: STARTED},
    "cancel": dict.fromkeys((*RUNNING, *HELD), CANCELLING),
}
# A task begins: the state of its job -> the state the job takes, by whether the task is one of discovery.
BEGINNINGS: Final[Mapping[tuple[str, bool], str]] = {
    (NEW, True): PENDING,
    (NEW, False): STARTED,
    (PENDING, True): PENDING,
    (PENDING, False): STARTED,
    (STARTED, True): STARTED,
    (STARTED, False): STARTED,
}

# What becomes of a path; the higher one stands where several chains had it.
PROCESSED, PATH_FAILED, PATH_SKIPPED, ABORTED = "processed", "failed", "skipped", "aborted"
RANKS: Final[Mapping[str, int]] = {"": 0, PATH_SKIPPED: 1, PROCESSED: 2, ABORTED: 3, PATH_FAILED: 4}
OUTCOMES: Final = (PROCESSED, PATH_FAILED, PATH_SKIPPED, ABORTED)
# What goes on to the next step of its chain: to be passed over is to be so already.
PASSED_ON: Final = (PROCESSED, PATH_SKIPPED)


def rolled_up(task_states: set[str], processed: int) -> str:
    """How a job ended whose tasks are all at their end in these states, with so many paths processed."""
    if FAILURE in task_states:
        return FAILURE
    if ERROR in task_states:
        return ERROR
    return SUCCESS if processed else SKIPPED


def of_task(counts: Mapping[str, int]) -> str:
    """How a task ended, by the outcomes of its paths."""
    if counts.get(PATH_FAILED):
        return ERROR
    return SUCCESS if counts.get(PROCESSED) else SKIPPED
