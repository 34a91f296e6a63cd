"""OpenAPI 3.0 schemas translated to JSON Schema 2020-12 and compiled by jsonschema-rs, once, at start.

Stands in for connexion's per-request Draft4Validator: it checks few formats, knows no nullable beside a composition,
demands readOnly properties of clients and accepts integers that no database holds (ecosystem.md section 1, rows 16-20).
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import jsonschema_rs
import orjson

Errors = list[tuple[str, str]]

MAX_ERRORS: Final = 20
MAX_BRANCHES: Final = 100
MAX_DEPTH: Final = 100
WITHOUT_NUL: Final = {"pattern": "^[^\\u0000]*$"}
DROPPED: Final = frozenset(
    {"example", "examples", "discriminator", "xml", "externalDocs", "deprecated", "nullable", "default"}
)
COMPOSITIONS: Final = ("allOf", "oneOf", "anyOf")
BOUNDS: Final = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


FORMATS: Final = {"byte": _is_base64, "binary": lambda _: True, "password": lambda _: True}


class Compiled:
    """A schema ready to judge values."""

    def __init__(self, validator: jsonschema_rs.Draft202012Validator, shape: "_Shape | None" = None) -> None:
        self._validator = validator
        self._shape = shape

    def errors(self, value: Any) -> Errors:
        """(JSON pointer, message) of each fault, at most 20; empty when the value is valid. No value is quoted."""
        if self._validator.is_valid(value):
            return []
        found: Errors = []
        for error in self._validator.iter_errors(value):
            found += [(_pointer(one.instance_path), _message(one, value)) for one in _meant(error)]
            if len(found) >= MAX_ERRORS:
                break
        return found[:MAX_ERRORS]

    def strip(self, value: Any) -> Any:
        """The value without members that a client may not set (readOnly) or that the schema does not name."""
        return value if self._shape is None else self._shape.strip(value)


def _pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def _meant(error: Any) -> list[Any]:
    """The faults behind one fault: of alternatives, those of the one that was most likely meant; else itself.

    That is the one with the fewest faults among those of the value's type; of two equal ones the first in the spec.
    """
    alternatives = getattr(error.kind, "context", None) or []
    near = [
        branch
        for branch in alternatives
        if branch and not any(one.kind.name == "type" and one.instance_path == error.instance_path for one in branch)
    ]
    if not near:
        return [error]
    return [deeper for one in min(near, key=len) for deeper in _meant(one)]


def _message(error: Any, value: Any) -> str:
    text = str(error.message)
    if error.schema_path and error.schema_path[-1] == "not":
        for part in error.instance_path:
            value = value[part]
        named = [
            name for name in re.findall(r'"required":\["([^"]+)"', text) if isinstance(value, dict) and name in value
        ]
        return f"{', '.join(named)} is not supported" if named else "the value is not allowed"
    return text if len(text) <= 200 else text[:200] + "..."


class Schemas:
    """Compiles the schemas of one bundled document; its components may refer to each other, also recursively."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._components: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
        self._definitions: dict[str, dict[str, Any]] = {
            f"{name}.{kind}": _Translator(kind, self._components).schema(schema)
            for kind in ("request", "closed", "open")
            for name, schema in self._components.items()
        }
        self._named = {name: frozenset(_names(definition)) for name, definition in self._definitions.items()}
        self._responses: dict[bytes, Compiled] = {}

    def follow(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a schema is behind its $ref."""
        return _follow(schema, self._components)

    def request(self, schema: Mapping[str, Any]) -> Compiled:
        """For what clients send: readOnly properties are not demanded, and stripped; no text may hold NUL."""
        translated = _Translator("request", self._components).schema(schema)
        return Compiled(self._compile(translated), _Shape(schema, self._components))

    def response(self, schema: Mapping[str, Any]) -> Compiled:
        """For what we send: objects are closed, an undeclared property is a fault; writeOnly may not appear."""
        known = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
        if known not in self._responses:  # operations share their errors
            translated = _Translator("closed", self._components).schema(schema)
            self._responses[known] = Compiled(self._compile(translated))
        return self._responses[known]

    def _compile(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        reached, waiting = set(), set(_names(schema))
        while waiting:
            name = waiting.pop()
            reached.add(name)
            waiting |= self._named[name] - reached
        definitions = {name: self._definitions[name] for name in sorted(reached)}
        return jsonschema_rs.Draft202012Validator(
            {**schema, "$defs": definitions},
            validate_formats=True,
            formats=FORMATS,
            ignore_unknown_formats=False,
            mask="the value",
        )


class _Translator:
    """3.0 -> 2020-12 for one kind: `request`, `closed` (answers) or `open` (a branch of a composition in answers)."""

    def __init__(self, kind: str, components: Mapping[str, Any]) -> None:
        self._kind = kind
        self._components = components

    def schema(self, node: Mapping[str, Any], kind: str | None = None) -> dict[str, Any]:
        kind = kind or self._kind
        inner = "closed" if kind in ("closed", "open") else kind
        if "$ref" in node:
            return {"$ref": f"#/$defs/{node['$ref'].rpartition('/')[2]}.{kind}"}
        if node.get("readOnly") and kind == "request":
            return {}
        if node.get("writeOnly") and kind != "request":
            return {"not": {}}
        out = {key: value for key, value in node.items() if key not in DROPPED and not key.startswith("x-")}
        out.pop("readOnly", None)
        out.pop("writeOnly", None)
        if "properties" in out:
            out["properties"] = {name: self.schema(sub, inner) for name, sub in out["properties"].items()}
        if "items" in out:
            out["items"] = self.schema(out["items"], inner)
        if isinstance(out.get("additionalProperties"), dict):
            out["additionalProperties"] = self.schema(out["additionalProperties"], inner)
        if "not" in out:
            out["not"] = self.schema(out["not"], "request" if kind == "request" else "open")
        for word in COMPOSITIONS:
            if word in out:
                out[word] = [self.schema(sub, "request" if kind == "request" else "open") for sub in out[word]]
        if kind == "request" and "required" in out:
            hidden = _read_only_names(node, self._components)
            out["required"] = [name for name in out["required"] if name not in hidden]
        if kind == "closed" and self._is_object(node) and "additionalProperties" not in out:
            out["unevaluatedProperties"] = False
        if kind == "request" and out.get("type") == "string" and "format" not in out and "enum" not in out:
            out["allOf"] = [*out.get("allOf", []), WITHOUT_NUL]
        _bounds(out)
        return _nullable(out) if node.get("nullable") else out

    def _is_object(self, node: Mapping[str, Any], depth: int = 0) -> bool:
        """Whether a schema describes an object, itself or through its composition, and no branch of it is open."""
        node = _follow(node, self._components)
        if node.get("type") == "object" or "properties" in node:
            return True
        parts = [part for word in COMPOSITIONS for part in node.get(word, [])]
        return depth < 20 and any(self._is_object(part, depth + 1) for part in parts)


def _names(node: Any) -> Iterator[str]:
    """The definitions that a translated schema refers to."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/$defs/")
        for inner in node.values():
            yield from _names(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from _names(inner)


def _follow(node: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = components[node["$ref"].rpartition("/")[2]]
    return node


def _bounds(out: dict[str, Any]) -> None:
    """Integers are bounded to what a database holds; 3.0's boolean exclusive bounds become numbers."""
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if out.get(word) is True:
            out[word] = out.pop(bound)
        elif out.get(word) is False:
            del out[word]
    if out.get("type") == "integer":
        low, high = BOUNDS.get(out.pop("format", ""), BOUNDS["int64"])
        out["minimum"] = max(low, out.get("minimum", low))
        out["maximum"] = min(high, out.get("maximum", high))
    elif out.get("format") in ("float", "double"):
        del out["format"]


def _nullable(out: dict[str, Any]) -> dict[str, Any]:
    if "type" not in out:
        return {"anyOf": [{"type": "null"}, out]}
    out["type"] = [out["type"], "null"]
    if "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    return out


def _read_only_names(node: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> set[str]:
    """Properties that are readOnly anywhere in the allOf composition of a schema."""
    node = _follow(node, components)
    names = {name for name, sub in node.get("properties", {}).items() if _follow(sub, components).get("readOnly")}
    if depth < 20:
        for part in node.get("allOf", []):
            names |= _read_only_names(part, components, depth + 1)
    return names


class _Shape:
    """What of a request reaches the handler: declared members that a client may set, and members of open objects.

    An integer that was written as `1.0` (an integer to JSON Schema) arrives as an integer.
    """

    def __init__(self, schema: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self._schema, self._components = schema, components

    def strip(self, value: Any) -> Any:
        return self._strip(value, [self._schema], 0)

    def _strip(self, value: Any, nodes: list[Mapping[str, Any]], depth: int) -> Any:
        """`value` as all of `nodes`, the branches of its composition included, let it through.

        Beyond `MAX_DEPTH` levels it stays as it is: such a body is refused.
        """
        if not nodes or depth > MAX_DEPTH:
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value) if any(node.get("type") == "integer" for node in self._branches(nodes)) else value
        if not isinstance(value, dict | list):
            return value
        nodes = self._branches(nodes)
        if isinstance(value, list):
            items = [node["items"] for node in nodes if "items" in node]
            return [self._strip(item, items, depth + 1) for item in value] if items else value
        declared: dict[str, list[Mapping[str, Any]]] = {}
        for node in nodes:
            for name, sub in node.get("properties", {}).items():
                declared.setdefault(name, []).append(sub)
        hidden = {name for name, subs in declared.items() if any(self._is_read_only(sub) for sub in subs)}
        free = [node["additionalProperties"] for node in nodes if node.get("additionalProperties") not in (None, False)]
        is_open = not declared or bool(free)
        others = [schema for schema in free if isinstance(schema, Mapping)]
        return {
            key: self._strip(item, declared.get(key, others), depth + 1)
            for key, item in value.items()
            if (key in declared or is_open) and key not in hidden
        }

    def _branches(self, nodes: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        left = list(nodes)
        while left and len(found) < MAX_BRANCHES:
            node = _follow(left.pop(), self._components)
            found.append(node)
            left += [part for word in COMPOSITIONS for part in node.get(word, [])]
        return found

    def _is_read_only(self, node: Mapping[str, Any]) -> bool:
        return bool(_follow(node, self._components).get("readOnly"))
