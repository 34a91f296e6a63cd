"""/metrics on the internal listener: what was answered, by operation, never by path."""

import os
import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.core import db, work
from tests.support import server as servers
from tests.support.mender import DEVAUTH


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(url, name, **labels):
    answer = httpx.get(f"{url}/metrics", timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    return samples(answer.text).get((name, tuple(sorted(labels.items()))), 0)


def test_answers_are_counted_by_operation(http, servers, user):
    labels = {"system": "mender", "operation": "list_devices", "method": "GET", "status": "200"}
    before = value(servers.internal, "flotilla_requests_total", **labels)
    timed = value(servers.internal, "flotilla_request_seconds_count", system="mender", operation="list_devices")
    for _ in range(3):
        user.get(f"{DEVAUTH}/devices")
    assert value(servers.internal, "flotilla_requests_total", **labels) == before + 3
    after = value(servers.internal, "flotilla_request_seconds_count", system="mender", operation="list_devices")
    assert after == timed + 3


def test_refusals_are_counted_and_no_client_makes_up_labels(http, servers):
    labels = {"system": "mender", "operation": "none", "method": "other", "status": "404"}
    before = value(servers.internal, "flotilla_requests_total", **labels)
    for number in range(5):
        http.request("PROPFIND", f"/api/management/v1/nothing/{number}")
    assert value(servers.internal, "flotilla_requests_total", **labels) == before + 5
    text = httpx.get(f"{servers.internal}/metrics", timeout=60).text
    assert "PROPFIND" not in text
    assert "nothing" not in text


def test_bytes_received_and_requests_under_way(http, servers, user):
    before = value(servers.internal, "flotilla_received_bytes_total")
    user.upload(b"x" * 100_000)
    assert value(servers.internal, "flotilla_received_bytes_total") >= before + 100_000
    assert value(servers.internal, "flotilla_requests_under_way") == 1  # this one


def test_work_by_kind_and_state(http, servers, monkeypatch):
    monkeypatch.setattr(work, "_kinds", {"note": work.Kind(print, 1)})
    with db.write():
        work.enqueue("note", "a")
        work.enqueue("note", "b")
    assert value(servers.internal, "flotilla_work_units", kind="note", state="queued") == 2


def test_only_the_internal_listener_tells(http, seen):
    assert http.get("/metrics").status_code == 404


@pytest.fixture
def two_processes(tmp_path, cluster):
    started = servers.start(tmp_path / "data", cluster.create(f"metrics_{os.getpid()}"), WORKERS="2")
    yield started
    assert started.stop() == 0


def test_any_of_several_processes_answers_for_all(two_processes):
    """Each of many connections is served by either process; the count is that of both."""
    labels = {"system": "flotilla", "operation": "get_health", "method": "GET", "status": "200"}
    for _ in range(40):
        httpx.get(f"{two_processes.url}/healthz", timeout=60)
    counts = {value(two_processes.internal_url, "flotilla_requests_total", **labels) for _ in range(10)}
    assert counts == {40}
    files = {re.sub(r"\D", "", file.name) for file in (two_processes.data / "metrics").glob("counter_*.db")}
    assert len(files) == 2
