"""Users: who they are, and what they log in with (ngenea 2)."""

import re
from collections import defaultdict
from typing import Any, Final
from zoneinfo import available_timezones

import peewee

from app.core import clock, db, limits, passwords
from app.core.calls import Caller, Request
from app.core.errors import Forbidden
from app.core.mail import is_address
from app.ngenea import auth, groups, pages, rights
from app.ngenea.faults import Faults, refuse, refuse_one
from app.ngenea.needs import FORBIDDEN
from app.ngenea.passwords import LEAST
from app.ngenea.passwords import faults as password_faults
from models.base import column
from models.ngenea.sites import Site
from models.ngenea.users import Group, Membership, User

Document = dict[str, Any]
USERNAME: Final = re.compile(r"[\w.@+-]+")
RESERVED: Final = frozenset({"change_password", "sync"})  # their places are those of operations
NO_ACCOUNT: Final = "No active account found with the given credentials"
PROFILE: Final[Document] = {
    "country": "",
    "default_site": None,
    "department": "",
    "home_site": None,
    "line_manager": "",
    "phone": "",
    "timezone": "",
}
TEXTS: Final = ("email", "first_name", "last_name")


def log_in(username: str, password: str, address: str) -> Document:
    """Tokens for who has a name and its password. Opens its own units.

    Raises Unauthorized, the same and as late for somebody who is not there, and TooManyRequests.
    """
    user = _known(username, password, address, "ngenea login")
    if user is None:
        raise auth.unauthorized(NO_ACCOUNT, "no_active_account")
    with db.write():
        User.update(last_login_ts=clock.now()).where(User.pk == user.pk).execute()
    return {
        "access": auth.issue(auth.ACCESS, user.pk, user.generation),
        "refresh": auth.issue(auth.REFRESH, user.pk, user.generation),
        "username": user.username,
    }


