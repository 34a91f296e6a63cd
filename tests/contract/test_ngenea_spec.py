"""The documents of Ngenea Hub, for people and for programs that make clients of them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from app.http import specs
from app.http.schemas import Schemas
from app.ngenea import definitions, tasks
from tests.support.corpus import document

DOCUMENT = document("ngenea")
SCHEMAS = DOCUMENT["components"]["schemas"]
# What is free on purpose: the arguments and results of work differ with what it is.
FREE = {"SettingsTask.request", "SettingsTask.results", "TaskFull.arguments", "TaskFull.result"} | {
    "TaskFiles.arguments", "TaskFiles.result", "Faults",
}  # fmt: skip
SECRETS = {"access_key_id", "secret_access_key"}


def followed(node: Any) -> Any:
    return SCHEMAS[node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def parts(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every schema in a schema, with where it stands; not behind references."""
    if not isinstance(node, dict):
        return
    yield where, node
    for name, value in node.get("properties", {}).items():
        yield from parts(value, f"{where}.{name}")
    yield from parts(node.get("items"), f"{where}[]")
    yield from parts(node.get("additionalProperties"), f"{where}{{}}")
    for word in ("allOf", "anyOf", "oneOf"):
        for value in node.get(word, ()):
            yield from parts(value, where)


ALL = [found for name, schema in SCHEMAS.items() for found in parts(schema, name)]


def test_every_property_is_described():
    silent = {
        f"{where}.{name}"
        for where, schema in ALL
        for name, value in schema.get("properties", {}).items()
        if "description" not in followed(value) and not value.get("readOnly")
    }
    assert silent == set()


def test_an_object_names_what_is_in_it():
    free = {
        where
        for where, schema in ALL
        if schema.get("type") == "object"
        and not schema.keys() & {"properties", "allOf"}
        and schema.get("additionalProperties", True) is True
        and schema.get("maxProperties") != 0
    }
    assert free == FREE


def example(content: Any) -> Any:
    return content.get("content", {}).get("application/json", {}).get("example")


def test_what_an_example_writes_is_what_its_answer_shows():
    for _, _, operation in specs.operations(DOCUMENT):
        sent = example(operation.get("requestBody", {}))
        (shown,) = [example(answer) for status, answer in operation["responses"].items() if status[0] == "2"]
        if not isinstance(sent, dict) or not isinstance(shown, dict):
            continue
        for name in sent.keys() & shown.keys() - SECRETS:
            if not isinstance(sent[name], dict | list) and not isinstance(shown[name], dict | list):
                assert sent[name] == shown[name], f"{operation['operationId']}: {name}"


def test_the_tasks_and_the_words_of_rules_are_those_there_are():
    """ngenea 3.1, 3.2: what a spec names works, and what works is named."""
    told = SCHEMAS["Action"]["properties"]["name"]["description"]
    assert set(re.findall(r"dynamo[.]tasks[.]\w+", told)) == set(tasks.TASKS)
    rule = SCHEMAS["Rule"]["properties"]
    assert set(rule["type"]["enum"]) == set(definitions.TYPES)
    assert set(rule["state"]["enum"]) == set(definitions.STATES)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("", True),
        ("2026-11-29", True),
        ("2026-11-29T12:00:00Z", True),
        ("2026-11-29 12:00:00+01:00", True),
        ("2026-11-29T12:00:00.123456 0100", True),  # a plus in a query is a blank
        ("2026-11-29T12:00", True),
        ("2026-13-29", False),
        ("2026-11-29T24:00:00Z", False),
        ("yesterday", False),
        ("1764417600", False),
    ],
)
def test_what_a_moment_is(text, good):
    """ngenea 2: times in filters are ISO 8601."""
    assert (Schemas(DOCUMENT).request(SCHEMAS["Moment"]).errors(text) == []) is good


def test_a_composition_has_all_its_parts_in_one_list():
    """Generators take a list of one for another name of what is in it, and lose the properties beside it."""
    beside = {
        where for where, schema in ALL if schema.keys() & {"allOf", "oneOf", "anyOf"} and schema.keys() & {"properties"}
    }
    assert beside == set()
