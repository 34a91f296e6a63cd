"""Keys of objects (ngenea 5 and 8): the space's name, then the path within the space, percent-escaped.

What FS stores use for themselves cannot be a key: a component ends in `.meta` or begins with `.flotilla` only with its
dot escaped. All of it reads back by unescaping.
"""

import re
import uuid
from typing import Final
from urllib.parse import quote_from_bytes

MAX_KEY: Final = 1024  # bytes, of S3
UUID_BYTES: Final = 36
SUFFIX: Final = re.compile(rf"\.[0-9a-f-]{{{UUID_BYTES}}}$")
OWN: Final = re.compile(r"(?:(?<=/)|^)\.(?=flotilla|/|$|\./|\.$)|\.(?=meta(?:/|$))")


def escape(name: bytes) -> str:
    """A name or relative path as a part of a key."""
    return OWN.sub("%2E", quote_from_bytes(name, safe="/"))


def of_path(space: str, relative: bytes) -> str:
    """The key of a path within a space. Raises ValueError for one that no store would take."""
    key = f"{prefix(space)}{escape(relative)}"
    if len(key) > MAX_KEY:
        raise ValueError(f"the key would have {len(key)} bytes, more than {MAX_KEY}")
    return key


def prefix(space: str) -> str:
    """What the keys of a space begin with."""
    return f"{OWN.sub('%2E', quote_from_bytes(space.encode(), safe=''))}/"


def sibling(key: str) -> str:
    """Another key for what `key` was meant for: a UUID is appended."""
    return f"{key[: MAX_KEY - UUID_BYTES - 1]}.{uuid.uuid4()}"


def unsuffixed(key: str) -> str:
    """The key that `sibling` was given, when it has made this one."""
    return SUFFIX.sub("", key)


def aside(key: str) -> str:
    """Another key that still ends as `key` does, for where an object and a folder are in each other's way."""
    space, _, rest = key.partition("/")
    return f"{space}/{uuid.uuid4()}/{rest}"
