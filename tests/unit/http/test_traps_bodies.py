"""Traps of request bodies (tests/unit/http/traps.py has their names)."""

import json
import socket

import httpx
import pytest

from app.http.plan import PlanError, compile_plan
from app.http.schemas import Schemas
from tests.support.live import raw
from tests.support.waiting import eventually
from tests.unit.http.toy import toy_server
from tests.unit.http.traps import FREE, call, document, echo, takes

GOOD = {"Authorization": "Bearer good"}
TEXT = {"type": "string"}
HEAD = "{} {} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n"


def thing(properties, **more):
    return {"type": "object", "properties": properties, **more}


@pytest.fixture(scope="module")
def toy(tmp_path_factory, module_database):
    with toy_server(tmp_path_factory.mktemp("toy")) as (url, spool, _), httpx.Client(base_url=url, headers=GOOD) as c:
        yield url, spool, c


@pytest.mark.parametrize(
    ("path", "media", "before", "after"),
    [
        (
            "/toy/files",
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n',
            b"\r\n--b--\r\n",
        ),
        ("/toy/raw", "application/octet-stream", b"", b""),
    ],
    ids=["06", "07"],
)
def test_trap_06_and_07_big_bodies_go_to_disk_while_they_arrive(toy, path, media, before, after):
    """Peak memory for 200 MB and 2 GB is measured in tests/e2e/test_memory.py."""
    url, spool, _ = toy
    content = b"x" * 5_000_000
    method = "POST" if path == "/toy/files" else "PUT"
    host, _, port = url.removeprefix("http://").partition(":")
    head = HEAD.format(method, path, media, len(before) + len(content) + len(after)).encode()
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(head + before + content[:4_000_000])
        eventually(lambda: sum(file.stat().st_size for file in spool.iterdir()) >= 2_000_000)
        connection.sendall(content[4_000_000:] + after)
        assert connection.recv(65536).split()[1] in (b"200", b"201")


@pytest.mark.parametrize("path", ["/toy/things", "/toy/files", "/toy/raw"])
def test_trap_08_a_chunked_body_needs_no_length(toy, path):
    media, content = {
        "/toy/things": ("application/json", b'{"name": "a"}'),
        "/toy/files": (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--b--\r\n',
        ),
        "/toy/raw": ("application/octet-stream", b"abc"),
    }[path]
    chunks = (content[start : start + 3] for start in range(0, len(content), 3))
    answer = toy[2].request(
        "PUT" if path == "/toy/raw" else "POST", path, content=chunks, headers={"Content-Type": media}
    )
    assert answer.status_code in (200, 201)
    assert answer.json().get("bytes", 3) == 3


@pytest.mark.parametrize("media", ["application/json", None])
def test_trap_09_an_optional_body_may_be_absent(media):
    with echo(thing({"name": TEXT}, required=["name"]), required=False) as send:
        assert send(b"", media).json() == {"body": None}
        assert send(b"{}").status_code == 400
        assert send(b"null").status_code == 400


def test_trap_10_text_is_judged_by_its_schema():
    with echo({"type": "string", "maxLength": 3}, "text/plain") as send:
        assert send("äöü".encode()).json() == {"body": "äöü"}
        assert send(b"four").status_code == 400
        assert send(b"").status_code == 400
        assert send(b"", None).status_code == 400
        assert send(b"abc", None).status_code == 415
        assert send(b"\xff").status_code == 400


def test_trap_10_what_cannot_be_read_does_not_start():
    made = document({"/it": {"post": call("post_it", requestBody=takes(TEXT, "application/jwt"))}})
    with pytest.raises(PlanError, match=r"post_it .*application/jwt"):
        compile_plan(made, "/it", "post", system="t", handler=lambda body: {}, schemes={}, schemas=Schemas(made))


@pytest.mark.parametrize(
    "media",
    [
        "application/vnd.api+json",
        'application/vnd.api+json; ext="https://example.com/atomic"',
        "Application/VND.api+JSON",
        "application/vnd.api+json ; charset=utf-8",
        "application/vnd.api+json;charset=UTF8;ext=a",
    ],
)
def test_trap_11_vendor_types_are_judged_however_they_are_written(media):
    with echo(thing({"data": {"type": "integer"}}), "application/vnd.api+json") as send:
        assert send(b'{"data": 1}', media).json() == {"body": {"data": 1}}
        assert send(b'{"data": "x"}', media).status_code == 400
        assert send(b'{"data": 1}', "application/json").status_code == 415


def test_trap_11_two_content_types_are_a_400(toy):
    head = HEAD.format("POST", "/toy/things", "application/json\r\nContent-Type: application/json", 12)
    assert raw(toy[0], head.encode() + b'{"name":"a"}').startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("application/json", b'{"name": "\xff"}'),
        ("application/json", b'{"name": "\xc3'),
        ("application/json", '{"name": "a"}'.encode("utf-16")),
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nno name\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="note"\r\n\r\n\xff\r\n--b--\r\n',
        ),
        ("multipart/form-data; boundary=" + "b" * 200, b"--b\r\n"),
        ("multipart/form-data; boundary=\xff", b"--b\r\n"),
    ],
)
def test_trap_12_malformed_utf8_and_multipart_are_a_400(toy, media, content):
    path = "/toy/things" if media == "application/json" else "/toy/files"
    answer = toy[2].post(path, content=content, headers={"Content-Type": media.encode("latin-1")})
    assert answer.status_code == 400, answer.text
    assert list(toy[1].iterdir()) == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
