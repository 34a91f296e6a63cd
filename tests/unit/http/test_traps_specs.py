"""Traps of loading, routing and publishing specs (tests/unit/http/traps.py has their names)."""

import copy
from pathlib import Path

import httpx
import jsonschema_rs
import pytest
import yaml
from connexion.exceptions import ResolverError
from wsproto import ConnectionType, WSConnection
from wsproto.events import RejectConnection, Request

from app.http import specs, systems
from app.http.plan import PlanError, compile_plan
from app.http.schemas import Schemas
from app.http.switch import Switch
from app.main import create_app
from app.settings import Settings
from handlers.mender import deployments_management
from tests.support.live import live, raw
from tests.unit.http.toy import serve
from tests.unit.http.traps import call, client, document, echo, parameter, takes

TEXT = {"type": "string"}
PATH = parameter("name", TEXT, "path")


def bundled(folder: Path, files: dict[str, dict], first: str = "one.yaml"):
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(yaml.safe_dump(content))
    system = systems.System("toy", "Toy", "mender", {"public": [first], "internal": []}, {"public": [], "internal": []})
    return specs.document(folder, system, "public")


def test_trap_01_two_operations_of_one_id_do_not_start(tmp_path):
    """Else all their routes would have the last one's security."""
    secured = call("get_it", security=[{"Token": []}])
    with pytest.raises(systems.SpecError, match="get_it"):
        bundled(tmp_path, {"one.yaml": document({"/a": {"get": secured}, "/b": {"get": call("get_it")}})})


def test_trap_02_one_id_in_two_systems_is_two_operations():
    def get_it():
        return {"of": "open"}

    closed = {"/closed": {"get": call("get_it", security=[{"Token": []}])}}
    apis = [
        ("first", document(closed), {"get_it": lambda: {"of": "closed"}}),
        ("second", document({"/open": {"get": call("get_it")}}), {"get_it": get_it}),
    ]
    with serve(apis, Path("/nowhere"), []) as url:
        assert httpx.get(url + "/closed").status_code == 401
        assert httpx.get(url + "/closed", headers={"Authorization": "Bearer good"}).json() == {"of": "closed"}
        assert httpx.get(url + "/open").json() == {"of": "open"}


@pytest.mark.parametrize("order", [1, -1])
def test_trap_03_a_literal_path_beats_a_template_whatever_comes_first(order):
    def get_one(name):
        return {"one": name}

    def get_me(size):
        return {"me": size}

    def get_bye(name):
        return {"bye": name}

    def get_two(a, b):
        return {"two": [a, b]}

    size = parameter("size", {"type": "integer"}, required=True)
    paths = {
        "/f/{name}": {
            "get": call("get_one", parameters=[parameter("name", {"type": "string", "maxLength": 3}, "path")])
        },
        "/f/me": {"get": call("get_me", parameters=[size])},
        "/v/{a}/{b}": {"get": call("get_two", parameters=[parameter("a", TEXT, "path"), parameter("b", TEXT, "path")])},
        "/v/bye/{name}": {"get": call("get_bye", parameters=[PATH])},
    }
    with client(dict(list(paths.items())[::order]), locals()) as c:
        assert c.get("/f/me?size=1").json() == {"me": 1}
        assert c.get("/f/me").status_code == 400
        assert c.get("/f/you").json() == {"one": "you"}
        assert c.get("/f/them").status_code == 404
        assert c.get("/v/bye/you").json() == {"bye": "you"}
        assert c.get("/v/hi/you").json() == {"two": ["hi", "you"]}


@pytest.mark.parametrize("order", [1, -1])
def test_trap_04_base_paths_may_lie_in_each_other(order):
    def named(base):
        def get_it():
            return {"base": base}

        return document({f"{base}/it": {"get": call("get_it")}}), {"get_it": get_it}

    apis = [(name, *named(base)) for name, base in (("outer", "/api"), ("inner", "/api/v2"), ("root", ""))]
    with serve(apis[::order], Path("/nowhere"), []) as url:
        for base in ("/api", "/api/v2", ""):
            assert httpx.get(f"{url}{base}/it").json() == {"base": base}


