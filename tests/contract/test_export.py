"""The exported documents are products of their own: whole, free of our keys, clean for other people's tools, and
what a running server serves."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from app.http import specs, systems
from app.main import create_app
from app.settings import Settings
from tests.support import node
from tests.support.live import live
from tests.support.server import COMMAND

AUDIENCES = ("public", "internal")
EXPORTED = [
    ("public", "mender"), ("public", "nebula"), ("public", "vmm"), ("public", "ngenea"), ("public", "flotilla"),
    ("internal", "flotilla"),
]  # fmt: skip
CONFIG = systems.root() / "redocly.yaml"
UNKNOWN_TO_THE_GENERATOR = {
    "application/jwt": "text/plain",
    "application/vnd.mender-artifact": "application/octet-stream",
    "application/vnd.api+json": "application/json",
}


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> Path:
    """A folder with a folder of exports per listener."""
    folder = tmp_path_factory.mktemp("exports")
    for audience in AUDIENCES:
        command = [*COMMAND, "spec", "export", "--audience", audience, "--output", str(folder / audience)]
        subprocess.run(command, check=True, cwd=folder, timeout=120)
    return folder


@pytest.fixture
def document(request, exports) -> Any:
    audience, system = request.param
    return json.loads((exports / audience / f"{system}.json").read_bytes())


each_document = pytest.mark.parametrize("document", EXPORTED, indirect=True, ids="-".join)


def keys(node: Any) -> Iterator[str]:
    for value in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from keys(value)
    if isinstance(node, dict):
        yield from node


def references(node: Any) -> Iterator[str]:
    for value in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from references(value)
    if isinstance(node, dict) and "$ref" in node:
        yield node["$ref"]


def used_components(document: Any) -> set[tuple[str, str]]:
    """(section, name) of what the operations need, also through other components."""
    schemes = {name for _, _, operation in specs.operations(document) for one in operation["security"] for name in one}
    used = {("securitySchemes", name) for name in schemes}
    open_ends = list(references(document["paths"]))
    while open_ends:
        section, name = open_ends.pop().removeprefix("#/components/").split("/")
        if (section, name) not in used:
            used.add((section, name))
            open_ends += references(document["components"][section][name])
    return used


def test_each_system_is_exported_where_it_listens(exports):
    found = {(audience, file.stem) for audience in AUDIENCES for file in (exports / audience).iterdir()}
    assert found == set(EXPORTED)


@each_document
def test_it_is_whole_and_valid(document):
    OpenAPIV30SpecValidator(document).validate()
    assert document["openapi"] == "3.0.3"
    assert all(ref.startswith("#/components/") for ref in references(document))
    declared = {(section, name) for section, entries in document["components"].items() for name in entries}
    assert declared == used_components(document)


@each_document
def test_it_holds_no_key_of_ours(document):
    assert [key for key in keys(document) if key.startswith("x-")] == []


@each_document
def test_its_paths_are_complete(request, document):
    audience, name = request.node.callspec.params["document"]
    system = next(entry for entry in systems.load_systems(systems.root()) if entry.name == name)
    assert document["servers"] == [{"url": "/"}]
    assert list(keys(document)).count("servers") == 1
    assert all(path.startswith(tuple(system.prefixes[audience])) for path in document["paths"])


@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_server_serves_the_same_bytes(audience, exports, tmp_path):
    settings = Settings(data_dir=tmp_path, log_level="error")
    with live(create_app(settings, audience)) as url, httpx.Client(base_url=url, timeout=60) as http:
        for _, system in EXPORTED:
            answer = http.get(f"/openapi/{system}.json")
            file = exports / audience / f"{system}.json"
            if file.exists():
                assert answer.headers["Content-Type"] == "application/json"
                assert answer.content == file.read_bytes()
            else:
                assert answer.status_code == 404


def lint(file: Path) -> tuple[dict[str, int], str]:
    """(errors and warnings counted, what was found) by redocly with our configuration."""
    done = node.program("redocly", "lint", "--config", CONFIG, "--format", "json", file, cwd=file.parent)
    totals = json.loads(done.stdout)["totals"]
    assert (done.returncode == 0) is (totals["errors"] == 0)
    return totals, done.stdout


@pytest.mark.parametrize(("audience", "system"), EXPORTED)
def test_redocly_finds_nothing(audience, system, exports):
    totals, report = lint(exports / audience / f"{system}.json")
    assert (totals["errors"], totals["warnings"]) == (0, 0), report


def test_redocly_sees_a_fault(exports, tmp_path):
    document = json.loads((exports / "public" / "mender.json").read_bytes())
    del document["components"]["schemas"]["Deployment"]
    (tmp_path / "mender.json").write_text(json.dumps(document))
    totals, report = lint(tmp_path / "mender.json")
    assert totals["errors"] == 3, report
    assert "no-unresolved-refs" in report


@pytest.mark.parametrize(("audience", "system"), EXPORTED)
def test_redoclys_bundle_is_the_same_document(audience, system, exports, tmp_path):
    file = exports / audience / f"{system}.json"
    done = node.program("redocly", "bundle", "--config", CONFIG, file, "--output", tmp_path / "out.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "out.json").read_bytes()) == json.loads(file.read_bytes())


@pytest.mark.parametrize(("audience", "system"), EXPORTED)
def test_clients_are_generated_from_it_without_a_warning(audience, system, exports, tmp_path):
    file = exports / audience / f"{system}.json"
    done = node.program("openapi-typescript", file, "--output", tmp_path / "types.ts", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # A type that no object but an empty one is of: the generator's word for a schema that says too little.
    shut = re.findall(r"(?:\w+\?: |& )Record<string, never>", (tmp_path / "types.ts").read_text("utf-8"))
    assert set(shut) <= {"Empty: Record<string, never>"}

    (tmp_path / "generator.yaml").write_text(json.dumps({"content_type_overrides": UNKNOWN_TO_THE_GENERATOR}))
    programs = Path(sys.executable).parent
    generate = [programs / "openapi-python-client", "generate", "--path", file, "--meta", "none"]
    done = subprocess.run(
        [*generate, "--output-path", "client", "--config", "generator.yaml", "--fail-on-warning"],
        cwd=tmp_path, env={**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
