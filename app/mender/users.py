"""Users as other users manage them (mender 5)."""

from typing import Any

import peewee

from app.core import clock, db, passwords
from app.core.calls import Caller
from app.core.errors import BadRequest, NotFound, Unprocessable
from app.mender import audit, useradm
from models.base import scoped, scoped_delete
from models.mender.useradm import User, UserSettings, UserToken

ME = "me"
TAKEN = "a user with this email exists"


def list_all(tenant: str) -> list[dict[str, Any]]:
    """All users, oldest first."""
    return [_describe(user) for user in scoped(User, tenant).order_by(User.created_ts, User.id)]


def get(caller: Caller, user_id: str) -> dict[str, Any]:
    """One user, `me` for the caller; raises NotFound."""
    return _describe(_find(caller, user_id))


def _describe(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "created_ts": clock.rfc3339(user.created_ts),
        "updated_ts": clock.rfc3339(user.updated_ts),
    }


def _find(caller: Caller, user_id: str, *, lock: bool = False) -> User:
    query = scoped(User, caller.tenant).where(User.id == _id(caller, user_id))
    user = (db.for_update(query) if lock else query).get_or_none()
    if user is None:
        raise NotFound("there is no such user")
    return user


def _id(caller: Caller, user_id: str) -> str:
    return caller.id if user_id == ME else user_id.lower()


def update(caller: Caller, user_id: str, email: str | None, password: str | None, current_password: str | None) -> None:
    """Change the address, the password or both; every other token of the user dies. Opens its own units.

    Raises BadRequest when there is nothing to change or a value will not do, NotFound, Unprocessable when the address
    is taken, the password too easy, or `current_password` not the user's.
    """
    if email is None and password is None:
        raise BadRequest("email or password: at least one is needed")
    with db.read():
        user = _find(caller, user_id)
    if current_password is not None and not passwords.verify(user.password_hash, current_password)[0]:
        raise Unprocessable("current_password: wrong")
    address = user.email if email is None else useradm.checked_email(email)
    hashed = user.password_hash
    change = {"email": address, "password_changed": password is not None}
    if password is not None:
        useradm.check_password(password, address)
        hashed = passwords.hash(password)
    try:
        with db.write():
            _store(_find(caller, user_id, lock=True), caller, address, hashed, change)
    except peewee.IntegrityError:
        raise Unprocessable(TAKEN) from None


def _store(user: User, caller: Caller, email: str, hashed: str, change: dict[str, Any]) -> None:
    user.email, user.password_hash, user.updated_ts = email, hashed, clock.now()
    user.save(only=[User.email, User.password_hash, User.updated_ts])
    others = scoped_delete(UserToken, caller.tenant).where(UserToken.user == user, UserToken.jti != caller.token)
    others.execute()
    audit.note(caller.tenant, "update", "user", user.id, user.email, change)


def delete(caller: Caller, user_id: str) -> None:
    """Remove a user with all tokens and settings; one that is not known is no error."""
    wanted = _id(caller, user_id)
    scoped_delete(UserSettings, caller.tenant).where(UserSettings.user_id == wanted).execute()
    user = db.for_update(scoped(User, caller.tenant).where(User.id == wanted)).get_or_none()
    if user is not None:
        audit.note(caller.tenant, "delete", "user", user.id, user.email)
        user.delete_instance()
