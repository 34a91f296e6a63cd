"""Users of the Ngenea system for tests over HTTP."""

from dataclasses import dataclass
from typing import Any

import httpx

from app.core import db, passwords
from app.ngenea import install
from models.ngenea.users import Group, GroupPermission, Membership, ObjectPermission, Permission, User

API = "/api"
PASSWORD = "staple battery horse"


@dataclass
class Hub:
    """The API as one caller sees it; `credential` is what stands in Authorization."""

    http: httpx.Client
    credential: str | None = None

    def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self.credential is not None:
            headers["Authorization"] = self.credential
        given = {} if body is None else {"json": body}
        return self.http.request(method, f"{API}{path}", headers=headers, **given, **options)

    def done(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The answer of a call that must succeed."""
        answer = self.call(method, path, body, **options)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def get(self, path: str, **query: Any) -> Any:
        return self.done("GET", path, params=query)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self.done("POST", path, body, **options)

    def patch(self, path: str, body: Any) -> Any:
        return self.done("PATCH", path, body)

    def delete(self, path: str) -> None:
        self.done("DELETE", path)

    def refused(self, status: int, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """The body of a call that must be refused with this status."""
        answer = self.call(method, path, body, **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def log_in(self, username: str, password: str = PASSWORD) -> "Hub":
        """The same with an access token."""
        tokens = self.post("/auth/token/", {"username": username, "password": password})
        return Hub(self.http, f"Bearer {tokens['access']}")


def make_user(username: str, *groups: str, might: bool = False) -> int:
    """The number of a new user with PASSWORD, in groups that are there."""
    hashed = passwords.hash(PASSWORD)
    install.ensure()
    with db.write():
        user = User.create(
            username=username,
            password_hash=hashed,
            first_name="",
            last_name="",
            email="",
            is_active=True,
            is_superuser=might,
            profile={},
            generation=0,
            date_joined_ts=0,
            last_login_ts=None,
        )
        for name in groups:
            Membership.create(user=user.pk, group=Group.get(Group.name == name).pk)
    return int(user.pk)


def make_group(name: str, *codenames: str, on: tuple[str, int] | None = None) -> int:
    """The number of a new group with rights on everything, or `on` one object (model, number)."""
    install.ensure()
    with db.write():
        group = Group.create(name=name, description="", builtin=False)
        for codename in codenames:
            permission = Permission.get(Permission.codename == codename)
            if on is None:
                GroupPermission.create(group=group.pk, permission=permission.pk)
            else:
                ObjectPermission.create(group=group.pk, permission=permission.pk, model=on[0], object_pk=str(on[1]))
    return int(group.pk)
