"""Who a device says it is: the canonical identity, its public key, and signatures with it (mender 2.1)."""

import binascii
import json
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from app.core.errors import BadRequest, Unauthorized

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

CURVES: Final = ("secp224r1", "secp256r1", "secp384r1", "secp521r1")
MIN_RSA_BITS: Final = 1024
MAX_RSA_BITS: Final = 16384
MAX_ID_DATA: Final = 65536  # characters
MAX_PEM: Final = 16384  # characters
MAX_DEPTH: Final = 32
MAX_MEMBERS: Final = 100
MAX_NAME: Final = 1024  # what the inventory holds
INTEGERS: Final = range(-(2**63), 2**64)
PEM_HEAD: Final = "-----BEGIN PUBLIC KEY-----"
PEM_TAIL: Final = "-----END PUBLIC KEY-----"
# What Go's JSON encoder escapes beyond the standard.
GO_ESCAPES: Final = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """A canonical identity: JSON with sorted keys, and its SHA-256 that is the device's key within a tenant."""

    data: dict[str, Any]
    text: str
    digest: str


def parse_identity(id_data: str) -> Identity:
    """The identity of an auth request; raises BadRequest unless it is a JSON object, not empty, written as text.

    The canonical form is that of Go's encoder, as upstream's, so that a database moved from there finds its devices
    again: sorted keys, the last of equal ones, no spaces, <, >, & and the line separators escaped, numbers as Go prints
    a float64 (1.0 and 1 are one number). Integers stay exact up to 64 bits: beyond 2**53 upstream rounds them, and
    would take two serial numbers for one device. Longer ones are refused.
    """
    if len(id_data) > MAX_ID_DATA:
        raise BadRequest(f"id_data is longer than {MAX_ID_DATA} characters")
    try:
        orjson.loads(id_data)  # stricter than json: no NaN, no lone surrogates, an end to depth
        data = json.loads(id_data, parse_int=_integer)
    except (ValueError, RecursionError) as exc:
        raise BadRequest("id_data is not valid JSON, or nested too deep") from exc
    return canonical_identity(data, "id_data")


def canonical_identity(data: Any, name: str) -> Identity:
    """The identity of parsed JSON; raises BadRequest, naming the member `name`, unless it is an object that can be."""
    try:
        if not isinstance(data, dict) or not data:
            raise ValueError("must be a JSON object with at least one member")
        if len(data) > MAX_MEMBERS or not all(1 <= len(key) <= MAX_NAME for key in data):
            raise ValueError(f"must have at most {MAX_MEMBERS} members with names of 1 to {MAX_NAME} characters")
        text = _canonical(data, 1).translate(GO_ESCAPES)
    except ValueError as exc:
        raise BadRequest(f"{name} {exc}") from None
    return Identity(orjson.loads(text), text, sha256(text.encode()).hexdigest())


def _integer(text: str) -> int | float:
    if text == "-0":
        return -0.0
    # Longer texts are out of range, and slow to convert.
    if len(text) > 20 or int(text) not in INTEGERS:
        raise BadRequest("id_data holds an integer beyond 64 bits")
    return int(text)


def _canonical(value: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, dict):
        members = [f"{_canonical(name, depth)}:{_canonical(value[name], depth + 1)}" for name in sorted(value)]
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_canonical(item, depth + 1) for item in value) + "]"
    if isinstance(value, str) and "\0" in value:
        raise ValueError("holds a NUL character")
    return _float(value) if isinstance(value, float) else orjson.dumps(value).decode()


def _float(value: float) -> str:
    """A number as Go's encoder prints it: shortest digits, an exponent below 1e-6 and from 1e21 on."""
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return repr(value).replace("e-0", "e-")


def parse_public_key(pem: str) -> tuple[PublicKey, str]:
    """The key and its canonical PEM (64 columns, a newline at the end).

    Raises BadRequest unless it is one SubjectPublicKeyInfo of RSA (1024 bits or more), ECDSA P-224 to P-521 or Ed25519
    (mender 12).
    """
    text = pem.strip()
    if len(text) > MAX_PEM or not text.startswith(PEM_HEAD) or not text.endswith(PEM_TAIL):
        raise BadRequest("pubkey is not a PEM public key")
    try:
        der = _base64("".join(text[len(PEM_HEAD) : -len(PEM_TAIL)].split()))
        key = load_der_public_key(der)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise BadRequest("pubkey cannot be read") from exc
    if isinstance(key, rsa.RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise BadRequest(f"pubkey: an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVES:
        raise BadRequest(f"pubkey: the curve {key.curve.name} is not supported")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise BadRequest("pubkey must be an RSA, ECDSA or Ed25519 key")
    # The library also reads bare PKCS#1 and compressed points; upstream does not, and one key must have one form.
    if der != key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
        raise BadRequest("pubkey is not a plain SubjectPublicKeyInfo")
    return key, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _base64(text: str) -> bytes:
    """The bytes of standard base64, padded; raises ValueError for anything else."""
    return binascii.a2b_base64(text, strict_mode=True)


def verify_signature(key: PublicKey, signature: str, message: bytes) -> None:
    """Check the base64 signature over the raw bytes of a body; raises Unauthorized for any flaw."""
    try:
        raw = _base64(signature)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, message, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, message, ec.ECDSA(SHA256()))
        else:
            key.verify(raw, message)
    except (InvalidSignature, ValueError) as exc:
        raise Unauthorized("signature verification failed") from exc
