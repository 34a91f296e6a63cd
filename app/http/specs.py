"""Load the hand-written OpenAPI files: bundle one document per (system, audience), gate it, publish it.

A system's files become one self-contained 3.0.3 document whose path keys are complete, so that routes, validation,
docs and clients all come from the same bytes. Connexion's own file loading cannot serve: it renders YAML through
Jinja and knows no bundling (ecosystem.md section 1, row 31; pipeline.md b).
"""

import contextlib
import os
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import orjson
from connexion.spec import OpenAPISpecification

from app import __version__
from app.core.calls import Audience
from app.http.systems import SpecError, System, load

METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
KNOWN_EXTENSIONS = frozenset({"x-transaction", "x-bad-path", "x-max-body", "x-origin", "x-empty", "x-any"})
DIGITS = 32  # of a hash in the name of a file
SECTIONS = ("schemas", "responses", "parameters", "headers", "requestBodies", "examples", "securitySchemes")

# `_gate` judges every document with a validator that sees more; connexion's second look took 40 % of a start.
OpenAPISpecification._validate_spec = classmethod(lambda cls, spec: None)


class _Bundler:
    """Pulls what the files refer to into one `components` section, giving each target a name of its own."""

    def __init__(self) -> None:
        self.files: dict[Path, Any] = {}
        self.names: dict[tuple[Path, str], str] = {}
        self.components: dict[str, dict[str, Any]] = {}

    def load(self, file: Path) -> Any:
        if file not in self.files:
            self.files[file] = load(file)
        return self.files[file]

    def inline(self, node: Any, file: Path) -> Any:
        """`node` with every $ref pointing into the bundle."""
        if isinstance(node, list):
            return [self.inline(item, file) for item in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            return self._refer(node["$ref"], file)
        return {str(key): self.inline(value, file) for key, value in node.items()}

    def _refer(self, ref: str, file: Path) -> Any:
        target, _, pointer = ref.partition("#")
        home = (file.parent / target).resolve() if target else file
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/") if part]
        node = self.load(home)
        for part in parts:
            try:
                node = node[part]
            except (KeyError, TypeError) as exc:
                raise SpecError(f"{file.name}: $ref {ref} leads nowhere") from exc
        section = parts[-2] if len(parts) >= 2 and parts[-2] in SECTIONS else None
        if section is None:
            return self.inline(node, home)
        return {"$ref": f"#/components/{section}/{self._name(section, parts[-1], node, home, pointer)}"}

    def _name(self, section: str, wanted: str, node: Any, home: Path, pointer: str) -> str:
        key = (home, pointer)
        if key in self.names:
            return self.names[key]
        taken = self.components.setdefault(section, {})
        name = wanted
        if name in taken:
            name = "".join(word.capitalize() for word in home.stem.split("_")) + wanted
        if name in taken:
            raise SpecError(f"{home.name}: two components are called {name}")
        self.names[key] = name
        taken[name] = {}  # holds the name while a recursive schema is followed
        taken[name] = self.inline(node, home)
        return name


def document(folder: Path, system: System, audience: Audience) -> dict[str, Any]:
    """The bundled document of one system on one listener, with its x- keys; gated. Raises SpecError.

    It takes longer to make than all else at a start, so it is kept beside the specs, as Python keeps what it compiled,
    under the hash of all that it is made of.
    """
    kind = f"{system.name}-{audience}{'-open' * system.is_open}{system.mount.replace('/', '+')}"
    kept = folder / "__pycache__" / f"{kind}-{_fingerprint(folder, system, audience)}.json"
    with contextlib.suppress(OSError, ValueError):
        found: dict[str, Any] = orjson.loads(kept.read_bytes())
        return found
    made = _bundle(folder, system, audience)
    _gate(made, system)
    raw = orjson.dumps(made)
    with contextlib.suppress(OSError):  # as where specs cannot be written to
        kept.parent.mkdir(exist_ok=True)
        for old in kept.parent.glob(f"{kind}-{'[0-9a-f]' * DIGITS}.json"):
            old.unlink(missing_ok=True)
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_bytes(raw)
        part.replace(kept)
    again: dict[str, Any] = orjson.loads(raw)
    return again


def _fingerprint(folder: Path, system: System, audience: Audience) -> str:
    """A hash of the specs, and of the code that bundles and judges them."""
    digest = sha256(f"{__version__} {version('openapi-spec-validator')} {audience} {system}".encode())
    for file in [Path(__file__), *sorted(folder.rglob("*.yaml"))]:
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:DIGITS]


