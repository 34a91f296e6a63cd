"""The scheme function of the ui-vmm system: who holds a token (vmm 3)."""

from typing import Final

from app.core import clock, db, tokens
from app.core.calls import Caller, Request
from app.core.errors import Unauthorized

ISSUER: Final = "Flotilla"
CHALLENGE: Final = 'Bearer realm="ui-vmm"'
ROW: Final = (
    "SELECT u.pk, u.user_group, t.revoke_ts FROM vmm_token t JOIN vmm_user u ON u.pk = t.user_id"
    " WHERE t.name = ? AND t.expire_ts > ? AND u.active"
)


def unauthorized(detail: str) -> Unauthorized:
    """What who is not known is told, and what would make them so."""
    return Unauthorized(detail, headers={"WWW-Authenticate": CHALLENGE})


def bearer_token(credential: str, _: Request) -> Caller | None:
    """The user of a session or an API token; its row is read every time. Raises Unauthorized for one revoked."""
    claims = tokens.verify(credential, "vmm", "user")
    if claims is None or claims.get("iss") != ISSUER:
        return None
    with db.read():
        found = db.row(ROW, claims["jti"], clock.micros(clock.now()))
    if found is None or str(found[0]) != claims["sub"]:
        return None
    if found[2] is not None:
        raise unauthorized("token has been revoked")
    return Caller("vmm", "user", str(found[0]), rights=frozenset({f"group {found[1]}"}), token=claims["jti"])
