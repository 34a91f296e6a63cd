"""What must not stand in clear at rest: sealed with AES-256-GCM under the key file, the only secret in clear."""

import base64
import os
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12

_key: bytes | None = None


class SecretError(Exception):
    """A key file or sealed value that cannot be used."""


def configure(key_file: Path) -> None:
    """Read the key file, or make it (32 random bytes, mode 0600) at first start. Raises SecretError, OSError."""
    global _key
    if not key_file.exists():
        _make(key_file)
    key = key_file.read_bytes()
    if len(key) != KEY_BYTES:
        raise SecretError(f"{key_file.name} must hold exactly {KEY_BYTES} bytes, it holds {len(key)}")
    _key = key


def _make(key_file: Path) -> None:
    """Put a new key in place, whole and durable; several processes may do so at once, one of them wins."""
    part = key_file.with_name(f"{key_file.name}.{os.urandom(8).hex()}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(os.urandom(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        with suppress(FileExistsError):
            key_file.hardlink_to(part)
    finally:
        part.unlink()
    folder = os.open(key_file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _master() -> bytes:
    if _key is None:
        raise SecretError("the secret key is not configured")
    return _key


def seal(plain: bytes, purpose: str) -> str:
    """Encrypt for one purpose; the result is text for the database."""
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(_master()).encrypt(nonce, plain, purpose.encode())).decode()


def unseal(text: str, purpose: str) -> bytes:
    """Decrypt what `seal` made for the same purpose; raises SecretError for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
        return AESGCM(_master()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
    except (InvalidTag, ValueError) as exc:
        raise SecretError(f"cannot unseal a value for {purpose}: wrong key file or damaged value") from exc


def derive(purpose: str) -> bytes:
    """A key of 32 bytes for one purpose, the same in every process that has the key file (HKDF-SHA256)."""
    return _derive(_master(), purpose)


@lru_cache(maxsize=64)
def _derive(master: bytes, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(master)
