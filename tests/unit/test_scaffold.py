"""`flotilla scaffold`: what it writes for which operation, and what it refuses (design section 2)."""

import ast
import subprocess
import sys

import pytest
import yaml

from app.scaffold import ScaffoldError, api_test, find, handler, scaffold
from tests.unit.http.traps import FREE, answer, call, document, parameter, takes

TEXT = {"type": "string"}
FILES = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}, "size": {"type": "integer"}}}


@pytest.fixture
def checkout(tmp_path):
    """A checkout with two systems; `write` adds a spec to one of them."""
    systems = {
        name: {"envelope": "mender", "public": {"prefixes": [f"/{name}"], "files": [f"{name}.yaml"]}}
        for name in ("one", "two", "flotilla")
    }
    for folder in ("openapi", "handlers", "tests/api"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "openapi/systems.yaml").write_text(yaml.safe_dump({"systems": systems}))
    for name in systems:
        write(tmp_path, name, {})
    return tmp_path


def write(checkout, system, paths):
    made = {**document(paths), "tags": [{"name": "things", "description": "Things of a kind. More of them."}]}
    (checkout / f"openapi/{system}.yaml").write_text(yaml.safe_dump(made))


def operation(checkout, **more):
    write(checkout, "one", {"/one/{thing-id}": {"post": call("do_it", summary='Does "it". Twice', **more)}})
    return find("do_it", None, checkout / "openapi")


ID = parameter("thing-id", {"type": "integer"}, "path", example=7)


@pytest.mark.parametrize(
    ("more", "signature", "called"),
    [
        ({}, "thing_id", "http.request('POST', '/one/7')"),
        (
            {"parameters": [ID, parameter("id", TEXT, required=True, example="a b"), parameter("page[size]", TEXT)]},
            "thing_id, id_, page_size",
            "http.request('POST', '/one/7?id=a+b')",
        ),
        (
            {"parameters": [ID, parameter("X-Level", TEXT, "header", required=True, example="high")]},
            "thing_id, x_level",
            "http.request('POST', '/one/7', headers={'X-Level': 'high'})",
        ),
        ({"security": [{"Token": []}]}, "thing_id, caller", "http.request('POST', '/one/7')"),
        (
            {"requestBody": takes(FREE)},
            "thing_id, body",
            "http.request('POST', '/one/7', json={})",
        ),
        (
            {"requestBody": takes(FILES, "multipart/form-data")},
            "thing_id, body",
            "http.request('POST', '/one/7', data={'size': '1'}, files={'file': ('file', b'bytes')})",
        ),
        (
            {"requestBody": takes(FILES["properties"]["file"], "application/octet-stream")},
            "thing_id, body",
            "http.request('POST', '/one/7', headers={'Content-Type': 'application/octet-stream'}, content=b'bytes')",
        ),
    ],
)
def test_what_an_operation_takes(checkout, more, signature, called):
    made = operation(checkout, **{"parameters": [ID], **more})
    assert handler(made).startswith(f'def do_it({signature}):\n    """Does \'it\'."""\n    raise NotImplementedError')
    assert f"    answer = {called}\n    assert answer.status_code == 200\n" in api_test(made)


def test_a_test_expects_the_example_of_the_answer(checkout):
    said = answer({"type": "object", "properties": {"size": {"type": "integer"}}})
    said["200"]["content"]["application/json"]["example"] = {"size": 3}
    made = operation(checkout, parameters=[ID], answers=said)
    assert api_test(made).endswith("    assert answer.json() == {'size': 3}\n")


@pytest.mark.parametrize(("scheme", "caller"), [("ManagementJWT", "user"), ("DeviceJWT", "device")])
def test_who_calls_follows_from_the_scheme(checkout, scheme, caller):
    made = document({"/one/it": {"get": call("get_it", security=[{scheme: []}])}})
    made["components"]["securitySchemes"] = {scheme: {"type": "http", "scheme": "bearer"}}
    (checkout / "openapi/one.yaml").write_text(yaml.safe_dump(made))
    source = api_test(find("get_it", None, checkout / "openapi"))
    assert source.startswith(f"def test_get_it({caller}):\n")
    assert f"answer = {caller}.call('GET', '/one/it')" in source


def test_files_are_made_and_added_to_and_meet_the_style(checkout):
    for name in ("first", "second"):
        path = {f"/one/{name}": {"get": call(f"get_{name}", summary=f"The {name}", security=[{"Token": []}])}}
        write(checkout, "one", path)
        written = scaffold(f"get_{name}", None, checkout)
    module, test = checkout / "handlers/one/things.py", checkout / "tests/api/one/test_things.py"
    lines = {"handlers/one/things.py": module, "tests/api/one/test_things.py": test}
    for place, (name, file) in zip(written, lines.items(), strict=True):
        said, _, number = place.partition(":")
        assert said == name
        assert "get_second" in file.read_text().splitlines()[int(number) - 1]
    assert ast.get_docstring(ast.parse(module.read_text())) == "Things of a kind."
    assert module.with_name("__init__.py").exists()
    for command in (["check", "--select", "E,F,I,B,UP"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, str(checkout)], check=True)


def test_what_is_refused_and_changes_nothing(checkout):
    with pytest.raises(ScaffoldError, match="no operation get_it in openapi/: write its spec first"):
        scaffold("get_it", None, checkout)
    for system in ("one", "two"):
        write(checkout, system, {f"/{system}/it": {"get": call("get_it")}})
    with pytest.raises(ScaffoldError, match="get_it is in one and two: choose one by --system"):
        scaffold("get_it", None, checkout)
    assert list((checkout / "handlers").iterdir()) == []
    scaffold("get_it", "two", checkout)
    before = (checkout / "handlers/two/things.py").read_text()
    with pytest.raises(ScaffoldError, match="handlers/two/things.py has a function get_it already"):
        scaffold("get_it", "two", checkout)
    assert (checkout / "handlers/two/things.py").read_text() == before
    (checkout / "handlers/two/things.py").unlink()
    with pytest.raises(ScaffoldError, match=r"tests/api/two/test_things.py has a function test_get_it already"):
        scaffold("get_it", "two", checkout)
    assert not (checkout / "handlers/two/things.py").exists()


def test_elsewhere_than_in_a_checkout_it_says_so(checkout):
    write(checkout, "one", {"/one/it": {"get": call("get_it")}})
    (checkout / "handlers").rmdir()
    with pytest.raises(ScaffoldError, match="is no checkout of Flotilla"):
        scaffold("get_it", None, checkout)
