"""What a handler returned becomes status, headers and bytes; streams are sent in chunks; check mode holds the spec."""

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calls import Request, Stream
from app.http.answers import Answer, compile_answers, send_answer
from app.http.ranges import http_date, select
from app.http.schemas import Schemas

MODIFIED = datetime(2026, 11, 25, 5, 30, 45, 999999, tzinfo=UTC)
THING = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
BINARY = {"type": "string", "format": "binary"}


def answers(**responses: Any):
    """Compiled answers; keyword s200=(media, schema), or None for a status without content."""
    operation = {
        "responses": {
            code.removeprefix("s"): {"description": "x"}
            if given is None
            else {"description": "x", "content": {given[0]: {"schema": given[1]}}}
            for code, given in responses.items()
        }
    }
    return compile_answers(operation, Schemas({"components": {}}), lambda node: node)


def request(method: str = "GET", **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, "/x", (), named, b"", "192.0.2.1", "http://x", "id", "public")


class Client:
    """The other end of a connection: takes what is sent, and goes away when it is told to."""

    def __init__(self, leave_after: int | None = None) -> None:
        self.status = 0
        self.headers: dict[bytes, list[bytes]] = {}
        self.bodies: list[bytes] = []
        self.gone = asyncio.Event()
        self._leave_after = leave_after
        self._asked = False

    @property
    def body(self) -> bytes:
        return b"".join(self.bodies)

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message["headers"]:
                self.headers.setdefault(name, []).append(value)
            return
        self.bodies.append(message["body"])
        if self._leave_after is not None and len(self.bodies) >= self._leave_after:
            self.gone.set()
            await asyncio.sleep(0)


def sent(answer: Answer, asked: Request | None = None, client: Client | None = None) -> Client:
    async def run() -> Client:
        to = client or Client()
        await send_answer(answer, asked or request(), [(b"x-request-id", b"id")], to.receive, to.send)
        return to

    return asyncio.run(run())


class TestRender:
    def test_objects_and_lists_are_json(self):
        made = answers(s200=("application/vnd.api+json", THING))
        for body in ({"name": "ü"}, [1, None]):
            client = sent(made.render(body))
            assert client.status == 200
            assert client.headers[b"content-type"] == [b"application/vnd.api+json"]
            assert client.headers[b"content-length"] == [str(len(client.body)).encode()]
        assert made.render({"name": "ü"}).body == '{"name":"ü"}'.encode()

    @pytest.mark.parametrize(("body", "raw"), [("ü", "ü".encode()), (b"\xff", b"\xff"), ("", b""), (b"", b"")])
    def test_text_and_bytes_go_as_they_are_in_the_declared_media_type(self, body, raw):
        client = sent(answers(s200=("application/jwt", {"type": "string"})).render(body))
        assert (client.body, client.headers[b"content-type"]) == (raw, [b"application/jwt"])
        assert client.headers[b"content-length"] == [str(len(raw)).encode()]

    def test_text_names_its_charset(self):
        client = sent(answers(s200=("text/plain", {"type": "string"})).render("ü"))
        assert client.headers[b"content-type"] == [b"text/plain; charset=utf-8"]

    def test_the_media_type_is_that_of_the_status(self):
        made = answers(s200=("application/json", THING), s202=("text/plain", {"type": "string"}))
        assert made.render(("later", 202)).media == "text/plain"

    @pytest.mark.parametrize("status", [200, 201, 202])
    def test_without_a_body_there_is_no_content_type(self, status):
        client = sent(answers(**{f"s{status}": None}).render((None, status)))
        assert client.body == b""
        assert b"content-type" not in client.headers
        assert client.headers[b"content-length"] == [b"0"]

    @pytest.mark.parametrize("status", [204, 304])
    @pytest.mark.parametrize("body", [None, {"a": 1}])
    def test_204_and_304_have_neither_body_nor_what_describes_one(self, status, body):
        client = sent(answers(s204=None).render((body, status)))
        assert client.body == b""
        assert not {b"content-type", b"content-length"} & set(client.headers)

    def test_headers_and_a_line_for_each_item_of_a_list(self):
        made = answers(s200=("application/json", {"type": "array"}))
        client = sent(made.render(([], 200, {"Link": ["<a>", "<b>"], "X-Total-Count": 3})))
        assert client.headers[b"link"] == [b"<a>", b"<b>"]
        assert client.headers[b"x-total-count"] == [b"3"]
        assert client.headers[b"x-request-id"] == [b"id"]

    @pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x=1", "a\nb", ["fine", "a\rb"]])
    def test_no_value_breaks_out_of_its_line(self, value):
        with pytest.raises(ValueError, match="line break"):
            answers(s200=None).render((None, 200, {"Location": value}))

    def test_head_says_all_that_get_says_but_the_body(self):
        made = answers(s200=("application/json", THING))
        get, head = sent(made.render({"name": "a"})), sent(made.render({"name": "a"}), request("HEAD"))
        assert head.headers == get.headers
        assert (head.body, get.body) == (b"", b'{"name":"a"}')

    @pytest.mark.parametrize(
        ("responses", "fault"),
        [
            ({"200": {"content": {"a/b": {}, "c/d": {}}}}, "several media types"),
            ({"default": {"description": "x"}}, "written out"),
            ({"2XX": {"description": "x"}}, "written out"),
        ],
    )
    def test_what_cannot_be_answered_is_refused_at_start(self, responses, fault):
        with pytest.raises(ValueError, match=fault):
            compile_answers({"responses": responses}, Schemas({"components": {}}), lambda node: node)


