"""Request bodies: media types, JSON under our limits, and the compiled body of an operation.

Stands in for connexion's body validators, which answer 500 to malformed UTF-8 or multipart, skip validation on odd
media types and keep whole bodies in memory (ecosystem.md section 1, rows 6-13).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson

from app.core.errors import BadRequest, UnsupportedMediaType
from app.http.schemas import MAX_DEPTH, Compiled, Errors, Schemas

MAX_FIELDS: Final = 1000
ESSENCE: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
CHARSET: Final = re.compile(r';\s*charset\s*=\s*"?([^";\s]*)', re.IGNORECASE)
LONG_NUMBER: Final = re.compile(rb"(?<![0-9.eE+])[0-9]{19,}(?![0-9.eE])")
BRACKETS: Final = re.compile(rb"[\[{]")
INT64: Final = (-(2**63), 2**63 - 1)


def parse_query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """The pairs of a query string, in order. Raises BadRequest for bad UTF-8, NUL, or more than 500 fields."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        reason = "too many fields" if "fields" in str(exc) else "not valid UTF-8"
        raise BadRequest(f"query string: {reason}") from None
    if any("\0" in key or "\0" in value for key, value in pairs):
        raise BadRequest("query string: contains NUL")
    return tuple(pairs)


def media_type(headers: Iterable[tuple[bytes, bytes]]) -> tuple[str, str] | None:
    """(essence in lower case, whole header) of Content-Type; None when there is none.

    Raises BadRequest for two of them, UnsupportedMediaType for one that names no media type or another charset.
    """
    found = [value for name, value in headers if name == b"content-type"]
    if not found:
        return None
    if len(found) > 1:
        raise BadRequest("more than one Content-Type header")
    text = found[0].decode("latin-1").strip()
    essence = text.partition(";")[0].strip().lower()
    charset = CHARSET.search(text)
    if not ESSENCE.fullmatch(essence):
        raise UnsupportedMediaType("Content-Type names no media type")
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8") and not essence.startswith("multipart/"):
        raise UnsupportedMediaType("text must be UTF-8")
    return essence, text


def parse_json(raw: bytes) -> Any:
    """A JSON document: UTF-8, finite numbers, well-formed texts. Raises BadRequest. Of duplicate keys the last wins."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise BadRequest(f"the body is not valid JSON: {_reason(exc)}") from None


def check_storable(raw: bytes, value: Any) -> None:
    """Refuse what no database keeps: NUL, integers of more than 64 bits, more than 100 levels. Raises BadRequest.

    `raw` is the document that `value` was taken from; it tells cheaply whether there is anything to look for.
    """
    long_number = LONG_NUMBER.search(raw) is not None
    if long_number or b"\\u0000" in raw or len(BRACKETS.findall(raw)) > MAX_DEPTH:
        _walk(value, long_number)


def _reason(exc: orjson.JSONDecodeError) -> str:
    return f"{exc.msg.partition(':')[0]} (line {exc.lineno}, column {exc.colno})"


def _walk(value: Any, long_number: bool) -> None:
    """Look at every value of a document that may hold something no database keeps."""
    stack = [(value, 1)]
    while stack:
        item, depth = stack.pop()
        if depth > MAX_DEPTH:
            raise BadRequest(f"the body is nested more than {MAX_DEPTH} levels deep")
        if isinstance(item, str):
            _check_text(item)
        elif isinstance(item, bool):
            continue
        elif isinstance(item, int):
            if not INT64[0] <= item <= INT64[1]:
                raise BadRequest("the body holds an integer of more than 64 bits")
        elif isinstance(item, float):
            # orjson reads an integer literal beyond 64 bits as a float and loses its digits.
            if long_number and abs(item) >= 2**63:
                raise BadRequest("the body holds an integer of more than 64 bits")
        elif isinstance(item, list):
            stack.extend((child, depth + 1) for child in item)
        elif isinstance(item, dict):
            # Names are looked up, never stored by themselves; no schema could forbid NUL in those that are free.
            stack.extend((child, depth + 1) for child in item.values())


def _check_text(text: str) -> None:
    if "\0" in text:
        raise BadRequest("the body holds a NUL character")


@dataclass(frozen=True)
class Body:
    """What an operation accepts as its body: a schema per media type, or files."""

    required: bool
    media: Mapping[str, Compiled]
    binary: frozenset[str]
    multipart: "MultipartForm | None"

    @property
    def accepted(self) -> str:
        """The media types, for a message."""
        return " or ".join([*self.media, *sorted(self.binary)])

    @property
    def has_files(self) -> bool:
        """Whether a body of some media type goes to the spool instead of into memory."""
        return self.multipart is not None or bool(self.binary)

    def is_streamed(self, media: "tuple[str, str] | Exception | None") -> bool:
        """Whether a body of this media type goes to the spool; in doubt it does, where nothing else is accepted."""
        if self.has_files and not self.media:
            return True
        return isinstance(media, tuple) and media[0] in self.binary

    def load(self, raw: bytes, media: tuple[str, str] | None) -> tuple[Any, Errors]:
        """The body's value and its faults. An empty body skips the media type (mender 1.5)."""
        if not raw:
            if self.required:
                raise BadRequest("the request body is required")
            return None, []
        schema = self.media.get(media[0]) if media is not None else None
        if media is None or schema is None:
            raise UnsupportedMediaType(f"the body must be {self.accepted}")
        if not media[0].endswith("json"):
            value = _text(raw)
            return value, schema.errors(value)
        value = parse_json(raw)
        errors = schema.errors(value)
        if errors:
            return None, errors
        return schema.strip(value), []


