"""Parameters of an operation, compiled: cast from text by pattern, validated, passed under pythonic names.

Stands in for connexion's ParameterValidator and URI parser, which deep-copy schemas per request, cast with `int()`
and crash on a schema without a type (ecosystem.md section 1, rows 20, 21, 24).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from connexion.decorators.parameter import pythonic

from app.http.schemas import Compiled, Errors, Schemas

INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?", re.ASCII)
BOOLEANS: Final = {"true": True, "false": False}
MAX_DIGITS: Final = 20


def _string(text: str) -> str:
    return text


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS or not INTEGER.fullmatch(text):
        raise ValueError("not an integer")
    return int(text)


def _number(text: str) -> float | int:
    if INTEGER.fullmatch(text) and len(text) <= MAX_DIGITS:
        return int(text)
    if not NUMBER.fullmatch(text):
        raise ValueError("not a number")
    return float(text)


def _boolean(text: str) -> bool:
    try:
        return BOOLEANS[text]
    except KeyError:
        raise ValueError("not true or false") from None


CASTS: Final[dict[str, Callable[[str], Any]]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: where it stands, what it is called there and in Python, how it is cast and judged."""

    place: str
    name: str
    argument: str
    required: bool
    default: Any
    cast: Callable[[str], Any]
    many: str  # '' for one value, 'explode' for repeated keys, 'csv' for one comma list
    schema: Compiled

    def value(self, texts: list[str]) -> tuple[Any, Errors]:
        """The cast value of what was sent (the last, where one is wanted), and the faults found."""
        if self.many == "csv":
            texts = texts[-1].split(",") if texts[-1] else []
        try:
            value = [self.cast(text) for text in texts] if self.many else self.cast(texts[-1])
        except ValueError as exc:
            return None, [(f"/{self.name}", str(exc))]
        if any("\0" in text or not _encodable(text) for text in texts):
            return None, [(f"/{self.name}", "not valid text")]
        return value, [(f"/{self.name}{pointer}", message) for pointer, message in self.schema.errors(value)]


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Parameters:
    """All parameters of one operation."""

    def __init__(self, parameters: list[Parameter]) -> None:
        self._parameters = parameters
        self.arguments = tuple(p.argument for p in parameters)
        self.path_names = frozenset(p.argument for p in parameters if p.place == "path")
        self.names = frozenset(p.argument for p in parameters if p.place != "path")

    def cast(
        self, path: Mapping[str, str], query: tuple[tuple[str, str], ...], headers: Mapping[str, str]
    ) -> tuple[dict[str, Any], Errors, Errors]:
        """(arguments by pythonic name, faults of path parameters, other faults)."""
        values: dict[str, Any] = {}
        in_path: Errors = []
        others: Errors = []
        for parameter in self._parameters:
            if parameter.place == "path":
                texts = [path[parameter.name]]
            elif parameter.place == "query":
                texts = [value for key, value in query if key == parameter.name]
            else:
                header = headers.get(parameter.name.lower())
                texts = [] if header is None else [header]
            if not texts:
                values[parameter.argument] = parameter.default
                if parameter.required:
                    others.append(("", f"missing required parameter: {parameter.name}"))
                continue
            values[parameter.argument], errors = parameter.value(texts)
            (in_path if parameter.place == "path" else others).extend(errors)
        return values, in_path, others


def compile_parameters(parameters: list[Mapping[str, Any]], schemas: Schemas) -> Parameters:
    """Compile resolved parameter objects; raises ValueError for what the pipeline does not do."""
    return Parameters([_compile(parameter, schemas) for parameter in parameters])


def _compile(parameter: Mapping[str, Any], schemas: Schemas) -> Parameter:
    name, place = parameter["name"], parameter["in"]
    schema = schemas.follow(parameter.get("schema") or {})
    if "type" not in schema:
        raise ValueError(f"parameter {name} needs a schema with a type of its own")
    if place == "cookie":
        raise ValueError(f"parameter {name}: cookies are for security schemes")
    kind, many = schema["type"], ""
    if kind == "array":
        default_style = "form" if place == "query" else "simple"
        explode = parameter.get("explode", parameter.get("style", default_style) == "form")
        many = "explode" if place == "query" and explode else "csv"
        kind = schemas.follow(schema["items"]).get("type")
    if kind not in CASTS:
        raise ValueError(f"parameter {name}: type {kind} is not supported")
    return Parameter(
        place=place,
        name=name,
        argument=pythonic(name),
        required=parameter.get("required", False),
        default=schema.get("default"),
        cast=CASTS[kind],
        many=many,
        schema=schemas.request(schema),
    )
