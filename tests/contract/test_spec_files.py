"""The OpenAPI files themselves: held against the inventory of the references, against habits, and what they refuse."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.http import specs, systems
from app.http.plan import parameters_of
from app.http.schemas import Compiled, Schemas

TOOLS = Path(__file__).parent.parent / "reference"
OPENAPI = systems.root()
# Operations of the references (tests/reference/operations.json) that version 0.1 has; later issues only add.
MENDER_OPERATIONS = 34


def tool(name: str, *arguments: str | Path) -> tuple[int, str]:
    """(exit code, what it printed) of one of the vendored checkers."""
    done = subprocess.run(
        [sys.executable, TOOLS / name, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def numbers(line: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", line)]


def test_the_references_are_covered() -> None:
    code, printed = tool("spec_coverage.py", OPENAPI, "--system", "mender", "--present")
    assert code == 0, printed
    found, _, details, _, _ = numbers(printed.splitlines()[-1])
    assert found >= MENDER_OPERATIONS, printed
    assert details > 300, printed


def test_every_deviation_excuses_a_gap() -> None:
    code, printed = tool("spec_coverage.py", OPENAPI, "--present")
    excused = sum(numbers(line)[-1] for line in printed.splitlines())
    assert code == 0, printed
    assert excused == len(yaml.safe_load((OPENAPI / "deviations.yaml").read_text()))


def test_operations_keep_the_habits() -> None:
    code, printed = tool("spec_quality.py", OPENAPI)
    assert code == 0, printed
    assert numbers(printed.splitlines()[-1])[0] >= MENDER_OPERATIONS
    assert "not installed" not in printed, "examples were not validated"


@pytest.mark.parametrize(
    ("checker", "old", "new"),
    [
        ("spec_coverage.py", "Location:", "Place:"),
        ("spec_quality.py", "device_count: 10\n", "device_count: ten\n"),
    ],
)
def test_the_checkers_see_a_fault(tmp_path: Path, checker: str, old: str, new: str) -> None:
    copy = shutil.copytree(OPENAPI, tmp_path / "openapi")
    file = copy / "mender" / "deployments_management.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    system = ["--system", "mender", *(["--present"] if checker == "spec_coverage.py" else [])]
    code, printed = tool(checker, copy, *system)
    assert code == 1, printed


class Mender:
    """The bundled document, with its bodies compiled as the pipeline does."""

    def __init__(self) -> None:
        system = next(system for system in systems.load_systems(OPENAPI) if system.name == "mender")
        self.document = specs.document(OPENAPI, system, "public")
        self.operations = {op["operationId"]: op for _, _, op in specs.operations(self.document)}
        self._schemas = Schemas(self.document)

    def _follow(self, node: Any) -> Any:
        while "$ref" in node:
            section, name = node["$ref"].split("/")[-2:]
            node = self.document["components"][section][name]
        return node

    def request(self, operation_id: str) -> Compiled:
        body = self._follow(self.operations[operation_id]["requestBody"])
        return self._schemas.request(body["content"]["application/json"]["schema"])

    def response(self, operation_id: str, status: str) -> tuple[Compiled, Any]:
        """The compiled, closed schema and the example."""
        answer = self._follow(self.operations[operation_id]["responses"][status])
        content = answer["content"]["application/json"]
        return self._schemas.response(content["schema"]), content["example"]


@pytest.fixture(scope="module")
def mender() -> Mender:
    return Mender()


DEPLOYMENT = {"name": "production", "artifact_name": "release-2", "devices": ["a"]}


@pytest.mark.rule("mender 4.3")
@pytest.mark.parametrize("later", ["phases", "retries", "dynamic", "filter", "filter_id", "max_devices", "all_devices"])
def test_a_deployment_that_asks_for_more_is_refused(mender: Mender, later: str) -> None:
    body = mender.request("create_deployment")
    assert body.errors({**DEPLOYMENT, "surprise": 1}) == []
    assert later in str(body.errors({**DEPLOYMENT, later: None}))


def test_a_login_with_a_second_factor_is_refused(mender: Mender) -> None:
    body = mender.request("login")
    assert body.errors({"surprise": 1}) == []
    assert "token2fa" in str(body.errors({"token2fa": "123456"}))


TYPE, NAME = {"device_type": "rpi"}, {"artifact_name": "base"}


@pytest.mark.rule("mender 4.6")
@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({**TYPE, **NAME, "rootfs-image.version": "base"}, True),
        ({**TYPE, **NAME, "artifact_provides": {"rootfs-image.version": "base"}}, True),
        ({**TYPE, "artifact_provides": NAME}, True),
        ({"artifact_provides": {**TYPE, **NAME}}, True),
        ({}, False),
        (TYPE, False),
        ({"artifact_provides": NAME}, False),
        ({**TYPE, "artifact_name": ""}, False),
        ({**TYPE, **NAME, "checksum": 1}, False),
        ({"device_provides": {**TYPE, **NAME}}, False),
    ],
)
def test_what_a_device_may_say_it_has(mender: Mender, body: dict[str, Any], good: bool) -> None:
    assert (mender.request("post_next_deployment").errors(body) == []) is good
    newest = {"device_provides": body, "update_control_map": True}
    flat = {**TYPE, **NAME, "rootfs-image.version": "base"}
    assert (mender.request("post_next_deployment_v2").errors(newest) == []) is (body == flat)


@pytest.mark.rule("mender 3.1")
@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("", True),
        (1.5, True),
        ([], True),
        (["a", "b"], True),
        ([1, 2.5], True),
        (["a", 1], False),
        ([["a"]], False),
        (True, False),
        (None, False),
        ({"a": 1}, False),
    ],
)
def test_what_an_attribute_may_be(mender: Mender, value: Any, good: bool) -> None:
    for operation in ("update_attributes", "replace_attributes"):
        assert (mender.request(operation).errors([{"name": "n", "value": value}]) == []) is good


@pytest.mark.rule("mender 4.7")
@pytest.mark.parametrize("status", ["pending", "aborted", "noartifact", "decommissioned", "pause_before_installing"])
def test_what_a_device_may_not_report(mender: Mender, status: str) -> None:
    body = mender.request("update_deployment_status")
    assert body.errors({"status": "installing", "substate": "x" * 200}) == []
    assert body.errors({"status": status})
    assert body.errors({"status": "installing", "substate": "x" * 201})


def test_meta_data_has_the_form_its_readers_take(mender: Mender) -> None:
    """mender-cli reads no object in a list (mender-clients, item 10); one artifact shows what the file holds."""
    (one, shown), (many, listed) = mender.response("get_artifact", "200"), mender.response("list_artifacts", "200")
    assert one.errors(shown) == many.errors(listed) == []
    pairs = listed[0]["updates"][0]["meta_data"]
    assert {pair["Key"]: pair["Value"] for pair in pairs} == shown["updates"][0]["meta_data"]
    assert one.errors(listed[0])
    assert many.errors([shown])


def test_answers_are_closed(mender: Mender) -> None:
    for operation in ("get_artifact", "get_deployment", "get_device", "get_device_inventory", "get_artifact_link"):
        schema, example = mender.response(operation, "200")
        assert schema.errors(example) == []
        assert schema.errors({**example, "surprise": 1})
    schema, example = mender.response("get_artifact", "200")
    nested = json.loads(json.dumps(example))
    nested["updates"][0]["files"][0]["surprise"] = 1
    assert schema.errors(nested)


@pytest.mark.parametrize("system", systems.load_systems(systems.root()), ids=lambda system: system.name)
@pytest.mark.parametrize("audience", ["public", "internal"])
def test_links_lead_to_operations_and_their_parameters(system, audience) -> None:
    document = specs.document(systems.root(), system, audience)
    names = {
        operation["operationId"]: {parameter["name"] for parameter in parameters_of(document, path, method)}
        for path, method, operation in specs.operations(document)
    }
    for _, _, operation in specs.operations(document):
        for response in operation["responses"].values():
            for name, link in response.get("links", {}).items():
                where = f"{operation['operationId']} -> {name}"
                assert link["operationId"] in names, where
                assert link.get("parameters", {}).keys() <= names[link["operationId"]], where
