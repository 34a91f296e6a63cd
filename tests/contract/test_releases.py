"""What earlier releases left is taken over: their databases migrate, and their users, devices and files work on."""

import httpx
import orjson
import pytest

from app.core import migrate
from app.main import create_app
from app.settings import Settings
from tests.support.live import live
from tests.support.mender import DEPLOYMENTS, DEVAUTH, EMAIL, INVENTORY, PASSWORD, USERADM
from tests.support.release import RELEASES, restore

KEPT = sorted(path.name for path in RELEASES.iterdir())


@pytest.mark.parametrize("release", KEPT)
def test_a_kept_database_migrates_and_works(release, empty_database, tmp_path):
    restore(empty_database.kind, release, empty_database.url, tmp_path)
    migrate.up()
    assert migrate.diff() == []
    settings = Settings(data_dir=tmp_path, log_level="error")
    with live(create_app(settings, "public")) as url, httpx.Client(base_url=url, timeout=60) as http:
        token = http.post(f"{USERADM}/auth/login", auth=(EMAIL, PASSWORD)).text
        http.headers["Authorization"] = f"Bearer {token}"
        statuses = sorted(entry["status"] for entry in http.get(f"{DEVAUTH}/devices").json())
        assert statuses == ["accepted", "pending", "rejected"]
        assert len(http.get(f"{INVENTORY}/devices?ports=eth1").json()) == 1
        (artifact,) = http.get(f"{DEPLOYMENTS}/artifacts").json()
        link = http.get(f"{DEPLOYMENTS}/artifacts/{artifact['id']}/download").json()["uri"]
        assert len(http.get(link).content) == artifact["size"]
        names = [entry["name"] for entry in http.get(f"{DEPLOYMENTS}/deployments").json()]
        assert names == ["next try", "production"]


@pytest.mark.parametrize("release", KEPT)
def test_the_kept_specs_are_whole(release):
    document = orjson.loads((RELEASES / release / "mender.json").read_bytes())
    assert document["openapi"] == "3.0.3"
    assert len(document["paths"]) >= 22
