"""The Ngenea system under the fuzzer, as its superuser; what could lock the account is done to others."""

import itertools
import os
import random
from collections.abc import Callable
from functools import cached_property
from typing import Any

import httpx

from tests.support.ngenea import Hub

URL = os.environ["FLOTILLA_FUZZ_URL"]
EMAIL, GUEST, PASSWORD = (os.environ[f"FLOTILLA_FUZZ_{name}"] for name in ("EMAIL", "GUEST", "PASSWORD"))
RANDOM = random.Random(7)
NOBODY = Hub(httpx.Client(base_url=URL, timeout=60))
AS_GUEST = {"change_password"}
_numbers, _stamp = itertools.count(1), os.urandom(3).hex()


def new() -> str:
    return f"n{_stamp}-{next(_numbers)}"


class World:
    """What exists on the server under test, made when it is needed."""

    @cached_property
    def admin(self) -> Hub:
        return NOBODY.log_in(EMAIL.partition("@")[0], PASSWORD)

    def credential(self, operation: str) -> str | None:
        if operation in AS_GUEST:
            return NOBODY.log_in(GUEST.partition("@")[0], PASSWORD).credential
        return self.admin.credential

    def tokens(self) -> dict[str, str]:
        body = {"username": EMAIL.partition("@")[0], "password": PASSWORD}
        return dict(NOBODY.post("/auth/token/", body))

    def user(self) -> str:
        return str(self.admin.post("/users/", {"username": new(), "password": PASSWORD})["username"])

    def group(self) -> int:
        return int(self.admin.post("/groups/", {"name": new()})["id"])

    def key(self) -> int:
        return int(self.admin.post("/auth/clientkeys/", {"name": new()})["id"])

    @cached_property
    def permissions(self) -> list[int]:
        return [right["id"] for right in self.admin.get("/permissions/", page_size="0")["results"]]


WORLD = World()


def verified() -> dict[str, str]:
    kind = RANDOM.choice(["access", "refresh"])
    return {"token": WORLD.tokens()[kind], "type": kind}


def user_fields() -> dict[str, Any]:
    return {"email": f"{new()}@example.com", "groups": ["Users"], "profile": {"timezone": "Europe/London"}}


def group_fields() -> dict[str, Any]:
    return {"name": new(), "permissions": RANDOM.sample(WORLD.permissions, 2), "users": [WORLD.user()]}


BODIES: dict[str, Callable[[], Any]] = {
    "create_token": lambda: {"username": EMAIL.partition("@")[0], "password": PASSWORD},
    "refresh_token": lambda: {"refresh": WORLD.tokens()["refresh"]},
    "verify_token": verified,
    "create_client_key": lambda: {"name": new()},
    "update_client_key": lambda: {"name": new()},
    "create_user": lambda: {"username": new(), "password": "quiet river stone", **user_fields()},
    "update_user": user_fields,
    "change_password": lambda: {"old_password": PASSWORD, "new_password": PASSWORD},
    "create_group": group_fields,
    "update_group": group_fields,
}


def number(make: Callable[[], int]) -> Callable[[], dict[str, Any]]:
    return lambda: {"id": make()}


def username() -> dict[str, Any]:
    return {"username": WORLD.user()}


PATHS: dict[str, Callable[[], dict[str, Any]]] = {
    **dict.fromkeys(("get_client_key", "update_client_key", "delete_client_key"), number(lambda: WORLD.key())),
    **dict.fromkeys(("get_user", "update_user", "delete_user", "activate_user", "deactivate_user"), username),
    **dict.fromkeys(("get_group", "update_group", "delete_group"), number(lambda: WORLD.group())),
    "get_permission": number(lambda: RANDOM.choice(WORLD.permissions)),
}
LISTED: dict[str, Callable[[], Any]] = {}


def credential(case: Any) -> str | None:
    written = case.operation.definition.raw
    if written.get("security") == []:
        return None
    return WORLD.credential(written["operationId"])


def before(case: Any, operation: str) -> None:
    """The first page is there, others may not be; the guest's password stays as it is."""
    if isinstance(case.query, dict) and RANDOM.random() < 0.5:
        case.query.pop("page", None)


def body(case: Any, operation: str) -> None:
    """Make a body that is meant to be valid so."""
    if operation in BODIES:
        case.body = BODIES[operation]()


def after(case: Any, operation: str, status: int) -> None:
    return None
