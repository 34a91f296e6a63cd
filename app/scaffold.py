"""`flotilla scaffold`: a handler and a failing test for an operation that a spec names and nothing answers yet."""

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from app.core.calls import Audience
from app.http import specs, systems
from app.http.params import compile_parameters
from app.http.plan import follow, parameters_of
from app.http.schemas import Schemas

AUDIENCES: Final[tuple[Audience, ...]] = ("public", "internal")
# Who calls, by the first security scheme: (fixture, what the call is written as). Else nobody in particular does.
CALLERS: Final = {"ManagementJWT": ("user", "user.call"), "DeviceJWT": ("device", "device.call")}
SAMPLES: Final[Mapping[str, Any]] = {
    "string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": [], "object": {},
}  # fmt: skip


class ScaffoldError(Exception):
    """Why nothing was written, in one line."""


@dataclass(frozen=True)
class Operation:
    """One operation of a spec, with the document it stands in."""

    system: str
    path: str
    method: str
    document: Mapping[str, Any]

    @property
    def node(self) -> Any:
        return self.document["paths"][self.path][self.method]

    @property
    def name(self) -> str:
        return str(self.node["operationId"])

    @property
    def tag(self) -> str:
        return str(self.node["tags"][0])

    def follow(self, node: Any) -> Any:
        return follow(self.document, node)


def scaffold(operation_id: str, system: str | None, checkout: Path) -> list[str]:
    """Write a handler and a test that fails; `file:line` of both. Raises ScaffoldError, SpecError."""
    operation = find(operation_id, system, checkout / "openapi")
    handlers = checkout / "handlers" / operation.system
    tests = checkout / "tests" / "api" / operation.system
    if not handlers.parent.is_dir() or not tests.parent.is_dir():
        raise ScaffoldError(f"{checkout} is no checkout of Flotilla: it has no handlers or no tests")
    module, test = handlers / f"{operation.tag}.py", tests / f"test_{operation.tag}.py"
    for file, name in ((module, operation.name), (test, f"test_{operation.name}")):
        if name in dict(_functions(file)):
            raise ScaffoldError(f"{file.relative_to(checkout)} has a function {name} already")
    written = []
    for file, about, source in (
        (module, _about(operation), handler(operation)),
        (test, f"{_about(operation)[:-1]}, over HTTP.", api_test(operation)),
    ):
        line = _append(file, about, source)
        written.append(f"{file.relative_to(checkout)}:{line}")
    return written


def find(operation_id: str, system: str | None, folder: Path) -> Operation:
    """The operation of this id in the specs of `folder`; no handler is needed. Raises ScaffoldError, SpecError."""
    found = {
        candidate.name: Operation(candidate.name, path, method, document)
        for candidate in systems.load_systems(folder)
        if system in (None, candidate.name)
        for audience in AUDIENCES
        for document in [specs.document(folder, candidate, audience)]
        for path, method, node in specs.operations(document)
        if node["operationId"] == operation_id
    }
    if not found:
        raise ScaffoldError(f"no operation {operation_id} in {folder.name}/: write its spec first")
    if len(found) > 1:
        raise ScaffoldError(f"{operation_id} is in {' and '.join(sorted(found))}: choose one by --system")
    return next(iter(found.values()))


def handler(operation: Operation) -> str:
    """A handler with the arguments that the operation needs, which raises until it is written."""
    parameters = compile_parameters(
        parameters_of(operation.document, operation.path, operation.method), Schemas(operation.document)
    )
    arguments = [*parameters.arguments, *(["body"] if "requestBody" in operation.node else [])]
    if operation.node.get("security"):
        arguments.append("caller")
    return f'''def {operation.name}({", ".join(arguments)}):
    """{_sentence(operation.node.get("summary", operation.name))}"""
    raise NotImplementedError("write the rule in app/{operation.system}, call it here")
'''


def api_test(operation: Operation) -> str:
    """A test that calls the operation with the examples of its spec and expects the example of its answer."""
    schemes = [name for alternative in operation.node.get("security", []) for name in alternative]
    fixture, call = CALLERS.get(schemes[0] if schemes else "", ("http", "http.request"))
    status, expected = _answer(operation)
    arguments = [repr(operation.method.upper()), repr(_url(operation)), *_options(operation)]
    lines = [
        f"def test_{operation.name}({fixture}):",
        f'    """{_sentence(operation.node.get("summary", operation.name))}"""',
        f"    answer = {call}({', '.join(arguments)})",
        f"    assert answer.status_code == {status}",
    ]
    if expected is not None:
        lines.append(f"    assert answer.json() == {expected!r}")
    return "\n".join(lines) + "\n"


