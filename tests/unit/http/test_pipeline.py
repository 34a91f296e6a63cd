"""The pipeline over real HTTP: order of refusal, envelopes, hostile input, streaming (design section 3)."""

import hashlib
import json
import os
import shutil
import socket
from types import SimpleNamespace

import httpx
import pytest

from tests.support.live import raw
from tests.support.waiting import eventually
from tests.unit.http.toy import BLOB, toy_server

GOOD = {"Authorization": "Bearer good"}


@pytest.fixture(scope="module")
def server(tmp_path_factory, module_database):
    with toy_server(tmp_path_factory.mktemp("toy"), cors=("https://ui.example",)) as started:
        yield started


@pytest.fixture(scope="module")
def client(server):
    with httpx.Client(base_url=server[0], timeout=30) as made:
        yield made


def test_parameters_arrive_under_pythonic_names(client):
    answer = client.get("/toy/things?tag=a&x=1&tag=b&page=3", headers={**GOOD, "X-Trace-Level": "high"})
    assert answer.json() == {
        "page": 3,
        "tag": ["a", "b"],
        "level": "high",
        "by": "ada",
        "query": [["tag", "a"], ["x", "1"], ["tag", "b"], ["page", "3"]],
    }
    assert client.get("/toy/things", headers=GOOD).json()["page"] == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/toy/nothing", {}, None, 404),
        ("GET", "/elsewhere", {}, None, 404),
        ("GET", "/toy/things/", GOOD, None, 404),
        ("DELETE", "/toy/things", {}, None, 405),
        ("DELETE", "/toy/things/zero", {}, None, 405),
        ("GET", "/toy/things/zero", {}, None, 404),
        ("GET", "/toy/things/0", {}, None, 404),
        ("GET", "/toy/things/%00", GOOD, None, 404),
        ("GET", "/toy/things/%ff", GOOD, None, 404),
        ("POST", "/toy/things", {}, b"x" * 1_048_577, 413),
        ("POST", "/toy/things", {}, b"not json", 401),
        ("POST", "/toy/things", {"Authorization": "Bearer bad"}, b"not json", 401),
        ("POST", "/toy/things", {"Authorization": "good"}, b"not json", 401),
        ("POST", "/toy/things", {"Authorization": "Bearer"}, b"not json", 401),
        ("POST", "/toy/things", {"Authorization": "Basic Z29vZA=="}, b"not json", 401),
        ("POST", "/toy/things", {"Cookie": "JWT=good"}, b"not json", 403),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "text/plain"}, b"not json", 415),
        ("POST", "/toy/things", GOOD, b"not json", 415),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "application/json"}, b"not json", 400),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "application/json"}, b"", 400),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "application/json"}, b'{"name": ""}', 400),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "application/json"}, b'{"name": "taken"}', 409),
        ("POST", "/toy/things", {**GOOD, "Content-Type": "APPLICATION/JSON ; charset=UTF-8"}, b'{"name": "a"}', 201),
        ("GET", "/toy/things?page=zero", {}, None, 401),
        ("GET", "/toy/things?page=zero", GOOD, None, 400),
        ("GET", "/toy/things?page=%ff", GOOD, None, 400),
        ("GET", "/toy/things?page=%ff", {}, None, 401),
        ("GET", "/toy/things/11", GOOD, None, 404),
    ],
)
def test_order_of_refusal(client, method, path, headers, content, status):
    answer = client.request(method, path, headers=headers, content=content)
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
        assert answer.headers["Content-Type"] == "application/json"


def test_a_refusal_says_which_credentials_would_do(client):
    assert client.get("/toy/things").headers["WWW-Authenticate"] == 'Bearer realm="Token"'


def test_405_names_every_method_and_options_answers_without_credentials(client):
    answer = client.patch("/toy/things")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    options = client.options("/toy/things")
    assert (options.status_code, options.headers["Allow"], options.content) == (204, answer.headers["Allow"], b"")
    assert client.options("/toy/nothing").status_code == 404