class TestCheck:
    @pytest.mark.parametrize(
        ("result", "fault"),
        [
            ({"name": "a"}, ""),
            ((None, 204), ""),
            (({"name": "a"}, 202), "202 is not declared"),
            (({"name": "a"}, 204), "declares None"),
            ((None, 200), "declares application/json, not None"),
            (b"{", "is no application/json"),
            ({"name": 1}, "string"),
            ({}, "name"),
            ({"name": "a", "other": 1}, "other"),
            ([], "object"),
        ],
    )
    def test_the_bytes_to_be_sent_are_held_against_the_spec(self, result, fault):
        made = answers(s200=("application/json", THING), s204=None)
        faults = made.check(made.render(result))
        assert bool(faults) == bool(fault)
        assert fault in str(faults)

    def test_text_is_checked_as_text(self):
        made = answers(s200=("text/plain", {"type": "string", "maxLength": 2}))
        assert made.check(made.render("ab")) == []
        assert made.check(made.render("abc"))
        assert "is no text/plain" in str(made.check(made.render(b"\xff")))

    def test_a_fault_points_at_its_place(self):
        made = answers(s200=("application/json", {"type": "array", "items": THING}))
        assert made.check(made.render([{"name": "a"}, {"name": 2}]))[0][0] == "/1/name"

    @pytest.mark.parametrize(
        ("headers", "fault"),
        [({}, ""), ({"range": "bytes=0-0"}, ""), ({"range": "bytes=9-"}, "416"), ({"if_none_match": "*"}, "304")],
    )
    def test_what_becomes_of_a_stream_must_be_declared_too(self, headers, fault):
        made = answers(s200=("a/b", BINARY), s206=("a/b", BINARY))
        faults = made.check(made.render(stream(b"123")), request(**headers))
        assert bool(faults) == bool(fault)
        assert fault in str(faults)

    def test_another_media_type_than_declared(self):
        made = answers(s200=("c/d", BINARY))
        assert "declares c/d, not a/b" in str(made.check(made.render(stream(b"1")), request()))


def stream(content: bytes, *, chunk: int = 3, **more: Any) -> Stream:
    def read(offset: int, length: int) -> Iterator[bytes]:
        for start in range(offset, offset + length, chunk):
            yield content[start : min(start + chunk, offset + length)]

    return Stream(read, len(content), "a/b", **{"etag": '"tag"', "modified": MODIFIED, **more})


