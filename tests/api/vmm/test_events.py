"""Events: who hears of what, over websockets and server-sent events (vmm 6)."""

import json
from datetime import timedelta

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from app.core import clock, db, feeds
from app.vmm import events
from models.vmm.events import Event, Listener
from tests.support.streams import Events
from tests.support.vmm import API

DOCUMENT = {"jsonapi": {"version": "1.1"}, "data": None}


def tell(login="ada", request_id="r"):
    """Something happens that a user is told of."""
    with db.write():
        user = db.row("SELECT pk FROM vmm_user WHERE login_key = ?", login)
        events.publish(user[0], "instance.action", request_id, DOCUMENT)


def socket(http, query="", **options):
    address = f"ws://127.0.0.1:{http.base_url.port}{API}/event.subscribe{query}"
    return connect(address, proxy=None, open_timeout=20, **options)


@pytest.mark.rule("vmm 6")
def test_events_of_ones_own(http, nobody, ada, eve):
    with Events(http) as stream, Events(http) as other, Events(http) as silent:
        tell(request_id="before anybody said whose it is")
        stream.of(ada)
        other.of(eve)
        first = stream.next()
        assert first["request_id"] == "before anybody said whose it is"
        tell(request_id="mine")
        event = stream.next()
        assert event == {
            "type": "instance.action", "request_id": "mine", "body": DOCUMENT, "number": event["number"],
        }  # fmt: skip
        assert event["number"] > first["number"]
        tell("eve", "hers")
        assert other.next()["request_id"] == "hers"
        assert stream.silent() and silent.silent(0.1)


@pytest.mark.rule("vmm 6")
def test_a_websocket(http, ada):
    with socket(http, "?stream=mine") as connection:
        ada.done("event.auth", {"stream": "mine"})
        tell()
        assert json.loads(connection.recv(timeout=20)) == {
            "type": "instance.action", "request_id": "r", "body": json.dumps(DOCUMENT, separators=(",", ":")),
        }  # fmt: skip
    with socket(http) as connection:
        connection.send(json.dumps({"stream": "named by the first frame", "more": 1}))
        for _ in range(100):
            if ada.call("event.auth", {"stream": "named by the first frame"}).status_code == 200:
                break
        tell(request_id="again")
        assert json.loads(connection.recv(timeout=20))["request_id"] == "again"


@pytest.mark.rule("vmm 2")
def test_the_prefix_without_api_is_the_same(http, ada):
    with connect(f"ws://127.0.0.1:{http.base_url.port}/v1/event.subscribe?stream=short", proxy=None):
        ada.done("event.auth", {"stream": "short"})


@pytest.mark.rule("vmm 6")
@pytest.mark.parametrize("said", ["", "x", "[]", "1", '{"stream": 1}', '{"stream": ""}', '{"other": "a"}', b"\xff"])
def test_a_first_frame_that_names_nothing(http, said):
    with socket(http) as connection:
        connection.send(said)
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=20)
        assert closed.value.rcvd.code == 4400


@pytest.mark.rule("vmm 6")
def test_what_is_no_stream(http, nobody, ada, eve):
    unheard = {"Accept": "application/vnd.api+json; charset=utf-8"}
    assert http.get(f"{API}/event.subscribe?stream=s", headers=unheard).status_code == 406
    headers = {"Accept": "text/event-stream"}
    for query in ("", "?stream=", "?stream=" + "a" * 65, "?stream=%00"):
        assert http.get(f"{API}/event.subscribe{query}", headers=headers).status_code == 400
        if query:
            with pytest.raises(InvalidStatus) as refused, socket(http, query):
                pass
            assert refused.value.response.status_code == 400
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{http.base_url.port}{API}/user.get", proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 404
    assert ada.detail(404, "event.auth", {"stream": "nobody's"}) == "stream not found"
    with Events(http) as stream:
        stream.of(eve)
        assert ada.detail(409, "event.auth", {"stream": stream.name}) == "stream belongs to another user"
        stream.of(eve)