def test_a_preflight_is_answered_for_configured_origins_only(client):
    asked = {"Access-Control-Request-Method": "POST"}
    allowed = client.options("/toy/things", headers={"Origin": "https://ui.example", **asked})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://ui.example"
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"]
    foreign = client.options("/toy/things", headers={"Origin": "https://evil.example", **asked})
    assert "Access-Control-Allow-Origin" not in foreign.headers


def test_errors_carry_cors_headers_too(client):
    answer = client.get("/toy/broken", headers={"Origin": "https://ui.example"})
    assert answer.status_code == 500
    assert answer.headers["Access-Control-Allow-Origin"] == "https://ui.example"


def test_a_crash_tells_nothing(client):
    answer = client.get("/toy/broken")
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal error"
    assert "secret" not in answer.text


def test_an_answer_that_its_spec_refuses_is_a_500_in_check_mode(client):
    assert client.get("/toy/liar").status_code == 500


@pytest.mark.parametrize("name", ["X-Request-ID", "X-MEN-RequestID"])
def test_a_harmless_request_id_is_taken_over(client, name):
    assert client.get("/toy/things", headers={name: "abc-123"}).headers["X-MEN-RequestID"] == "abc-123"
    for bad in ("a b", "x" * 65, "a\tb", "é"):
        answer = client.get("/toy/things", headers={name: bad.encode()})
        assert len(answer.headers["X-Request-ID"]) == 36


def test_head_is_get_without_the_body(client):
    got, head = client.get("/toy/things", headers=GOOD), client.head("/toy/things", headers=GOOD)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["Content-Length"] == got.headers["Content-Length"]


@pytest.mark.parametrize(("headers", "kind"), [({}, "anonymous"), ({"X-Key": "good"}, "user")])
def test_optional_credentials(client, headers, kind):
    assert client.post("/toy/optional", headers=headers).json() == {"body": None, "kind": kind}


def test_a_bad_credential_is_401_even_where_none_is_needed(client):
    assert client.post("/toy/optional", headers={"X-Key": "bad"}).status_code == 401


def test_alternatives_of_two_schemes_need_both(client):
    assert client.get("/toy/both", headers=GOOD).status_code == 401
    assert client.get("/toy/both", headers={"X-Key": "good"}).status_code == 401
    assert client.get("/toy/both", headers={**GOOD, "X-Key": "good"}).status_code == 200
    assert client.get("/toy/both", headers={**GOOD, "X-Key": "bad"}).status_code == 401


def test_not_mine_counts_as_absent(client):
    assert client.get("/toy/things", headers={"Authorization": "Bearer not-mine"}).status_code == 401
    both = {"Authorization": "Bearer not-mine", "Cookie": "JWT=good"}
    assert client.get("/toy/things", headers=both).status_code == 200


def test_a_cookie_needs_the_same_origin_for_unsafe_methods(client, server):
    headers = {"Cookie": "JWT=good", "Content-Type": "application/json"}
    assert client.get("/toy/things", headers=headers).status_code == 200
    for origin, status in ((None, 403), ("https://evil.example", 403), ("null", 403), (server[0], 201)):
        more = {} if origin is None else {"Origin": origin}
        assert client.post("/toy/things", headers={**headers, **more}, content=b'{"name":"a"}').status_code == status


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b'{"name": "\xed\xa0\x80"}',
        b'{"name": "\\ud800"}',
        b'{"name": "a\\u0000b"}',
        b'{"name": "a", "size": NaN}',
        b'{"name": "a", "size": 1e400}',
        b'{"name": "a", "size": 9223372036854775808}',
        b'{"name": "a", "size": 1.5}',
        b'{"name": "a", "other": ' + b"[" * 90_000 + b"]" * 90_000 + b"}",
        b'\xef\xbb\xbf{"name": "a"}',
        b'{"name": "a"} x',
        b'"name"',
        b"[]",
        b"null",
    ],
)
def test_hostile_json_is_a_400(client, content):
    answer = client.post("/toy/things", headers={**GOOD, "Content-Type": "application/json"}, content=content)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": "\\u0000"}',
        b'{"a": 9223372036854775808}',
        b'{"a": -9223372036854775809}',
        b'{"a": 99999999999999999999999}',
        b'{"a": ' + b"[" * 101 + b"]" * 101 + b"}",
    ],
)
def test_hostile_json_in_a_free_object_is_a_400(client, content):
    answer = client.post("/toy/optional", headers={"Content-Type": "application/json"}, content=content)
    assert answer.status_code == 400, answer.text


