"""A new password for whoever reads the user's mail (mender 5)."""

from datetime import timedelta
from hashlib import sha256
from typing import Final

from app.core import clock, db, ids, limits, mail, passwords, work
from app.core.errors import BadRequest
from app.mender import audit, useradm
from models.base import scoped_delete
from models.mender.useradm import PasswordReset, User, UserToken

LIFETIME: Final = timedelta(hours=1)
INTERVAL: Final = timedelta(minutes=1)  # between two mails to one user
# What follows # stays in the browser: the secret reaches no log, neither here nor of a proxy.
PAGE: Final = "/ui/mender/password#/password/"
SUBJECT: Final = "Set a new password"
TEXT: Final = """Somebody, most likely you, asked for a new password for {email}.

Choose it within an hour:

{link}

If it was not you, nothing has changed and there is nothing to do.
"""


def start(email: str, address: str) -> None:
    """Have a mail sent to the user of an e-mail address, in the background: nobody learns whether there is one.

    `address` is where the request came from. Opens its own units. Raises TooManyRequests, Unavailable without SMTP_URL.
    """
    mail.settings()
    attempt = ("mender password reset", email.lower(), address)
    limits.check(*attempt)
    limits.failed(*attempt)
    with db.write():
        work.enqueue("mender.mail_password_reset", _hash(email.lower()), email.lower())


@work.kind("mender.mail_password_reset")
def send(unit: work.Unit) -> None:
    """Mail a new secret to the user of an e-mail address (the payload), if there is one; earlier secrets are void."""
    secret = ids.uuid()
    with db.write():
        user = User.get_or_none(User.email == unit.payload)
        if user is None or (unit.attempts <= 1 and _mailed_lately(user)):
            return
        scoped_delete(PasswordReset, user.tenant_id).where(PasswordReset.user == user).execute()
        PasswordReset.create(
            tenant_id=user.tenant_id, user=user, secret_hash=_hash(secret), expires_ts=clock.now() + LIFETIME
        )
    link = f"{mail.settings().base_url}{PAGE}{secret}"
    mail.send(user.email, SUBJECT, TEXT.format(email=user.email, link=link))


def _mailed_lately(user: User) -> bool:
    latest = clock.now() + LIFETIME - INTERVAL
    return bool(PasswordReset.select().where(PasswordReset.user == user, PasswordReset.expires_ts > latest).exists())


def complete(secret: str, password: str, address: str) -> None:
    """Set the password of whoever was mailed `secret`, once; all tokens of the user die. Opens its own units.

    Raises BadRequest for a secret that is wrong, used or older than an hour, BadRequest or Unprocessable for a password
    that will not do, TooManyRequests.
    """
    attempt = ("mender password reset secret", "", address)
    limits.check(*attempt)
    with db.read():
        reset = _find(secret)
        user = None if reset is None else reset.user
    if user is None:
        limits.failed(*attempt)
        raise BadRequest("secret: not valid, or no longer")
    useradm.check_password(password, user.email)
    hashed = passwords.hash(password)
    with db.write():
        if not PasswordReset.delete().where(PasswordReset.secret_hash == _hash(secret)).execute():
            raise BadRequest("secret: not valid, or no longer")
        User.update(password_hash=hashed, updated_ts=clock.now()).where(User.pk == user.pk).execute()
        scoped_delete(UserToken, user.tenant_id).where(UserToken.user == user).execute()
        audit.note(user.tenant_id, "update", "user", user.id, user.email, {"password_changed": True})


def _find(secret: str) -> PasswordReset | None:
    found: PasswordReset | None = PasswordReset.get_or_none(
        PasswordReset.secret_hash == _hash(secret), PasswordReset.expires_ts > clock.now()
    )
    return found


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
