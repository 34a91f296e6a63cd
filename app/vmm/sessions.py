"""Tokens: those of sessions, and those that users make for programs (vmm 4)."""

from datetime import datetime, timedelta
from typing import Any, Final

from app.core import clock, db, ids, tokens
from app.core.errors import Conflict, NotFound
from app.vmm.auth import ISSUER
from app.vmm.documents import Document, resource, seconds
from models.vmm.users import Token, User

LOGIN, API = "user.login", "system.api"
SESSION: Final = timedelta(days=1)
MAX_SESSIONS: Final = 100  # of a user, with those that have ended


def begin(user: Any) -> Any:
    """The row of a new session of a user, whose oldest end when there are too many. In a write unit."""
    row = _add(user.pk, LOGIN, SESSION)
    mine = (Token.user == user.pk, Token.kind == LOGIN)
    oldest = Token.select(Token.pk).where(*mine).order_by(Token.pk.desc()).offset(MAX_SESSIONS).limit(1)
    Token.delete().where(*mine, Token.pk <= oldest).execute()
    return row


def create(user: int, lifetime: timedelta, *, revoke_all: bool) -> Document:
    """A token for programs, after all of that kind were revoked if so wanted; shown this once. Opens its own unit."""
    with db.write():
        if revoke_all:
            _revoke(Token.user == user, Token.kind == API)
        row = _add(user, API, lifetime)
    return resource("token", row.pk, _shown(row))


def _add(user: int, kind: str, lifetime: timedelta) -> Any:
    now = clock.now()
    return Token.create(user=user, name=ids.uuid(), kind=kind, start_ts=now, expire_ts=now + lifetime)


def _shown(row: Any) -> Document:
    """A token itself. Outside of units: the first one makes the signing key."""
    start, expire = seconds(row.start_ts), seconds(row.expire_ts)
    claims = {"sub": str(row.user_id), "jti": row.name, "typ": row.kind, "iss": ISSUER, "iat": start, "exp": expire}
    return {"token": tokens.sign("vmm", "user", claims), "token_name": row.name, "token_time_expire": expire}


def describe_session(row: Any, user: Document) -> tuple[Document, list[Document]]:
    """A new session as clients get it, and what is included with it. Outside of units."""
    return resource("session", user["id"], _shown(row), user=user), [user]


def listed(user: int) -> list[Document]:
    """The tokens of a user, the oldest first, without what they are."""
    now = clock.now()
    return [_describe(row, user, now) for row in Token.select().where(Token.user == user).order_by(Token.pk)]


def _describe(row: Any, user: int, now: datetime) -> Document:
    attributes = {
        "token_id": row.pk,
        "token_name": row.name,
        "token_type": row.kind,
        "token_state": int(row.revoke_ts is None and row.expire_ts > now),
        "token_time_start": seconds(row.start_ts),
        "token_time_expire": seconds(row.expire_ts),
        "revoke_time": seconds(row.revoke_ts),
        "user_id": user,
    }
    return resource("token", row.pk, attributes)


def revoke(user: int, name: str) -> int:
    """Revoke one of a user's tokens; its number. Raises NotFound, or Conflict for one that was revoked before."""
    row = Token.get_or_none(Token.name == name.lower(), Token.user == user)
    if row is None:
        raise NotFound("token not found", errors=[("/token_name", "token not found")])
    if not _revoke(Token.pk == row.pk):
        raise Conflict("token has been revoked", errors=[("/token_name", "token has been revoked")])
    return int(row.pk)


def end(name: str) -> None:
    """Revoke the token of this name."""
    _revoke(Token.name == name)


def end_others(user: int, name: str) -> None:
    """Revoke the sessions of a user but the one whose token is called `name`."""
    _revoke(Token.user == user, Token.kind == LOGIN, Token.name != name)


def end_all(user: int) -> None:
    """Revoke every token of a user."""
    _revoke(Token.user == user)


def _revoke(*conditions: Any) -> int:
    changed: int = Token.update(revoke_ts=clock.now()).where(Token.revoke_ts.is_null(), *conditions).execute()
    return changed


def owner(caller_id: str) -> Any:
    """The row of the user who calls."""
    return User.get_by_id(int(caller_id))
