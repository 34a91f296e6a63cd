"""Passkeys: keys of authenticators that users register, and log in with (vmm 4)."""

import base64
import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import peewee
from ua_parser import parse

from app.core import clock, db, ids, limits, secrets
from app.core.calls import Caller
from app.core.errors import BadRequest, Conflict, Forbidden, NotFound
from app.vmm import accounts, authenticators, codes, sessions, users
from app.vmm.auth import unauthorized
from app.vmm.authenticators import Party
from app.vmm.documents import Document, resource, seconds
from models.vmm.users import Challenge, Passkey, User

LIFETIME: Final = timedelta(minutes=5)
MAKE, REGISTER, SHOW = "make", "register", "show"
MAX_AGENT: Final = 512
UNKNOWN: Final = "Other"

Given = dict[str, Any]


def options_to_make(caller: Caller, given: Given, site: Party, address: str) -> Document:
    """What the browser is to ask an authenticator for a new key: of the caller, or of a user to be registered.

    Opens its own units. Raises BadRequest, Unauthorized, Forbidden, Conflict, TooManyRequests, Unavailable.
    """
    challenge = ids.opaque()
    if given.get("user_register"):
        login, email = _applicant(given)
        codes.check_sending(email, address)
        handle, known, user, purpose = ids.opaque(), [], None, REGISTER
    else:
        owner = _owner(caller, given["user_login"])
        login, email, handle, user, purpose = owner.login, "", owner.handle, owner.pk, MAKE
        with db.read():
            known = [row.credential_id for row in Passkey.select().where(Passkey.user == user)]
    with db.write():
        if user is None and (users.find(login) or users.find(email)):
            raise users.occupied()
        _remember(challenge, purpose, user, handle, login, email)
    asked = authenticators.creation(site, challenge, handle, login, known, given)
    return resource("credential", user or 0, {"publicKey": asked})


def _applicant(given: Given) -> tuple[str, str]:
    accounts.check_registration()
    login, email = given["user_login"], given.get("user_email") or ""
    users.refuse(users.login_faults(login) + users.email_faults(email))
    return login, email.lower()


def _owner(caller: Caller, name: str) -> Any:
    """The row of the caller, who may make keys for nobody else."""
    if caller.kind == "anonymous":
        raise unauthorized("unauthorized")
    with db.read():
        user = sessions.owner(caller.id)
    if name.lower() not in (user.login_key, user.email):
        raise Forbidden("not enough access rights")
    return user


def _remember(challenge: str, purpose: str, user: int | None, handle: str, login: str, email: str) -> None:
    Challenge.create(
        challenge_hash=_hash(challenge),
        purpose=purpose,
        user=user,
        handle=handle,
        login=login,
        email=email,
        expires_ts=clock.now() + LIFETIME,
    )


def _take(answer: Given, purpose: str) -> tuple[str, Any]:
    """The challenge that an answer is to, and its row, which is used up. Opens its own unit. Raises Refused."""
    challenge = authenticators.challenge_of(answer)
    with db.write():
        wanted = (Challenge.challenge_hash == _hash(challenge), Challenge.purpose == purpose)
        row: Any = Challenge.get_or_none(*wanted, Challenge.expires_ts > clock.now())
        if row is None or not Challenge.delete().where(Challenge.pk == row.pk).execute():
            raise authenticators.Refused("the challenge is not known")
    return challenge, row


def make(caller: Caller, given: Given, site: Party, agent: str) -> Document:
    """Keep the key that an authenticator has made; a user who registers with it is mailed a code.

    Opens its own units. Raises BadRequest, Unauthorized, Forbidden, Conflict.
    """
    registers = bool(given.get("user_register"))
    if registers:
        login, email = _applicant(given)
    else:
        user = _owner(caller, given["user_login"])
    try:
        challenge, row = _take(given, REGISTER if registers else MAKE)
        credential, public_key, count = authenticators.made(site, given, challenge)
    except authenticators.Refused as exc:
        raise BadRequest("invalid credential", errors=[("/response", f"invalid credential: {exc}")]) from exc
    with db.write():
        if registers:
            if (row.login, row.email) != (login, email):
                raise BadRequest("invalid credential", errors=[("/user_login", "not the user whom it was made for")])
            user = accounts.apply(login, email, None, row.handle)
        elif row.user_id != user.pk:
            raise Forbidden("not enough access rights")
        return _keep(user, credential, public_key, count, agent)


