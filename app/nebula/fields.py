"""What the fields of apps, cron jobs and groups may hold beyond what a schema can say (nebula 3, 9, 10)."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson
from croniter import croniter

from app.core.errors import BadRequest, Forbidden

NETWORKS: Final = ["nebula", "bridge"]
PORTS: Final = range(1, 65536)
DIGITS: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
LEVELS: Final = ("ro", "rw")
MAX_NAME: Final = 255
NO_WORD: Final = ("", "[]")  # what nebulactl makes of a list that is empty


def words(value: str | Sequence[str]) -> list[str]:
    """A list, or the comma separated text that nebulactl sends for one; without what is empty."""
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    return [word for word in value if word not in NO_WORD]


def once(names: str | Sequence[str]) -> list[str]:
    """The same, each name at its first place."""
    return list(dict.fromkeys(words(names)))


def levels(field: str, value: str | dict[str, str]) -> dict[str, str]:
    """Name -> ro or rw; of a text that is JSON or `name:level,name:level`. Raises BadRequest."""
    if isinstance(value, dict):
        return value
    try:
        given = orjson.loads(value) if value.strip().startswith("{") else dict(_pairs(value))
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(level in LEVELS for level in given.values()):
        said = "name:ro or name:rw, separated by commas"
        raise BadRequest(said, body={field: said})
    return given


def check_names(field: str, names: Iterable[str]) -> None:
    """Raises BadRequest for a name that nothing can have: schemas cannot speak of the keys of a map."""
    if not all(0 < len(name) <= MAX_NAME and "\0" not in name for name in names):
        said = f"names of 1 to {MAX_NAME} characters, none of them NUL"
        raise BadRequest(said, body={field: said})


def _pairs(text: str) -> list[tuple[str, str]]:
    found = [word.rpartition(":") for word in words(text)]
    return [(name.strip(), level.strip()) for name, _, level in found]


def check_ports(ports: Sequence[Any]) -> None:
    """Raises Forbidden for what is no port or pair of ports, BadRequest for a port out of range (nebula 3)."""
    for port in ports:
        for number in _numbers(port):
            if number not in PORTS:
                raise BadRequest("invalid port", body={"starting_ports": "invalid port"})


def _numbers(port: Any) -> list[int]:
    pairs = list(port.items()) if isinstance(port, dict) else [(port, port)] if type(port) is int else None
    if pairs is None or not all(_is_number(side) for pair in pairs for side in pair):
        said = "only integers, and objects of a host port and a container port"
        raise Forbidden(said, body={"starting_ports": said})
    return [int(side) for pair in pairs for side in pair]


def _is_number(value: Any) -> bool:
    return type(value) is int or (isinstance(value, str) and DIGITS.fullmatch(value) is not None)


def check_schedule(schedule: str) -> None:
    """Raises BadRequest for what the workers' own library takes for no schedule."""
    try:
        valid = croniter.is_valid(schedule)
    except (ValueError, KeyError, AttributeError, TypeError, IndexError, OverflowError):
        valid = False  # it fails in more ways than it says
    if not valid:
        raise BadRequest("no schedule", body={"schedule_valid": False})
