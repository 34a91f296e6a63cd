"""Lists in pages, as clients of Django REST framework know them (ngenea 2).

A page has 20 to 100 rows; `page_size=0` gives all of them, streamed. Rows stand in the order of their number.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from app.core import db
from app.core.calls import Chunks, Request
from app.core.errors import NotFound

LEAST, MOST = 20, 100
BATCH: Final = 500  # rows of a streamed list that are read at a time
NUMBER: Final = re.compile(r"\s*[-+]?[0-9]{1,18}\s*", re.ASCII)

Describe = Callable[[list[Any]], list[dict[str, Any]]]


def size(text: str | None) -> int:
    """Rows of a page by `page_size`; 0 for all."""
    number = int(text) if text and NUMBER.fullmatch(text) else LEAST
    return 0 if number == 0 else min(max(number, LEAST), MOST)


def page(
    request: Request,
    query: Any,
    number: str | None,
    page_size: str | None,
    describe: Describe,
    beside: dict[str, Any] | None = None,
) -> Any:
    """A page of the rows of `query` (of one model, without an order), as `describe` makes objects of them.

    In a read unit. `describe` gets the rows of a page at once, so that what belongs to them is read at once too.
    `beside` is what the object around the page has besides. Raises NotFound for a page that is not there.
    """
    beside = beside or {}
    count = query.count()
    wanted = size(page_size)
    if wanted == 0:
        if count <= MOST:
            return beside | envelope(count, None, None, describe(list(query.order_by(query.model.pk))))
        return Chunks(_streamed(beside | envelope(count, None, None, []), query, describe))
    last = max(1, -(-count // wanted))
    current = which(number, last)
    rows = describe(_rows(query, (current - 1) * wanted, wanted, count)) if count else []
    previous = link(request, current - 1) if current > 1 else None
    following = link(request, current + 1) if current < last else None
    return beside | envelope(count, following, previous, rows)


def of_list(request: Request, rows: list[dict[str, Any]], number: str | None, page_size: str | None) -> dict[str, Any]:
    """A page of a list that is at hand. Raises NotFound for a page that is not there."""
    wanted = size(page_size)
    if wanted == 0:
        return envelope(len(rows), None, None, rows)
    last = max(1, -(-len(rows) // wanted))
    current = which(number, last)
    previous = link(request, current - 1) if current > 1 else None
    following = link(request, current + 1) if current < last else None
    return envelope(len(rows), following, previous, rows[(current - 1) * wanted : current * wanted])


def envelope(count: int, following: str | None, previous: str | None, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What a page looks like."""
    return {"count": count, "next": following, "previous": previous, "results": rows}


def which(text: str | None, last: int) -> int:
    """The page that is meant, of so many. Raises NotFound for one that is not there."""
    if text is None or text == "":
        return 1
    if text == "last":
        return last
    number = int(text) if NUMBER.fullmatch(text) else 0
    if not 1 <= number <= last:
        raise NotFound("Invalid page.")
    return number


def link(request: Request, number: int) -> str:
    """The address of another page, with every other part of the query as it was."""
    kept = [(key, value) for key, value in request.query if key != "page"]
    return f"{request.base_url}{request.path}?{urlencode([*kept, ('page', number)])}"


def _rows(query: Any, offset: int, limit: int, count: int) -> list[Any]:
    """So many rows from an offset. Numbers are counted off in the index alone, from the end that is nearer."""
    pk = query.model.pk
    numbers = query.select(pk)
    if offset + limit > count - offset:  # nearer to the end
        found = numbers.order_by(pk.desc()).offset(max(0, count - offset - limit)).limit(min(limit, count - offset))
    else:
        found = numbers.order_by(pk).offset(offset).limit(limit)
    wanted = [row[0] for row in found.tuples()]
    return list(query.where(pk.in_(wanted)).order_by(pk))


def _streamed(around: dict[str, Any], query: Any, describe: Describe) -> Iterator[bytes]:
    head, tail = orjson.dumps(around).rsplit(b"[]", 1)  # the list of the rows stands last
    yield head + b"["
    pk, last, comma = query.model.pk, -1, b""
    while True:
        with db.read():
            rows = list(query.where(pk > last).order_by(pk).limit(BATCH))
            objects = describe(rows)
        if objects:
            yield comma + orjson.dumps(objects)[1:-1]
            comma = b","
        if len(rows) < BATCH:
            yield b"]" + tail
            return
        last = rows[-1].pk
