"""Conditions and ranges of a stored file (RFC 9110 sections 13 and 14; mender 4.2)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.calls import Stream
from app.http.ranges import http_date, select

MODIFIED = datetime(2026, 11, 25, 5, 30, 45, 123456, tzinfo=UTC)
SAME, LATER, EARLIER = (http_date(MODIFIED + timedelta(seconds=offset)) for offset in (0, 60, -60))


def stream(size: int = 1000) -> Stream:
    return Stream(lambda offset, length: iter(()), size, "x/y", etag='"tag"', modified=MODIFIED)


@pytest.mark.parametrize(
    ("header", "status", "offset", "length"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-", 206, 0, 1000),
        ("bytes=999-", 206, 999, 1),
        ("bytes=10-19", 206, 10, 10),
        ("bytes=10-99999", 206, 10, 990),
        ("bytes=-1", 206, 999, 1),
        ("bytes=-99999", 206, 0, 1000),
        ("BYTES = 1 - 2", 206, 1, 2),
        ("bytes=1000-", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        ("bytes=9-2", 200, 0, 1000),
        ("bytes=-", 200, 0, 1000),
        ("bytes=a-b", 200, 0, 1000),
        ("bytes=0-1,3-4", 200, 0, 1000),
        ("lines=0-1", 200, 0, 1000),
        ("bytes=" + "9" * 30 + "-", 200, 0, 1000),
        ("", 200, 0, 1000),
    ],
)
def test_one_range(header, status, offset, length):
    chosen = select("GET", {"range": header}, stream())
    assert (chosen.status, chosen.offset, chosen.length) == (status, offset, length)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": '"tag"'}, 200),
        ({"if-match": "*"}, 200),
        ({"if-match": '"a", "tag"'}, 200),
        ({"if-match": 'W/"tag"'}, 412),
        ({"if-match": '"other"'}, 412),
        ({"if-unmodified-since": SAME}, 200),
        ({"if-unmodified-since": EARLIER}, 412),
        ({"if-unmodified-since": "nonsense"}, 200),
        ({"if-match": '"tag"', "if-unmodified-since": EARLIER}, 200),
        ({"if-none-match": '"tag"'}, 304),
        ({"if-none-match": 'W/"tag"'}, 304),
        ({"if-none-match": '"other"'}, 200),
        ({"if-modified-since": SAME}, 304),
        ({"if-modified-since": LATER}, 304),
        ({"if-modified-since": EARLIER}, 200),
        ({"if-none-match": '"other"', "if-modified-since": LATER}, 200),
        ({"if-match": '"other"', "if-none-match": '"tag"'}, 412),
        ({"range": "bytes=1-2", "if-range": '"tag"'}, 206),
        ({"range": "bytes=1-2", "if-range": 'W/"tag"'}, 200),
        ({"range": "bytes=1-2", "if-range": '"other"'}, 200),
        ({"range": "bytes=1-2", "if-range": SAME}, 206),
        ({"range": "bytes=1-2", "if-range": LATER}, 200),
        ({"range": "bytes=1-2", "if-range": "nonsense"}, 200),
        ({"range": "bytes=1-2", "if-none-match": '"tag"'}, 304),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions(headers, status, method):
    chosen = select(method, headers, stream())
    assert chosen.status == (200 if method == "HEAD" and status == 206 else status)


@given(st.integers(0, 50), st.text("0123456789-=, bytes", max_size=14))
def test_whatever_is_asked_the_selection_lies_inside(size, header):
    chosen = select("GET", {"range": header}, stream(size))
    assert chosen.status in (200, 206, 416)
    assert 0 <= chosen.offset <= chosen.offset + chosen.length <= size
    if chosen.status == 200:
        assert (chosen.offset, chosen.length) == (0, size)
    if chosen.status == 206:
        assert chosen.length > 0
