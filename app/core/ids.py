"""Public identifiers, as text."""

import os
import re
import secrets as random
import uuid as _uuid
from typing import Final

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def uuid() -> str:
    """A new UUIDv4, lower case with hyphens (36 characters)."""
    return str(_uuid.uuid4())


def object_id() -> str:
    """A new identifier of 24 lower-case hex digits."""
    return os.urandom(12).hex()


def opaque() -> str:
    """32 bytes by chance as base64url, such that it is base64 too (43 characters)."""
    while True:
        text = random.token_urlsafe(32)
        if "-" not in text and "_" not in text:
            return text


def is_uuid(text: str) -> bool:
    """Whether `text` is a hyphenated UUID of any version and case."""
    return UUID.fullmatch(text) is not None


def start() -> int:
    """Where a count of changes begins: by chance, so that two rows which had one key in turn differ in it."""
    return int.from_bytes(os.urandom(6))
