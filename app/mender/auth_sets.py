"""The authentication set machine, as tables (mender 2.2, 2.3)."""

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum, auto
from typing import Final

from app.core.errors import BadRequest


class Status(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PREAUTHORIZED = "preauthorized"
    NOAUTH = "noauth"  # of a device without sets; a set never has it


class Outcome(Enum):
    """What a step does beyond giving the set its status."""

    NOTHING = auto()  # the set has that status already
    MARK = auto()
    ADMIT = auto()  # the other sets of the device that stand in DISPLACED are rejected
    EXPEL = auto()  # the set's token dies


# A pair that is missing is refused.
ALLOWED: Final[Mapping[tuple[Status, Status], Outcome]] = {
    (Status.PENDING, Status.PENDING): Outcome.NOTHING,
    (Status.PENDING, Status.ACCEPTED): Outcome.ADMIT,
    (Status.PENDING, Status.REJECTED): Outcome.MARK,
    (Status.ACCEPTED, Status.PENDING): Outcome.EXPEL,
    (Status.ACCEPTED, Status.ACCEPTED): Outcome.NOTHING,
    (Status.ACCEPTED, Status.REJECTED): Outcome.EXPEL,
    (Status.REJECTED, Status.PENDING): Outcome.MARK,
    (Status.REJECTED, Status.ACCEPTED): Outcome.ADMIT,
    (Status.REJECTED, Status.REJECTED): Outcome.NOTHING,
    (Status.PREAUTHORIZED, Status.REJECTED): Outcome.MARK,
}
REQUESTABLE: Final = frozenset(wanted for _, wanted in ALLOWED)

# What accepting one set rejects among the other sets of its device.
DISPLACED: Final = (Status.ACCEPTED, Status.PREAUTHORIZED)

BEST_FIRST: Final = (Status.ACCEPTED, Status.PREAUTHORIZED, Status.PENDING, Status.REJECTED)


def requested(status: str) -> Status:
    """The status a user may ask for; raises BadRequest for another word."""
    if status not in REQUESTABLE:
        raise BadRequest(f"status must be one of {', '.join(sorted(REQUESTABLE))}")
    return Status(status)


def step(current: Status, wanted: Status) -> Outcome:
    """What the step does; raises BadRequest for one that is not allowed."""
    try:
        return ALLOWED[current, wanted]
    except KeyError:
        raise BadRequest(f"a set that is {current} cannot become {wanted}") from None


def device_status(sets: Iterable[str]) -> Status:
    """The status of a device: the best of its sets, noauth when it has none."""
    found = set(sets)
    return next((status for status in BEST_FIRST if status in found), Status.NOAUTH)
