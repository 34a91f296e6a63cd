"""Debian's mender-client installs artifacts that lie in S3: served from here, and from the bucket by signed links."""

import os

import pytest

from tests.e2e import genuine
from tests.support import buckets
from tests.support import server as servers

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("buckets"), pytest.mark.rule("mender 4.2")]


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with buckets.s3(tmp_path_factory.mktemp("s3")) as endpoint:
        yield endpoint


@pytest.mark.parametrize("signed", [False, True], ids=["served-here", "signed-by-the-bucket"])
def test_an_artifact_in_a_bucket_is_installed(signed, s3, tmp_path, monkeypatch):
    genuine.require()
    genuine.prepare_machine()
    for name, value in buckets.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    place = buckets.s3_bucket(s3)
    server = servers.start(tmp_path / "data", STORAGE_URL=place.url, STORAGE_SIGNED_DOWNLOADS=str(signed))
    target, content = tmp_path / "installed" / "blob", os.urandom(6_000_000)
    kind = f"board-{signed}"
    artifact = genuine.single_file(tmp_path, "from-a-bucket", kind, target, content)
    management = genuine.Management(server.url, server.login())
    genuine.Cli(server.url, tmp_path, servers.EMAIL, servers.PASSWORD)("artifacts", "upload", str(artifact))
    with genuine.Device(tmp_path / "device", server.url, "ec", kind, genuine.mac("bucket")) as device:
        device_id = genuine.accepted(management, device)
        genuine.updated(management, device, device_id, "from-a-bucket")
    assert target.read_bytes() == content
    assert not (server.data / "objects").exists()
    assert (place.endpoint in device.log.read_text()) == signed
    assert server.stop() == 0
    assert not any(secret in server.log.read_text() for secret in buckets.CREDENTIALS.values())
