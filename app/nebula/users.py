"""Users: a name with a password and a token, of which only hashes are kept (nebula 2, 6)."""

import secrets as random
from typing import Any, Final

import peewee

from app.core import db, ids, passwords
from app.core.errors import BadRequest, Forbidden
from app.nebula import user_groups
from app.nebula.auth import token_digest
from models.nebula.users import User

TOKEN_BYTES: Final = 32  # 43 characters
ADMINS: Final = "admins"


def names() -> list[str]:
    """All names, in the order in which they were made."""
    return [row.name for row in User.select(User.name).order_by(User.pk)]


def get(name: str) -> dict[str, str]:
    """A user, hashes in place of password and token; raises Forbidden."""
    user = User.get_or_none(User.name == name)
    if user is None:
        raise Forbidden("there is no such user", body={"user_exists": False})
    return _describe(user)


def _describe(user: Any) -> dict[str, str]:
    return {"user_name": user.name, "password": user.password_hash, "token": f"hmac-sha256:{user.token_digest}"}


def create(name: str, password: str | None, token: str | None) -> dict[str, str]:
    """Make a user; what is not given is chosen by chance and never shown. Opens its own units.

    Raises Forbidden for a name that is taken, BadRequest for a token that is another's.
    """
    with db.read():
        taken = User.select().where(User.name == name).exists()
    if taken:
        raise _taken()
    hashed = passwords.hash(password or _by_chance())
    digest = token_digest(token or _by_chance())
    try:
        with db.write():
            # A row may get the key of one that was deleted, but not its version too.
            user = User.create(name=name, password_hash=hashed, token_digest=digest, version=ids.start())
    except peewee.IntegrityError as exc:
        raise (_taken() if "name" in str(exc) else _token_in_use()) from None
    return _describe(user)


def update(name: str, password: str | None, token: str | None) -> dict[str, str]:
    """Change what is given. Opens its own unit. Raises BadRequest for nothing or another's token, Forbidden."""
    if password is None and token is None:
        raise BadRequest("password or token", body={"missing_parameters": True})
    change: dict[str, Any] = {}
    if password is not None:
        change["password_hash"] = passwords.hash(password)
    if token is not None:
        change["token_digest"] = token_digest(token)
    return _describe(_change(name, change))


def refresh_token(name: str) -> str:
    """Give a user a new token, which is told this once. Opens its own unit; raises Forbidden."""
    token = _by_chance()
    _change(name, {"token_digest": token_digest(token)})
    return token


def delete(name: str) -> None:
    """Remove a user; the name stays in the groups that have it. Raises Forbidden."""
    if not User.delete().where(User.name == name).execute():
        raise Forbidden("there is no such user", body={"user_exists": False})


def make_admin(name: str, password: str) -> None:
    """A user of the group `admins` with this password, who may have been there before. Opens its own units."""
    try:
        create(name, password, None)
    except Forbidden:
        update(name, password, None)
    with db.write():
        user_groups.join_admins(ADMINS, name)


def exist() -> bool:
    """Whether there is any user. Opens its own unit."""
    with db.read():
        return bool(User.select().exists())


def _change(name: str, change: dict[str, Any]) -> Any:
    try:
        with db.write():
            if not User.update(version=User.version + 1, **change).where(User.name == name).execute():
                raise Forbidden("there is no such user", body={"user_name": False})
            return User.get(User.name == name)
    except peewee.IntegrityError:
        raise _token_in_use() from None


def _by_chance() -> str:
    return random.token_urlsafe(TOKEN_BYTES)


def _taken() -> Forbidden:
    return Forbidden("the name is taken", body={"user_exists": True})


def _token_in_use() -> BadRequest:
    said = "choose another one"
    return BadRequest(said, body={"token": said})
