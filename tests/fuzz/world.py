"""Things that exist on the server under test, made when a fuzzed request needs one."""

import itertools
import json
import os
import random
from functools import cached_property
from typing import Any

import httpx

from tests.support.artifacts import build
from tests.support.mender import DEPLOYMENTS, DEVAUTH, DEVICES, INVENTORY, NEXT, USERADM, Device, new_key, pem, sign

LIST = f"{DEPLOYMENTS}/deployments"


class World:
    """The administrator's view of the server, and a few devices; everything is made through the API itself."""

    ARGS = '{"filename": "motd", "dest_dir": "/etc"}'

    def __init__(self, url: str, email: str, password: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)
        self.email, self.password = email, password
        self.random = random.Random(7)
        self._numbers = itertools.count(1)
        self._stamp = os.urandom(4).hex()

    def login(self, email: str) -> str:
        answer = self.http.post(f"{USERADM}/auth/login", auth=(email, self.password))
        answer.raise_for_status()
        return answer.text

    @cached_property
    def token(self) -> str:
        return self.login(self.email)

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        answer = self.http.request(method, path, headers={"Authorization": f"Bearer {self.token}"}, **options)
        answer.raise_for_status()
        return answer

    def pending(self) -> tuple[Device, dict[str, Any]]:
        """A new pending device and its devauth entry."""
        device = Device(self.http, identity={"mac": f"{self._stamp}-{next(self._numbers)}"})
        assert device.request().status_code == 401
        listed = self._call("GET", f"{DEVAUTH}/devices", params={"status": "pending", "per_page": 500}).json()
        return device, next(entry for entry in listed if entry["identity_data"] == device.identity)

    def accepted(self) -> tuple[Device, dict[str, Any]]:
        """A new accepted device, with its token, and its devauth entry."""
        device, entry = self.pending()
        self._call("PUT", self.auth_set(entry) + "/status", json={"status": "accepted"})
        assert device.request().status_code == 200
        device.id = entry["id"]
        return device, entry

    @staticmethod
    def auth_set(entry: dict[str, Any]) -> str:
        return f"{DEVAUTH}/devices/{entry['id']}/auth/{entry['auth_sets'][0]['id']}"

    @cached_property
    def device(self) -> Device:
        """The device that all device calls are made as."""
        return self.accepted()[0]

    def renew_device(self) -> None:
        """Take another device when this one's token has stopped working."""
        body = {"device_type": "board", "artifact_name": "base"}
        if "device" in self.__dict__ and self.device.call("POST", NEXT, json=body).status_code == 401:
            del self.device

    def artifact(self) -> tuple[str, str]:
        """(id, name) of a new artifact."""
        name = f"artifact-{self._stamp}-{next(self._numbers)}"
        answer = self._call("POST", f"{DEPLOYMENTS}/artifacts", files={"artifact": ("a", build(name=name))})
        return answer.headers["Location"].rpartition("/")[2], name

    @cached_property
    def artifact_name(self) -> str:
        return self.artifact()[1]

    def deployment(self, *devices: str) -> str:
        """The id of a new deployment."""
        body = {"name": "fuzz", "artifact_name": self.artifact_name, "devices": list(devices)}
        return self._call("POST", LIST, json=body).headers["Location"].rpartition("/")[2]

    def asked(self) -> str:
        """A new deployment that the device has asked for."""
        deployment = self.deployment(self.device.id)
        # Older ones come first; the device fails them until it is offered the new one.
        while (offered := self.ask()) != deployment:
            self.report(offered, "failure")
        return deployment

    def ask(self) -> str:
        body = {"device_type": "board", "artifact_name": "base"}
        return self.device.call("POST", NEXT, json=body).json()["id"]

    def report(self, deployment: str, status: str) -> None:
        path = f"{DEVICES}/deployments/device/deployments/{deployment}/status"
        self.device.call("PUT", path, json={"status": status}).raise_for_status()

    def logged(self) -> tuple[str, str]:
        """(deployment, device) with a log."""
        deployment = self.asked()
        message = {"timestamp": "2026-11-25T05:33:12Z", "level": "info", "message": "hello"}
        path = f"{DEVICES}/deployments/device/deployments/{deployment}/log"
        self.device.call("PUT", path, json={"messages": [message]})
        self.report(deployment, "failure")
        return deployment, self.device.id

    def signed_request(self) -> tuple[dict[str, str], str]:
        """(body, signature) of an authentication request: of the accepted device, or of a stranger."""
        device = self.device if self.random.random() < 0.7 else Device(self.http)
        body = {"id_data": json.dumps(device.identity), "pubkey": pem(device.key)}
        # The bytes that requests will send: the signature covers those.
        return body, sign(device.key, json.dumps(body).encode())

    def group(self) -> str:
        """A group that the device is in."""
        name = f"group-{next(self._numbers)}"
        self._call("PUT", f"{INVENTORY}/devices/{self.device.id}/group", json={"group": name})
        return name

    def user(self) -> str:
        """The id of a new user, who will hardly be missed."""
        body = {"email": f"u{self._stamp}{next(self._numbers)}@example.com", "password": self.password}
        return self._call("POST", f"{USERADM}/users", json=body).headers["Location"].rpartition("/")[2]

    @cached_property
    def needed_users(self) -> set[str]:
        """Those whose tokens all other calls are made with."""
        listed = self._call("GET", f"{USERADM}/users").json()
        return {"me", *(entry["id"] for entry in listed[:2])}

    def access_token(self) -> str:
        """The id of a new personal access token."""
        listed = self._call("GET", f"{USERADM}/settings/tokens").json()
        if len(listed) == 10:
            self._call("DELETE", f"{USERADM}/settings/tokens/{listed[0]['id']}")
        name = f"token-{next(self._numbers)}"
        self._call("POST", f"{USERADM}/settings/tokens", json={"name": name})
        return self._call("GET", f"{USERADM}/settings/tokens").json()[-1]["id"]

    def stranger(self) -> dict[str, Any]:
        """The identity and key of a device that is not known yet."""
        return {"identity_data": {"mac": f"{self._stamp}-{next(self._numbers)}"}, "pubkey": pem(new_key("p256"))}
