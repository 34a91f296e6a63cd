"""What a workflow may say: how files are found, the rules that take them, the tasks they go through (ngenea 3.1).

An argument of a task whose value is `*name` stands for the field `name` of the workflow.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.ngenea import tasks
from app.ngenea.faults import Faults

Document = dict[str, Any]
NAME: Final = re.compile(r"\S+")
DISCOVERIES: Final = (None, "recursive")
LATER: Final = ("snapdiff", "bidirectional_snapdiff")
OPTIONS: Final[Mapping[str | None, Mapping[str, type]]] = {
    None: {"skip_missing": bool},
    "recursive": {"skip_missing": bool},
}
TYPES: Final = {name: name for name in ("all", "file", "directory", "symlink")} | {
    "link": "symlink",
    "folder": "directory",
}
STATES: Final = ("all", "default", "created", "updated", "moved", "deleted", "new", "modified", "processed")
# What stands for the value of a field of each kind that has no default, while a definition is looked at.
SAMPLES: Final[Mapping[str, Any]] = {"string": "x", "bool": False, "int": 0, "choice": "", "site": "x", "queue": "x"}
PLACES: Final = ("site", "queue")  # arguments of an action that say where it runs
MARK: Final = "*"


def faults(definition: Document) -> Faults:
    """What is wrong with a whole definition."""
    found: Faults = []
    if not NAME.fullmatch(definition["name"]):
        found.append(("/name", "The name of a workflow has no white space."))
    found += _discovery(definition)
    fields = definition["fields"]
    found += _fields(fields)
    if not found:
        found += _rules(definition["filter_rules"], {field["name"]: sample(field) for field in fields})
    return found


def _discovery(definition: Document) -> Iterator[tuple[str, str]]:
    discovery = definition["discovery"]
    if discovery not in DISCOVERIES:
        yield (
            "/discovery",
            "There is no such discovery." if discovery not in LATER else "This discovery is not offered yet.",
        )
        return
    known = OPTIONS[discovery]
    for name, value in definition["discovery_options"].items():
        if name not in known:
            yield f"/discovery_options/{pointer(name)}", "The discovery has no such option."
        elif not isinstance(value, known[name]):
            yield f"/discovery_options/{pointer(name)}", f"Must be of type {known[name].__name__}."


def pointer(name: str) -> str:
    """A name as a part of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def _fields(fields: list[Document]) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for at, field in enumerate(fields):
        where = f"/fields/{at}"
        if field["name"] in seen:
            yield f"{where}/name", "Another field has this name."
        seen.add(field["name"])
        if field["type"] == "choice" and not choices(field):
            yield f"{where}/choices", "A choice needs something to choose from."
        if field.get("default") is not None and (fault := value_fault(field, field["default"])):
            yield f"{where}/default", fault


def choices(field: Document) -> list[Any]:
    """What may be chosen; `value` is another name that clients have for it."""
    found = field.get("choices") or field.get("value") or []
    return found if isinstance(found, list) else []


def sample(field: Document) -> Any:
    """A value that the field could have."""
    if field.get("default") is not None:
        return field["default"]
    return choices(field)[0] if field["type"] == "choice" and choices(field) else SAMPLES[field["type"]]


def value_fault(field: Document, value: Any) -> str:
    """What is wrong with the value of a field, '' if nothing."""
    kind = field["type"]
    if kind == "choice":
        return "" if any(value == one and type(value) is type(one) for one in choices(field)) else "Not a valid choice."
    wanted = {"bool": bool, "int": int}.get(kind, str)
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        return {"bool": "Must be true or false.", "int": "A valid integer is required."}.get(
            kind, "Not a valid string."
        )
    return ""


def _rules(rules: list[Document], samples: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for at, rule in enumerate(rules):
        where = f"/filter_rules/{at}"
        if rule["type"] not in TYPES:
            yield f"{where}/type", f"Must be one of {', '.join(TYPES)}."
        if rule["state"] not in STATES:
            yield f"{where}/state", f"Must be one of {', '.join(STATES)}."
        for step, action in enumerate(rule["action"]):
            for fault in _action(action, samples):
                yield f"{where}/action/{step}", fault


def _action(action: Document, samples: Mapping[str, Any]) -> list[str]:
    unknown = sorted(set(references(action)) - samples.keys())
    if unknown:
        return [f"There is no field {name}." for name in unknown]
    given = substituted(action, samples)
    found = [f"{name}: must be a name" for name in PLACES if not isinstance(given.get(name, ""), str)]
    return found + tasks.faults(str(given["name"]), arguments(given))


def references(action: Document) -> Iterator[str]:
    """The names of the fields that an action uses."""
    for value in action.values():
        if isinstance(value, str) and value.startswith(MARK):
            yield value[len(MARK) :]


def substituted(action: Document, values: Mapping[str, Any]) -> Document:
    """An action with the values of fields in their places. Raises KeyError for a field that has none."""
    return {
        name: values[value[len(MARK) :]] if isinstance(value, str) and value.startswith(MARK) else value
        for name, value in action.items()
    }


def arguments(action: Document) -> Document:
    """What of an action its task is given."""
    return {name: value for name, value in action.items() if name not in ("name", *PLACES)}
