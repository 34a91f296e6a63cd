"""Traps of parameters, credentials and answers (tests/unit/http/traps.py has their names)."""

import threading
from pathlib import Path

import httpx
import pytest

from app.core.calls import Caller
from tests.support.live import raw
from tests.unit.http.toy import operation, serve
from tests.unit.http.traps import answer, call, client, document, parameter, takes

TEXT = {"type": "string"}
GOOD = {"Authorization": "Bearer good"}
threads_seen: list[str] = []


def watched(credential, request):
    """A scheme function that notes the thread it is called in."""
    threads_seen.append(threading.current_thread().name)
    return Caller("trap", "user", credential) if credential.startswith("good") else None


WATCHED = dict.fromkeys(("Token", "Cookie", "Key"), f"{__name__}:watched")


def test_trap_21_arrays_lists_brackets_and_booleans():
    def get_it(many, csv, page_size, flag, id_, x_list):
        return {"many": many, "csv": csv, "page_size": page_size, "flag": flag, "id": id_, "list": x_list}

    whole = {"type": "array", "items": {"type": "integer"}}
    parameters = [
        parameter("many", whole),
        parameter("csv", {"type": "array", "items": TEXT}, explode=False),
        parameter("page[size]", {"type": "integer", "default": 20}),
        parameter("flag", {"type": "boolean"}),
        parameter("id", TEXT),
        parameter("X-List", whole, "header"),
    ]
    with client({"/trap": {"get": call("get_it", parameters=parameters)}}, locals()) as c:
        query = "many=1&many=2&csv=a,b&csv=c,d&page%5Bsize%5D=5&flag=true&id=x"
        assert c.get(f"/trap?{query}", headers={"X-List": "1,2"}).json() == {
            "many": [1, 2],
            "csv": ["c", "d"],
            "page_size": 5,
            "flag": True,
            "id": "x",
            "list": [1, 2],
        }
        assert c.get("/trap?page[size]=7&flag=false").json()["page_size"] == 7
        assert set(c.get("/trap").json().values()) == {None, 20}
        for bad in ("many=1&many=x", "flag=1", "flag=True", "page[size]=1.0", "page[size]=1_0", "page[size]=%EF%BC%91"):
            assert c.get(f"/trap?{bad}").status_code == 400, bad


def test_trap_22_unknown_query_parameters_are_passed_over_and_can_be_read():
    def get_it(known, request):
        return {"known": known, "all": list(request.query)}

    with client({"/trap": {"get": call("get_it", parameters=[parameter("known", TEXT)])}}, locals()) as c:
        asked = c.get("/trap?b=1&known=x&a=&b=2&known")
        assert asked.json() == {
            "known": "",
            "all": [["b", "1"], ["known", "x"], ["a", ""], ["b", "2"], ["known", ""]],
        }


def test_trap_23_an_encoded_slash_is_a_slash():
    def get_it(name):
        return {"name": name}

    def get_two(a, b):
        return {"two": [a, b]}

    paths = {
        "/trap/{name}": {"get": call("get_it", parameters=[parameter("name", TEXT, "path")])},
        "/trap/{a}/{b}": {
            "get": call("get_two", parameters=[parameter("a", TEXT, "path"), parameter("b", TEXT, "path")])
        },
    }
    with client(paths, locals()) as c:
        assert c.get("/trap/a%2Fb").json() == {"two": ["a", "b"]}
        assert c.get("/trap/a%252Fb").json() == {"name": "a%2Fb"}
        assert c.get("/trap/a/b/c").status_code == 404
        assert c.get("/trap/a%2F").status_code == 404


@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        (str(2**63 - 1), 2**63 - 1),
        (str(2**63), None),
        ("9" * 23, None),
        ("9" * 5000, None),
        ("+5", None),
        ("05", None),
        ("5.0", None),
        ("1e3", None),
        ("abc", None),
        ("%20", None),
        ("-", None),
        ("٣", None),
    ],
)
def test_trap_24_integers_in_paths(sent, got):
    def get_it(the_number):
        return {"number": the_number}

    parameters = [parameter("the-number", {"type": "integer"}, "path")]
    with client({"/trap/{the-number}": {"get": call("get_it", parameters=parameters)}}, locals()) as c:
        asked = c.get(f"/trap/{sent}")
    assert asked.status_code == (404 if got is None else 200)
    assert asked.json().get("number") == got


