"""A server that is killed and started again, and a ledger of what it has acknowledged."""

import os
import random
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.support import server as servers
from tests.support.artifacts import Payload, build
from tests.support.mender import DEPLOYMENTS, DEVAUTH, DEVICES, NEXT, Device

PATIENCE = 90
# Each kind's tests in one process of pytest-xdist: they share a site.
KINDS = [pytest.param(kind, marks=pytest.mark.xdist_group(f"crash-{kind}")) for kind in ("sqlite", "postgres")]
ARTIFACTS, LIST = f"{DEPLOYMENTS}/artifacts", f"{DEPLOYMENTS}/deployments"
SETTINGS = {"LOG_LEVEL": "info", "CHECK_ANSWERS": "true", "SYSTEMS": "mender"}


def end_leases(data: Path, url: str | None) -> None:
    """Leases of all units of work are over, in the database of a data directory or at `url`."""
    ended = "UPDATE core_work SET lease_ts = 1 WHERE state = 'running'"
    if url is None:
        with closing(sqlite3.connect(data / "flotilla.db")) as file, file:
            file.execute(ended)
    else:
        with psycopg.connect(url) as server:
            server.execute(ended)


class Ledger:
    """What was asked and what was acknowledged. An attempt without an answer may have happened or not."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sent: dict[str, str] = {}  # artifact name -> SHA-256 of the file
        self.uploaded: dict[str, str] = {}  # acknowledged: name -> id
        self.deleting: set[str] = set()  # names whose deletion was asked for
        self.deleted: set[str] = set()  # acknowledged
        self.reported: dict[tuple[str, str], str] = {}  # (deployment, device) -> acknowledged status
        # Asked for since then, without an answer: one that came before a death may have happened, and so the next.
        self.reporting: dict[tuple[str, str], set[str]] = defaultdict(set)


class Site:
    """One data directory and database; its processes come and go."""

    def __init__(self, folder: Path, url: str | None, **settings: str) -> None:
        self.folder, self.url = folder, url
        self.orders = folder / "failpoints"
        self.settings = SETTINGS | settings | {"FAILPOINTS": str(self.orders)}
        self.ledger = Ledger()
        self.random = random.Random(20261125)
        self.stamp = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.verified: set[str] = set()  # artifacts whose bytes were compared already
        self.devices: list[Device] = []
        self.server = servers.start(folder / "data", url, **self.settings)
        self.http = self._client()
        self.token = self.server.login()

    def restart(self) -> None:
        """Start again after a death; tokens are still good."""
        self.orders.unlink(missing_ok=True)
        self.server = servers.start(self.folder / "data", self.url, admin=False, **self.settings)
        self.http = self._client()
        for device in self.devices:
            device.http = self.http

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.server.url, timeout=60, verify=False)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)

    def arm(self, *orders: str) -> None:
        """Have the processes die or fail at named steps."""
        part = self.orders.with_name("failpoints.part")
        part.write_text("".join(f"{order}\n" for order in orders))
        part.rename(self.orders)

    def end_leases(self) -> None:
        """What a dead process had is free at once, not when half a minute is over."""
        end_leases(self.folder / "data", self.url)

    def wait_death(self) -> None:
        """The server was killed by a failpoint, not by something else."""
        assert self.server.process.wait(PATIENCE) == -9, self.server.log.read_text()[-3000:]

    def new_device(self) -> Device:
        """An accepted device."""
        self.stamp += 1
        device = Device(self.http, identity={"serial": f"{os.getpid()}-{self.stamp}"})
        assert device.request().status_code == 401
        listed = self.call("GET", f"{DEVAUTH}/devices", params={"status": "pending", "per_page": 500}).json()
        entry = next(found for found in listed if found["identity_data"] == device.identity)
        path = f"{DEVAUTH}/devices/{entry['id']}/auth/{entry['auth_sets'][0]['id']}/status"
        assert self.call("PUT", path, json={"status": "accepted"}).status_code == 204
        assert device.request().status_code == 200
        device.id = entry["id"]
        self.devices.append(device)
        return device

    def upload(self, size: int = 3000) -> str:
        """Try to upload an artifact; its name. Notes what came of it."""
        with self.ledger.lock:
            self.stamp += 1
            name = f"release-{self.stamp}"
            content = build(name=name, payloads=[Payload(files={"file": self.random.randbytes(size)})])
            self.ledger.sent[name] = sha256(content).hexdigest()
        answer = self.call("POST", ARTIFACTS, files={"artifact": ("a", content)})
        assert answer.status_code == 201, answer.text
        with self.ledger.lock:
            self.ledger.uploaded[name] = answer.headers["Location"].rpartition("/")[2]
        return name

    def delete(self, name: str) -> None:
        """Try to delete an artifact whose upload was acknowledged."""
        with self.ledger.lock:
            self.ledger.deleting.add(name)
        answer = self.call("DELETE", self.artifact_path(name))
        assert answer.status_code == 204, answer.text
        with self.ledger.lock:
            self.ledger.deleted.add(name)

    def deploy(self, name: str, devices: list[Device]) -> str:
        body = {"name": "crash", "artifact_name": name, "devices": [device.id for device in devices]}
        answer = self.call("POST", LIST, json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def ask(self, device: Device) -> str:
        """The deployment the device gets."""
        answer = device.call("POST", NEXT, json={"device_type": "board", "artifact_name": "old"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def report(self, deployment: str, device: Device, status: str) -> None:
        """Try to report a status."""
        part = (deployment, device.id)
        with self.ledger.lock:
            self.ledger.reporting[part].add(status)
        path = f"{DEVICES}/deployments/device/deployments/{deployment}/status"
        answer = device.call("PUT", path, json={"status": status})
        assert answer.status_code == 204, answer.text
        with self.ledger.lock:
            self.ledger.reported[part] = status
            del self.ledger.reporting[part]

    def check(self, *, again: bool = False) -> None:
        """Everything acknowledged is there, whole, and nothing else is half there. `again` compares all bytes anew."""
        self.verified = set() if again else self.verified
        listed = {entry["name"]: entry for entry in self.call("GET", ARTIFACTS).json()}
        ledger = self.ledger
        lost = [name for name in ledger.uploaded if name not in listed and name not in ledger.deleting]
        assert not lost, f"acknowledged uploads are gone: {lost}"
        assert not ledger.deleted & listed.keys(), "acknowledged deletions are undone"
        for name in listed.keys() - self.verified:
            entry = listed[name]
            link = self.call("GET", f"{ARTIFACTS}/{entry['id']}/download").json()["uri"]
            content = self.http.get(link)
            assert content.status_code == 200, f"{name} is listed and not there"
            assert sha256(content.content).hexdigest() == ledger.sent[name], f"{name} is not what was sent"
            self.verified.add(name)
        for deployment in {part[0] for part in (*ledger.reported, *ledger.reporting)}:
            self._check_deployment(deployment)

    def _check_deployment(self, deployment: str) -> None:
        found = {e["id"]: e["status"] for e in self.call("GET", f"{LIST}/{deployment}/devices").json()}
        for (wanted, device), status in self.ledger.reported.items():
            if wanted == deployment:
                possible = {status} | self.ledger.reporting.get((wanted, device), set())
                assert found[device] in possible, f"{device} reported {status}, listed is {found[device]}"
        counted = self.call("GET", f"{LIST}/{deployment}/statistics").json()
        for status in set(found.values()):
            same = [device for device, its in found.items() if its == status]
            assert counted[status] >= len(same), f"{counted} counts less than {len(same)} x {status}"
        assert sum(counted.values()) == self.call("GET", f"{LIST}/{deployment}").json()["device_count"]

    def artifact_path(self, name: str) -> str:
        """Where an acknowledged artifact is."""
        return f"{ARTIFACTS}/{self.ledger.uploaded[name]}"

    def listed(self) -> set[str]:
        """The names of the artifacts that the server lists."""
        return {entry["name"] for entry in self.call("GET", ARTIFACTS).json()}

    def files(self) -> set[str]:
        """The artifact files on disk."""
        folder = self.folder / "data" / "objects" / "mender" / "artifacts"
        return {file.name for file in folder.iterdir()} if folder.exists() else set()

    def wait_until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"{what} never came true:\n{self.server.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def check_files(self) -> None:
        """The files of deleted artifacts go, whoever died on the way, and whether anybody was told or not."""
        listed = self.listed()
        gone = {artifact for name, artifact in self.ledger.uploaded.items() if name not in listed}
        self.wait_until(lambda: not gone & self.files(), "the files of deleted artifacts are gone")