def test_members_that_the_schema_does_not_name_are_not_looked_at(client):
    """Clients of a later version may send more; what nobody reads can do no harm."""
    content = (
        b'{"name": "a", "a\\u0000": "\\u0000", "other": 99999999999999999999999, "deep": '
        + b"[" * 300
        + b"]" * 300
        + b"}"
    )
    answer = client.post("/toy/things", headers={**GOOD, "Content-Type": "application/json"}, content=content)
    assert (answer.status_code, answer.json()) == (201, {"name": "a"})


def test_integers_of_64_bits_and_depth_100_are_fine(client):
    headers = {**GOOD, "Content-Type": "application/json"}
    deep = b'{"name": "a", "size": -9223372036854775808, "other": ' + b"[" * 99 + b"]" * 99 + b"}"
    answer = client.post("/toy/optional", headers={"Content-Type": "application/json"}, content=deep)
    assert answer.status_code == 200
    assert client.post("/toy/things", headers=headers, content=b'{"name":"\\u00e9","size":3}').json()["size"] == 3


@pytest.mark.parametrize(
    "media", ["", "/", ";", "a, b", "*/*", "application/json; charset=latin-1", "x" * 9000, "applicätion/json"]
)
def test_odd_media_types_are_415(client, media):
    headers = {**GOOD, "Content-Type": media.encode("latin-1")}
    assert client.post("/toy/things", headers=headers, content=b'{"name":"a"}').status_code == 415


def test_two_content_types_are_a_400(server):
    lines = b"POST /toy/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"
    media = b"Content-Type: application/json\r\n" * 2
    answer = raw(server[0], lines + media + b"Content-Length: 12\r\n\r\n" + b'{"name":"a"}')
    assert answer.startswith(b"HTTP/1.1 400")


def test_a_chunked_body_is_read_whole(server):
    head = b"POST /toy/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Type: application/json\r\n"
    chunks = b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"nam\r\n7\r\ne":"a"}\r\n0\r\n\r\n'
    assert raw(server[0], head + chunks).startswith(b"HTTP/1.1 201")


def test_a_chunked_body_beyond_the_limit_is_413(client):
    def chunks():
        for _ in range(20):
            yield b" " * 100_000

    headers = {**GOOD, "Content-Type": "application/json"}
    assert client.post("/toy/things", headers=headers, content=chunks()).status_code == 413


