"""Which jobs a list shows (ngenea 3.4): AND between filters, OR inside of one."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.core import clock
from app.core.calls import Caller
from app.core.errors import BadRequest
from app.ngenea import names, rights, states
from app.ngenea.faults import refuse_one
from models.ngenea.jobs import Job, JobInput
from models.ngenea.sites import Queue, Site

UNKNOWN_OWNER, SYSTEM_OWNER = -1, -2
PERIODS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
TRUE: Final = ("true", "True", "1")
NUMBERS: Final = 2**63
NOTHING: Final = Job.pk < 0

Filters = Mapping[str, Any]


def jobs(caller: Caller, filters: Filters) -> Any:
    """The jobs that the caller may know of and the filters let pass. In a unit of work. Raises BadRequest."""
    query = Job.select().where(rights.visible(caller, Job))
    for name, condition in CONDITIONS.items():
        value = filters.get(name)
        if items(value) if isinstance(value, list) else value not in (None, ""):
            query = query.where(condition(value))
    return query.where(*_created(filters))


def items(value: list[str]) -> list[str]:
    """An array parameter: repeated, or one list with commas."""
    return [item.strip() for one in value for item in one.split(",") if item.strip()]


def numbers(name: str, value: list[str]) -> list[int]:
    """The same, of whole numbers. Raises BadRequest."""
    try:
        found = [int(item) for item in items(value) if len(item) < 20]
    except ValueError:
        raise refuse_one(f"/{name}", "A valid integer is required.") from None
    return [number for number in found if abs(number) < NUMBERS]


def is_true(flag: str | None) -> bool:
    """Whether a flag of the query says yes."""
    return flag in TRUE


def within(column: Any, prefix: str) -> Any:
    """The condition for a path that is `prefix` or beneath it. Raises BadRequest for what is no text."""
    path = path_of(prefix).rstrip(b"/")
    # `0` is what follows `/`: all that begins with the prefix and a slash lies between.
    return (column == (path or b"/")) | ((column >= path + b"/") & (column < path + b"0"))


def path_of(text: str) -> bytes:
    """A path as bytes. Raises BadRequest for what is no text."""
    try:
        return names.read(text)
    except ValueError:
        raise BadRequest("not valid text") from None


def _created(filters: Filters) -> list[Any]:
    """`created` wins over the times."""
    word = filters.get("created")
    if word and word != "null":
        return [Job.created_ts >= clock.now() - PERIODS[word]]
    start, end = filters.get("created_time_from"), filters.get("created_time_to")
    found = []
    if start:
        found.append(Job.created_ts >= _time("created_time_from", start))
    if end:
        found.append(Job.created_ts <= _time("created_time_to", end))
    return found


def _time(name: str, text: str) -> datetime:
    """A moment; UTC where no offset is given. Raises BadRequest."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse_one(f"/{name}", "Enter a valid date/time.") from None


def _owners(value: list[str]) -> Any:
    wanted = numbers("owner_ids", value)
    found = Job.owner.in_([number for number in wanted if number > 0])
    if UNKNOWN_OWNER in wanted:
        found = found | (Job.owner.is_null() & ~Job.by_system)
    if SYSTEM_OWNER in wanted:
        found = found | Job.by_system
    return found


def _keyword(text: str) -> Any:
    word = text.strip().lower()
    return Job.search.contains(word) | Job.pk.cast("TEXT").contains(word)


def _site(name: str) -> Any:
    return Job.site.in_(Site.select(Site.pk).where(Site.name == name))


def _queue(name: str) -> Any:
    return Job.queue.in_(Queue.select(Queue.pk).where(Queue.name == name))


def _noop(flag: str) -> Any:
    if not is_true(flag):
        return Job.pk > 0
    return ~(Job.state.in_([states.SUCCESS, states.SKIPPED]) & (Job.processed == 0))


CONDITIONS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "completed_time_from": lambda text: Job.completed_ts >= _time("completed_time_from", text),
    "completed_time_to": lambda text: Job.completed_ts <= _time("completed_time_to", text),
    "workflow": lambda name: Job.workflow == name,
    "state": lambda value: Job.state.in_([state.upper() for state in items(value)]),
    "owner_ids": _owners,
    "clientkey_ids": lambda value: Job.clientkey.in_(numbers("clientkey_ids", value)),
    "schedule_ids": lambda value: NOTHING if numbers("schedule_ids", value) else Job.pk > 0,
    "site": _site,
    "site_id": lambda number: Job.site == number,
    "input_paths_prefix": lambda text: Job.pk.in_(JobInput.select(JobInput.job).where(within(JobInput.path, text))),
    "search_keyword": _keyword,
    "hide_noop": _noop,
    "queue": _queue,
    "queue_id": lambda number: Job.queue == number,
}
