"""Requests on the edge of what two pipelines may take differently, made from the examples of the specs.

Recorded requests seldom hold them: numbers that Python reads and JSON does not, a key twice, two credentials at once.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from tests.support.corpus import Recorded

NUMBERS: Final = ("1_0", " 1", "+1", "01", "1.0", "-0", "１", "1e0", "0x1", "")
NONSENSE: Final = "\x01nonsense"


def edges(examples: Iterable[Recorded]) -> list[Recorded]:
    """What follows from the examples of a system, each once."""
    found: dict[Recorded, None] = {}
    queries: set[str] = set()
    for request in examples:
        query = request.target.partition("?")[2]
        if query not in queries:  # operations share parameters
            found |= dict.fromkeys(_queries(request))
        queries.add(query)
        found |= dict.fromkeys(_credentials(request))
    return list(found)


def _queries(request: Recorded) -> Iterator[Recorded]:
    """With the one key of the query written in other ways, and given twice."""
    path, _, query = request.target.partition("?")
    pairs = parse_qsl(query)
    if len(pairs) != 1:
        return
    ((key, value),) = pairs
    values = [[number] for number in NUMBERS] if value.isdigit() else []
    for written in [*values, [value, NONSENSE], [NONSENSE, value], [value, value]]:
        yield replace(request, target=f"{path}?{urlencode([(key, one) for one in written])}")


def _credentials(request: Recorded) -> Iterator[Recorded]:
    """A user's operation with a cookie, and with a good credential beside a bad one; without its query and body."""
    if ("authorization", "Bearer {user}") not in request.headers:
        return
    path = request.target.partition("?")[0]
    others = tuple(pair for pair in request.headers if pair[0] not in ("authorization", "content-type"))
    for authorization, cookie in (
        (None, "{user}"),
        ("Bearer {user}", "nonsense"),
        ("Bearer nonsense", "{user}"),
        ("Basic {user}", "{user}"),
        ("", "{user}"),
    ):
        headers = (*others, ("cookie", f"JWT={cookie}"))
        if authorization is not None:
            headers = (*headers, ("authorization", authorization))
        yield replace(request, target=path, headers=headers, body="")