@pytest.mark.parametrize("request_bytes", [b"nonsense\r\n\r\n", b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_what_is_no_http_gets_neutral_json(server, request_bytes):
    answer = raw(server[0], request_bytes)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"application/json" in answer


def test_a_request_without_a_host_or_with_too_many_headers_is_a_400(server):
    assert raw(server[0], b"GET /toy/things HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")
    many = b"".join(b"X-H%d: 1\r\n" % number for number in range(300))
    assert raw(server[0], b"GET /toy/things HTTP/1.1\r\nHost: x\r\n" + many + b"\r\n").startswith(b"HTTP/1.1 400")


def test_a_path_of_nothing_is_404(server):
    assert raw(server[0], b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 404")


class TestUpload:
    def test_a_file_goes_to_disk_and_fields_are_cast(self, client, server):
        content = os.urandom(3_000_000)
        answer = client.post(
            "/toy/files",
            headers=GOOD,
            data={"size": "3000000", "note": "hi", "meta": '{"a": 1}', "unknown": "x"},
            files={"file": ("näme.bin", content)},
        )
        assert answer.status_code == 201, answer.text
        assert answer.json() == {
            "size": 3_000_000,
            "note": "hi",
            "meta": {"a": 1},
            "sha256": hashlib.sha256(content).hexdigest(),
            "filename": "näme.bin",
            "bytes": 3_000_000,
        }
        assert (server[2] / "kept").read_bytes() == content
        assert list(server[1].iterdir()) == []

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            ({"size": "+1"}, 400),
            ({"size": "１"}, 400),
            ({"size": "-1"}, 400),
            ({"note": "far too long a note"}, 400),
            ({"note": "a\0b"}, 400),
            ({"meta": "[]"}, 400),
            ({"meta": "{"}, 400),
            ({"meta": '{"a": "\\u0000"}'}, 400),
            ({"meta": '{"a": "\\ud800"}'}, 400),
            ({"meta": '{"a": 99999999999999999999}'}, 400),
            ({"meta": '{"a": NaN}'}, 400),
            ({"meta": '{"a": ' + "[" * 200 + "]" * 200 + "}"}, 400),
            ({"note": "x" * 1_100_000}, 413),
            ({f"unknown{i}": "x" * 300_000 for i in range(5)}, 413),
        ],
    )
    def test_bad_fields_leave_nothing_behind(self, client, server, data, status):
        answer = client.post("/toy/files", headers=GOOD, data=data, files={"file": ("a", b"x" * 100)})
        assert answer.status_code == status, answer.text
        assert list(server[1].iterdir()) == []

    def test_a_stranger_is_refused_before_the_bytes(self, server):
        head = b"POST /toy/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        answer = raw(server[0], head + b"Content-Length: 20000000\r\nExpect: 100-continue\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401")
        assert list(server[1].iterdir()) == []

    @pytest.mark.parametrize(
        ("media", "content", "status"),
        [
            ("multipart/form-data", b"", 400),
            ("multipart/form-data; boundary=b", b"", 400),
            ("multipart/form-data; boundary=b", b"--b\r\n", 400),
            ("multipart/form-data; boundary=b", b"--b--\r\n", 400),
            ("multipart/form-data; boundary=b", b"nonsense", 400),
            ("application/json", b"{}", 415),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf a file',
                400,
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n' * 2 + b"--b--\r\n",
                400,
            ),
        ],
    )
    def test_broken_multipart(self, client, server, media, content, status):
        answer = client.post("/toy/files", headers={**GOOD, "Content-Type": media}, content=content)
        assert answer.status_code == status, answer.text
        assert list(server[1].iterdir()) == []

    def test_too_large_is_413_declared_or_chunked(self, client, server):
        head = b"POST /toy/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n"
        assert raw(server[0], head + b"Content-Length: 60000000\r\n\r\n").startswith(b"HTTP/1.1 413")

        def chunks():
            yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            for _ in range(60):
                yield b"x" * 1_000_000

        headers = {**GOOD, "Content-Type": "multipart/form-data; boundary=b"}
        try:
            status = client.post("/toy/files", headers=headers, content=chunks()).status_code
        except httpx.TransportError:
            status = 413  # the connection may be closed before the client has read the answer
        assert status == 413
        assert list(server[1].iterdir()) == []


