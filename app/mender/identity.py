"""Who a device says it is: the canonical identity, its public key, and signatures with it (mender 2.1)."""

import base64
import binascii
from dataclasses import dataclass
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
MAX_DEPTH: Final = 32
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
    """The identity of an auth request; raises BadRequest unless it is a JSON object written as text.

    The canonical form has sorted keys and no spaces, and escapes <, >, & and the line separators, as upstream's does,
    so that a database moved from there finds its devices again.
    """
    try:
        data = orjson.loads(id_data)
    except orjson.JSONDecodeError as exc:
        raise BadRequest("id_data is not valid JSON") from exc
    if not isinstance(data, dict) or not data:
        raise BadRequest("id_data must be a JSON object with at least one member")
    _check(data, 1)
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode().translate(GO_ESCAPES)
    return Identity(data, text, sha256(text.encode()).hexdigest())


def _check(value: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise BadRequest(f"id_data is nested more than {MAX_DEPTH} levels deep")
    if isinstance(value, str) and "\0" in value:
        raise BadRequest("id_data holds a NUL character")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(key, depth)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def parse_public_key(pem: str) -> tuple[PublicKey, str]:
    """The key and its canonical PEM (64 columns, a newline at the end).

    Raises BadRequest unless it is one SubjectPublicKeyInfo of RSA (1024 bits or more), ECDSA P-224 to P-521 or Ed25519.
    """
    text = pem.strip()
    if not text.startswith(PEM_HEAD) or not text.endswith(PEM_TAIL):
        raise BadRequest("pubkey is not a PEM public key")
    body = "".join(text[len(PEM_HEAD) : -len(PEM_TAIL)].split())
    try:
        key = load_der_public_key(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise BadRequest("pubkey cannot be read") from exc
    if isinstance(key, rsa.RSAPublicKey) and not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise BadRequest(f"pubkey: an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name not in CURVES:
        raise BadRequest(f"pubkey: the curve {key.curve.name} is not supported")
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise BadRequest("pubkey must be an RSA, ECDSA or Ed25519 key")
    return key, key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def verify_signature(key: PublicKey, signature: str, message: bytes) -> None:
    """Check the base64 signature over the raw bytes of a body; raises Unauthorized for any flaw."""
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(raw, message, padding.PKCS1v15(), SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(raw, message, ec.ECDSA(SHA256()))
        else:
            key.verify(raw, message)
    except (InvalidSignature, binascii.Error, ValueError) as exc:
        raise Unauthorized("signature verification failed") from exc
