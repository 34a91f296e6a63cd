"""What must not start: specs and handlers that do not fit are named before the first request (design section 2)."""

import copy
import sys
import types
from pathlib import Path

import openapi_spec_validator
import pytest
import yaml

from app.http import specs, systems
from app.http.plan import PlanError, compile_plan
from app.http.resolver import HandlerResolver
from app.http.schemas import Schemas
from app.http.security import compile_schemes
from tests.unit.http.toy import DOCUMENT, FUNCTIONS

FILES: dict = {"public": ["toy.yaml"], "internal": []}
SYSTEM = systems.System("toy", "Toy", "mender", FILES, {"public": [], "internal": []})


def document(tmp_path: Path, change=lambda raw: None, name: str = "toy.yaml") -> dict:
    """Write a small spec, changed, and bundle it."""
    raw = {
        "openapi": "3.0.3",
        "info": {"title": "toy", "version": "1"},
        "servers": [{"url": "/api/toy"}],
        "tags": [{"name": "things"}],
        "paths": {
            "/things/{thing_id}": {
                "get": {
                    "operationId": "get_thing",
                    "tags": ["things"],
                    "parameters": [{"name": "thing_id", "in": "path", "required": True, "schema": {"type": "string"}}],
                    "responses": {"200": {"description": "x"}},
                    "x-transaction": "none",
                }
            }
        },
    }
    change(raw)
    (tmp_path / name).write_text(yaml.safe_dump(raw))
    return specs.document(tmp_path, SYSTEM, "public")


def test_a_document_has_whole_paths_and_is_published_without_our_keys(tmp_path):
    made = document(tmp_path)
    assert list(made["paths"]) == ["/api/toy/things/{thing_id}"]
    assert made["servers"] == [{"url": "/"}]
    assert "x-transaction" in str(made)
    assert "x-transaction" not in str(specs.published(made))


def operation(raw: dict) -> dict:
    return raw["paths"]["/things/{thing_id}"]["get"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda raw: operation(raw).update({"x-surprise": 1}), "x-surprise"),
        (lambda raw: operation(raw).pop("operationId"), "operationId"),
        (lambda raw: operation(raw).pop("responses"), "responses"),
        (lambda raw: raw["paths"].update({"/other": {"get": {**operation(raw), "parameters": []}}}), "get_thing"),
        (lambda raw: raw["paths"].update({"/{a}.json": raw["paths"].pop("/things/{thing_id}")}), "a"),
        (lambda raw: operation(raw)["responses"].update({"400": {"$ref": "#/components/responses/None"}}), "None"),
    ],
)
def test_specs_that_are_refused(tmp_path, change, named):
    with pytest.raises(systems.SpecError, match=named):
        document(tmp_path, change)


def test_headers_and_properties_may_start_with_x(tmp_path):
    def change(raw: dict) -> None:
        operation(raw)["responses"]["200"]["headers"] = {"X-Total": {"schema": {"type": "string"}}}
        raw["components"] = {"schemas": {"A": {"type": "object", "properties": {"x-ray": {"type": "string"}}}}}
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}
        operation(raw)["responses"]["200"]["content"] = content

    made = specs.published(document(tmp_path, change))
    assert "x-ray" in str(made)
    assert "X-Total" in str(made)


@pytest.mark.parametrize(
    ("handler", "named"),
    [
        (lambda thing_id, surplus: None, "surplus"),
        (lambda thing_id, body: None, "body"),
        (lambda *args: None, "args"),
        (lambda **kwargs: None, "kwargs"),
    ],
)
def test_handlers_whose_signature_does_not_fit(handler, named):
    with pytest.raises(PlanError, match=rf"get_thing .*{named}"):
        plan("/toy/things/{thing_id}", "get", handler)


def test_a_handler_takes_every_query_and_header_parameter():
    with pytest.raises(PlanError, match="x_trace_level"):
        plan("/toy/things", "get", lambda page, tag: None)
    assert plan("/toy/things", "get", lambda page, tag, x_trace_level: None).wanted == {"page", "tag", "x_trace_level"}


