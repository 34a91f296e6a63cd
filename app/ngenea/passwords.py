"""What makes a password good enough (ngenea 8)."""

from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

LEAST: Final = 8
MOST_COMMON: Final = 1000
ALIKE: Final = 0.7
SHORTEST: Final = 3  # characters of a name that is looked for
BESIDES: Final = 6  # characters that a password has besides a name in it


def faults(password: str, *names: str) -> list[str]:
    """What is wrong with a new password of a user who is called by `names`."""
    lower = password.lower()
    found = []
    if len(password) < LEAST:
        found.append(f"The password is shorter than {LEAST} characters.")
    if password.isdecimal():
        found.append("The password has nothing but digits.")
    if lower in _common():
        found.append("The password is one of the most common ones.")
    if any(_is_like(lower, name.lower()) for name in names if name):
        found.append("The password is too much like the user's name.")
    return found


def _is_like(password: str, name: str) -> bool:
    """Whether a password is a name with little besides, or close to it. Short names are in any text by chance."""
    if len(name) >= SHORTEST and name in password and len(password.replace(name, "")) < BESIDES:
        return True
    # What is compared is bounded: a long text costs its square.
    return SequenceMatcher(None, password[:200], name[:200]).ratio() >= ALIKE


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(FREQUENCY_LISTS["passwords"][:MOST_COMMON])
