"""Refusals of the Ngenea system, in the form of Django REST framework (ngenea 2).

A validation that failed is an object with the fields and what is wrong with each; all else is one `detail`.
"""

import re
from typing import Any, Final

import orjson

from app.core.errors import Problem

DETAILS: Final = {500: "internal error", 503: "service unavailable"}
REQUIRED: Final = re.compile(r'"(?P<field>.+)" is a required property|missing required parameter: (?P<parameter>.+)')
UNSUPPORTED: Final = re.compile(r"(\w+(?:, \w+)*) is not supported")
WHOLE: Final = "non_field_errors"
LONGEST: Final = 1000  # items that are told of each by its place


def render(problem: Problem, _: str, __: str) -> bytes:
    """The body of an answer of 400 and above."""
    if problem.status == 400 and problem.errors:
        return orjson.dumps(_by_field(problem.errors))
    detail = DETAILS.get(problem.status, problem.detail)
    if problem.status == 503 and problem.detail:
        detail = problem.detail
    return orjson.dumps({"detail": detail, **problem.body})


def _by_field(errors: list[tuple[str, str]]) -> dict[str, Any]:
    """The messages under the fields that their pointers name; objects in lists stand at their place in a list."""
    tree: dict[str, Any] = {}
    for pointer, message in errors:
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:] if part]
        missing = REQUIRED.fullmatch(message)
        if missing is not None:
            parts, message = [*parts, missing["field"] or missing["parameter"]], "This field is required."
        refused = UNSUPPORTED.fullmatch(message)
        for field in refused[1].split(", ") if refused is not None else ():
            _put(tree, [*parts, field], "This field is not supported.")
        if refused is None:
            _put(tree, parts or [WHOLE], message)
    return {name: _lists(value) for name, value in tree.items()}


def _put(tree: dict[str, Any], parts: list[str], message: str) -> None:
    """Add a message where `parts` lead; one about an object as a whole stands beside those about its fields."""
    name, *rest = parts
    here = tree.setdefault(name, {} if rest else [])
    if rest and isinstance(here, list):
        here = tree[name] = {WHOLE: here}
    if rest:
        _put(here, rest, message)
    elif isinstance(here, dict):
        _put(here, [WHOLE], message)
    elif message not in here:
        here.append(message)


def _lists(node: Any) -> Any:
    """The faults of a list: of objects a list with an empty object for each that has none, of others messages."""
    if not isinstance(node, dict):
        return node
    if not node or not all(key.isdecimal() for key in node) or max(map(int, node)) > LONGEST:
        return {key: _lists(value) for key, value in node.items()}
    if all(isinstance(value, list) for value in node.values()):
        return [f"Item {int(at) + 1}: {message}" for at, messages in node.items() for message in messages]
    found = [_lists(node.get(str(number), {})) for number in range(max(map(int, node)) + 1)]
    return [{WHOLE: one} if isinstance(one, list) else one for one in found]
