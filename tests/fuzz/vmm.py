"""The ui-vmm system under the fuzzer, as its administrator; what could lock the account is done as a guest."""

import itertools
import os
import random
import tempfile
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from schemathesis.transport.serialization import Binary
from websockets.sync.client import connect

from app.vmm.servers import fingerprint
from tests.support import images
from tests.support.certificates import self_signed
from tests.support.lxd import Lxd, found
from tests.support.vmm import Authenticator, Panel, host

URL = os.environ["FLOTILLA_FUZZ_URL"]
EMAIL, GUEST, PASSWORD = (os.environ[f"FLOTILLA_FUZZ_{name}"] for name in ("EMAIL", "GUEST", "PASSWORD"))
LXD = os.environ["FLOTILLA_FUZZ_LXD"]  # its folder; empty where there is none
RANDOM = random.Random(7)
NOBODY = Panel(httpx.Client(base_url=URL, timeout=60))
PASSWORDS = ("user_password", "user_passwordRepeat")
AS_GUEST = {"lock_password", "change_email", "logout"}
_numbers, _stamp = itertools.count(1), os.urandom(3).hex()


def new() -> str:
    return f"n{_stamp}-{next(_numbers)}"


class World:
    """Sessions of both users and the administrator's passkey, made when they are needed."""

    @cached_property
    def admin(self) -> Panel:
        return NOBODY.log_in(EMAIL, PASSWORD)

    @cached_property
    def login(self) -> str:
        return self.admin.done("user.get")["attributes"]["login"]

    def token(self, operation: str) -> str | None:
        if operation in AS_GUEST:
            return NOBODY.log_in(GUEST.partition("@")[0], PASSWORD).token
        if self.admin.call("user.get").status_code == 401:
            del self.admin
        return self.admin.token

    @cached_property
    def authenticator(self) -> Authenticator:
        made = Authenticator()
        options = self.admin.done("user.credentialMake", {"user_login": self.login})["attributes"]["publicKey"]
        self.admin.done("user.credentialMake", {"user_login": self.login, **made.make(options, URL)})
        return made

    def shown(self) -> dict[str, Any]:
        key = self.authenticator
        options = NOBODY.done("user.assertionGet", {"user_login": self.login})["attributes"]["publicKey"]
        return {"user_login": self.login, **key.show(options, URL)}

    @cached_property
    def daemon(self) -> Lxd:
        return found(Path(LXD))

    @cached_property
    def host(self) -> dict[str, Any]:
        """The LXD that is there, or one that is not."""
        if LXD:
            return host(self.daemon)
        return {"server_host": "127.0.0.1", "server_port": 1, "server_password": "none", "server_protocol": "lxd"}

    @cached_property
    def server(self) -> int:
        """The number of the LXD, added by its address; the fuzzer adds it by its name."""
        return int(self.admin.done("server.add", self.host)["id"]) if LXD else 1

    def profile(self) -> str:
        name = new()
        if LXD:
            self.daemon.lxc("profile", "create", name)
        return name

    def certificate(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            self_signed(Path(folder))
            file = Path(folder) / "cert.pem"
            if LXD:
                self.daemon.lxc("config", "trust", "add", str(file))
            return fingerprint(file.read_text())

    def image(self) -> str:
        if not LXD:
            return "0" * 64
        known = {one["fingerprint"] for one in self.daemon.query("/1.0/images?recursion=1")}
        if len(known) < 2:
            files = [str(self.daemon.images / name) for name in ("lxd.tar.xz", "rootfs.squashfs")]
            self.daemon.lxc("image", "import", *files, "--alias", "passing")
        return self.daemon.query("/1.0/images/aliases/passing")["target"]

    @cached_property
    def connection(self) -> Any:
        """A stream that is the administrator's, and stays open."""
        opened = connect(URL.replace("http", "ws", 1) + "/api/v1/event.subscribe?stream=kept", proxy=None).__enter__()
        self.admin.done("event.auth", {"stream": "kept"})
        return opened

    def stream(self) -> str:
        assert self.connection
        return "kept"

    @cached_property
    def product(self) -> str:
        return str(self.admin.done("simplestream.add", product())["id"])

    @cached_property
    def listed(self) -> dict[str, str]:
        """The path of a file that is listed."""
        made = images.sent(self.admin, "image.tar.gz", images.unified(), product=self.product)
        return {"product_id": self.product, "serial": made["product_version_serial"], "file_name": made["file"]}

    def passkey(self) -> int:
        options = self.admin.done("user.credentialMake", {"user_login": self.login})["attributes"]["publicKey"]
        made = Authenticator().make(options, URL)
        answer = self.admin.done("user.credentialMake", {"user_login": self.login, **made})
        return int(answer["id"])


WORLD = World()


def ssh_line() -> str:
    key = Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def ssh_key() -> int:
    return int(WORLD.admin.done("ssh-key.add", {"key_name": "k", "key_public": ssh_line()})["id"])


def token_name() -> str:
    return str(WORLD.admin.done("token.create", {"token_lifetime": 60})["attributes"]["token_name"])


def applicant() -> dict[str, str]:
    name = new()
    passwords = dict.fromkeys(PASSWORDS, PASSWORD)
    return {"user_login": name, "user_email": f"{name}@example.com", "user_code": "", **passwords}


def on_host() -> dict[str, Any]:
    return {"server_id": WORLD.server, "provider": "lxd"}


def product() -> dict[str, str]:
    return images.TINY | {"product_os": new()}


def part() -> dict[str, Any]:
    """A unified image of a day of its own."""
    serial = f"{RANDOM.randrange(1970, 2100)}{RANDOM.randrange(1, 13):02}{RANDOM.randrange(1, 29):02}"
    named = {"product_id": WORLD.product, "product_version_serial": serial}
    return {"file": Binary(images.unified()), **({"payload": named} if RANDOM.random() < 0.5 else named)}


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "register": applicant,
    "log_in": lambda: {"user_login": EMAIL, "user_password": PASSWORD},
    "recover": lambda: {
        **dict.fromkeys(("user_code", "user_password", "user_passwordRepeat"), ""),
        "user_email": GUEST,
    },
    "change_password": lambda: dict.fromkeys(PASSWORDS, PASSWORD),
    "lock_password": lambda: {"user_password_locked": RANDOM.random() < 0.5, "user_code": ""},
    "change_email": lambda: {"user_email": f"{new()}@example.com", "user_code": ""},
    "make_credential": lambda: {"user_login": WORLD.login},
    "delete_credential": lambda: {"key_id": WORLD.passkey()},
    "get_assertion": lambda: {"user_login": WORLD.login},
    "verify_assertion": WORLD.shown,
    "revoke_token": lambda: {"token_name": token_name()},
    "add_ssh_key": lambda: {"key_name": new(), "key_public": ssh_line()},
    "delete_ssh_key": lambda: {"key_id": ssh_key()},
    "list_servers": lambda: {"server_id": 0, "provider": "lxd"},
    "verify_server": lambda: WORLD.host,
    "add_server": lambda: {**WORLD.host, "server_host": "localhost"},
    **dict.fromkeys(
        (
            "get_server",
            "list_certificates",
            "list_pools",
            "list_networks",
            "list_volumes",
            "list_profiles",
            "list_images",
        ),
        on_host,
    ),
    "list_image_servers": on_host,
    "revoke_certificate": lambda: {**on_host(), "certificate_fingerprint": WORLD.certificate()},
    "update_profile": lambda: {**on_host(), "profile_name": WORLD.profile(), "profile_body": "config: {user.a: b}"},
    "delete_profile": lambda: {**on_host(), "profile_name": WORLD.profile()},
    "delete_image": lambda: {**on_host(), "image_fingerprint": WORLD.image()},
    "add_instance": lambda: {**on_host(), "instance_id": 0, "instance_name": new(), "instance_image": "tiny"},
    "act_on_instance": lambda: {**on_host(), "instance_id": 0, "instance_name": "stopped", "instance_status": "stop"},
    "authenticate_stream": lambda: {"stream": WORLD.stream()},
    "subscribe_by_post": lambda: {"stream": new()},
    "list_instances": lambda: {**on_host(), "instance_id": 0, **({} if RANDOM.random() < 0.5 else {"server_id": 0})},
    "get_instance": lambda: {**on_host(), "instance_name": "runs"},
    "add_product": product,
    "upload_image": part,
}
PATHS: dict[str, Callable[[], dict[str, Any]]] = dict.fromkeys(
    ("download_image_file", "download_image_file_below_images"), lambda: WORLD.listed
)
LISTED: dict[str, Callable[[], Any]] = {}


def credential(case: Any) -> str | None:
    written = case.operation.definition.raw
    if written.get("security") == []:
        return None
    return f"Bearer {WORLD.token(written['operationId'])}"


def before(case: Any, operation: str) -> None:
    """The password by which all others log in stays; programs that subscribe by POST say what they take."""
    if operation == "subscribe_by_post" and RANDOM.random() < 0.5:
        case.headers = {**(case.headers or {}), "Accept": "text/event-stream"}
    is_set = operation == "change_password" and isinstance(case.body, dict)
    if is_set and case.body.get(PASSWORDS[0]) == case.body.get(PASSWORDS[1]):
        case.body = BODIES[operation]()


def body(case: Any, operation: str) -> None:
    """Make a body that is meant to be valid so."""
    if operation in BODIES:
        case.body = BODIES[operation]()
    if operation == "upload_image":
        case._record_starting_state()  # a body with a file that was touched counts as wrong


def after(case: Any, operation: str, status: int) -> None:
    return None