@pytest.mark.parametrize(
    ("path", "method", "change", "named"),
    [
        ("/toy/files", "post", {"x-transaction": "write"}, "streamed"),
        ("/toy/things", "get", {"x-transaction": "sometimes"}, "x-transaction"),
        ("/toy/things", "get", {"x-bad-path": 418}, "x-bad-path"),
        ("/toy/things", "get", {"parameters": [{"name": "q", "in": "query", "schema": {"oneOf": []}}]}, "type"),
        ("/toy/things", "get", {"parameters": [{"name": "q", "in": "query", "schema": {"type": "object"}}]}, "object"),
        ("/toy/things", "get", {"security": [{"Unknown": []}]}, "Unknown"),
    ],
)
def test_operations_that_the_pipeline_does_not_do(path, method, change, named):
    changed = copy.deepcopy(DOCUMENT)
    changed["paths"][path][method].update(change)
    handler = (lambda body: None) if method == "post" else (lambda page, tag, x_trace_level: None)
    with pytest.raises(PlanError, match=named):
        plan(path, method, handler, changed)


def plan(path: str, method: str, handler, raw: dict = DOCUMENT):
    schemes = compile_schemes(raw["components"]["securitySchemes"], FUNCTIONS)
    return compile_plan(raw, path, method, system="toy", handler=handler, schemes=schemes, schemas=Schemas(raw))


def test_a_missing_and_a_surplus_function_are_named():
    module = types.ModuleType("handlers.gates.things")

    def get_thing(thing_id):
        return {}

    def forgotten():
        return {}

    for function in (get_thing, forgotten):
        function.__module__ = "handlers.gates.things"
    vars(module).update({"get_thing": get_thing, "forgotten": forgotten})
    sys.modules["handlers.gates"] = types.ModuleType("handlers.gates")
    sys.modules["handlers.gates.things"] = module
    resolver = HandlerResolver("gates")

    def resolve(name: str) -> None:
        resolver.resolve(types.SimpleNamespace(_operation={"operationId": name, "tags": ["things"]}))

    resolve("get_thing")
    assert resolver.unnamed() == ["handlers.gates.things.forgotten"]
    with pytest.raises(Exception, match="put_thing"):
        resolve("put_thing")


def test_an_unknown_system_is_named():
    with pytest.raises(systems.SpecError, match="nebulla"):
        systems.load_systems(systems.root(), ["mender", "nebulla"])
    assert [system.name for system in systems.load_systems(systems.root(), ["mender"])] == ["mender", "flotilla"]


def test_a_document_is_judged_once(tmp_path, monkeypatch):
    judged = []
    judge = openapi_spec_validator.OpenAPIV30SpecValidator
    monkeypatch.setattr(openapi_spec_validator, "OpenAPIV30SpecValidator", lambda doc: judged.append(doc) or judge(doc))
    document(tmp_path)
    document(tmp_path)
    assert len(judged) == 1
    document(tmp_path, lambda raw: got(raw).update(summary="another"))
    assert len(judged) == 2
    for _ in range(2):
        with pytest.raises(systems.SpecError):
            document(tmp_path, lambda raw: got(raw)["responses"]["200"].pop("description"))
    assert len(judged) == 4


def got(raw: dict) -> dict:
    """The operation of the small spec."""
    return raw["paths"]["/things/{thing_id}"]["get"]


def test_where_nothing_can_be_kept_each_start_judges(tmp_path):
    (tmp_path / "__pycache__").write_text("")
    assert document(tmp_path) == document(tmp_path)


def test_what_was_kept_badly_is_made_anew(tmp_path):
    made = document(tmp_path)
    (kept,) = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(kept.read_bytes()[:-100])
    assert document(tmp_path) == made


def test_only_the_newest_is_kept_of_a_document(tmp_path):
    document(tmp_path)
    document(tmp_path, lambda raw: got(raw).update(summary="another"))
    assert len(list((tmp_path / "__pycache__").iterdir())) == 1