def _text(raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise BadRequest("the body is not valid UTF-8") from None
    _check_text(text)
    return text


@dataclass(frozen=True)
class MultipartForm:
    """The parts that a multipart operation knows: which are files, how fields are cast, and the schema of all."""

    files: frozenset[str]
    types: Mapping[str, str]
    required: frozenset[str]
    schema: Compiled


def compile_body(definition: Mapping[str, Any] | None, schemas: Schemas, follow: Any) -> Body | None:
    """Compile a resolved requestBody; None when the operation has none. `follow` resolves a $ref of the document."""
    if definition is None:
        return None
    content = definition["content"]
    if "multipart/form-data" in content:
        if len(content) > 1:
            raise ValueError("a multipart operation accepts multipart/form-data only")
        form = _compile_form(follow(content["multipart/form-data"]["schema"]), schemas, follow)
        return Body(definition.get("required", False), {}, frozenset(), form)
    binary = frozenset(n.lower() for n, entry in content.items() if follow(entry["schema"]).get("format") == "binary")
    media = {n.lower(): schemas.request(entry["schema"]) for n, entry in content.items() if n.lower() not in binary}
    unknown = [name for name in media if not (name.endswith("json") or name.startswith("text/"))]
    if unknown:
        raise ValueError(f"no way to read a body of {', '.join(unknown)}")
    return Body(definition.get("required", False), media, binary, None)


def _compile_form(schema: Mapping[str, Any], schemas: Schemas, follow: Any) -> MultipartForm:
    properties = {name: follow(sub) for name, sub in schema["properties"].items()}
    for name, sub in properties.items():
        if sub.get("type") == "array" and follow(sub["items"]).get("format") == "binary":
            raise ValueError(f"part {name}: a list of files is not supported")
    files = frozenset(name for name, sub in properties.items() if sub.get("format") == "binary")
    fields = {name: sub for name, sub in properties.items() if name not in files}
    judged = {**schema, "properties": fields, "required": [n for n in schema.get("required", []) if n not in files]}
    if not judged["required"]:
        del judged["required"]
    return MultipartForm(
        files=files,
        types={name: sub.get("type", "string") for name, sub in fields.items()},
        required=frozenset(schema.get("required", [])) & files,
        schema=schemas.request(judged),
    )