def test_trap_05_a_missing_handler_does_not_start(monkeypatch, tmp_path):
    """Not at the first request, which connexion's own stack would wait for."""
    monkeypatch.delattr(deployments_management, "abort_deployment")
    with pytest.raises(ResolverError, match="abort_deployment"):
        create_app(Settings(data_dir=tmp_path), "public")


@pytest.mark.parametrize("schema", [{"oneOf": [TEXT, {"type": "integer"}]}, {"allOf": [TEXT]}, {}])
def test_trap_20_a_parameter_without_a_type_does_not_start(schema):
    made = document({"/it": {"get": call("get_it", parameters=[parameter("size", schema)])}})
    with pytest.raises(PlanError, match=r"get_it .*size"):
        compile_plan(made, "/it", "get", system="trap", handler=lambda size: {}, schemes={}, schemas=Schemas(made))


def test_trap_30_a_websocket_with_a_slash_in_its_subprotocol_is_answered():
    """No operation is a websocket yet: what asks for one gets a 404, by a server that could take it."""

    async def inner(scope, receive, send):
        assert scope["type"] == "lifespan"
        for _ in range(2):
            message = await receive()
            await send({"type": message["type"] + ".complete"})

    connection = WSConnection(ConnectionType.CLIENT)
    handshake = connection.send(Request("localhost", "/socket", subprotocols=["protomsg/msgpack"]))
    with live(Switch(inner, "public", [])) as url:
        connection.receive_data(raw(url, handshake))
    refused = next(connection.events())
    assert isinstance(refused, RejectConnection)
    assert refused.status_code == 404


def test_trap_31_files_refer_to_each_other_and_to_themselves(tmp_path):
    tree = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": TEXT, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    }
    shared = {"components": {"schemas": {"Tree": tree}}}
    body = takes({"$ref": "shared/trees.yaml#/components/schemas/Tree"})
    one = document({"/trap": {"post": call("post_trap", requestBody=body)}})
    made = bundled(tmp_path, {"shared/trees.yaml": shared, "one.yaml": one})
    with echo({"$ref": "#/components/schemas/Tree"}, schemas=made["components"]["schemas"]) as send:
        assert send('{"name": "a", "children": [{"name": "b", "children": []}]}').status_code == 200
        refused = send('{"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]}')
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("children/0/children/0/name")


def test_trap_34_nothing_internal_is_published(tmp_path):
    one = document({"/a": {"get": call("get_it", **{"x-max-body": 5})}})
    one["servers"] = [{"url": "/"}]
    published = specs.published(bundled(tmp_path, {"one.yaml": one}))
    assert list(published["paths"]) == ["/a"]
    assert "x-" not in str(published).replace("'X-Key'", "")


def test_trap_35_nothing_is_compiled_for_a_request(monkeypatch):
    """376 operations start with one plan each; a request makes no validator."""
    paths = {
        f"/trap/{number}/{{name}}": {
            "get": call(f"get_{number}", parameters=[PATH, parameter("size", {"type": "integer"})])
        }
        for number in range(376)
    }

    def get(name, size):
        return {"name": name, "size": size}

    made = []
    genuine = jsonschema_rs.Draft202012Validator

    def counted(*args, **options):
        made.append(args)
        return genuine(*args, **options)

    monkeypatch.setattr(jsonschema_rs, "Draft202012Validator", counted)
    with client(paths, {f"get_{number}": copy.copy(get) for number in range(376)}) as c:
        at_start = len(made)
        assert at_start >= 376
        for number in (0, 375, 100):
            assert c.get(f"/trap/{number}/a?size=3").json() == {"name": "a", "size": 3}
        assert len(made) == at_start