def _known(username: str, password: str, address: str, purpose: str) -> Any:
    """The row of the active user whose password it is, else None; failures are counted. Opens its own units."""
    attempt = (purpose, username, address)
    limits.check(*attempt)
    with db.read():
        user: Any = User.get_or_none(User.username == username, User.is_active)
    if user is None:
        passwords.burn(password)
        right, renewed = False, None
    else:
        right, renewed = passwords.verify(user.password_hash, password)
    if not right:
        limits.failed(*attempt)
        return None
    if renewed is not None:
        with db.write():
            same = (User.pk == user.pk, User.password_hash == user.password_hash)
            User.update(password_hash=renewed).where(*same).execute()
    return user


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the users that a caller may know of."""
    query = User.select().where(rights.visible(caller, User))
    return pages.page(request, query, page, page_size, lambda rows: describe(rows, request.base_url))


def describe(users: list[Any], base_url: str) -> list[Document]:
    """Users as they are read, with their groups."""
    of: dict[int, list[Document]] = defaultdict(list)
    joined: Any = Group.select(Group.pk, Group.name, Membership.user.alias("member")).join(Membership)
    for row in joined.where(Membership.user.in_([user.pk for user in users])).order_by(Group.pk).objects():
        of[row.member].append({"id": row.pk, "name": row.name, "url": f"{base_url}/api/groups/{row.pk}/"})
    return [
        {
            "id": user.pk,
            "url": f"{base_url}/api/users/{user.username}/",
            "username": user.username,
            **{name: getattr(user, name) for name in TEXTS},
            "is_active": user.is_active,
            "date_joined": clock.rfc3339(user.date_joined_ts),
            "last_login": None if user.last_login_ts is None else clock.rfc3339(user.last_login_ts),
            "groups": of[user.pk],
            "profile": PROFILE | user.profile,
        }
        for user in users
    ]


def find(username: str) -> Any:
    """The row of a user who is there."""
    return User.get(User.username == username)


def _written(user: Any) -> Document:
    names = Group.select(Group.name).join(Membership).where(Membership.user == user.pk).order_by(Group.pk)
    written = {name: getattr(user, name) for name in TEXTS}
    return {**written, "groups": column(names), "profile": PROFILE | user.profile}


def create(caller: Caller, body: Document) -> Document:
    """A new user, as written. Opens its own units."""
    hashed = _checked(body, body["username"], _name_faults(body["username"]))
    with db.write():
        try:
            with db.savepoint():
                user = _insert(body["username"], hashed or "", body)
        except peewee.IntegrityError:
            raise refuse_one("/username", "A user with that username already exists.") from None
        _join(caller, user, body)
        return {"username": user.username, **_written(user)}


def _name_faults(username: str) -> Faults:
    if not USERNAME.fullmatch(username):
        return [("/username", "A user name has letters, digits and @ . + - _ only.")]
    return [("/username", "This name is reserved.")] if username in RESERVED else []


def _insert(username: str, hashed: str, body: Document, *, might: bool = False) -> Any:
    return User.create(
        username=username,
        password_hash=hashed,
        **{name: body.get(name) or "" for name in TEXTS},
        is_active=True,
        is_superuser=might,
        profile=body.get("profile") or {},
        generation=0,
        date_joined_ts=clock.now(),
        last_login_ts=None,
    )


def _checked(body: Document, username: str, faults: Faults) -> str | None:
    """The hash of the password of a body, if it has one. Raises BadRequest for what is wrong with the body."""
    if body.get("email") and not is_address(body["email"]):
        faults.append(("/email", "Enter a valid email address."))
    profile = body.get("profile") or {}
    if profile.get("timezone") and profile["timezone"] not in available_timezones():
        faults.append(("/profile/timezone", "There is no such time zone."))
    wanted = {name: profile[name] for name in ("default_site", "home_site") if profile.get(name) is not None}
    if wanted:
        with db.read():
            known = set(column(Site.select(Site.pk).where(Site.pk.in_(list(wanted.values())))))
        faults += [(f"/profile/{name}", "There is no such site.") for name, pk in wanted.items() if pk not in known]
    password = body.get("password")
    if password is not None:
        names = (username, body.get("first_name") or "", body.get("last_name") or "")
        faults += [("/password", message) for message in password_faults(password, *names)]
    refuse(faults)
    return None if password is None else passwords.hash(password)


def _join(caller: Caller, user: Any, body: Document) -> None:
    """Replace the groups of a user by those that are named, if any are."""
    if "groups" not in body:
        return
    wanted = set(groups.named(body["groups"]))
    rows = Membership.select(Membership.group).where(Membership.user == user.pk)
    present = set(column(rows))
    groups.refuse_more_than_own(caller, sorted(wanted ^ present))
    Membership.delete().where(Membership.user == user.pk, Membership.group.in_(list(present - wanted))).execute()
    for group in sorted(wanted - present):
        Membership.create(user=user.pk, group=group)


def update(caller: Caller, username: str, body: Document) -> Document:
    """A user after a change, as written; what is not given stays. Opens its own units."""
    hashed = _checked(body, username, [])
    with db.write():
        user = find(username)
        _refuse_mightier(caller, user)
        changes: Document = {name: body[name] for name in TEXTS if name in body}
        if "profile" in body:
            changes["profile"] = user.profile | body["profile"]
        if hashed is not None:
            changes |= {"password_hash": hashed, "generation": User.generation + 1}
        if changes:
            User.update(**changes).where(User.pk == user.pk).execute()
        _join(caller, user, body)
        groups.keep_an_administrator()
        return _written(User.get_by_id(user.pk))


def _refuse_mightier(caller: Caller, user: Any) -> None:
    """Raises Forbidden where a user has more rights than who would change them: the password alone gives them all."""
    if user.is_superuser and auth.SUPERUSER not in caller.rights:
        raise Forbidden(FORBIDDEN)
    theirs = Membership.select(Membership.group).where(Membership.user == user.pk)
    groups.refuse_more_than_own(caller, column(theirs))


def delete(caller: Caller, username: str) -> None:
    """Delete a user; raises BadRequest for oneself and the last administrator."""
    user = _other(caller, username)
    user.delete_instance()
    rights.forget(User, user.pk)
    groups.keep_an_administrator()


def _other(caller: Caller, username: str) -> Any:
    user = find(username)
    if str(user.pk) == caller.id:
        raise refuse_one("", "Nobody does that to themselves.")
    _refuse_mightier(caller, user)
    return user


def set_active(caller: Caller, username: str, base_url: str, *, active: bool) -> Document:
    """Let a user log in, or not any more; raises BadRequest for oneself and the last administrator."""
    user = find(username) if active else _other(caller, username)
    _refuse_mightier(caller, user)
    change = {} if active else {"generation": User.generation + 1}
    User.update(is_active=active, **change).where(User.pk == user.pk).execute()
    groups.keep_an_administrator()
    return describe([User.get_by_id(user.pk)], base_url)[0]


def change_password(caller: Caller, old: str, new: str, address: str) -> None:
    """Change one's own password. Opens its own units. Raises BadRequest, TooManyRequests."""
    with db.read():
        user = User.get_by_id(int(caller.id))
    if _known(user.username, old, address, "ngenea password") is None:
        raise refuse_one("/old_password", "This is not the present password.")
    faults = password_faults(new, user.username, user.first_name, user.last_name)
    refuse([("/new_password", message) for message in faults])
    hashed = passwords.hash(new)
    with db.write():
        User.update(password_hash=hashed, generation=User.generation + 1).where(User.pk == user.pk).execute()


def make_superuser(username: str, email: str, password: str) -> int:
    """A superuser, who may have been there before; their number. Opens its own units. Raises BadRequest.

    Whoever makes one owns the server: of the rules for passwords only the length is held against them.
    """
    faults = _name_faults(username)
    if len(password) < LEAST:
        faults.append(("/password", f"The password is shorter than {LEAST} characters."))
    refuse(faults)
    hashed = passwords.hash(password)
    with db.write():
        user = User.get_or_none(User.username == username)
        if user is None:
            return int(_insert(username, hashed, {"email": email}, might=True).pk)
        might = {"is_active": True, "is_superuser": True, "generation": User.generation + 1}
        User.update(password_hash=hashed, email=email, **might).where(User.pk == user.pk).execute()
        return int(user.pk)


def exist() -> bool:
    """Whether there is any user. Opens its own unit."""
    with db.read():
        return bool(User.select().exists())
