"""The terms of a search, and whether a device's document meets them (mender 3.4).

This is the meaning of every operator; `search_sql` says the same in SQL, and a property test holds the two together.
Numbers compare as doubles, texts by code point, times (created_ts, updated_ts) as times; nothing compares across types.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import re2

from app.core import clock
from app.core.errors import BadRequest
from app.mender.device_document import Document

Scalar = str | float

ORDERED: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}
TYPES: Final = ("$eq", "$ne", *ORDERED, "$in", "$nin", "$exists", "$regex")
MAX_PATTERN: Final = 1024
DEVICE_ID: Final = ("identity", "id")
TIMES: Final = frozenset({("system", "created_ts"), ("system", "updated_ts")})
WITH_FLAGS: Final = re.compile(r"/(.*)/([imsx]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition on an attribute; `value` is as JSON gave it and fits the type."""

    scope: str
    attribute: str
    type: str
    value: Any

    @property
    def key(self) -> tuple[str, str]:
        return self.scope, self.attribute


def term(scope: str, attribute: str, type_: str, value: Any) -> Term:
    """A checked term; raises BadRequest for an operator with a value of another type (mender 3.4)."""
    needed: dict[str, tuple[type, str]] = {
        "$in": (list, "a list"),
        "$nin": (list, "a list"),
        "$exists": (bool, "true or false"),
        "$regex": (str, "a text"),
    }
    if type_ in needed and not isinstance(value, needed[type_][0]):
        raise BadRequest(f"filters: {type_} needs {needed[type_][1]}")
    return Term(scope, attribute, type_, value)


def moment(text: Any) -> datetime | None:
    """The time an RFC 3339 text says, None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def comparable(value: Any) -> Scalar | None:
    """A text or a number as it is compared; None for what equals no attribute (true, null, objects)."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return value if isinstance(value, str) else float(value)


@lru_cache(maxsize=256)
def pattern(text: str) -> Any:
    """The regular expression of a `$regex`, anchored at the start: `re` or `/re/flags`; None for one that is not valid.

    The engine takes time linear in the text (RE2): look-around and back-references are not valid.
    """
    flagged = WITH_FLAGS.fullmatch(text)
    body, flags = flagged.groups() if flagged else (text, "")
    options = re2.Options()
    options.log_errors = False
    if len(body) > MAX_PATTERN or "x" in flags:
        return None
    try:
        return re2.compile(f"(?{flags})^(?:{body})" if flags else f"^(?:{body})", options)
    except (re2.error, UnicodeError):
        return None


def matches(wanted: Term, device_id: str, document: Document) -> bool:
    """Whether a device meets a term."""
    if wanted.key == DEVICE_ID:
        values: list[Any] | None = [device_id]
    else:
        attribute = document.get(wanted.key)
        value = None if attribute is None else attribute["value"]
        values = value if value is None or isinstance(value, list) else [value]
    if wanted.type == "$exists":
        return (values is not None) is wanted.value
    if wanted.type in ("$ne", "$nin"):
        opposite = {"$ne": "$eq", "$nin": "$in"}[wanted.type]
        return values is None or not _meets(opposite, wanted, values)
    return values is not None and _meets(wanted.type, wanted, values)


def _meets(type_: str, wanted: Term, values: list[Any]) -> bool:
    read = moment if wanted.key in TIMES else comparable
    found = [read(value) for value in values]
    if type_ == "$regex":
        expression = pattern(wanted.value)
        return expression is not None and any(isinstance(v, str) and expression.search(v) for v in values)
    if type_ in ORDERED:
        bound = read(wanted.value)
        return any(type(one) is type(bound) and ORDERED[type_](one, bound) for one in found if bound is not None)
    if type_ == "$in":
        listed = [one for one in map(read, wanted.value) if one is not None]
        return any(one in listed for one in found)
    if isinstance(wanted.value, list):
        return found == [read(value) for value in wanted.value]
    single = read(wanted.value)
    return single is not None and single in found


def shown(value: Any) -> str:
    """A time of the system scope as its document shows it, from the microseconds of its column."""
    return clock.rfc3339(clock.from_micros(value))