def _answer(operation: Operation) -> tuple[int, Any]:
    """The first good status and the JSON example of its answer, None without one."""
    code, response = next((code, node) for code, node in sorted(operation.node["responses"].items()) if code[0] in "23")
    content = operation.follow(response).get("content", {})
    media = next((entry for name, entry in content.items() if name.endswith("json")), None)
    return int(code), _example(operation, media) if media is not None else None


def _url(operation: Operation) -> str:
    path, query = operation.path, []
    for parameter in parameters_of(operation.document, operation.path, operation.method):
        value = _example(operation, parameter)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe=""))
        elif parameter["in"] == "query" and parameter.get("required"):
            query += [(parameter["name"], item) for item in (value if isinstance(value, list) else [value])]
    return f"{path}?{urlencode(query)}" if query else path


def _options(operation: Operation) -> list[str]:
    """The keyword arguments of the call: headers that are required, and the body."""
    headers = {
        parameter["name"]: str(_example(operation, parameter))
        for parameter in parameters_of(operation.document, operation.path, operation.method)
        if parameter["in"] == "header" and parameter.get("required")
    }
    options = [f"headers={headers!r}"] if headers else []
    content = operation.follow(operation.node.get("requestBody", {})).get("content", {})
    for media, entry in content.items():
        if media.endswith("json"):
            return [*options, f"json={_example(operation, entry)!r}"]
        if media == "multipart/form-data":
            return [*options, *_parts(operation, entry)]
        schema = operation.follow(entry.get("schema", {}))
        value = b"bytes" if schema.get("format") == "binary" else str(_example(operation, entry)).encode()
        return [f"headers={headers | {'Content-Type': media}!r}", f"content={value!r}"]
    return options


def _parts(operation: Operation, entry: Any) -> list[str]:
    properties = operation.follow(entry["schema"]).get("properties", {})
    schemas = {name: operation.follow(schema) for name, schema in properties.items()}
    files = {name: (name, b"bytes") for name, schema in schemas.items() if schema.get("format") == "binary"}
    fields = {
        name: str(_example(operation, {"schema": schema})) for name, schema in schemas.items() if name not in files
    }
    return [f"data={fields!r}", f"files={files!r}"]


def _example(operation: Operation, node: Any) -> Any:
    """The example of a parameter or media type; without one the schema's, or any value of its type."""
    if "example" in node:
        return node["example"]
    if "examples" in node:
        return operation.follow(next(iter(node["examples"].values())))["value"]
    schema = operation.follow(node.get("schema", {}))
    for key in ("example", "default"):
        if key in schema:
            return schema[key]
    return schema["enum"][0] if "enum" in schema else SAMPLES.get(schema.get("type", ""), {})


def _about(operation: Operation) -> str:
    described = {tag["name"]: tag.get("description", "") for tag in operation.document.get("tags", [])}
    return _sentence(described.get(operation.tag) or operation.tag.replace("_", " "))


def _sentence(text: str) -> str:
    """The first sentence of a text that may hold anything, for a docstring."""
    first = " ".join(text.split()).partition(". ")[0].rstrip(".?! ")[:100]
    return first.replace("\\", "").replace('"', "'") + "."


def _functions(file: Path) -> list[tuple[str, int]]:
    """(name, line) of each function of a module, none of one that is not there."""
    if not file.exists():
        return []
    tree = ast.parse(file.read_text("utf-8"))
    return [(node.name, node.lineno) for node in tree.body if isinstance(node, ast.FunctionDef)]


def _append(file: Path, about: str, source: str) -> int:
    """Add a function at the end of a module, made when there is none; the line it begins in."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(f'"""{about}"""\n', "utf-8")
    file.write_text(f"{file.read_text('utf-8').rstrip()}\n\n\n{source}", "utf-8")
    # Examples can be of any length: ruff breaks the lines as our style wants them.
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(file)], check=True)  # noqa: S603
    return _functions(file)[-1][1]