class TestStream:
    def test_the_whole_file(self):
        client = sent(answers().render(stream(b"0123456789", headers={"Content-Disposition": "attachment"})))
        assert (client.status, client.body) == (200, b"0123456789")
        assert client.headers == {
            b"x-request-id": [b"id"],
            b"accept-ranges": [b"bytes"],
            b"etag": [b'"tag"'],
            b"last-modified": [b"Wed, 25 Nov 2026 05:30:45 GMT"],
            b"content-disposition": [b"attachment"],
            b"content-type": [b"a/b"],
            b"content-length": [b"10"],
        }

    def test_a_file_that_nothing_is_known_of(self):
        client = sent(answers().render(stream(b"01", etag=None, modified=None)), request(if_none_match='"tag"'))
        assert (client.status, client.body) == (200, b"01")
        assert not {b"etag", b"last-modified"} & set(client.headers)

    def test_an_empty_file(self):
        client = sent(answers().render(stream(b"")))
        assert (client.status, client.body, client.headers[b"content-length"]) == (200, b"", [b"0"])
        assert sent(answers().render(stream(b"")), request(range="bytes=0-")).status == 416

    @given(
        st.binary(max_size=40),
        st.one_of(
            st.tuples(st.integers(0, 45), st.integers(0, 45)).map(lambda pair: f"bytes={pair[0]}-{pair[1]}"),
            st.integers(0, 45).map(lambda first: f"bytes={first}-"),
            st.integers(0, 45).map(lambda last: f"bytes=-{last}"),
        ),
        st.integers(1, 7),
    )
    def test_any_range_is_a_slice_of_the_bytes(self, content, header, chunk):
        first, _, last = header.removeprefix("bytes=").partition("-")
        if first:
            expected = content[int(first) : int(last) + 1 if last else None]
        else:
            expected = content[-int(last) :] if int(last) else b""
        client = sent(answers().render(stream(content, chunk=chunk)), request(range=header))
        if first and last and int(last) < int(first):
            assert (client.status, client.body) == (200, content)  # no range at all
        elif not expected:
            assert (client.status, client.body) == (416, b"")
            assert client.headers[b"content-range"] == [f"bytes */{len(content)}".encode()]
        else:
            assert (client.status, client.body) == (206, expected)
            assert client.headers[b"content-length"] == [str(len(expected)).encode()]
            unit, _, rest = client.headers[b"content-range"][0].decode().partition(" ")
            shown, _, size = rest.partition("/")
            start, _, end = shown.partition("-")
            assert (unit, int(size)) == ("bytes", len(content))
            assert content[int(start) : int(end) + 1] == expected

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({"if_none_match": '"tag"'}, 304), ({"if_match": '"x"'}, 412), ({"range": "bytes=9-"}, 416)],
    )
    def test_an_answer_without_content_describes_none(self, headers, status):
        answer = answers().render(stream(b"012", headers={"Content-Disposition": "attachment"}))
        client = sent(answer, request(**headers))
        assert (client.status, client.body) == (status, b"")
        assert not {b"content-type", b"content-disposition"} & set(client.headers)
        assert client.headers.get(b"content-length", [b"0"]) == [b"0"]
        assert client.headers[b"etag"] == [b'"tag"']
        assert answer.status == status  # the log says what was sent

    def test_head_reads_nothing(self):
        def read(offset: int, length: int) -> Iterator[bytes]:
            raise AssertionError("read for HEAD")

        client = sent(answers().render(Stream(read, 7, "a/b")), request("HEAD", range="bytes=1-2"))
        assert (client.status, client.body, client.headers[b"content-length"]) == (200, b"", [b"7"])

    def test_reading_happens_off_the_event_loop(self):
        threads = set()

        def read(offset: int, length: int) -> Iterator[bytes]:
            threads.add(threading.current_thread().name)
            yield b"1"

        sent(answers().render(Stream(read, 1, "a/b")))
        assert all(name.startswith("flotilla-file") for name in threads)

    def test_streams_of_a_system_that_hangs_keep_no_other_from_its_own(self):
        release = threading.Event()

        def stuck(offset: int, length: int) -> Iterator[bytes]:
            release.wait()
            yield b"x"

        async def run() -> None:
            async def ask(read, system: str) -> bytes:
                client = Client()
                answer = answers().render(Stream(read, 1, "a/b"))
                await send_answer(answer, request(), [], client.receive, client.send, system)
                return client.body

            hanging = [asyncio.create_task(ask(stuck, "slow")) for _ in range(50)]
            await asyncio.sleep(0.1)
            assert await ask(lambda offset, length: iter([b"y"]), "quick") == b"y"
            release.set()
            assert await asyncio.gather(*hanging) == [b"x"] * 50

        asyncio.run(run())

    def test_nothing_more_is_read_when_the_client_is_gone_and_the_file_is_closed(self):
        reads, closed = [], threading.Event()

        def read(offset: int, length: int) -> Iterator[bytes]:
            try:
                for number in range(1000):
                    reads.append(number)
                    yield b"x"
            finally:
                closed.set()

        sent(answers().render(Stream(read, 1000, "a/b")), client=Client(leave_after=3))
        assert len(reads) < 10
        assert closed.is_set()

    def test_a_fault_while_reading_closes_the_file_and_is_not_hidden(self):
        closed = threading.Event()

        class Broken:
            def __iter__(self):
                return self

            def __next__(self) -> bytes:
                raise OSError("the disk is broken")

            def close(self) -> None:
                closed.set()

        with pytest.raises(OSError, match="the disk is broken"):
            sent(answers().render(Stream(lambda offset, length: Broken(), 5, "a/b")))
        assert closed.is_set()

    def test_a_file_is_closed_behind_a_reader_that_is_still_at_work(self):
        reading, go_on, closed = threading.Event(), threading.Event(), threading.Event()

        def read(offset: int, length: int) -> Iterator[bytes]:
            try:
                reading.set()
                assert go_on.wait(30)
                yield b"x"
            finally:
                closed.set()

        async def run() -> None:
            client = Client()
            answer = answers().render(Stream(read, 5, "a/b"))
            task = asyncio.create_task(send_answer(answer, request(), [], client.receive, client.send))
            while not reading.is_set():
                await asyncio.sleep(0.001)
            task.cancel()  # as uvicorn does when the time to finish is over
            await asyncio.sleep(0.01)
            assert not closed.is_set()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(run())
        assert closed.is_set()


