"""The authentication set machine, as tables (mender 2.2, 2.3)."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Status(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PREAUTHORIZED = "preauthorized"
    NOAUTH = "noauth"  # of a device without sets; a set never has it


ALLOWED: Final[frozenset[tuple[Status, Status]]] = frozenset(
    {
        (Status.PENDING, Status.ACCEPTED),
        (Status.PENDING, Status.REJECTED),
        (Status.REJECTED, Status.ACCEPTED),
        (Status.REJECTED, Status.PENDING),
        (Status.ACCEPTED, Status.REJECTED),
        (Status.ACCEPTED, Status.PENDING),
        (Status.PREAUTHORIZED, Status.REJECTED),
    }
)

# What accepting one set does to the other sets of its device.
DISPLACED: Final = (Status.ACCEPTED, Status.PREAUTHORIZED)

BEST_FIRST: Final = (Status.ACCEPTED, Status.PREAUTHORIZED, Status.PENDING, Status.REJECTED)


def device_status(sets: Iterable[str]) -> Status:
    """The status of a device: the best of its sets, noauth when it has none."""
    found = set(sets)
    return next((status for status in BEST_FIRST if status in found), Status.NOAUTH)