@pytest.mark.rule("vmm 6")
def test_by_post(http, nobody, ada):
    answer = nobody.call("event.subscribe", {"stream": "s"})
    assert (answer.status_code, answer.headers["upgrade"]) == (426, "websocket")
    headers = {"Accept": "text/event-stream", "Content-Type": "application/vnd.api+json"}
    with http.stream("POST", f"{API}/event.subscribe", json={"stream": "posted"}, headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        ada.done("event.auth", {"stream": "posted"})
        tell(request_id="posted")
        lines = (line for line in answer.iter_lines() if line.startswith("data"))
        assert json.loads(next(lines).partition(": ")[2])["request_id"] == "posted"
    assert nobody.refused(400, "event.subscribe", {}, headers={"Accept": "text/event-stream"})


@pytest.mark.rule("vmm 6")
def test_a_stream_that_is_nobodys_is_closed(http):
    events.configure(auth_seconds=0)
    with Events(http) as stream:
        assert stream.closed() == 4401
    with socket(http, "?stream=a") as connection, pytest.raises(ConnectionClosed) as closed:
        connection.recv(timeout=20)
    assert closed.value.rcvd.code == 4401


@pytest.mark.rule("vmm 6")
def test_a_token_that_ends_closes_its_streams(http, nobody, ada):
    again = nobody.log_in("ada")
    with Events(http) as stream, Events(http) as kept:
        stream.of(ada)
        kept.of(again)
        ada.done("user.logout")
        assert stream.closed() == 4401
        tell()
        assert kept.next()["request_id"] == "r"


@pytest.mark.rule("vmm 6")
def test_another_connection_of_the_name_ends_the_first(http, ada):
    with Events(http, "same") as first:
        first.of(ada)
        with Events(http, "same") as second:
            assert first.closed() == 4409
            tell()
            # It is nobody's yet, whoever had the name before.
            assert second.silent()
            second.of(ada)
            assert second.next()["request_id"] == "r"


@pytest.mark.rule("vmm 6")
def test_what_was_missed_is_told_again(http, ada):
    with Events(http).of(ada) as stream:
        tell(request_id="had")
        number = stream.next()["number"]
    tell(request_id="missed")
    with Events(http, **{"Last-Event-ID": str(number)}).of(ada) as stream:
        assert stream.next()["request_id"] == "missed"
        assert stream.silent()
    with Events(http, **{"Last-Event-ID": str(10**17)}).of(ada) as stream:
        tell(request_id="new")
        assert stream.next()["request_id"] == "new"


@pytest.mark.rule("vmm 6")
def test_an_event_that_shows_late_is_told_too(http, ada):
    """On PostgreSQL a number may be drawn before another and its row be committed after it."""
    with Events(http).of(ada) as stream:
        tell(request_id="a")
        number = stream.next()["number"]
        with db.write():
            db.execute("UPDATE vmm_event SET pk = pk + 5 WHERE pk = ?", number)
        assert stream.next()["number"] == number + 5
        with db.write():
            (user,) = db.row("SELECT user_id FROM vmm_event")
            Event.insert(
                pk=number + 3, user=user, kind="k", request_id="late", body='{"a": 1}', created_ts=clock.now()
            ).execute()
        assert stream.next()["request_id"] == "late"


@pytest.mark.rule("vmm 6")
def test_who_reads_too_slowly_is_closed():
    feed = feeds.Feed()
    for number in range(feeds.MAX_WAITING):
        feed.put(feeds.Message(str(number)))
    assert feed.closing is None
    feed.put(feeds.Message("one too many"))
    assert feed.closing == feeds.SLOW
    feed.close(feeds.ENDING)
    assert feed.closing == feeds.SLOW


@pytest.mark.rule("vmm 6")
def test_there_is_an_end_to_streams(http, monkeypatch):
    monkeypatch.setattr(events, "MAX_LISTENERS", 0)
    answer = http.get(f"{API}/event.subscribe?stream=a", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")


@pytest.mark.rule("vmm 6")
def test_old_events_and_dead_connections_are_forgotten(http, ada):
    tell()
    long_ago = clock.now() - timedelta(hours=2)
    with db.write():
        Event.update(created_ts=long_ago).execute()
        Listener.insert(name="dead", connection="c" * 36, seen_ts=long_ago).execute()
    assert ada.detail(404, "event.auth", {"stream": "dead"}) == "stream not found"
    with db.write():
        events.forget()
    with db.read():
        assert db.rows("SELECT 1 FROM vmm_event") == db.rows("SELECT 1 FROM vmm_listener") == []