def test_trap_13_numbers_are_finite(number):
    with echo(FREE) as send:
        assert send(f'{{"a": {number}}}').status_code == 400
        assert send(f'{{"a": [[{{"b": {number}}}]]}}').status_code == 400


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_trap_14_bodies_of_every_method_are_judged(method):
    with echo(thing({"size": {"type": "integer"}}), method=method) as send:
        assert send(b'{"size": 1}').json() == {"body": {"size": 1}}
        assert send(b'{"size": "1"}').status_code == 400


def test_trap_15_unique_items_and_additional_properties():
    unique = {"type": "array", "items": {}, "uniqueItems": True}
    closed = thing({"list": unique}, additionalProperties=False)
    with echo(closed) as send:
        assert send(b'{"list": [1, "1", [1], {"a": 1}]}').status_code == 200
        assert send(b'{"list": [{"a": 1, "b": 2}, {"b": 2, "a": 1}]}').status_code == 400
        assert send(b'{"list": [1, 1.0]}').status_code == 400
        assert send(b'{"other": 1}').status_code == 400
    with echo(thing({}, additionalProperties={"type": "integer"})) as send:
        assert send(b'{"any": 1}').json() == {"body": {"any": 1}}
        assert send(b'{"any": "x"}').status_code == 400


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": "string", "enum": ["a"], "nullable": True},
        {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Text"}]},
        {"nullable": True, "oneOf": [{"$ref": "#/components/schemas/Text"}, {"type": "integer"}]},
    ],
)
def test_trap_16_null_where_it_is_allowed_and_nowhere_else(schema):
    schemas = {"Text": {"type": "string", "minLength": 1}}
    body = thing({"may": schema, "must": {"$ref": "#/components/schemas/Text"}})
    with echo(body, schemas=schemas) as send:
        assert send(b'{"may": null}').json() == {"body": {"may": None}}
        assert send(b'{"may": "a"}').status_code == 200
        assert send(b'{"may": []}').status_code == 400
        assert send(b'{"must": null}').status_code == 400


def test_trap_17_what_is_read_only_is_neither_demanded_nor_taken():
    base = thing({"id": {"type": "string", "format": "uuid", "readOnly": True}}, required=["id"])
    inner = thing({"made": {"type": "string", "readOnly": True}, "name": TEXT}, required=["made", "name"])
    body = {"allOf": [{"$ref": "#/components/schemas/Base"}, thing({"list": {"type": "array", "items": inner}})]}
    with echo(body, schemas={"Base": base}) as send:
        assert send(b'{"list": [{"name": "a"}]}').status_code == 200
        sent = b'{"id": "mine", "list": [{"name": "a", "made": 5}]}'
        assert send(sent).json() == {"body": {"list": [{"name": "a"}]}}
        assert send(b'{"list": [{}]}').status_code == 400


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("uuid", "5b4fb2e8-8d3f-4c2e-9c39-6d0f7a1c2b3d", ["5b4fb2e88d3f4c2e9c396d0f7a1c2b3d", "x"]),
        ("date", "2026-02-28", ["2026-02-29", "2026-2-8", "28.02.2026", "２026-02-28"]),
        ("time", "12:30:45Z", ["25:00:00Z", "12"]),
        ("date-time", "2026-02-28T12:30:45.5+02:00", ["2026-02-28 12:30:45", "2026-02-28T12:30:45", "2026-02-28"]),
        ("email", "a@example.com", ["a", "@", "a b@c"]),
        ("ipv4", "192.0.2.1", ["192.0.2.256", "1.2.3", "01.2.3.4"]),
        ("ipv6", "2001:db8::1", ["2001:db8::1::", "g::"]),
        ("uri", "https://example.com/a?b=c", ["no uri", "/a"]),
        ("hostname", "a-b.example.com", ["-a", "a_b", "a b"]),
        ("byte", "YWJj", ["YWJ", "a b=", "*"]),
        ("regex", "^a+$", ["("]),
    ],
)
def test_trap_18_formats_are_checked(name, good, bad):
    with echo(thing({"it": {"type": "string", "format": name}})) as send:
        assert send(json.dumps({"it": good})).status_code == 200
        assert [send(json.dumps({"it": text})).status_code for text in bad] == [400] * len(bad)


def test_trap_18_an_unknown_format_does_not_start():
    made = document({"/it": {"post": call("post_it", requestBody=takes({"type": "string", "format": "colour"}))}})
    with pytest.raises(PlanError, match=r"post_it .*colour"):
        compile_plan(made, "/it", "post", system="t", handler=lambda body: {}, schemes={}, schemas=Schemas(made))