def _bundle(folder: Path, system: System, audience: Audience) -> dict[str, Any]:
    bundler = _Bundler()
    paths: dict[str, Any] = {}
    schemes: dict[str, Any] = {}
    tags: dict[str, Any] = {}
    for name in system.files[audience]:
        file = (folder / name).resolve()
        raw = bundler.load(file)
        base = system.mount + urlparse((raw.get("servers") or [{"url": ""}])[0]["url"]).path.rstrip("/")
        for scheme, definition in (raw.get("components") or {}).get("securitySchemes", {}).items():
            definition = bundler.inline(definition, file)
            if isinstance(definition.get("$ref"), str):
                definition = bundler.components["securitySchemes"][definition["$ref"].rpartition("/")[2]]
            schemes[scheme] = definition
        tags.update({tag["name"]: tag for tag in raw.get("tags") or []})
        for path, item in (raw.get("paths") or {}).items():
            if base + path in paths:
                raise SpecError(f"{file.name}: {base + path} stands in two files")
            item = bundler.inline(item, file)
            for method in METHODS:
                if method in item and system.is_open:
                    item[method]["security"] = []
                elif method in item and "security" not in item[method] and "security" in raw:
                    item[method]["security"] = raw["security"]
            paths[base + path] = item
    components = {**bundler.components, "securitySchemes": schemes}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": f"Flotilla: {system.title}",
            "version": __version__,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": list(tags.values()),
        "paths": paths,
        "components": {section: entries for section, entries in components.items() if entries},
    }


def operations(doc: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path, method, operation) of every operation of a document."""
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _gate(doc: dict[str, Any], system: System) -> None:
    """Refuse what OpenAPI does not allow (an operationId that stands twice too) and what the pipeline does not do."""
    from openapi_spec_validator import OpenAPIV30SpecValidator  # slow to import, and needed once

    error = next(OpenAPIV30SpecValidator(doc).iter_errors(), None)
    if error is not None:
        raise SpecError(f"{system.name}: {error.message[:300]} at {'/'.join(map(str, error.absolute_path))}")
    for pointer, key in _extensions(doc):
        if key not in KNOWN_EXTENSIONS and not key.startswith("x-no-"):
            raise SpecError(f"{system.name}: unknown key {key} at {pointer}")
    for path, method, operation in operations(doc):
        where = f"{method.upper()} {path}"
        if not operation.get("operationId") or not operation.get("tags"):
            raise SpecError(f"{where}: an operation needs an operationId and a tag")
        for segment in path.split("/"):
            if "{" in segment and not (segment[0] == "{" and segment[-1] == "}" and segment.count("{") == 1):
                raise SpecError(f"{where}: segment {segment} mixes text and parameters")


def _extensions(node: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from _extensions(item, f"{pointer}/{index}")
    elif isinstance(node, dict):
        for key, value in node.items():
            if _is_extension(key, pointer):
                yield pointer, key
            elif key not in ("example", "examples", "default", "enum"):
                yield from _extensions(value, f"{pointer}/{key}")


def _is_extension(key: str, pointer: str) -> bool:
    """Whether a key is an OpenAPI extension, not the name of a header or property that starts with x-."""
    return key.startswith("x-") and pointer.rpartition("/")[2] not in ("headers", "properties", *SECTIONS)


def published(doc: dict[str, Any]) -> dict[str, Any]:
    """The document as users get it: without our x- keys."""
    return _strip(doc, "")


def _strip(node: Any, pointer: str) -> Any:
    if isinstance(node, list):
        return [_strip(item, pointer) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key in ("example", "examples", "default", "enum") else _strip(value, f"{pointer}/{key}")
        for key, value in node.items()
        if not _is_extension(key, pointer)
    }
