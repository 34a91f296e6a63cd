"""Several server processes over one PostgreSQL: whichever holds a stream tells what happens in any of them (vmm 6)."""

from contextlib import ExitStack
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.support import server as servers
from tests.support.streams import Events
from tests.support.vmm import Panel

STREAMS = 16
TELL = (
    "INSERT INTO vmm_event (user_id, kind, request_id, body, created_ts)"
    " SELECT pk, 'instance.action', 'told', '{}', %s FROM vmm_user"
)


@pytest.fixture
def url(cluster):
    return cluster.create(f"streams_{uuid4().hex}")


@pytest.fixture
def server(tmp_path, url):
    started = servers.start(tmp_path / "data", url, WORKERS="2", LOG_LEVEL="info")
    yield started
    assert started.stop() == 0


@pytest.mark.rule("vmm 6")
def test_a_stream_and_its_owner_meet_whichever_process_they_reach(server, url):
    def anew():
        """A connection of its own, to either process."""
        return Panel(httpx.Client(base_url=server.url, timeout=60), token)

    token = None
    token = anew().log_in(servers.EMAIL, servers.PASSWORD).token
    with ExitStack() as opened:
        streams = [opened.enter_context(Events(anew().http)) for _ in range(STREAMS)]
        for stream in streams:
            stream.of(anew())
        with psycopg.connect(url) as connection:
            now = connection.execute("SELECT MAX(seen_ts) FROM vmm_listener").fetchone()
            connection.execute(TELL, now)
        for stream in streams:
            assert stream.next()["request_id"] == "told"
        anew().done("user.logout")
        assert {stream.closed() for stream in streams} == {4401}
