"""Entity tags in conditions (RFC 9110 section 8.8.3)."""

import re
from typing import Final

ENTITY_TAG: Final = re.compile(r'(W/)?"[^"]*"|\*')


def matches(header: str, etag: str | None, *, weak: bool) -> bool:
    """Whether a list of entity tags names ours; a weak tag never matches where a strong comparison is asked for."""
    tags = [match.group() for match in ENTITY_TAG.finditer(header)]
    return "*" in tags or any((tag.removeprefix("W/") if weak else tag) == etag for tag in tags)
