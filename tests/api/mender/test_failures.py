"""What is our fault or our lack, in Mender's envelope (mender 1.5): 500, 503 and 507, brought about by failpoints."""

import pytest

from app.core import failpoints
from tests.support.artifacts import build
from tests.support.mender import DEPLOYMENTS, EMAIL, PASSWORD, USERADM


@pytest.fixture
def orders(tmp_path):
    """A file of orders for the server, which is in this process."""
    file = tmp_path / "orders"
    failpoints.configure(file)
    yield file
    failpoints.configure(None)


@pytest.mark.rule("mender 1.5")
@pytest.mark.parametrize(
    ("order", "status", "error"),
    [
        ("handler error", 500, "internal error"),
        ("handler busy", 503, "failpoint handler"),
        ("handler full", 507, "no space left"),
        ("db.commit error", 500, "internal error"),
        ("db.commit full", 507, "no space left"),
    ],
)
def test_the_envelope_and_nothing_done(http, user, orders, order, status, error):
    before = user.get(f"{DEPLOYMENTS}/deployments").json()
    artifact = user.uploaded(name="release")
    orders.write_text(f"{order}\n")
    body = {"name": "production", "artifact_name": "release", "devices": ["somebody"]}
    answer = user.call("POST", f"{DEPLOYMENTS}/deployments", json=body)
    orders.unlink()
    assert answer.status_code == status
    assert answer.json() == {"error": error, "request_id": answer.headers["X-MEN-RequestID"]}
    assert user.get(f"{DEPLOYMENTS}/deployments").json() == before
    assert user.get(f"{DEPLOYMENTS}/artifacts").json()[0]["id"] == artifact


@pytest.mark.parametrize(
    "order", ["spool.created full", "storage.synced full", "storage.renamed full", "db.commit full"]
)
def test_an_upload_that_finds_no_space_leaves_nothing(http, user, orders, order, database):
    orders.write_text(f"{order}\n")
    answer = user.upload(build(name="release"))
    orders.unlink()
    assert answer.status_code == 507
    assert answer.headers["Content-Type"] == "application/json"
    assert user.get(f"{DEPLOYMENTS}/artifacts").json() == []
    assert [file for file in database.folder.rglob("*/artifacts/*") if file.is_file()] == []
    assert user.upload(build(name="release")).status_code == 201


def test_a_login_that_fails_to_commit_gives_no_token(http, user, orders):
    orders.write_text("db.commit error\n")
    answer = http.post(f"{USERADM}/auth/login", auth=(EMAIL, PASSWORD))
    orders.unlink()
    assert answer.status_code == 500
    assert set(answer.json()) == {"error", "request_id"}
