"""The stock pipeline serves the same specs and handlers (design section 3), for whoever wants to compare."""

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.support.artifacts import build
from tests.support.live import live
from tests.support.mender import DEPLOYMENTS, DEVAUTH, DEVICE_INVENTORY, INVENTORY, NEXT, Device, User


@pytest.fixture(scope="module")
def stock_url(tmp_path_factory):
    settings = Settings(data_dir=tmp_path_factory.mktemp("stock"), log_level="error")
    settings.spool.mkdir()
    with live(create_app(settings, "public", pipeline="stock")) as url:
        yield url


def test_a_device_updates_through_connexions_own_pipeline(stock_url, database):
    with httpx.Client(base_url=stock_url, timeout=60) as http:
        # Connexion refuses an optional body that is not there (ecosystem.md section 1, row 9).
        user = User(http, json={})
        device = user.accepted(Device(http))
        assert device.call("PATCH", DEVICE_INVENTORY, json=[{"name": "a", "value": "b"}]).status_code == 200
        assert [entry["id"] for entry in user.get(f"{INVENTORY}/devices?a=b").json()] == [device.id]
        answer = user.upload(build(name="release-1"))
        assert answer.status_code == 201, answer.text
        user.deployed("release-1", device.id)
        body = {"device_type": "board", "artifact_name": "base"}
        offer = device.call("POST", NEXT, json=body)
        assert offer.status_code == 200
        assert http.get(offer.json()["artifact"]["source"]["uri"]).content == build(name="release-1")
        assert user.get(f"{DEPLOYMENTS}/deployments/nonsense").status_code in (400, 404)
        assert http.get(f"{DEVAUTH}/devices").status_code == 401
        assert user.get(f"{DEVAUTH}/devices/{device.id}").json()["status"] == "accepted"
