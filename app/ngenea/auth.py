"""Who calls: the schemes of the Ngenea system, and the tokens it gives (ngenea 2)."""

import hmac
import secrets as random
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

from app.core import clock, db, ids, tokens
from app.core.calls import NOT_MINE, Caller, NotMine, Request
from app.core.errors import Unauthorized

ISSUER: Final = "Flotilla"
ACCESS, REFRESH = "access", "refresh"
SUPERUSER: Final = "superuser"
PREFIX, SECRET = 8, 32  # characters of a client key, before and after its dot
MIGHT: Final = (
    "u.is_superuser OR EXISTS (SELECT 1 FROM ngenea_membership m JOIN ngenea_group g ON g.pk = m.group_id"
    " WHERE m.user_id = u.pk AND g.builtin AND g.name = 'Administrators')"
)
BY_NUMBER: Final = (
    f"SELECT u.pk, {MIGHT}, u.generation, u.date_joined_ts FROM ngenea_user u"  # noqa: S608
    " WHERE u.pk = ? AND u.is_active"
)
BY_KEY: Final = (
    f"SELECT u.pk, {MIGHT}, k.key_hash, k.pk FROM ngenea_client_key k JOIN ngenea_user u"  # noqa: S608
    " ON u.pk = k.user_id"
    " WHERE k.prefix = ? AND u.is_active"
)
CHALLENGE: Final = 'Bearer realm="ngenea", Api-Key realm="ngenea"'

_lifetimes: dict[str, timedelta] = {ACCESS: timedelta(minutes=5), REFRESH: timedelta(days=1)}


def configure(access_seconds: int, refresh_seconds: int) -> None:
    """How long tokens are good for."""
    _lifetimes.update({ACCESS: timedelta(seconds=access_seconds), REFRESH: timedelta(seconds=refresh_seconds)})


class Holder(NamedTuple):
    """Whose a token is: the number of a user, who joined then (microseconds); `generation` as it is now."""

    user: int
    might: bool
    generation: int
    joined: int


def issue(kind: str, user: int, generation: int, joined: int) -> str:
    """A new token of a user. Outside of units: the first one makes the signing key."""
    now = clock.now()
    claims = {
        "token_type": kind,
        "user_id": user,
        "sub": str(user),
        "generation": generation,
        "joined": joined,
        "jti": ids.uuid(),
        "iss": ISSUER,
        "iat": int(now.timestamp()),
        "exp": int((now + _lifetimes[kind]).timestamp()),
    }
    return tokens.sign("ngenea", "user", claims)


def holder(token: str, kind: str) -> Holder | None:
    """The active user of a token of `kind`; None for any that is no good.

    What changes a password makes earlier refresh tokens void. No token is good for who joined later, whatever the
    number: it may name another user in a database that was made anew under the same keys.
    """
    claims = tokens.verify(token, "ngenea", "user")
    if claims is None or claims.get("token_type") != kind or claims["iss"] != ISSUER:
        return None
    with db.read():
        found: Any = db.row(BY_NUMBER, claims["user_id"])
    if found is None or found[3] != claims.get("joined") or (kind == REFRESH and found[2] != claims["generation"]):
        return None
    return Holder(found[0], bool(found[1]), found[2], found[3])


def bearer_token(credential: str, __: Request) -> Caller | None:
    """The user of an access token; the row is read every time."""
    found = holder(credential, ACCESS)
    return None if found is None else _caller("user", found.user, found.might)


def api_key(credential: str, __: Request) -> Caller | NotMine | None:
    """The user whose client key this is: a key acts as its owner."""
    word, _, key = credential.strip().partition(" ")
    if word.lower() != "api-key":
        return NOT_MINE if word.lower() == "bearer" else None
    prefix, _, secret = key.strip().partition(".")
    if len(prefix) != PREFIX or not prefix.isascii() or "\0" in prefix:
        return None
    with db.read():
        found = db.row(BY_KEY, prefix)
    if found is None or not hmac.compare_digest(found[2], hash_of(secret)):
        return None
    return _caller("key", found[0], bool(found[1]), str(found[3]))


def _caller(kind: Any, user: int, might: bool, token: str = "") -> Caller:
    return Caller("ngenea", kind, str(user), rights=frozenset({SUPERUSER} if might else ()), token=token)


def new_key() -> tuple[str, str, str]:
    """A new client key: all of it, its prefix, and the hash of the rest."""
    prefix, secret = random.token_hex(PREFIX // 2), random.token_hex(SECRET // 2)
    return f"{prefix}.{secret}", prefix, hash_of(secret)


def hash_of(secret: str) -> str:
    """What is kept of a key: it is long and by chance, so a plain hash will do."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def unauthorized(detail: str, code: str = "") -> Unauthorized:
    """What who is not known is told."""
    challenge = {"WWW-Authenticate": CHALLENGE}
    return Unauthorized(detail, headers=challenge, body={"code": code} if code else None)