class TestRaw:
    """A body that is one file, of `application/octet-stream` or another media type of format `binary`."""

    @pytest.mark.parametrize("method", ["PUT", "POST"])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_the_bytes_go_to_disk(self, client, server, method, chunked):
        content = os.urandom(3_000_000)
        sent = iter([content[:1], content[1:2_000_000], b"", content[2_000_000:]]) if chunked else content
        headers = {**GOOD, "Content-Type": "application/octet-stream"}
        answer = client.request(method, "/toy/raw", headers=headers, content=sent)
        assert answer.json() == {
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": 3_000_000,
            "media": "application/octet-stream",
        }
        assert (server[2] / "kept").read_bytes() == content
        assert list(server[1].iterdir()) == []

    @pytest.mark.parametrize(
        ("method", "media", "content", "status"),
        [
            ("PUT", "IMAGE/png; x=y", b"x", 200),
            ("PUT", "application/octet-stream", b"", 400),
            ("PUT", None, b"", 400),
            ("PUT", None, b"x", 415),
            ("PUT", "application/json", b"{}", 415),
            ("PUT", "application/json", b"", 400),
            ("PUT", "*/*", b"x", 415),
            ("POST", "application/octet-stream", b"", 200),
            ("POST", None, b"", 200),
            ("POST", "application/json", b'{"name": "a"}', 200),
            ("POST", "application/json", b"{}", 400),
            ("POST", "image/png", b"x", 415),
        ],
    )
    def test_media_types(self, client, server, method, media, content, status):
        headers = GOOD if media is None else {**GOOD, "Content-Type": media}
        answer = client.request(method, "/toy/raw", headers=headers, content=content)
        assert answer.status_code == status, answer.text
        assert list(server[1].iterdir()) == []

    def test_a_stranger_is_refused_before_the_bytes(self, server):
        head = b"PUT /toy/raw HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        answer = raw(server[0], head + b"Content-Length: 20000000\r\nExpect: 100-continue\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 401")

    def test_too_large_is_413_declared_or_chunked(self, client, server):
        head = b"POST /toy/raw HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        assert raw(server[0], head + b"Content-Length: 60000000\r\n\r\n").startswith(b"HTTP/1.1 413")
        headers = {**GOOD, "Content-Type": "application/octet-stream"}
        try:
            chunks = iter([b"x" * 1_000_000] * 60)
            status = client.post("/toy/raw", headers=headers, content=chunks).status_code
        except httpx.TransportError:
            status = 413  # the connection may be closed before the client has read the answer
        assert status == 413
        assert list(server[1].iterdir()) == []

    def test_a_client_that_goes_away_leaves_nothing(self, server):
        head = b"PUT /toy/raw HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\nContent-Length: 5000000\r\n"
        host, _, port = server[0].removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head + b"Content-Type: application/octet-stream\r\n\r\n" + b"x" * 3_000_000)
            eventually(lambda: any(server[1].iterdir()))
        eventually(lambda: not any(server[1].iterdir()))

    def test_no_room_is_a_507_before_the_bytes(self, server, monkeypatch):
        monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
        head = b"PUT /toy/raw HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n"
        media = b"Content-Type: application/octet-stream\r\n"
        answer = raw(server[0], head + media + b"Content-Length: 1000001\r\nExpect: 100-continue\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 507")


class TestStream:
    def test_ranges(self, client):
        whole = client.get("/toy/blob")
        assert whole.content == BLOB
        assert whole.headers["ETag"] == '"blob"'
        assert whole.headers["Accept-Ranges"] == "bytes"
        part = client.get("/toy/blob", headers={"Range": "bytes=1000-1999"})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(BLOB)}"
        assert part.content == BLOB[1000:2000]
        beyond = client.get("/toy/blob", headers={"Range": f"bytes={len(BLOB)}-"})
        assert beyond.status_code == 416
        assert beyond.headers["Content-Range"] == f"bytes */{len(BLOB)}"
        assert client.get("/toy/blob", headers={"If-None-Match": '"blob"'}).status_code == 304

    def test_head_tells_the_length(self, client):
        head = client.head("/toy/blob")
        assert (head.headers["Content-Length"], head.content) == (str(len(BLOB)), b"")


def test_json_answers_are_utf8_without_escapes(client):
    answer = client.post("/toy/things", headers=GOOD, json={"name": "übung"})
    assert "übung".encode() in answer.content
    assert json.loads(answer.content) == {"name": "übung"}
    assert answer.headers["Location"] == "things/1"
