"""The genuine Debian programs mender-artifact, mender-cli and mender-client, driven as a person and a device would."""

import itertools
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

PROGRAMS = ("mender", "mender-cli", "mender-artifact")
IDENTITY = Path("/usr/share/mender/identity/mender-device-identity")
INVENTORY = Path("/usr/share/mender/inventory/mender-inventory-flotilla-test")
ARTIFACT_INFO = Path("/etc/mender/artifact_info")
MODULES = Path("/usr/share/mender/modules/v3")

FAILING_MODULE = """#!/bin/sh
case "$1" in
    NeedsArtifactReboot) echo No ;;
    SupportsRollback) echo Yes ;;
    ArtifactInstall) echo "this module always fails" >&2; exit 1 ;;
esac
"""

SLOW_MODULE = """#!/bin/sh
case "$1" in
    NeedsArtifactReboot) echo No ;;
    SupportsRollback) echo Yes ;;
    ArtifactInstall)
        touch "$FLOTILLA_TEST_DIR/installing"
        while ! test -e "$FLOTILLA_TEST_DIR/go"; do sleep 0.2; done ;;
esac
"""


def require() -> None:
    """Skip with a reason where the programs are not installed; a failure where FLOTILLA_E2E=require."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    reason = f"not installed: {', '.join(missing)}"
    if not missing and os.geteuid() != 0:
        missing, reason = ["root"], "mender-client reads fixed paths under /etc and /usr/share: needs root"
    if missing and os.environ.get("FLOTILLA_E2E") == "require":
        pytest.fail(reason)
    if missing:
        pytest.skip(reason)


def prepare_machine() -> None:
    """Put the files that mender-client reads from fixed paths; one identity script serves every device."""
    for file, text in {
        IDENTITY: '#!/bin/sh\necho "mac=$FLOTILLA_TEST_MAC"\n',
        INVENTORY: '#!/bin/sh\necho "site=lab"\necho "port=eth0"\necho "port=eth1"\n',
        MODULES / "flotilla-test-fail": FAILING_MODULE,
        MODULES / "flotilla-test-slow": SLOW_MODULE,
    }.items():
        put(file, text)
    put(ARTIFACT_INFO, "artifact_name=base\n")


def put(file: Path, text: str) -> None:
    """Write an executable file in one step: other test processes may be using it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.write_text(text)
    new.chmod(0o755)
    new.rename(file)


def make_key(kind: str, file: Path) -> None:
    """Put a device key of one kind where the client looks for it."""
    key: Any
    if kind == "rsa":
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    elif kind == "ec":
        key = ec.generate_private_key(ec.SECP256R1())
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    style = PrivateFormat.TraditionalOpenSSL if kind == "rsa" else PrivateFormat.PKCS8
    file.write_bytes(key.private_bytes(Encoding.PEM, style, NoEncryption()))
    file.chmod(0o600)


