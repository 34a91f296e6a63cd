"""Time: always UTC, always microseconds; frozen in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECONDS = (0, 253402300799)  # 1970 to 9999

_frozen: datetime | None = None


def now() -> datetime:
    """The present, aware, UTC."""
    return _frozen or datetime.now(UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware time; exact."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(value: int) -> datetime:
    """The aware UTC time of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def from_seconds(value: int) -> datetime:
    """The time of a Unix time in seconds; the first or last one there is for what lies beyond."""
    return datetime.fromtimestamp(min(max(value, SECONDS[0]), SECONDS[1]), UTC)


def rfc3339(moment: datetime | int) -> str:
    """`2026-11-25T05:30:45.123456Z` of an aware time or of microseconds since 1970."""
    if isinstance(moment, int):
        moment = from_micros(moment)
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


@contextmanager
def freeze(moment: datetime) -> Iterator[None]:
    """Hold the clock of this process at `moment` (tests)."""
    global _frozen
    before, _frozen = _frozen, moment
    try:
        yield
    finally:
        _frozen = before
