"""Password hashes: argon2id; imported bcrypt hashes are verified once and made anew."""

from typing import Final

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHash

from app.core import db

_hasher: Final = PasswordHasher()
_fast: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
_current = _hasher
_decoys: dict[PasswordHasher, str] = {}


def configure(*, fast: bool) -> None:
    """Choose the cheap profile (tests only) or the real one."""
    global _current
    _current = _fast if fast else _hasher


def hash(password: str) -> str:
    """The hash to store. Takes tens of milliseconds: never inside a write transaction."""
    db.outside("password hashing")
    return _current.hash(password)


def verify(stored: str, password: str) -> tuple[bool, str | None]:
    """Whether the password is right, and a new hash when the stored one should be replaced."""
    db.outside("password hashing")
    if stored.startswith("$2"):
        return (True, _current.hash(password)) if _bcrypt_fits(stored, password) else (False, None)
    try:
        _current.verify(stored, password)
    except (Argon2Error, InvalidHash):
        return False, None
    return True, _current.hash(password) if _current.check_needs_rehash(stored) else None


def _bcrypt_fits(stored: str, password: str) -> bool:
    try:
        # bcrypt looks at 72 bytes only; the libraries that made such hashes cut silently.
        return bcrypt.checkpw(password.encode()[:72], stored.encode())
    except ValueError:  # not a whole hash, or a NUL in the password
        return False


def burn(password: str) -> None:
    """Spend the time of a `verify`, for a user who does not exist: the answer must not tell."""
    if _current not in _decoys:
        _decoys[_current] = _current.hash("nobody has this password")
    verify(_decoys[_current], password)
