"""What is our fault or our lack, in Nebula's envelope: 500, 503 and 507, brought about by failpoints."""

import httpx
import pytest

from app.core import failpoints
from app.http import middleware
from tests.support.nebula import APP


@pytest.fixture
def orders(tmp_path):
    """A file of orders for the server, which is in this process."""
    file = tmp_path / "orders"
    failpoints.configure(file)
    yield file
    failpoints.configure(None)


@pytest.mark.rule("nebula 1")
@pytest.mark.parametrize(
    ("order", "status"),
    [
        ("handler error", 500),
        ("handler busy", 503),
        ("handler full", 507),
        ("db.commit error", 500),
        ("db.commit full", 507),
    ],
)
def test_the_envelope_and_nothing_done(boss, orders, order, status):
    boss.app("web")
    boss.group("stores", "web")
    before = boss.info("stores")
    for method, path, body in (
        ("PUT", "/apps/web/update", {"docker_image": "other"}),
        ("DELETE", "/apps/web", None),
        ("POST", "/apps/new", APP),
        ("PUT", "/device_groups/stores/update", {"apps": []}),
        ("POST", "/prune", None),
        ("POST", "/users/ada", {"password": "a good password"}),
        ("POST", "/user_groups/crew", {"admin": True}),
        ("POST", "/reports", {"hostname": "a", "device_group": "stores", "report_creation_time": 1}),
    ):
        orders.write_text(f"{order}\n")
        answer = boss.call(method, path, **({} if body is None else {"json": body}))
        orders.unlink()
        assert (answer.status_code, answer.json()) == (status, {"server_error": True}), path
    assert boss.info("stores") == before
    assert boss.done("GET", "/apps") == {"apps": ["web"]}
    assert boss.done("GET", "/users") == {"users": []}
    assert boss.done("GET", "/user_groups") == {"user_groups": []}
    assert boss.done("GET", "/reports") == {"data": None, "last_id": None}


@pytest.mark.rule("nebula 9")
@pytest.mark.parametrize("order", ["handler error", "handler busy", "handler full"])
def test_workers_are_told_nothing_of_it(boss, orders, order, monkeypatch):
    monkeypatch.setattr(middleware, "HOLD_SECONDS", 0.0)
    boss.app("web")
    boss.group("stores", "web")
    orders.write_text(f"{order}\n")
    with pytest.raises(httpx.RemoteProtocolError):
        boss.get("/device_groups/stores/info")
    orders.unlink()
    told = boss.info("stores")
    orders.write_text(f"{order}\n")
    assert boss.info("stores") == told
    assert boss.get("/device_groups/stores").status_code >= 500
    orders.unlink()
