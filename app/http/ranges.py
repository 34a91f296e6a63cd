"""Which bytes of a stored file a request gets: conditions and ranges of RFC 9110 (sections 13 and 14).

Own code because starlette's FileResponse answers 400 and 416 in plain text and needs a file on the local disk
(pipeline.md f).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

from app.core import etags
from app.core.calls import Stream

RANGE: Final = re.compile(r"bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)\s*", re.IGNORECASE)
MAX_DIGITS: Final = 18


@dataclass(frozen=True, slots=True)
class Selection:
    """The status and the bytes to send: `length` of them from `offset`; none for 304, 412 and 416."""

    status: int
    offset: int = 0
    length: int = 0


def http_date(moment: datetime) -> str:
    """An IMF-fixdate, whole seconds."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def select(method: str, headers: Mapping[str, str], stream: Stream) -> Selection:
    """Judge the preconditions in the order of RFC 9110 section 13.2.2, then the range."""
    refused = _precondition(method, headers, stream)
    if refused is not None:
        return Selection(refused)
    wanted = headers.get("range")
    if wanted is None or method != "GET" or not _range_applies(headers.get("if-range"), stream):
        return Selection(200, 0, stream.size)
    return _range(wanted, stream.size)


def _precondition(method: str, headers: Mapping[str, str], stream: Stream) -> int | None:
    if "if-match" in headers:
        if not etags.matches(headers["if-match"], stream.etag, weak=False):
            return 412
    elif "if-unmodified-since" in headers:
        limit = _date(headers["if-unmodified-since"])
        if limit is not None and stream.modified is not None and _seconds(stream.modified) > limit:
            return 412
    if "if-none-match" in headers:
        if etags.matches(headers["if-none-match"], stream.etag, weak=True):
            return 304 if method in ("GET", "HEAD") else 412
    elif "if-modified-since" in headers and method in ("GET", "HEAD"):
        limit = _date(headers["if-modified-since"])
        if limit is not None and stream.modified is not None and _seconds(stream.modified) <= limit:
            return 304
    return None


def _range_applies(if_range: str | None, stream: Stream) -> bool:
    """If-Range: the strong tag or exactly the modification date, else the whole file is sent."""
    if if_range is None:
        return True
    if if_range.startswith(('"', "W/")):
        return if_range == stream.etag
    date = _date(if_range)
    return date is not None and stream.modified is not None and date == _seconds(stream.modified)


def _range(header: str, size: int) -> Selection:
    """One range of bytes. Several ranges, an unknown unit or nonsense are ignored: the whole file is sent."""
    match = RANGE.fullmatch(header.strip())
    if match is None or not (match[1] or match[2]) or max(len(match[1]), len(match[2])) > MAX_DIGITS:
        return Selection(200, 0, size)
    if not match[1]:
        length = min(int(match[2]), size)
        return Selection(206, size - length, length) if length else Selection(416)
    first = int(match[1])
    if match[2] and int(match[2]) < first:
        return Selection(200, 0, size)
    if first >= size:
        return Selection(416)
    last = min(int(match[2]), size - 1) if match[2] else size - 1
    return Selection(206, first, last - first + 1)


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _date(text: str) -> int | None:
    """Seconds since the epoch of an HTTP date in any of its three forms (RFC 9110 section 5.6.7), None for others."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # The form of asctime names no zone; it is UTC, whatever the zone of this machine.
    return int((date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp())