@pytest.mark.parametrize("path", ["/with/", "/without"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_trap_25_a_trailing_slash_is_exact_and_never_redirected(path, method):
    def get_it():
        return {}

    def post_it():
        return {}

    with client({path: {"get": call("get_it"), "post": call("post_it")}}, locals()) as c:
        other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
        assert c.request(method, path).status_code == 200
        assert c.request(method, other).status_code == 404
        assert c.request(method, f"/{path}").status_code == 404


@pytest.mark.parametrize(
    ("security", "headers", "status"),
    [
        ([{"Token": []}, {"Cookie": []}], {}, 401),
        ([{"Token": []}, {"Cookie": []}], {"Authorization": "Bearer good"}, 200),
        ([{"Token": []}, {"Cookie": []}], {"Cookie": "JWT=good"}, 200),
        ([{"Token": []}, {"Cookie": []}], {"Authorization": "Bearer bad", "Cookie": "JWT=good"}, 401),
        ([{"Token": []}, {"Cookie": []}], {"Authorization": "Bearer good", "Cookie": "JWT=bad"}, 401),
        ([{"Token": [], "Key": []}], {"Authorization": "Bearer good"}, 401),
        ([{"Token": [], "Key": []}], {"X-Key": "good"}, 401),
        ([{"Token": [], "Key": []}], {"X-Key": "good", "Authorization": "Bearer good"}, 200),
        ([{"Token": [], "Key": []}], {"X-Key": "bad", "Authorization": "Bearer good"}, 401),
        ([{"Token": []}, {}], {}, 200),
        ([{"Token": []}, {}], {"Authorization": "Bearer bad"}, 401),
        ([{"Token": []}, {}], {"Authorization": "Nonsense"}, 401),
        ([{}, {"Token": []}], {"Authorization": "Bearer good"}, 200),
        ([], {"Authorization": "Bearer bad"}, 200),
    ],
)
def test_trap_26_alternatives_pairs_and_optional_credentials(security, headers, status):
    def get_it(caller):
        return {"kind": caller.kind}

    with client({"/trap": {"get": call("get_it", security=security)}}, locals(), functions=WATCHED) as c:
        asked = c.get("/trap", headers=headers)
    assert asked.status_code == status
    if status == 401:
        assert 'Bearer realm="Token"' in asked.headers["WWW-Authenticate"]
    else:
        named = bool(security) and any("good" in value for value in headers.values())
        assert asked.json()["kind"] == ("user" if named else "anonymous")


@pytest.mark.parametrize("binary", [False, True])
def test_trap_27_no_credential_is_checked_on_the_event_loop(tmp_path, module_database, binary):
    """Neither for a body that is read whole nor for one that goes to the spool."""

    def post_it(body):
        return {}

    threads_seen.clear()
    schema = {"type": "string", "format": "binary"} if binary else {"type": "string"}
    body = takes(schema, "application/octet-stream" if binary else "text/plain")
    paths = {"/trap": {"post": call("post_it", requestBody=body, security=[{"Token": []}])}}
    with client(paths, locals(), functions=WATCHED, spool=tmp_path) as c:
        for _ in range(5):
            headers = {**GOOD, "Content-Type": next(iter(body["content"]))}
            assert c.post("/trap", headers=headers, content=b"x").status_code == 200
    assert len(threads_seen) == 5
    assert all(name.startswith("flotilla-") for name in threads_seen)


def test_trap_28_every_refusal_wears_the_envelope_of_its_system():
    """Also those that no operation is behind, and with the headers that let a browser read them."""

    def get_it():
        raise RuntimeError("a secret")

    headers = {"Origin": "https://ui.example"}
    with client({"/trap/it": {"get": call("get_it")}}, locals(), cors=("https://ui.example",)) as c:
        for method, path, status in (("GET", "/trap/it", 500), ("PUT", "/trap/it", 405), ("GET", "/trap/no", 404)):
            asked = c.request(method, path, headers=headers)
            assert asked.status_code == status
            assert set(asked.json()) == {"error", "request_id"}
            assert "secret" not in asked.text
            assert asked.headers["Access-Control-Allow-Origin"] == "https://ui.example"


def test_trap_29_405_names_all_methods_and_options_answers():
    def get_it():
        return {}

    def put_it():
        return {}

    def delete_other(name):
        return {}

    parameters = [parameter("name", TEXT, "path")]
    paths = {
        "/trap/it": {"get": call("get_it"), "put": call("put_it")},
        "/trap/{name}": {"delete": call("delete_other", parameters=parameters)},
    }
    with client(paths, locals()) as c:
        for method in ("POST", "PATCH", "TRACE", "PROPFIND"):
            asked = c.request(method, "/trap/it")
            assert (asked.status_code, asked.headers["Allow"]) == (405, "DELETE, GET, HEAD, OPTIONS, PUT")
        asked = c.options("/trap/it")
        assert (asked.status_code, asked.headers["Allow"]) == (204, "DELETE, GET, HEAD, OPTIONS, PUT")
        assert c.delete("/trap/it").status_code == 200
        assert c.get("/trap/other").headers["Allow"] == "DELETE, OPTIONS"


@pytest.mark.parametrize(("check", "status"), [(True, 500), (False, 200)])
def test_trap_33_answers_are_judged_on_their_bytes_in_check_mode_only(check, status):
    def get_wrong():
        return {"size": "not a number"}

    def get_more():
        return {"size": 1, "undeclared": 1}

    def get_status():
        return {"size": 1}, 202

    def get_right():
        return {"size": 1}

    def get_media():
        return "text", 200, {}

    said = answer({"type": "object", "properties": {"size": {"type": "integer"}}})
    named = {name: made for name, made in locals().items() if name.startswith("get_")}
    paths = {f"/trap/{name}": {"get": operation(name, said, **{"x-transaction": "none"})} for name in named}
    with serve([("trap", document(paths), named)], Path("/nowhere"), [("/trap", "trap", "mender")], check=check) as url:
        for name in ("get_wrong", "get_more", "get_media"):
            assert httpx.get(f"{url}/trap/{name}").status_code == status
        assert httpx.get(f"{url}/trap/get_status").status_code == (500 if check else 202)
        assert httpx.get(f"{url}/trap/get_right").json() == {"size": 1}
        broken = raw(url, b"GET /trap/get_wrong HTTP/1.1\r\nHost: x\r\n\r\n")
    assert broken.startswith(b"HTTP/1.1 500") is check