def until(what: str, probe: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true value of `probe`; fails naming what was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = probe()
        if value:
            return value
        time.sleep(0.2)
    pytest.fail(f"not within {seconds:.0f} s: {what}")


class Cli:
    """mender-cli, logged in to a server."""

    def __init__(self, url: str, home: Path, email: str, password: str) -> None:
        self.url = url
        self.environment = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
        self("login", "--username", email, "--password", password)

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["mender-cli", "--server", self.url, *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"mender-cli {arguments}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr


def write_artifact(*arguments: str) -> None:
    """Run `mender-artifact write module-image` with arguments."""
    done = subprocess.run(
        ["mender-artifact", "write", "module-image", *arguments], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def single_file(folder: Path, name: str, device_type: str, target: Path, content: bytes) -> Path:
    """A single-file artifact that installs `content` as `target`."""
    parts = folder / f"{name}.parts"
    parts.mkdir(parents=True)
    (parts / "dest_dir").write_text(f"{target.parent}\n")
    (parts / "filename").write_text(f"{target.name}\n")
    (parts / "permissions").write_text("644\n")
    (parts / target.name).write_bytes(content)
    files = [
        flag for part in ("dest_dir", "filename", "permissions", target.name) for flag in ("-f", str(parts / part))
    ]
    artifact = folder / f"{name}.mender"
    write_artifact("-T", "single-file", "-n", name, "-t", device_type, "-o", str(artifact), *files)
    return artifact


class Device:
    """mender-client as a plain process with a data directory, key and identity of its own."""

    def __init__(self, folder: Path, url: str, key: str, device_type: str, mac: str) -> None:
        self.folder, self.mac, self.device_type = folder, mac, device_type
        folder.mkdir(parents=True)
        (folder / "device_type").write_text(f"device_type={device_type}\n")
        make_key(key, folder / "mender-agent.pem")
        self.configuration = folder / "mender.conf"
        self.configuration.write_text(
            f'{{"ServerURL": "{url}", "SkipVerify": true, "UpdatePollIntervalSeconds": 2,'
            ' "InventoryPollIntervalSeconds": 3, "RetryPollIntervalSeconds": 2, "DBus": {"Enabled": false}}'
        )
        self.log = folder / "client.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Device":
        environment = {**os.environ, "FLOTILLA_TEST_MAC": self.mac, "FLOTILLA_TEST_DIR": str(self.folder)}
        command = ["mender", "--no-syslog", "-c", str(self.configuration), "-b", "/nonexistent"]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "-d", str(self.folder), "-l", "info", "daemon"],
                env=environment,
                stdout=output,
                stderr=output,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Management:
    """The management API, for what mender-cli 1.9 has no command for."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def device(self, mac: str) -> dict[str, Any] | None:
        """The devauth entry of the device with this identity."""
        listed = self.http.get("/api/management/v2/devauth/devices", params={"per_page": 500}).json()
        return next((entry for entry in listed if entry["identity_data"].get("mac") == mac), None)

    def accept(self, device: dict[str, Any]) -> None:
        path = f"/api/management/v2/devauth/devices/{device['id']}/auth/{device['auth_sets'][0]['id']}/status"
        answer = self.http.put(path, json={"status": "accepted"})
        assert answer.status_code == 204, answer.text

    def inventory(self, device_id: str) -> dict[str, Any]:
        """name -> value of the inventory scope; empty when there is no entry."""
        answer = self.http.get(f"/api/management/v1/inventory/devices/{device_id}")
        attributes = answer.json()["attributes"] if answer.status_code == 200 else []
        return {entry["name"]: entry["value"] for entry in attributes if entry["scope"] == "inventory"}

    def deploy(self, artifact_name: str, device_id: str) -> str:
        answer = self.http.post(
            "/api/management/v1/deployments/deployments",
            json={"name": f"deploy {artifact_name}", "artifact_name": artifact_name, "devices": [device_id]},
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def generate(self, name: str, device_type: str, target: Path, content: bytes) -> None:
        """Have the server make an artifact that installs `content` as `target`."""
        answer = self.http.post(
            "/api/management/v1/deployments/artifacts/generate",
            data={
                "name": name,
                "device_types_compatible": device_type,
                "type": "single_file",
                "args": json.dumps({"filename": target.name, "dest_dir": str(target.parent)}),
            },
            files={"file": (target.name, content)},
        )
        assert answer.status_code == 201, answer.text

    def abort(self, deployment: str) -> None:
        answer = self.http.put(
            f"/api/management/v1/deployments/deployments/{deployment}/status", json={"status": "aborted"}
        )
        assert answer.status_code == 204, answer.text

    def statistics(self, deployment: str) -> dict[str, int]:
        return self.http.get(f"/api/management/v1/deployments/deployments/{deployment}/statistics").json()

    def device_status(self, deployment: str, device_id: str) -> str | None:
        """The device's status in a deployment; None while it has not asked."""
        listed = self.http.get(f"/api/management/v1/deployments/deployments/{deployment}/devices").json()
        return next((entry["status"] for entry in listed if entry["id"] == device_id), None)

    def log(self, deployment: str, device_id: str) -> str | None:
        answer = self.http.get(f"/api/management/v1/deployments/deployments/{deployment}/devices/{device_id}/log")
        return answer.text if answer.status_code == 200 else None


_numbers = itertools.count(1)


def mac(key: str) -> str:
    """An identity of its own for each device of this process."""
    return f"02:{os.getpid() >> 8 & 255:02x}:{os.getpid() & 255:02x}:00:{len(key):02x}:{next(_numbers):02x}"


def accepted(management: Management, device: Device) -> str:
    """Wait for the device's request, accept it, and give its id."""
    found = until(f"{device.mac} asks for authentication", lambda: management.device(device.mac))
    assert found["status"] == "pending"
    management.accept(found)
    return found["id"]


def updated(management: Management, device: Device, device_id: str, name: str) -> str:
    """Deploy an artifact to the device and see it installed; the deployment's id."""
    deployment = management.deploy(name, device_id)
    until("the deployment ends", lambda: management.device_status(deployment, device_id) in ("success", "failure"))
    assert management.device_status(deployment, device_id) == "success", device.log.read_text()
    return deployment