class TestConditions:
    """What test_ranges.py leaves: dates in other forms and zones, files without a tag (RFC 9110 section 13)."""

    @pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland"])
    @pytest.mark.parametrize(
        "form", ["Wed, 25 Nov 2026 05:30:45 GMT", "Wednesday, 25-Nov-26 05:30:45 GMT", "Wed Nov 25 05:30:45 2026"]
    )
    def test_every_form_of_a_date_in_every_zone(self, monkeypatch, zone, form):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            asked = {"range": "bytes=0-0", "if-range": form}
            assert select("GET", asked, stream(b"012")).status == 206
            assert select("GET", {"if-modified-since": form}, stream(b"012")).status == 304
            later = stream(b"012", modified=MODIFIED + timedelta(seconds=1))
            assert select("GET", asked, later).status == 200
            assert select("GET", {"if-unmodified-since": form}, later).status == 412
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_any_tag_means_that_there_is_a_file(self):
        without = stream(b"012", etag=None)
        assert select("GET", {"if-match": "*"}, without).status == 200
        assert select("GET", {"if-none-match": "*"}, without).status == 304
        assert select("GET", {"if-match": '"tag"'}, without).status == 412

    def test_an_unsafe_method_is_refused_where_a_read_is_spared(self):
        assert select("PUT", {"if-none-match": '"tag"'}, stream(b"0")).status == 412
        assert select("PUT", {"if-modified-since": http_date(MODIFIED)}, stream(b"0")).status == 200

    @pytest.mark.parametrize(
        "date", ["", "yesterday", "Wed, 99 Nov 2026 05:30:45 GMT", "0", "\x00", "Wed, 25 Nov 99999"]
    )
    def test_a_date_that_is_none_is_ignored(self, date):
        for name in ("if-modified-since", "if-unmodified-since"):
            assert select("GET", {name: date}, stream(b"0")).status == 200
