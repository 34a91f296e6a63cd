"""The scheme functions of the Nebula system: who holds a credential (nebula 6).

There is a local administrator by the settings; all others are users in the database. A request costs the same however
many users there are: tokens are found by a keyed hash. A password costs an argon2 once, and is then remembered, by a
keyed hash too, until the user's row changes.
"""

import base64
import binascii
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from threading import Lock, Semaphore
from typing import Final

from app.core import db, limits, passwords, secrets, threads
from app.core.calls import Caller, Request
from app.core.errors import TooManyRequests, Unauthorized, Unavailable
from app.nebula.rights import ADMIN

REMEMBERED: Final = 3600.0  # seconds
MAX_REMEMBERED: Final = 20_000
WRONG_SECONDS: Final = 60.0
LOCAL_ROW: Final = (-1, 0)
NO_ROW: Final = (0, 0)
REALM: Final = 'realm="nebula"'
# What workers call: an error makes them stop all their containers, so they are never told that there were too many.
WORKERS: Final = frozenset({"get_device_group_info"})

Attempt = tuple[str, str, str]  # what for, name, address


@dataclass(frozen=True)
class Local:
    """The local administrator's name, password and token; what is empty is not to be used."""

    user: str = ""
    password: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True)
class _Verified:
    """A password that was right or wrong for a version of a user's row."""

    row: tuple[int, int]
    right: bool
    until: float


_local = Local()
_verified: OrderedDict[bytes, _Verified] = OrderedDict()
_lock = Lock()
_turns: OrderedDict[bytes, Lock] = OrderedDict()


class _Lane:
    """So many passwords at once; whoever brings one more is told to come again, and keeps no thread from others."""

    def __init__(self, most: int) -> None:
        self._free = Semaphore(most)

    def __enter__(self) -> None:
        if not self._free.acquire(blocking=False):
            raise Unavailable("too many passwords are being verified", headers={"Retry-After": "1"})

    def __exit__(self, *_: object) -> None:
        self._free.release()


# Fewer than the threads that read: some are always left for those who are remembered, or show a token.
_lane, _slow_lane = _Lane(12), _Lane(2)


def configure(local: Local) -> None:
    """Use these settings from now on."""
    global _local
    _local = local
    _forget()


def _forget() -> None:
    with _lock:
        _verified.clear()


db.on_configure(_forget)


def has_local_admin() -> bool:
    """Whether the settings name an administrator."""
    return bool(_local.token or (_local.user and _local.password))


def token_digest(token: str) -> str:
    """What is kept of a token: a hash under a key of this installation."""
    return hmac.new(secrets.derive("nebula tokens"), token.encode(), sha256).hexdigest()


def bearer_token(credential: str, _: Request) -> Caller | None:
    """The local token, or a user's."""
    if _local.token and hmac.compare_digest(credential.encode("utf-8", "surrogateescape"), _local.token.encode()):
        return _local_admin()
    with db.read():
        found = db.row("SELECT name FROM nebula_user WHERE token_digest = ?", token_digest(credential))
    if found is None:
        raise Unauthorized("unauthorized", headers={"WWW-Authenticate": f"Bearer {REALM}"})
    return Caller("nebula", "user", found[0])


def basic_user(credential: str, request: Request) -> Caller | None:
    """A name and password, base64 of `name:password`. Raises TooManyRequests after many failures, never for workers."""
    try:
        name, colon, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    if not colon or "\0" in name + password:
        return None
    attempt = ("nebula login", name, request.client)
    if _may_be_local(name) and _passes(attempt, password, LOCAL_ROW, _is_local_password, request):
        return _local_admin()
    if _is_user(attempt, password, request):
        return Caller("nebula", "user", name)
    # By another thread: this one may only read.
    threads.later(partial(limits.failed, *attempt))
    return None


def _local_admin() -> Caller:
    return Caller("nebula", "user", _local.user or "local administrator", rights=frozenset({ADMIN}))


def _may_be_local(name: str) -> bool:
    return bool(_local.user and _local.password) and hmac.compare_digest(name.encode(), _local.user.encode())


def _is_local_password(password: str) -> bool:
    """At the cost of any other: what is only compared could be guessed as fast as requests come."""
    passwords.burn(password)
    return hmac.compare_digest(password.encode(), _local.password.encode())


def _is_user(attempt: Attempt, password: str, request: Request) -> bool:
    with db.read():
        found = db.row("SELECT pk, version, password_hash FROM nebula_user WHERE name = ?", attempt[1])
    if found is None:
        return _passes(attempt, password, NO_ROW, _is_nobodys, request)
    return _passes(attempt, password, (found[0], found[1]), partial(_is_of, found[2]), request)


def _is_of(stored: str, password: str) -> bool:
    return passwords.verify(stored, password)[0]


def _is_nobodys(password: str) -> bool:
    """A user who is not there takes as long."""
    passwords.burn(password)
    return False


def _passes(
    attempt: Attempt, password: str, row: tuple[int, int], verify: Callable[[str], bool], request: Request
) -> bool:
    """Whether a password is right for a row; verified once, and then remembered for it."""
    said = f"{attempt[1]}\0{password}".encode()
    key = hmac.new(secrets.derive("nebula passwords"), said, sha256).digest() + row[0].to_bytes(8, signed=True)
    known = _recall(key, row)
    if known is not None and known.right:
        return True
    lane = _lane_of(attempt, request)
    # Who asks with the same password at once waits for one verification.
    with _turn(key):
        known = _recall(key, row)
        if known is None:
            with lane:
                known = _remember(key, row, verify(password))
    return known.right


def _lane_of(attempt: Attempt, request: Request) -> _Lane:
    """Raises TooManyRequests for what was tried too often; a worker takes a narrow lane then."""
    try:
        limits.check(*attempt)
    except TooManyRequests:
        if request.operation_id not in WORKERS:
            raise
        return _slow_lane
    return _lane


def _turn(key: bytes) -> Lock:
    with _lock:
        turn = _turns.setdefault(key, Lock())
        _turns.move_to_end(key)
        if len(_turns) > MAX_REMEMBERED:
            _turns.popitem(last=False)
        return turn


def _recall(key: bytes, row: tuple[int, int]) -> _Verified | None:
    with _lock:
        known = _verified.get(key)
        if known is None or known.row != row or known.until < time.monotonic():
            return None
        _verified.move_to_end(key)
        return known


def _remember(key: bytes, row: tuple[int, int], right: bool) -> _Verified:
    known = _Verified(row, right, time.monotonic() + (REMEMBERED if right else WRONG_SECONDS))
    with _lock:
        _verified[key] = known
        _verified.move_to_end(key)
        if len(_verified) > MAX_REMEMBERED:
            _verified.popitem(last=False)
    return known
