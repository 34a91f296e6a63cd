"""Devices, users and artifacts for tests of the Mender system over HTTP."""

import base64
import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.mender import useradm
from tests.support.artifacts import build

EMAIL, PASSWORD = "ada@example.com", "correct horse"
DEVICES, MANAGEMENT = "/api/devices/v1", "/api/management"
DEVAUTH = f"{MANAGEMENT}/v2/devauth"
INVENTORY = f"{MANAGEMENT}/v1/inventory"
DEPLOYMENTS = f"{MANAGEMENT}/v1/deployments"
USERADM = f"{MANAGEMENT}/v1/useradm"
DEVICE_INVENTORY = f"{DEVICES}/inventory/device/attributes"
NEXT = f"{DEVICES}/deployments/device/deployments/next"
NEXT_V2 = "/api/devices/v2/deployments/device/deployments/next"

_numbers = itertools.count(1)

# Making an RSA key takes long; the tests share one.
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def new_key(kind: str) -> Any:
    """A device's private key: rsa, p224 to p521, or ed25519."""
    curves = {"p224": ec.SECP224R1(), "p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    if kind == "rsa":
        return RSA_KEY
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(curves[kind])


def pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def sign(key: Any, message: bytes) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        raw = key.sign(message, padding.PKCS1v15(), SHA256())
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        raw = key.sign(message, ec.ECDSA(SHA256()))
    else:
        raw = key.sign(message)
    return base64.b64encode(raw).decode()


@dataclass
class Device:
    """A device as its client is: identity, key, and the token it got last."""

    http: httpx.Client
    identity: dict[str, Any] = field(default_factory=lambda: {"mac": f"02:00:00:00:00:{next(_numbers):02x}"})
    key: Any = field(default_factory=lambda: new_key("p256"))
    token: str = ""
    id: str = ""

    def request(self, **changes: Any) -> httpx.Response:
        """Send an authentication request, as the genuine client does; `changes` replace members of the body."""
        body = {"id_data": orjson.dumps(self.identity).decode(), "pubkey": pem(self.key), "tenant_token": ""}
        raw = orjson.dumps(body | changes)
        headers = {
            "X-MEN-Signature": sign(self.key, raw),
            "Content-Type": "application/json",
            "Authorization": "Bearer",
        }
        answer = self.http.post(f"{DEVICES}/authentication/auth_requests", content=raw, headers=headers)
        if answer.status_code == 200:
            self.token = answer.text
        return answer

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, headers=self.headers | options.pop("headers", {}), **options)


class User:
    """A logged-in user."""

    def __init__(self, http: httpx.Client, tenant: str = "", email: str = EMAIL, **login: Any) -> None:
        self.http = http
        self.id = useradm.create_user(email, PASSWORD, tenant)
        self.token = http.post(f"{USERADM}/auth/login", auth=(email, PASSWORD), **login).text

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.http.request(method, path, headers=self.headers | options.pop("headers", {}), **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def devices(self, **query: Any) -> list[dict[str, Any]]:
        answer = self.get(f"{DEVAUTH}/devices", params={"per_page": 500, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def find(self, device: Device) -> dict[str, Any]:
        return next(entry for entry in self.devices() if entry["identity_data"] == device.identity)

    def set_status(self, device_id: str, auth_set_id: str, status: str) -> httpx.Response:
        path = f"{DEVAUTH}/devices/{device_id}/auth/{auth_set_id}/status"
        return self.call("PUT", path, json={"status": status})

    def accepted(self, device: Device) -> Device:
        """Let a device ask, accept it, and let it ask again."""
        assert device.request().status_code == 401
        found = self.find(device)
        assert self.set_status(found["id"], found["auth_sets"][0]["id"], "accepted").status_code == 204
        assert device.request().status_code == 200
        device.id = found["id"]
        return device

    def upload(self, content: bytes, **fields: str) -> httpx.Response:
        files = {"artifact": ("a.mender", content, "application/octet-stream")}
        return self.call("POST", f"{DEPLOYMENTS}/artifacts", data=fields, files=files)

    def uploaded(self, **options: Any) -> str:
        """Upload a small artifact made by `build(**options)`; its id."""
        answer = self.upload(build(**options))
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]

    def deployed(self, artifact_name: str, *devices: str, name: str = "production") -> str:
        body = {"name": name, "artifact_name": artifact_name, "devices": list(devices)}
        answer = self.call("POST", f"{DEPLOYMENTS}/deployments", json=body)
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].rpartition("/")[2]


def write(folder: Path, content: bytes) -> Path:
    """Put an artifact into a file."""
    file = folder / f"artifact-{next(_numbers)}.mender"
    file.write_bytes(content)
    return file
