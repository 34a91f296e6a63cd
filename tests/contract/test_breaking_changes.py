"""What breaks clients of the last release is named in the changelog; and the check sees what breaks, and only that."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from app.http import specs
from app.main import published
from app.settings import Settings
from tests.support import breaking

Change = Callable[[Any], object]

MANAGEMENT = "/api/management/v1/deployments"
CREATE = f"POST {MANAGEMENT}/deployments"
UPLOAD = f"POST {MANAGEMENT}/artifacts"
GROUP = f"POST {MANAGEMENT}/deployments/group/{{group_name}}"
HISTORY = f"GET {MANAGEMENT}/deployments/devices/{{device_id}}"
LIST, SHOW = f"GET {MANAGEMENT}/deployments", f"GET {MANAGEMENT}/deployments/{{deployment_id}}"


def test_the_changelog_names_what_breaks(tmp_path):
    wanted = breaking.unnamed(breaking.since_last_release(tmp_path), breaking.CHANGELOG.read_text(encoding="utf-8"))
    assert not wanted, "\n".join(["wanted under '### Breaking' in CHANGELOG.md:", *wanted])


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads(published(Settings(), "public")["mender"])


def operation(document: Any, name: str) -> Any:
    method, _, path = name.partition(" ")
    return document["paths"][path][method.lower()]


def body(document: Any, name: str) -> Any:
    """The schema of a request."""
    (content,) = operation(document, name)["requestBody"]["content"].values()
    return content["schema"]


def schema(document: Any, name: str) -> Any:
    return document["components"]["schemas"][name]


def planted(document: Any, *changes: Change) -> Any:
    changed = copy.deepcopy(document)
    for change in changes:
        change(changed)
    return changed


def drop_finished(document: Any) -> None:
    del schema(document, "Deployment")["properties"]["finished"]


def demand_size(document: Any) -> None:
    body(document, UPLOAD)["required"].append("size")


def test_two_planted_changes_are_both_named(document, tmp_path):
    """One of them in a schema that three operations share."""
    breaks = breaking.breaking(document, planted(document, drop_finished, demand_size), tmp_path)
    assert breaks.keys() == {HISTORY, LIST, SHOW, UPLOAD}
    lines = breaking.unnamed(breaks, "## Unreleased\n")
    assert [line.partition(": ")[0] for line in lines] == [f"- `{name}`" for name in (LIST, HISTORY, SHOW, UPLOAD)]
    assert "Property `finished` was removed" in lines[0]
    assert "size" in lines[3]
    changelog = "## Unreleased\n\n### Breaking\n\n" + "\n".join(lines) + "\n"
    assert breaking.unnamed(breaks, changelog) == []


@pytest.mark.parametrize(
    ("change", "operations"),
    [
        pytest.param(lambda d: d["paths"].pop(f"{MANAGEMENT}/artifacts"), {UPLOAD, UPLOAD.replace("POST", "GET")}),
        pytest.param(lambda d: d["paths"][f"{MANAGEMENT}/artifacts"].pop("post"), {UPLOAD}),
        pytest.param(lambda d: operation(d, UPLOAD)["responses"]["201"]["headers"].pop("Location"), {UPLOAD}),
        # What redocly diff alone takes for harmless.
        pytest.param(lambda d: body(d, UPLOAD)["properties"].pop("description"), {UPLOAD}),
        pytest.param(
            lambda d: schema(d, "DeploymentOrder")["not"]["anyOf"].append({"required": ["later"]}), {CREATE, GROUP}
        ),
        # What it names without an operation.
        pytest.param(
            lambda d: d["components"]["securitySchemes"]["BasicUser"].update(scheme="digest"),
            {"POST /api/management/v1/useradm/auth/login"},
        ),
    ],
)
def test_a_breaking_change_is_seen(change, operations, document, tmp_path):
    assert breaking.breaking(document, planted(document, change), tmp_path).keys() == operations


def test_what_concerns_the_whole_document_concerns_every_operation(document, tmp_path):
    moved = planted(document, lambda d: d.update(servers=[{"url": "/elsewhere"}]))
    assert len(breaking.breaking(document, moved, tmp_path)) == len(list(specs.operations(document)))


def add_path(document: Any) -> None:
    document["paths"][f"{MANAGEMENT}/new"] = {
        "get": {"operationId": "new", "responses": {"200": {"description": "New"}}}
    }


ADDITIONS: list[Change] = [
    add_path,
    lambda d: operation(d, LIST)["parameters"].append({"name": "new", "in": "query", "schema": {"type": "string"}}),
    lambda d: operation(d, SHOW)["responses"].update({"409": {"description": "New"}}),
    lambda d: operation(d, LIST)["security"].append({"BasicUser": []}),
    lambda d: schema(d, "Deployment")["properties"].update(new={"type": "string"}),
    lambda d: schema(d, "DeploymentOrder")["properties"].update(new={"type": "string"}),
    lambda d: schema(d, "DeploymentOrder")["properties"]["name"].update(maxLength=1000),
    # An attribute that was refused until now.
    lambda d: schema(d, "DeploymentOrder")["not"]["anyOf"].pop(0),
    lambda d: body(d, "POST /api/management/v1/useradm/auth/login").pop("not"),
]


def test_additions_break_nothing(document, tmp_path):
    changed = planted(document, *ADDITIONS)
    assert changed != document
    assert breaking.breaking(document, changed, tmp_path) == {}


def test_a_schema_that_holds_itself(document, tmp_path):
    def nest(document: Any) -> None:
        deployment = {"$ref": "#/components/schemas/Deployment"}
        schema(document, "Deployment")["properties"]["parts"] = {"type": "array", "items": deployment}

    nested = planted(document, nest)
    assert breaking.breaking(nested, planted(nested, drop_finished), tmp_path).keys() == {HISTORY, LIST, SHOW}


@pytest.mark.parametrize(
    ("changelog", "found"),
    [
        (
            "## Unreleased\n\n### Breaking\n\n- `GET /a/{b}`: gone,\n  use /c.\n- `PUT /a`: x\n",
            {"GET /a/{b}", "PUT /a"},
        ),
        ("## 0.2.0 (unreleased)\n### Breaking\n- `GET /a`: gone.\n\n### Fixed\n- `GET /b`: better.\n", {"GET /a"}),
        ("## Unreleased\n### Fixed\n- `GET /b`: better.\n\n## 0.1.0\n### Breaking\n- `GET /a`: gone.\n", set()),
        ("## 0.1.0\n### Breaking\n- `GET /a`: gone.\n", set()),
        ("## Unreleased\n### Breaking\n- `GET /a`:\n- GET /b: gone\n", set()),
    ],
)
def test_what_a_changelog_names(changelog, found):
    assert breaking.named(changelog) == found


def test_the_last_release_is_the_newest(tmp_path, monkeypatch):
    for name in ("0.2", "0.10", "0.9.1"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(breaking, "RELEASES", tmp_path)
    assert breaking.last_release().name == "0.10"
