"""What users do with their accounts, in stages with mailed codes: registration, recovery, lock, address (vmm 4)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee

from app.core import clock, db, limits, passwords
from app.core.calls import Caller
from app.core.errors import Forbidden
from app.vmm import codes, sessions, users
from models.vmm.users import Code, User

Given = dict[str, str]

_registration = False


def configure(*, registration: bool) -> None:
    """Let strangers register, or not."""
    global _registration
    _registration = registration


def may_register() -> bool:
    """Whether strangers may register."""
    return _registration


def check_registration() -> None:
    """Raises Forbidden where strangers may not register."""
    if not _registration:
        raise Forbidden("registration is disabled")


@contextmanager
def _tries(address: str) -> Iterator[None]:
    """A write unit in which a code is tried; wrong ones are counted for the address. Raises TooManyRequests."""
    attempt = ("vmm code", "", address)
    limits.check(*attempt)
    try:
        with db.write():
            yield
    except codes.InvalidCode:
        limits.failed(*attempt)
        raise


def register(given: Given, address: str) -> int:
    """Without a code: make a user who is not active yet, and mail a code; with one: activate. The user's number.

    Opens its own units. Raises Forbidden, BadRequest, Conflict, TooManyRequests, Unavailable.
    """
    check_registration()
    if given["user_code"]:
        return _activate(given, address)
    login, email = given["user_login"], given["user_email"]
    faults = users.login_faults(login) + users.email_faults(email)
    users.refuse(faults + users.password_faults(given["user_password"], given["user_passwordRepeat"]))
    codes.check_sending(email, address)
    hashed = passwords.hash(given["user_password"])
    with db.write():
        return int(apply(login, email, hashed).pk)


def apply(login: str, email: str, password_hash: str | None, handle: str = "") -> Any:
    """The row of a new user who is to be activated by a code. In a write unit. Raises Conflict."""
    _forget_stale((User.login_key == login.lower()) | (User.email == email.lower()))
    user = users.create(login, email, password_hash, group=users.USER, active=False, handle=handle)
    codes.order(user.pk, codes.REGISTER, user.email)
    return user


def _forget_stale(which: Any) -> int:
    """Remove users who were not activated while their code was good."""
    now = clock.now()
    live = Code.select(Code.user).where(Code.purpose == codes.REGISTER, Code.expires_ts > now)
    stale = (User.created_ts < now - codes.LIFETIME) & User.pk.not_in(live)
    gone: int = User.delete().where(~User.active, stale, which).execute()
    return gone


def forget_stale() -> int:
    """Remove users who were not activated in time. In a write unit."""
    return _forget_stale(User.pk > 0)


def _activate(given: Given, address: str) -> int:
    with _tries(address):
        row = codes.take(codes.REGISTER, given["user_code"], _named(given["user_login"] or given["user_email"]))
        User.update(active=True).where(User.pk == row.user_id).execute()
        return int(row.user_id)


def _named(name: str) -> int | None:
    """The number of the user of a login or address, if one is given and there is one."""
    found = users.find(name) if name else None
    return None if found is None else found.pk


def recover(given: Given, address: str) -> None:
    """By address alone: mail a code. By code alone: see whether it is good. By code and passwords: set a new password.

    Opens its own units. Raises BadRequest, Forbidden for who has locked the password, TooManyRequests, Unavailable.
    """
    if not given["user_code"]:
        _start_recovery(given["user_email"], address)
    elif given["user_password"] or given["user_passwordRepeat"]:
        _complete_recovery(given, address)
    else:
        with _tries(address):
            row = codes.find(codes.RECOVERY, given["user_code"], _named(given["user_email"]))
            _check_unlocked(row.user)


def _start_recovery(email: str, address: str) -> None:
    users.refuse(users.email_faults(email))
    codes.check_sending(email, address)
    with db.write():
        user = users.find(email)
        if user is not None:
            _check_unlocked(user)
        codes.order(user.pk if user is not None and user.active else None, codes.RECOVERY, email.lower())


def _complete_recovery(given: Given, address: str) -> None:
    users.refuse(users.password_faults(given["user_password"], given["user_passwordRepeat"]))
    # What is hashed for a code that is no good costs its sender a try.
    limits.check("vmm code", "", address)
    hashed = passwords.hash(given["user_password"])
    with _tries(address):
        row = codes.take(codes.RECOVERY, given["user_code"], _named(given["user_email"]))
        _check_unlocked(row.user)
        User.update(password_hash=hashed).where(User.pk == row.user_id).execute()
        sessions.end_all(row.user_id)


def _check_unlocked(user: Any) -> None:
    if user.password_locked:
        raise Forbidden("password change is blocked")


def change_password(caller: Caller, given: Given) -> None:
    """Set a new password; all other sessions end. Opens its own units. Raises BadRequest, Forbidden when locked."""
    with db.read():
        _check_unlocked(sessions.owner(caller.id))
    users.refuse(users.password_faults(given["user_password"], given["user_passwordRepeat"]))
    hashed = passwords.hash(given["user_password"])
    with db.write():
        _check_unlocked(db.for_update(User.select().where(User.pk == int(caller.id))).get())
        User.update(password_hash=hashed).where(User.pk == int(caller.id)).execute()
        sessions.end_others(int(caller.id), caller.token)


def lock_password(caller: Caller, locked: bool, code: str, address: str) -> None:
    """Lock the password at once; unlocking takes a code, which is mailed when none is given. Opens its own units."""
    user = int(caller.id)
    if not locked and code:
        with _tries(address):
            codes.take(codes.UNLOCK, code, user)
            User.update(password_locked=False).where(User.pk == user).execute()
        return
    with db.read():
        found = sessions.owner(caller.id)
    if locked:
        with db.write():
            User.update(password_locked=True).where(User.pk == user).execute()
    elif found.password_locked:
        codes.check_sending(found.email, address)
        with db.write():
            codes.order(user, codes.UNLOCK, found.email)


def change_email(caller: Caller, email: str, code: str, address: str) -> None:
    """Without a code: mail one to the new address. With it: that is the address from now on. Opens its own units."""
    user = int(caller.id)
    if not code:
        users.refuse(users.email_faults(email))
        with db.read():
            taken = users.find(email) is not None
        if taken:
            raise users.occupied("/user_email")
        codes.check_sending(email, address)
        with db.write():
            codes.order(user, codes.EMAIL, email.lower())
        return
    with _tries(address):
        row = codes.find(codes.EMAIL, code, user)
        if email and email.lower() != row.email:
            raise codes.InvalidCode
        codes.take(codes.EMAIL, code, user)
        try:
            with db.savepoint():
                User.update(email=row.email).where(User.pk == user).execute()
        except peewee.IntegrityError:
            raise users.occupied("/user_email") from None
