"""Users: creation, login and logout (mender 5)."""

from datetime import datetime, timedelta
from typing import Any, Final

import peewee

from app.core import clock, db, ids, passwords, schedule, tokens, work
from app.core.calls import Caller
from app.core.errors import BadRequest, Unauthorized, Unprocessable
from app.core.mail import is_address
from app.mender import audit
from models.base import scoped
from models.mender.useradm import User

MAX_TEXT: Final = 256
MIN_PASSWORD: Final = 8
LIFETIME: Final = timedelta(weeks=1)
MAX_SESSIONS: Final = 10


def checked_email(email: str) -> str:
    """The address in lower case; raises BadRequest for one that will not do."""
    if not is_address(email):
        raise BadRequest("email: not an address of ASCII letters")
    return email.lower()


def check_password(password: str, email: str) -> None:
    """Raises BadRequest or Unprocessable for a password that will not do for the user of an address."""
    if not password.isascii() or len(password) > MAX_TEXT or "\0" in password:
        raise BadRequest(f"password: ASCII characters, {MAX_TEXT} at most")
    if len(password) < MIN_PASSWORD:
        raise Unprocessable(f"password: too short, it needs {MIN_PASSWORD} characters")
    if password.lower() in email:
        raise Unprocessable("password: may not be part of the email")


def create_user(email: str, password: str, tenant: str = "") -> str:
    """Make a user and give its id. Opens its own unit of work. Raises BadRequest or Unprocessable (mender 5)."""
    email = checked_email(email)
    check_password(password, email)
    hashed = passwords.hash(password)
    now = clock.now()
    try:
        with db.write():
            user = User.create(
                tenant_id=tenant, id=ids.uuid(), email=email, password_hash=hashed, created_ts=now, updated_ts=now
            )
            audit.note(tenant, "create", "user", user.id, email)
    except peewee.IntegrityError as exc:
        raise Unprocessable("a user with this email exists") from exc
    return str(user.id)


def ensure_first_admin(email: str, password: str) -> bool:
    """Make a user where there is none at all; whether one was made. Safe when several processes start at once."""
    with db.read():
        if User.select().exists():
            return False
    try:
        create_user(email, password)
    except Unprocessable:
        return False
    return True


def authenticate(email: str, password: str) -> Caller | None:
    """The user of an address and password, None when they do not fit; takes the same time for unknown users."""
    with db.read():
        found = db.row("SELECT id, tenant_id, password_hash FROM mender_user WHERE email = ?", email.lower())
    if found is None:
        passwords.burn(password)
        return None
    right, renewed = passwords.verify(found[2], password)
    if not right:
        return None
    if renewed is not None:
        with db.write():
            # Not over a password that was changed meanwhile.
            db.execute(
                "UPDATE mender_user SET password_hash = ? WHERE tenant_id = ? AND id = ? AND password_hash = ?",
                renewed,
                found[1],
                found[0],
                found[2],
            )
    return Caller("mender", "user", found[0], found[1])


def login(caller: Caller) -> str:
    """A new token for a user whose password was verified. The oldest of more than ten sessions ends (mender 5).

    Opens its own unit of work. Raises Unauthorized when the user is gone meanwhile.
    """
    now = clock.now()
    expires = now + LIFETIME
    said = claims(caller, ids.uuid(), now, expires)
    token = tokens.sign("mender", "user", said)
    with db.write():
        user = db.for_update(scoped(User, caller.tenant).where(User.id == caller.id)).get_or_none()
        if user is None:
            raise Unauthorized("unauthorized")
        db.execute("DELETE FROM mender_user_token WHERE user_id = ? AND expires_ts <= ?", user.pk, clock.micros(now))
        db.execute(
            "DELETE FROM mender_user_token WHERE user_id = ? AND name IS NULL AND pk NOT IN (SELECT pk"
            " FROM mender_user_token WHERE user_id = ? AND name IS NULL ORDER BY created_ts DESC, pk DESC LIMIT ?)",
            user.pk,
            user.pk,
            MAX_SESSIONS - 1,
        )
        db.execute(
            "INSERT INTO mender_user_token (tenant_id, jti, user_id, created_ts, expires_ts) VALUES (?, ?, ?, ?, ?)",
            caller.tenant,
            said["jti"],
            user.pk,
            clock.micros(now),
            clock.micros(expires),
        )
        audit.note(caller.tenant, "login", "user", user.id, user.email)
    return token


def claims(caller: Caller, jti: str, issued: datetime, expires: datetime) -> dict[str, Any]:
    """What a user's token says (mender 1.3)."""
    said: dict[str, Any] = {
        "jti": jti,
        "sub": caller.id,
        "iss": "Mender",
        "iat": int(issued.timestamp()),
        "nbf": int(issued.timestamp()),
        "exp": int(expires.timestamp()),
        "scp": "mender.*",
        "mender.user": True,
        "mender.plan": "enterprise",
    }
    if caller.tenant:
        said["mender.tenant"] = caller.tenant
    return said


def logout(caller: Caller) -> None:
    """End the session of the token presented."""
    db.execute("DELETE FROM mender_user_token WHERE tenant_id = ? AND jti = ?", caller.tenant, caller.token)
    audit.note(caller.tenant, "logout", "user", caller.id)


@schedule.scheduled("mender.forget_tokens", "41 3 * * *")
def forget_tokens(_: work.Unit) -> None:
    """Each night, remove the rows of expired tokens; they open nothing any more."""
    now = clock.micros(clock.now())
    for table in ("mender_user_token", "mender_device_token"):
        with db.read():
            expired = [pk for (pk,) in db.rows(f"SELECT pk FROM {table} WHERE expires_ts <= ?", now)]  # noqa: S608
        for part in peewee.chunked(expired, 500):
            marks = ", ".join("?" * len(part))
            with db.write():
                db.execute(f"DELETE FROM {table} WHERE expires_ts <= ? AND pk IN ({marks})", now, *part)  # noqa: S608
