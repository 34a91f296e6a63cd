"""Codes that are mailed to users: each for one purpose, good once and for half an hour (vmm 4)."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from app.core import clock, ids, limits, mail, work
from app.core.db import write
from app.core.errors import BadRequest
from models.vmm.users import Code, User

LIFETIME: Final = timedelta(minutes=30)
TRIES: Final = 5
REGISTER, RECOVERY, UNLOCK, EMAIL = "register", "recovery", "unlock", "email"


@dataclass(frozen=True, slots=True)
class _Letter:
    """What a mail says; `page` of the panel takes the code."""

    subject: str
    text: str
    page: str = ""


LETTERS: Final = {
    REGISTER: _Letter("Confirm your registration", "to register as {login}", "/auth/register"),
    RECOVERY: _Letter("Set a new password", "for a new password of {login}", "/auth/recovery"),
    UNLOCK: _Letter("Unlock your password", "to allow {login} to change the password again"),
    EMAIL: _Letter("Confirm your new address", "to make this the address of {login}"),
}
TEXT: Final = """Somebody, most likely you, asked {what}.

The code, good for 30 minutes, is

{code}
{link}
If it was not you, nothing has changed and there is nothing to do.
"""


class InvalidCode(BadRequest):
    """A code that is wrong, used, of too long ago, or tried too often. The try is kept."""

    def __init__(self) -> None:
        super().__init__("invalid code", errors=[("/user_code", "invalid code")], keep=True)


def check_sending(email: str, address: str) -> None:
    """Raises Unavailable where no mail is sent, TooManyRequests for too many to one address. Opens its own units."""
    mail.settings()
    attempt = ("vmm mail", email.lower(), address)
    limits.check(*attempt)
    limits.failed(*attempt)


def order(user: int | None, purpose: str, email: str) -> None:
    """Have a new code mailed once the write unit has ended, to nobody for None; an earlier one is void then."""
    key = sha256(f"{user or email} {purpose}".encode()).hexdigest()
    work.enqueue("vmm.mail_code", key, {"user": user, "purpose": purpose, "email": email})


@work.kind("vmm.mail_code")
def send(unit: work.Unit) -> None:
    """Make a code and mail it; only its hash stays."""
    user, purpose, email = unit.payload["user"], unit.payload["purpose"], unit.payload["email"]
    secret, expires = ids.uuid(), clock.now() + LIFETIME
    with write():
        found = None if user is None else User.get_or_none(User.pk == user)
        if found is None:
            return
        Code.delete().where(Code.user == user, Code.purpose == purpose).execute()
        Code.create(user=user, purpose=purpose, code_hash=_hash(secret), email=email, tries=TRIES, expires_ts=expires)
    letter = LETTERS[purpose]
    link = f"\n{mail.settings().base_url}{letter.page}?code={secret}\n" if letter.page else ""
    what = letter.text.format(login=found.login)
    mail.send(email, letter.subject, TEXT.format(what=what, code=secret, link=link))


def find(purpose: str, secret: str, user: int | None) -> Any:
    """The row of a code. In a write unit, which a failure leaves with a try less for `user`. Raises InvalidCode."""
    live = (Code.purpose == purpose, Code.expires_ts > clock.now(), Code.tries > 0)
    row: Any = Code.get_or_none(Code.code_hash == _hash(secret), *live)
    if row is None or (user is not None and row.user_id != user):
        Code.update(tries=Code.tries - 1).where(Code.user == user, *live).execute()
        raise InvalidCode
    return row


def take(purpose: str, secret: str, user: int | None) -> Any:
    """The same, and it is used up."""
    row = find(purpose, secret, user)
    if not Code.delete().where(Code.pk == row.pk).execute():
        raise InvalidCode
    return row


def _hash(secret: str) -> str:
    return sha256(secret.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
