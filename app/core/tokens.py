"""Signed tokens (JWT, RS256): one signing key per (system, kind), so that no token of one passes in another.

`verify` proves that a token is ours and not expired; whether it was revoked is a row that the caller reads every time.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from app.core import clock, db, ids, secrets

ALGORITHM: Final = "RS256"
KEY_BITS: Final = 2048
CACHE_SIZE: Final = 20_000
MAX_TOKEN: Final = 8192

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Key:
    kid: str
    private: rsa.RSAPrivateKey
    public: rsa.RSAPublicKey


_keys: dict[tuple[str, str], _Key] = {}
_verified: OrderedDict[bytes, Claims] = OrderedDict()
_lock = Lock()


def forget() -> None:
    """Drop what this process remembers (another database was configured)."""
    with _lock:
        _keys.clear()
        _verified.clear()


def ensure_keys(wanted: Iterable[tuple[str, str]]) -> None:
    """Make the signing keys that do not exist yet; safe when several processes start at once."""
    for system, kind in wanted:
        with db.read():
            if _load(system, kind) is not None:
                continue
        db.outside("making a signing key")  # finding two primes takes a while
        private = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with db.write():
            db.execute(
                "INSERT INTO core_signing_key (system, kind, kid, algorithm, private, created)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                system,
                kind,
                ids.uuid(),
                ALGORITHM,
                secrets.seal(pem, _purpose(system, kind)),
                clock.micros(clock.now()),
            )


def _purpose(system: str, kind: str) -> str:
    return f"signing key {system} {kind}"


def _load(system: str, kind: str) -> _Key | None:
    """The key of (system, kind), from this process or the database; joins or opens a read unit."""
    key = _keys.get((system, kind))
    if key is not None:
        return key
    with db.read():
        found = db.row("SELECT kid, private FROM core_signing_key WHERE system = ? AND kind = ?", system, kind)
    if found is None:
        return None
    private = load_pem_private_key(secrets.unseal(found[1], _purpose(system, kind)), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise secrets.SecretError(f"the signing key of {system} {kind} is not an RSA key")
    key = _Key(found[0], private, private.public_key())
    with _lock:
        _keys[system, kind] = key
    return key


def sign(system: str, kind: str, claims: Claims) -> str:
    """The compact token of `claims` under the key of (system, kind), which is made when there is none.

    Making one raises RuntimeError inside a unit of work: it takes long, and must not be undone with the unit.
    """
    key = _load(system, kind)
    if key is None:
        ensure_keys([(system, kind)])
        key = _load(system, kind)
    if key is None:
        raise RuntimeError(f"the signing key of {system} {kind} was removed while it was made")
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers={"kid": key.kid})


def public_key(system: str, kind: str) -> str:
    """What verifies the tokens of (system, kind), for others to do so: PEM. Raises RuntimeError without a key."""
    key = _load(system, kind)
    if key is None:
        raise RuntimeError(f"there is no signing key of {system} {kind}")
    return key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def verify(token: str, system: str, kind: str) -> Claims | None:
    """The claims of a token that the key of (system, kind) signed and that has not expired; else None."""
    if len(token) > MAX_TOKEN:
        return None
    digest = sha256(f"{system} {kind} {token}".encode("utf-8", "surrogateescape")).digest()
    with _lock:
        claims = _verified.get(digest)
        if claims is not None:
            _verified.move_to_end(digest)
    if claims is None:
        claims = _verify(token, system, kind)
        if claims is None:
            return None
        with _lock:
            _verified[digest] = claims
            if len(_verified) > CACHE_SIZE:
                _verified.popitem(last=False)
    if claims["exp"] <= clock.now().timestamp():
        return None
    return dict(claims)  # what is remembered stays as it was signed


def _verify(token: str, system: str, kind: str) -> Claims | None:
    key = _load(system, kind)
    try:
        if key is None or jwt.get_unverified_header(token).get("kid") != key.kid:
            return None
        claims: Claims = jwt.decode(
            token,
            key.public,
            algorithms=[ALGORITHM],
            # Times are held against our clock, and on every use.
            options={
                "require": ["exp", "sub", "jti", "iss"],
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except (jwt.PyJWTError, ValueError, UnicodeError):
        return None
    if not isinstance(claims["exp"], int | float) or isinstance(claims["exp"], bool):
        return None
    return claims
