"""Operations that never answer an error (`x-no-503`): the last good answer, or a connection that is closed."""

import httpx
import pytest

from app.core import db
from app.core.calls import Request
from app.core.errors import Forbidden, NotFound, TooManyRequests, Unavailable
from app.http import middleware
from app.http.answers import Answer
from app.http.last_good import LastGood
from tests.unit.http import toy

ANSWERS = {"200": toy.json_answer(toy.THING), "304": {"description": "the same"}}
STEADY = {"x-no-429": "why", "x-no-500": "why", "x-no-503": "why"}
DOCUMENT = {
    **toy.DOCUMENT,
    "paths": {
        "/toy/steady": {"get": toy.operation("get_steady", ANSWERS, security=toy.BEARER, **STEADY)},
        "/toy/partly": {"get": toy.operation("get_partly", {**ANSWERS, "503": toy.ERROR}, **{"x-no-500": "why"})},
    },
}


class Handlers:
    """What both operations do is set by the test."""

    def __init__(self) -> None:
        self.result: object = {"name": "first"}

    def named(self) -> dict[str, object]:
        def get_steady():
            if isinstance(self.result, Exception):
                raise self.result
            return self.result

        def get_partly():
            return get_steady()

        return {"get_steady": get_steady, "get_partly": get_partly}


@pytest.fixture
def steady(tmp_path, module_database, monkeypatch):
    monkeypatch.setattr(middleware, "HOLD_SECONDS", 0.0)
    handlers = Handlers()
    (tmp_path / "spool").mkdir()
    apis = [("steady", DOCUMENT, handlers.named())]
    with (
        toy.serve(apis, tmp_path / "spool", [("/toy", "steady", "mender")]) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer good"}) as http,
    ):
        yield handlers, http


def silent(http: httpx.Client, path: str = "/toy/steady", **options) -> bool:
    try:
        http.get(path, **options)
    except httpx.RemoteProtocolError as exc:
        return "without sending a response" in str(exc)
    return False


TROUBLE = [Unavailable("busy"), TooManyRequests("slow"), RuntimeError("a bug"), {"no": "such member"}]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda value: type(value).__name__)
def test_trouble_is_no_answer(steady, trouble):
    handlers, http = steady
    handlers.result = trouble
    assert silent(http)
    handlers.result = {"name": "good"}
    assert http.get("/toy/steady").json() == {"name": "good"}
    handlers.result = trouble
    for _ in range(2):
        answer = http.get("/toy/steady")
        assert (answer.status_code, answer.json()) == (200, {"name": "good"})
    assert http.head("/toy/steady").headers["Content-Length"] == answer.headers["Content-Length"]


def test_refusals_are_answers_and_end_what_was_good(steady):
    handlers, http = steady
    for refusal, status in ((Forbidden("no"), 403), (NotFound("no"), 404)):
        handlers.result = {"name": "good"}
        assert http.get("/toy/steady").status_code == 200
        handlers.result = refusal
        assert http.get("/toy/steady").status_code == status
        handlers.result = Unavailable("busy")
        assert silent(http)
    assert http.get("/toy/steady", headers={"Authorization": "Bearer bad"}).status_code == 401


def test_each_request_has_its_own(steady):
    handlers, http = steady
    assert http.get("/toy/steady").status_code == 200
    handlers.result = Unavailable("busy")
    assert silent(http, headers={"If-None-Match": '"x"'})
    assert silent(http, headers={"Cookie": "JWT=good"})
    assert http.get("/toy/steady?other=1").status_code == 200, "a query that the operation does not know"


def test_an_operation_names_the_errors_that_it_does_not_answer(steady):
    handlers, http = steady
    handlers.result = Unavailable("busy")
    assert http.get("/toy/partly").status_code == 503
    handlers.result = RuntimeError("a bug")
    assert silent(http, "/toy/partly")


@pytest.mark.parametrize("ends", [Forbidden("no"), {"name": "good"}])
def test_what_may_pass_is_tried_again_before_the_connection_is_closed(steady, monkeypatch, ends):
    handlers, http = steady
    monkeypatch.setattr(middleware, "HOLD_SECONDS", 60.0)
    monkeypatch.setattr(middleware, "PAUSE", (0.0, 0.0))
    tries: list[int] = []

    class Busy(Unavailable):
        def __init__(self) -> None:
            super().__init__("busy")
            tries.append(1)
            handlers.result = Unavailable("busy") if len(tries) < 3 else ends

    genuine = middleware.threads.run

    async def counted(*args, **options):
        try:
            return await genuine(*args, **options)
        except Unavailable:
            Busy()
            raise

    monkeypatch.setattr(middleware.threads, "run", counted)
    handlers.result = Unavailable("busy")
    answer = http.get("/toy/steady")
    assert (answer.status_code, len(tries)) == (403 if isinstance(ends, Exception) else 200, 3)


def request(path: str = "/a", **headers: str) -> Request:
    return Request("GET", path, (), headers, b"", "client", "http://x", "id", "public")


def test_only_so_many_are_kept_and_none_of_another_database(tmp_path):
    kept = LastGood(size=2)
    good = Answer(200, "application/json", b"{}")
    for path in ("/a", "/b", "/a", "/c"):
        kept.note(request(path), good)
    assert [kept.get(request(path)) for path in ("/a", "/b", "/c")] == [good, None, good]
    assert kept.get(request("/a", authorization="Bearer x")) is None
    kept.note(request("/a"), Answer(403, "application/json", b"{}"))
    assert kept.get(request("/a")) is None
    db.configure(f"sqlite:///{tmp_path}/other.db", lock_dir=tmp_path)
    assert kept.get(request("/c")) is None
    db.close()
