"""Users of the ui-vmm system for tests over HTTP, and an authenticator of software."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import httpx
from soft_webauthn import SoftWebauthnDevice

from app.core import passwords
from app.core.db import write
from app.vmm import users
from tests.support.lxd import Lxd
from tests.support.mailbox import Mailbox

API = "/api/v1"
MEDIA = "application/vnd.api+json"
PASSWORD = "correct horse"
ORIGIN = "https://flotilla.example.com"
CODE = re.compile(r"^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\r?$", re.MULTILINE)


@dataclass
class Panel:
    """The API as one caller sees it."""

    http: httpx.Client
    token: str | None = None

    def call(self, method: str, body: Any = None, **options: Any) -> httpx.Response:
        """POST to a method, as the seed shows it; no body for None."""
        headers = {"Content-Type": MEDIA, **options.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        given = {} if body is None else {"json": body}
        return self.http.post(f"{API}/{method}", headers=headers, **given, **options)

    def done(self, method: str, body: Any = None) -> Any:
        """The primary data of a call that must succeed."""
        answer = self.call(method, body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == MEDIA
        assert answer.json()["jsonapi"] == {"version": "1.1"}
        return answer.json()["data"]

    def refused(self, status: int, method: str, body: Any = None, **options: Any) -> list[dict[str, Any]]:
        """The errors of a call that must be refused."""
        answer = self.call(method, body, **options)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == MEDIA
        errors = answer.json()["errors"]
        assert {error["status"] for error in errors} == {str(status)}
        return errors

    def detail(self, status: int, method: str, body: Any = None, **options: Any) -> str:
        """The detail of the only error."""
        (error,) = self.refused(status, method, body, **options)
        return error["detail"]

    def log_in(self, name: str, password: str = PASSWORD) -> "Panel":
        """The same with a session of a user."""
        data = self.done("user.login", {"user_login": name, "user_password": password})
        return Panel(self.http, data["attributes"]["token"])


def make_user(login: str, *, group: int = users.USER, password: str | None = PASSWORD) -> int:
    """The number of a new user who is active; `login@example.com` is the address."""
    hashed = None if password is None else passwords.hash(password)
    with write():
        user = users.create(login, f"{login}@example.com", hashed, group=group, active=True)
    return int(user.pk)


def host(daemon: Lxd, **changes: Any) -> dict[str, Any]:
    """What server.add is told of a host."""
    body = {"server_host": "127.0.0.1", "server_port": daemon.port, "server_password": daemon.password}
    return {**body, "server_protocol": "lxd", **changes}


def on(number: int, **more: Any) -> dict[str, Any]:
    """What methods are told of a host that was added, and of the instance `runs` on it."""
    return {"server_id": number, "provider": "lxd", "instance_name": "runs"} | more


def trusted(daemon: Lxd) -> list[str]:
    """The fingerprints that a host trusts."""
    return sorted(one["fingerprint"] for one in daemon.query("/1.0/certificates?recursion=1"))


def code_in(box: Mailbox) -> str:
    """The code of the latest mail."""
    (code,) = CODE.findall(box.mails[-1].get_content())
    return str(code).strip()


class Authenticator:
    """A key in software, which speaks JSON as browsers do."""

    def __init__(self) -> None:
        self.device = SoftWebauthnDevice()

    def make(self, options: dict[str, Any], origin: str = ORIGIN) -> dict[str, Any]:
        """The answer to the options of credentialMake."""
        asked = {**options, "challenge": _bytes(options["challenge"])}
        asked["user"] = {**options["user"], "id": _bytes(options["user"]["id"])}
        return _plain(self.device.create({"publicKey": asked}, origin))

    def show(self, options: dict[str, Any], origin: str = ORIGIN) -> dict[str, Any]:
        """The answer to the options of assertionGet."""
        asked = {**options, "challenge": _bytes(options["challenge"])}
        return _plain(self.device.get({"publicKey": asked}, origin))


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    raw = _text(answer["rawId"])
    response = {name: _text(value) for name, value in answer["response"].items()}
    return {"id": raw, "rawId": raw, "type": answer["type"], "response": response}


def _text(value: bytes) -> str:
    return urlsafe_b64encode(value).decode().rstrip("=")