def _keep(user: Any, credential: str, public_key: bytes, count: int, agent: str) -> Document:
    try:
        with db.savepoint():
            row = Passkey.create(
                user=user,
                credential_id=credential,
                public_key=base64.b64encode(public_key).decode(),
                sign_count=count,
                name=_named(agent),
                created_ts=clock.now(),
            )
    except peewee.IntegrityError:
        raise Conflict("credential has already been added") from None
    return resource("credential", row.pk, {"response": True, "key_id": row.pk, "key_name": row.name})


def _named(agent: str) -> str:
    """Device, system and browser, as far as a User-Agent header tells."""
    found = parse(agent[:MAX_AGENT])
    device = found.device.family if found.device else UNKNOWN
    system, browser = UNKNOWN, UNKNOWN
    if found.os:
        version = [part for part in (found.os.major, found.os.minor, found.os.patch) if part]
        system = f"{found.os.family} {'.'.join(version)}".strip()
    if found.user_agent:
        browser = f"{found.user_agent.family} {found.user_agent.major or ''}".strip()
    return f"{device}; {system}; {browser}"


def listed(user: int) -> list[Document]:
    """The keys of a user, the oldest first."""
    return [
        resource(
            "credential",
            row.pk,
            {"key_id": row.pk, "key_name": row.name, "key_timeadd": seconds(row.created_ts)},
        )
        for row in Passkey.select().where(Passkey.user == user).order_by(Passkey.pk)
    ]


def delete(user: int, number: int) -> None:
    """Forget one of a user's keys; raises NotFound."""
    if not Passkey.delete().where(Passkey.pk == number, Passkey.user == user).execute():
        raise NotFound("credential not found", errors=[("/key_id", "credential not found")])


def options_to_show(name: str, site: Party) -> Document:
    """What the browser is to ask an authenticator that shall show a key of a user; the same for nobody's name.

    In a write unit.
    """
    challenge = ids.opaque()
    user = users.find(name)
    known = [] if user is None else [row.credential_id for row in Passkey.select().where(Passkey.user == user)]
    _remember(challenge, SHOW, None if user is None else user.pk, "", name.lower()[: users.MAX_LOGIN], "")
    asked = authenticators.request(site, challenge, known or [_invented(name)])
    return resource("credential", 0, {"publicKey": asked})


def _invented(name: str) -> str:
    """The id of a key that there is not, always the same for a name."""
    key = secrets.derive("vmm invented passkeys")
    return base64.urlsafe_b64encode(hmac.digest(key, name.lower().encode(), sha256)).decode().rstrip("=")


def log_in(given: Given, site: Party, address: str) -> tuple[Document, list[Document]]:
    """A session for who shows a key, and the user. Opens its own units. Raises Unauthorized, TooManyRequests."""
    name = given["user_login"]
    attempt = ("vmm passkey", name.lower(), address)
    limits.check(*attempt)
    try:
        return _log_in(name, given, site)
    except authenticators.Refused as exc:
        limits.failed(*attempt)
        raise unauthorized(users.WRONG) from exc


def _log_in(name: str, given: Given, site: Party) -> tuple[Document, list[Document]]:
    challenge, row = _take(given, SHOW)
    with db.read():
        user = users.find(name)
        found: Any = Passkey.get_or_none(Passkey.credential_id == authenticators.key_id(given))
    if user is None or found is None or not user.active or not user.pk == found.user_id == row.user_id:
        raise authenticators.Refused("no key of this user")
    if authenticators.user_handle(given) not in ("", user.handle):
        raise authenticators.Refused("a key of another user")
    count = authenticators.shown(site, given, challenge, base64.b64decode(found.public_key), found.sign_count)
    with db.write():
        # Shown twice at once, one of the two is a copy.
        same = (Passkey.pk == found.pk, Passkey.sign_count == found.sign_count)
        if not Passkey.update(sign_count=count).where(*same).execute():
            raise authenticators.Refused("the key was used meanwhile")
        fresh = User.get_or_none(User.pk == user.pk, User.active)
        if fresh is None:
            raise authenticators.Refused("the user is not active any more")
        session = sessions.begin(fresh)
    return sessions.describe_session(session, users.describe(fresh))


def _hash(challenge: str) -> str:
    return sha256(challenge.encode("utf-8", "surrogatepass")).hexdigest()
