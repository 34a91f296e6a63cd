"""Users: who they are, what makes a login, an address and a password, and who knows one (vmm 3, 4)."""

import re
from hashlib import sha256
from typing import Any, Final

import peewee

from app.core import clock, db, ids, limits, passwords
from app.core.errors import BadRequest, Conflict
from app.core.mail import is_address
from app.vmm import sessions
from app.vmm.auth import unauthorized
from app.vmm.documents import Document, resource
from models.vmm.users import User

ROOT, USER = 1, 4  # groups
MIN_LOGIN, MAX_LOGIN, MIN_PASSWORD = 3, 64, 6
LOGIN: Final = re.compile(r"[^\x00-\x20\x7f@]+")  # with an @ it could be somebody's address
WRONG: Final = "wrong credential"
OCCUPIED: Final = "this is the user name or mailbox is already occupied. try another credentials"
PHOTOS: Final = "https://www.gravatar.com/avatar/"

Faults = list[tuple[str, str]]


def describe(user: Any) -> Document:
    """A user as clients see them."""
    photo = PHOTOS + sha256(user.email.encode()).hexdigest()
    attributes = {
        "user_id": user.pk,
        "login": user.login,
        "email": user.email,
        "group": user.group,
        "password_locked": user.password_locked,
        "photo": photo,
    }
    return resource("user", user.pk, attributes)


def find(name: str) -> Any:
    """The row of a login or an address; None when there is none."""
    key = name.lower()
    return User.get_or_none(User.email == key if "@" in key else User.login_key == key)


def login_faults(login: str) -> Faults:
    """What is wrong with a login."""
    if len(login) < MIN_LOGIN:
        return [("/user_login", f"user login is shorter than {MIN_LOGIN} characters")]
    return _charset_faults(login)


def _charset_faults(login: str) -> Faults:
    if max(len(login), len(login.lower())) > MAX_LOGIN or not LOGIN.fullmatch(login):
        return [("/user_login", f"user login is not {MAX_LOGIN} characters at most, without spaces and @")]
    return []


def email_faults(email: str) -> Faults:
    """What is wrong with an address."""
    return [] if is_address(email) else [("/user_email", "invalid email")]


def password_faults(password: str, again: str) -> Faults:
    """What is wrong with a new password, given twice."""
    faults = []
    if len(password) < MIN_PASSWORD:
        faults.append(("/user_password", f"password is shorter than {MIN_PASSWORD} characters"))
    if password != again:
        faults.append(("/user_passwordRepeat", "passwords do not match"))
    return faults


def refuse(faults: Faults) -> None:
    """Raises BadRequest for faults, when there are any."""
    if faults:
        raise BadRequest(faults[0][1], errors=faults)


def occupied(field: str = "/user_login") -> Conflict:
    """What is said of a login or address that somebody has."""
    return Conflict(OCCUPIED, errors=[(field, OCCUPIED)])


def create(login: str, email: str, password_hash: str | None, *, group: int, active: bool, handle: str = "") -> Any:
    """The row of a new user, in a write unit. Raises Conflict where somebody has the login or the address."""
    try:
        with db.savepoint():
            return User.create(
                login=login,
                login_key=login.lower(),
                email=email.lower(),
                password_hash=password_hash,
                group=group,
                active=active,
                password_locked=False,
                handle=handle or ids.opaque(),
                created_ts=clock.now(),
            )
    except peewee.IntegrityError:
        raise occupied() from None


def make_root(login: str, email: str, password: str) -> int:
    """A user of the group of root, who may have been there before; their number. Opens its own units.

    Raises BadRequest, or Conflict where the login is one user's and the address another's.
    """
    refuse(_charset_faults(login) + email_faults(email) + password_faults(password, password))
    hashed = passwords.hash(password)
    with db.write():
        user = find(login) or find(email)
        if user is None:
            return int(create(login, email, hashed, group=ROOT, active=True).pk)
        names = {"login": login, "login_key": login.lower(), "email": email.lower()}
        try:
            with db.savepoint():
                change = User.update(password_hash=hashed, group=ROOT, active=True, **names)
                change.where(User.pk == user.pk).execute()
        except peewee.IntegrityError:
            raise occupied() from None
        sessions.end_all(user.pk)
        return int(user.pk)


def exist() -> bool:
    """Whether there is any user. Opens its own unit."""
    with db.read():
        return bool(User.select().exists())


def log_in(name: str, password: str, address: str) -> tuple[Document, list[Document]]:
    """A session for who has a login or e-mail address and its password, and the user. Opens its own units.

    Raises Unauthorized, the same and as late for somebody who is not there, and TooManyRequests.
    """
    attempt = ("vmm login", name.lower(), address)
    limits.check(*attempt)
    with db.read():
        user = find(name)
    if user is None or user.password_hash is None or not user.active:
        passwords.burn(password)
        right, renewed = False, None
    else:
        right, renewed = passwords.verify(user.password_hash, password)
    if not right:
        limits.failed(*attempt)
        raise unauthorized(WRONG)
    with db.write():
        # Changed meanwhile, what was verified is not the password any more.
        same = (User.pk == user.pk, User.password_hash == user.password_hash, User.active)
        if not User.update(password_hash=renewed or user.password_hash).where(*same).execute():
            raise unauthorized(WRONG)
        row = sessions.begin(user)
    return sessions.describe_session(row, describe(user))
