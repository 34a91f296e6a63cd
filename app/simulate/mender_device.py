"""A simulated Mender device: it asks to be let in, reports its inventory, polls, downloads, installs and reports.

It does over HTTP what the genuine client does (mender 2.1, 3.1, 4.6, 4.7), with a key and signatures of its own.
"""

import base64
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any, Final

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.simulate.traffic import Traffic

AUTHENTICATE: Final = "/api/devices/v1/authentication/auth_requests"
ATTRIBUTES: Final = "/api/devices/v1/inventory/device/attributes"
NEXT: Final = "/api/devices/v2/deployments/device/deployments/next"
DEPLOYMENT: Final = "/api/devices/v1/deployments/device/deployments"
FAILED: Final = {"timestamp": "2026-01-01T00:00:00Z", "level": "error", "message": "simulated failure"}


@dataclass
class Fleet(Traffic):
    """What all devices share, and what became of them."""

    device_type: str
    failing: float
    name: str
    accepted: set[int] = field(default_factory=set)
    ended: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("success", "failure", "aborted"), 0))
    downloaded: int = 0


class Device:
    """Device `number` of a fleet. The same seed makes the same identity and key."""

    def __init__(self, fleet: Fleet, seed: str, number: int) -> None:
        self._fleet = fleet
        self._number = number
        digest = sha256(f"{seed} {number}".encode()).digest()
        self._key = _key(number, digest)
        self._random = Random(digest)  # noqa: S311
        self._token = ""
        self._artifact = "base"
        self.identity = {"mac": ":".join(f"{byte:02x}" for byte in (2, *digest[:5])), "fleet": fleet.name}
        encoded = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.public_key = encoded.decode()

    async def live(self) -> None:
        """Do what a device does, until cancelled."""
        while True:
            if not self._token:
                if await self._authenticate():
                    await self._report_inventory()
                continue
            answer = await self._call("poll", "POST", NEXT, {"device_provides": self._provides()}, good=(200, 204))
            if answer is not None and answer.status_code == 200:
                await self._update(answer.json())

    def _provides(self) -> dict[str, str]:
        return {"device_type": self._fleet.device_type, "artifact_name": self._artifact}

    async def _authenticate(self) -> bool:
        body = {"id_data": orjson.dumps(self.identity).decode(), "pubkey": self.public_key, "tenant_token": ""}
        raw = orjson.dumps(body)
        headers = {"X-MEN-Signature": self._sign(raw), "Content-Type": "application/json"}
        answer = await self._fleet.send("authenticate", "POST", AUTHENTICATE, (200, 401), content=raw, headers=headers)
        if answer is None or answer.status_code != 200:
            return False
        self._token = answer.text
        self._fleet.accepted.add(self._number)
        return True

    def _sign(self, message: bytes) -> str:
        if isinstance(self._key, ed25519.Ed25519PrivateKey):
            return base64.b64encode(self._key.sign(message)).decode()
        return base64.b64encode(self._key.sign(message, ec.ECDSA(SHA256()))).decode()

    async def _report_inventory(self) -> None:
        about = {**self._provides(), "kernel": "6.12.0", "mem_total_kB": 1_000_000 + self._number % 7 * 1000}
        about |= {"hostname": f"simulated-{self._number}", "site": f"site-{self._number % 10}"}
        body = [{"name": name, "value": value} for name, value in about.items()]
        await self._call("inventory", "PATCH", ATTRIBUTES, body, good=(200,))

    async def _update(self, offered: dict[str, Any]) -> None:
        """Download and install what was offered, telling each step; the server ends it by 409."""
        deployment, artifact = offered["id"], offered["artifact"]
        fails = self._random.random() < self._fleet.failing
        for status in ("downloading", "installing", "rebooting", "failure" if fails else "success"):
            path = f"{DEPLOYMENT}/{deployment}/status"
            answer = await self._call("report", "PUT", path, {"status": status}, good=(204, 409))
            if answer is None or answer.status_code != 204:
                self._fleet.ended["aborted"] += answer is not None and answer.status_code == 409
                return
            if status == "downloading":
                await self._download(artifact["source"]["uri"])
        self._fleet.ended[status] += 1
        if fails:
            await self._call("log", "PUT", f"{DEPLOYMENT}/{deployment}/log", {"messages": [FAILED]}, good=(204,))
            return
        self._artifact = artifact["artifact_name"]
        await self._report_inventory()

    async def _download(self, uri: str) -> None:
        async with self._fleet.request("download") as request:
            async with self._fleet.http.stream("GET", uri) as answer:
                async for chunk in answer.aiter_bytes():
                    self._fleet.downloaded += len(chunk)
            request.ended(answer.status_code, (200,))

    async def _call(
        self, operation: str, method: str, path: str, body: Any, good: tuple[int, ...]
    ) -> httpx.Response | None:
        """A request with the token; a 401 means that it is void, and that the device has to ask again."""
        headers = {"Authorization": f"Bearer {self._token}"}
        answer = await self._fleet.send(operation, method, path, (*good, 401), json=body, headers=headers)
        if answer is not None and answer.status_code == 401:
            self._token = ""
            self._fleet.accepted.discard(self._number)
        return answer if answer is not None and answer.status_code in good else None


def _key(number: int, digest: bytes) -> ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    """Ed25519 and P-256 by turns."""
    if number % 2:
        return ed25519.Ed25519PrivateKey.from_private_bytes(digest)
    return ec.derive_private_key(int.from_bytes(digest) >> 1 or 1, ec.SECP256R1())