def test_trap_19_an_integer_written_as_a_float_arrives_as_an_integer():
    integer = {"type": "integer"}
    nested = {"allOf": [{"$ref": "#/components/schemas/Size"}], "nullable": True}
    body = thing(
        {"size": {"$ref": "#/components/schemas/Size"}, "list": {"type": "array", "items": integer}, "nested": nested},
        additionalProperties=integer,
    )
    with echo(body, schemas={"Size": integer}) as send:
        answer = send(b'{"size": 1.0, "list": [2.0, 3], "nested": 4e0, "other": 5.00}')
        assert answer.text == '{"body":{"size":1,"list":[2,3],"nested":4,"other":5}}'
        assert send(b'{"size": 1.5}').status_code == 400
        assert send(b'{"size": 9.3e18}').status_code == 400
    with echo(thing({"size": {"type": "number"}})) as send:
        assert send(b'{"size": 1.0}').text == '{"body":{"size":1.0}}'


def test_trap_32_parts_of_json_and_several_files(toy):
    """A part of type object is JSON; two files are two parts of two names, a list of files does not start."""
    parts = {"meta": (None, '{"a": [1, {"b": null}]}', "application/json"), "file": ("a", b"abc")}
    assert toy[2].post("/toy/files", files=parts).json()["meta"] == {"a": [1, {"b": None}]}
    files = {"type": "array", "items": {"type": "string", "format": "binary"}}
    body = takes(thing({"files": files}), "multipart/form-data")
    made = document({"/it": {"post": call("post_it", requestBody=body)}})
    with pytest.raises(PlanError, match=r"post_it .*a list of files"):
        compile_plan(made, "/it", "post", system="t", handler=lambda body: {}, schemes={}, schemas=Schemas(made))


@pytest.mark.parametrize("text", ["\\ud800", "a\\udfff", "\\ud83d\\ud83d", "\\udc00\\ud800"])
def test_trap_36_a_lone_surrogate_is_a_400(toy, text):
    for schema, media in ((FREE, "application/json"), (thing({"a": TEXT}), "application/json")):
        with echo(schema, media) as send:
            assert send(f'{{"a": "{text}"}}').status_code == 400
            assert send(f'{{"{text}": 1}}').status_code == 400
    answer = toy[2].post("/toy/files", data={"meta": f'{{"a": "{text}"}}'}, files={"file": ("a", b"x")})
    assert answer.status_code == 400
    for place in ("/toy/things?tag=%ED%A0%80", "/toy/things?%ED%A0%80=1"):
        assert toy[2].get(place).status_code == 400
    assert toy[2].get("/toy/things/%ED%A0%80").status_code == 404


def test_trap_37_nul_is_a_400(toy):
    for schema in (FREE, thing({"a": {}}), thing({"a": TEXT}), thing({"a": {"type": "array", "items": TEXT}})):
        with echo(schema) as send:
            assert send(b'{"a": "\\u0000"}').status_code == 400
            assert send(b'{"a": ["x\\u0000y"]}').status_code == 400
    with echo(FREE) as send:
        assert send(b'{"a": "\\\\u0000"}').json() == {"body": {"a": "\\u0000"}}  # a backslash and five characters
    for place in ("/toy/things?tag=%00", "/toy/things?%00=1"):
        assert toy[2].get(place).status_code == 400
    assert toy[2].get("/toy/things/%00").status_code == 404
    for fields in ({"note": "a\0"}, {"meta": '{"a": "\\u0000"}'}):
        assert toy[2].post("/toy/files", data=fields, files={"file": ("a", b"x")}).status_code == 400
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\0b"\r\n\r\nx\r\n--b--\r\n'
    media = {"Content-Type": "multipart/form-data; boundary=b"}
    assert toy[2].post("/toy/files", content=head, headers=media).status_code == 400


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30, 10**400])
def test_trap_38_integers_have_64_bits(toy, number):
    for schema in (FREE, thing({"a": {"type": "integer"}}), thing({"a": {}})):
        with echo(schema) as send:
            assert send(f'{{"a": {number}}}').status_code == 400
            assert send(f'{{"a": {2**63 - 1}}}').json() == {"body": {"a": 2**63 - 1}}
    assert toy[2].get(f"/toy/things?page={number}").status_code == 400
    assert toy[2].get(f"/toy/things/{abs(number)}").status_code == 404
    answer = toy[2].post("/toy/files", data={"size": str(number)}, files={"file": ("a", b"x")})
    assert answer.status_code == 400


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize(("depth", "status"), [(99, 200), (101, 400), (500, 400), (2000, 400), (100_000, 400)])
def test_trap_39_json_has_100_levels(opening, closing, depth, status):
    with echo(FREE) as send:
        inner = depth - 1
        answer = send('{"x":' + opening * inner + "1" + closing * inner + "}")
        assert answer.status_code == status


def test_trap_39_also_where_the_schema_describes_every_level():
    tree = thing({"a": {"$ref": "#/components/schemas/Tree"}, "list": {"type": "array", "items": {}}})
    with echo({"$ref": "#/components/schemas/Tree"}, schemas={"Tree": tree}) as send:
        for depth, status in ((99, 200), (101, 400), (1000, 400)):
            assert send('{"a":' * depth + "{}" + "}" * depth).status_code == status
