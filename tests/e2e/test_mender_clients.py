"""Debian's mender-artifact, mender-cli and mender-client, unchanged, against a running server (mender-clients.md)."""

import os
from pathlib import Path

import pytest

from tests.e2e import genuine
from tests.e2e.breaking_proxy import BreakingProxy
from tests.support import server as servers

pytestmark = [pytest.mark.e2e, pytest.mark.long]

# Every story once with each kind of key; the three kinds run beside each other.
every_key = pytest.mark.parametrize(
    "key", [pytest.param(kind, marks=pytest.mark.xdist_group(f"mender-{kind}")) for kind in ("rsa", "ec", "ed25519")]
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    genuine.require()
    genuine.prepare_machine()
    running = servers.start(tmp_path_factory.mktemp("mender") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def management(server):
    return genuine.Management(server.url, server.login())


@pytest.fixture(scope="module")
def cli(server, tmp_path_factory):
    return genuine.Cli(server.url, tmp_path_factory.mktemp("home"), servers.EMAIL, servers.PASSWORD)


@every_key
def test_a_device_is_accepted_and_updates(key, server, management, cli, tmp_path):
    target, content = tmp_path / "installed" / "motd", os.urandom(20_000)
    name, device_type = f"motd-{key}", f"board-{key}"
    artifact = genuine.single_file(tmp_path, name, device_type, target, content)
    cli("artifacts", "upload", str(artifact))
    assert name in cli("artifacts", "list")

    with genuine.Device(tmp_path / "device", server.url, key, device_type, genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        inventory = genuine.until(
            "the inventory arrives", lambda: "site" in (found := management.inventory(device_id)) and found
        )
        assert inventory["device_type"] == device_type
        assert inventory["artifact_name"] == "base"
        assert inventory["site"] == "lab"
        assert inventory["port"] == ["eth0", "eth1"]

        deployment = genuine.updated(management, device, device_id, name)
        assert target.read_bytes() == content
        assert management.statistics(deployment)["success"] == 1
        genuine.until(
            "the inventory names the new artifact",
            lambda: management.inventory(device_id).get("artifact_name") == name,
        )
    assert device_id in cli("devices", "list")


@pytest.mark.rule("mender 4.2")
@pytest.mark.xdist_group("mender-generated")
def test_a_generated_artifact_is_installed(server, management, tmp_path):
    """mender-client installs what the server made of a raw file."""
    target, content = tmp_path / "installed" / "motd", os.urandom(50_000)
    management.generate("motd-generated", "board-generated", target, content)
    with genuine.Device(tmp_path / "device", server.url, "ec", "board-generated", genuine.mac("generated")) as device:
        device_id = genuine.accepted(management, device)
        genuine.updated(management, device, device_id, "motd-generated")
        assert target.read_bytes() == content
        assert target.stat().st_mode & 0o777 == 0o644
        genuine.until(
            "the inventory names the new artifact",
            lambda: management.inventory(device_id).get("artifact_name") == "motd-generated",
        )


@every_key
def test_a_broken_download_is_resumed(key, server, management, cli, tmp_path):
    target, content = tmp_path / "installed" / "blob", os.urandom(3_000_000)
    cli(
        "artifacts", "upload", str(genuine.single_file(tmp_path, f"blob-{key}", f"board-resume-{key}", target, content))
    )
    proxy = BreakingProxy(int(server.url.rpartition(":")[2]), limit=1_000_000)
    with genuine.Device(tmp_path / "device", proxy.url, key, f"board-resume-{key}", genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        deployment = management.deploy(f"blob-{key}", device_id)
        genuine.until(
            "the deployment ends",
            lambda: management.device_status(deployment, device_id) in ("success", "failure"),
            seconds=240,
        )
        assert management.device_status(deployment, device_id) == "success", device.log.read_text()
    proxy.close()
    assert proxy.broken > 1_000_000
    assert [value.startswith("bytes=") for value in proxy.ranges] == [True]
    assert proxy.answers[1].startswith("HTTP/1.1 206")
    assert target.read_bytes() == content


@every_key
def test_a_failing_module_ends_as_failure_with_its_log(key, server, management, cli, tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(os.urandom(8_000))
    artifact = tmp_path / "failing.mender"
    genuine.write_artifact(
        "-T",
        "flotilla-test-fail",
        "-n",
        f"failing-{key}",
        "-t",
        f"board-fail-{key}",
        "-o",
        str(artifact),
        "-f",
        str(payload),
    )
    cli("artifacts", "upload", str(artifact))
    with genuine.Device(tmp_path / "device", server.url, key, f"board-fail-{key}", genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        deployment = management.deploy(f"failing-{key}", device_id)
        genuine.until(
            "the device reports failure", lambda: management.device_status(deployment, device_id) == "failure"
        )
        log = genuine.until("the log arrives", lambda: management.log(deployment, device_id))
    assert "this module always fails" in log


@every_key
def test_a_wrong_type_ends_as_noartifact(key, server, management, cli, tmp_path):
    artifact = genuine.single_file(tmp_path, f"other-{key}", "some-other-board", Path("/nonexistent/x"), b"x" * 5_000)
    cli("artifacts", "upload", str(artifact))
    with genuine.Device(tmp_path / "device", server.url, key, f"board-wrong-{key}", genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        deployment = management.deploy(f"other-{key}", device_id)
        genuine.until(
            "the device ends as noartifact", lambda: management.device_status(deployment, device_id) == "noartifact"
        )
        assert management.statistics(deployment)["noartifact"] == 1


@every_key
def test_an_abort_is_answered_409(key, server, management, cli, tmp_path):
    payload = tmp_path / "payload"
    payload.write_bytes(os.urandom(8_000))
    artifact = tmp_path / "slow.mender"
    genuine.write_artifact(
        "-T",
        "flotilla-test-slow",
        "-n",
        f"slow-{key}",
        "-t",
        f"board-slow-{key}",
        "-o",
        str(artifact),
        "-f",
        str(payload),
    )
    cli("artifacts", "upload", str(artifact))
    with genuine.Device(tmp_path / "device", server.url, key, f"board-slow-{key}", genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        deployment = management.deploy(f"slow-{key}", device_id)
        genuine.until("the module installs", (device.folder / "installing").exists)
        management.abort(deployment)
        (device.folder / "go").touch()
        genuine.until("the client hears of it", lambda: "aborted" in device.log.read_text().lower())
        assert management.device_status(deployment, device_id) == "aborted"
        assert management.statistics(deployment)["aborted"] == 1
        genuine.until("the client is polling again", lambda: "rollback" in device.log.read_text().lower())
        assert management.device_status(deployment, device_id) == "aborted"
    statuses = [line for line in server.log.read_text().splitlines() if f"{deployment}/status" in line]
    assert any("409" in line for line in statuses), statuses


@every_key
def test_decommissioning_locks_a_device_out(key, server, management, tmp_path):
    with genuine.Device(tmp_path / "device", server.url, key, f"board-gone-{key}", genuine.mac(key)) as device:
        device_id = genuine.accepted(management, device)
        genuine.until("the inventory arrives", lambda: "site" in management.inventory(device_id))
        answer = management.http.delete(f"/api/management/v2/devauth/devices/{device_id}")
        assert answer.status_code == 204
        assert management.http.get(f"/api/management/v2/devauth/devices/{device_id}").status_code == 404
        assert management.http.get(f"/api/management/v1/inventory/devices/{device_id}").status_code == 404
        again = genuine.until("the client asks anew", lambda: management.device(device.mac))
        assert again["id"] != device_id
        assert again["status"] == "pending"


@every_key
def test_mender_cli_reads_every_artifact(key, cli, tmp_path):
    """mender-cli parses strictly: meta data, dates, dependencies (mender-clients, item 10)."""
    payload, meta = tmp_path / "payload", tmp_path / "meta"
    payload.write_bytes(os.urandom(8_000))
    meta.write_text('{"reboot": false, "nested": {"list": [1, "two"]}}')
    artifact = tmp_path / "rich.mender"
    options = [
        "-m",
        str(meta),
        "-p",
        "region:eu",
        "-d",
        "rootfs:1",
        "--clears-provides",
        "x.*",
        "-g",
        "grp",
        "-G",
        "old",
    ]
    genuine.write_artifact(
        "-T", "single-file", "-n", f"rich-{key}", "-t", "any", "-o", str(artifact), "-f", str(payload), *options
    )
    cli("artifacts", "upload", str(artifact))
    listed = cli("artifacts", "list", "-d", "3")
    assert f"rich-{key}" in listed
    identifier = next(
        line.split()[-1] for line in reversed(listed.partition(f"rich-{key}")[0].splitlines()) if "ID" in line
    )
    cli("artifacts", "delete", identifier)
    assert f"rich-{key}" not in cli("artifacts", "list")
