"""The scheme functions of the Mender system: who holds a credential (mender 1.2, 1.3, 1.4).

A token's signature proves that we made it; its row, read every time, that it has not been revoked. The functions open
units of work of their own: before the handler's, so that a refusal never touches the write lock.
"""

import base64
import binascii
from functools import partial
from typing import Any, Final

from app.core import clock, db, limits, threads, tokens
from app.core.calls import NOT_MINE, Caller, NotMine, Request
from app.mender import useradm

SECOND: Final = 1_000_000  # microseconds
HOUR: Final = 3600 * SECOND

USER_ROW: Final = (
    "SELECT u.id, t.tenant_id, t.name, t.last_used_ts FROM mender_user_token t JOIN mender_user u ON u.pk = t.user_id"
    " WHERE t.jti = ? AND t.expires_ts > ? AND t.created_ts < ?"
)
DEVICE_ROW: Final = (
    "SELECT d.id, t.tenant_id, NULL, NULL FROM mender_device_token t"
    " JOIN mender_auth_set a ON a.pk = t.auth_set_id JOIN mender_device d ON d.pk = a.device_id"
    " WHERE t.jti = ? AND t.expires_ts > ? AND t.issued_ts < ? AND a.status = 'accepted' AND NOT d.decommissioning"
)


def management_jwt(credential: str, _: Request) -> Caller | None:
    """A user's bearer token."""
    return _holder(credential, "user", "mender.user", USER_ROW)


def management_cookie(credential: str, request: Request) -> Caller | NotMine | None:
    """The same token as a cookie; not looked at when there is an Authorization header."""
    if "authorization" in request.headers:
        return NOT_MINE
    return _holder(credential, "user", "mender.user", USER_ROW)


def device_jwt(credential: str, _: Request) -> Caller | None:
    """A device's bearer token."""
    return _holder(credential, "device", "mender.device", DEVICE_ROW)


def _holder(token: str, kind: Any, flag: str, statement: str) -> Caller | None:
    claims = tokens.verify(token, "mender", kind)
    if claims is None or claims.get("iss") != "Mender" or claims.get(flag) is not True:
        return None
    with db.read():
        # A row that was made in a later second than the token is of another life of the same jti.
        found = db.row(statement, claims["jti"], clock.micros(clock.now()), (claims["iat"] + 1) * SECOND)
    if found is None or found[0] != claims["sub"] or found[1] != claims.get("mender.tenant", ""):
        return None
    name, last_used = found[2:]
    if name is not None and clock.micros(clock.now()) - (last_used or 0) > HOUR:
        # By another thread: this one may read only, and who asks need not wait.
        threads.later(partial(_note_use, claims["jti"]))
    return Caller("mender", kind, found[0], found[1], token=claims["jti"])


def _note_use(jti: str) -> None:
    """Note that a personal access token was used, to the hour: not every request shall write."""
    with db.write():
        moment = clock.micros(clock.now())
        db.execute("UPDATE mender_user_token SET last_used_ts = ? WHERE jti = ?", moment, jti)


def basic_user(credential: str, request: Request) -> Caller | None:
    """A user's address and password, base64 of `address:password`. Raises TooManyRequests after many failures."""
    try:
        email, colon, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    if not colon or not email or "\0" in email + password:
        return None
    attempt = ("mender login", email.lower(), request.client)
    limits.check(*attempt)
    caller = useradm.authenticate(email, password)
    if caller is None:
        limits.failed(*attempt)
    return caller
