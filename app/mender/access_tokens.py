"""Personal access tokens: tokens with a name, for programs, that last as long as their user says (mender 1.3, 5)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import peewee

from app.core import clock, db, ids, tokens
from app.core.calls import Caller
from app.core.errors import Conflict, NotFound, Unauthorized, Unprocessable
from app.mender import audit, useradm
from models.base import scoped, scoped_delete
from models.mender.useradm import User, UserToken

MAX_TOKENS: Final = 10
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def create(caller: Caller, name: str, expires_in: int) -> str:
    """A new token that lasts `expires_in` seconds, 0 for ever. Opens its own unit.

    Raises Conflict when the user has one of that name, Unprocessable when there are ten already.
    """
    now = clock.now()
    expires = now + timedelta(seconds=expires_in) if expires_in else NEVER
    claims = useradm.claims(caller, ids.uuid(), now, expires)
    token = tokens.sign("mender", "user", claims)
    try:
        with db.write():
            _store(caller, claims["jti"], name, now, expires)
    except peewee.IntegrityError:
        raise Conflict("there is a token of this name") from None
    return token


def _store(caller: Caller, jti: str, name: str, now: datetime, expires: datetime) -> None:
    user = db.for_update(scoped(User, caller.tenant).where(User.id == caller.id)).get_or_none()
    if user is None:
        raise Unauthorized("unauthorized")
    named = scoped(UserToken, caller.tenant).where(UserToken.user == user, UserToken.name.is_null(False))
    living = [token.name for token in named.where(UserToken.expires_ts > now)]
    if len(living) >= MAX_TOKENS and name not in living:
        raise Unprocessable(f"a user may have {MAX_TOKENS} tokens at most")
    if name not in living:
        scoped_delete(UserToken, caller.tenant).where(UserToken.user == user, UserToken.name == name).execute()
    UserToken.create(tenant_id=caller.tenant, jti=jti, user=user, created_ts=now, expires_ts=expires, name=name)
    audit.note(caller.tenant, "create", "token", jti, name)


def list_all(caller: Caller) -> list[dict[str, Any]]:
    """The caller's tokens that are in force, oldest first; what they say is shown once, when they are made."""
    query = (
        scoped(UserToken, caller.tenant)
        .join(User)
        .where(User.id == caller.id, UserToken.name.is_null(False), UserToken.expires_ts > clock.now())
    )
    return [_describe(token) for token in query.order_by(UserToken.created_ts, UserToken.pk)]


def _describe(token: UserToken) -> dict[str, Any]:
    described = {"id": token.jti, "name": token.name, "created_ts": clock.rfc3339(token.created_ts)}
    if token.expires_ts != NEVER:
        described["expiration_date"] = clock.rfc3339(token.expires_ts)
    if token.last_used_ts is not None:
        described["last_used"] = clock.rfc3339(token.last_used_ts)
    return described


def revoke(caller: Caller, token_id: str) -> None:
    """Void one of the caller's tokens; raises NotFound."""
    users = scoped(User, caller.tenant, User.pk).where(User.id == caller.id)
    mine = scoped_delete(UserToken, caller.tenant).where(UserToken.user.in_(users), UserToken.name.is_null(False))
    if not mine.where(UserToken.jti == token_id.lower()).execute():
        raise NotFound("there is no such token")
    audit.note(caller.tenant, "revoke", "token", token_id.lower())
