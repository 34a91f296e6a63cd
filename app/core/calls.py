"""What a handler and the pipeline exchange: the caller, the request, staged files and streamed answers.

Handlers may not import `app.http`, so the types that both sides name live here.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

Kind = Literal["user", "device", "key", "internal", "anonymous"]
Audience = Literal["public", "internal"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: a verified identity of one system. `token` is the jti of the token presented, where there is one."""

    system: str
    kind: Kind
    id: str
    tenant: str = ""
    rights: frozenset[str] = frozenset()
    token: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A frozen view of the HTTP request. Header names are lower case; `base_url` has no trailing slash.

    `operation_id` names the operation that it is for, as soon as that is known.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    client: str
    base_url: str
    request_id: str
    audience: Audience
    operation_id: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """On whose behalf this thread works, and in answer to which request."""

    caller: Caller
    request_id: str


# None for the command line and for work in the background.
under_way: ContextVar[Call | None] = ContextVar("under_way", default=None)


@contextmanager
def on_behalf(caller: Caller, request_id: str) -> Iterator[None]:
    """While a handler runs, `under_way` says for whom: an audit log need not get the caller through every rule."""
    token = under_way.set(Call(caller, request_id))
    try:
        yield
    finally:
        under_way.reset(token)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file of a request body (a part, or all of it) in the spool. The pipeline removes it unless it was moved."""

    path: Path
    size: int
    sha256: str
    filename: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer too big for memory. `read(offset, length)` yields chunks of up to 256 KiB; `etag` is strong, quoted."""

    read: Callable[[int, int], Iterator[bytes]]
    size: int
    media_type: str
    etag: str | None = None
    modified: datetime | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunks:
    """An answer whose size nobody knows yet. `parts` is read in a thread, outside of units of work."""

    parts: Iterator[bytes]


class NotMine:
    """A scheme function's answer when the credential belongs to another scheme that shares the header: as if absent."""


NOT_MINE: Final = NotMine()
