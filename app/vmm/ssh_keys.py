"""Public keys of users, for the instances that they will make (vmm 4)."""

import base64
from hashlib import sha256
from typing import Any, Final

import peewee
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from app.core import clock, db
from app.core.errors import Conflict, NotFound
from app.vmm import users
from app.vmm.documents import Document, resource, seconds
from models.vmm.users import SshKey

MIN_RSA: Final = 2048
ADDED: Final = "ssh key has already been added"
Faults = list[tuple[str, str]]


def add(user: int, name: str, line: str) -> Document:
    """Keep a key: one line as in `authorized_keys`. Raises BadRequest, Conflict for one that the user has."""
    line, name = line.strip(), name.strip()
    users.refuse(([] if name else [("/key_name", "ssh key name has not be empty")]) + _faults(line))
    try:
        with db.savepoint():
            row = SshKey.create(user=user, name=name, line=line, fingerprint=_fingerprint(line), created_ts=clock.now())
    except peewee.IntegrityError:
        raise Conflict(ADDED, errors=[("/key_public", ADDED)]) from None
    return _describe(row, user)


def _faults(line: str) -> Faults:
    fault = _fault(line)
    return [("/key_public", fault)] if fault else []


def _fault(line: str) -> str:
    """What is wrong with a key; '' when nothing is."""
    if not line:
        return "ssh key has not be empty"
    try:
        key = load_ssh_public_key(line.encode("ascii"))
    except (ValueError, UnsupportedAlgorithm):
        return "ssh key is not one line of a known type and its base64"
    if "\n" in line or "\r" in line or "-cert-v" in line.split()[0] or isinstance(key, dsa.DSAPublicKey):
        return "ssh key is not one line of a known type and its base64"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA:
        return f"ssh key of RSA has fewer than {MIN_RSA} bits"
    return ""


def _fingerprint(line: str) -> str:
    blob = base64.b64decode(line.split()[1])
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")


def listed(user: int) -> list[Document]:
    """The keys of a user, the oldest first."""
    return [_describe(row, user) for row in SshKey.select().where(SshKey.user == user).order_by(SshKey.pk)]


def _describe(row: Any, user: int) -> Document:
    attributes = {
        "key_id": row.pk,
        "key_name": row.name,
        "key_type": "ssh",
        "key_public": row.fingerprint,
        "key_timeadd": seconds(row.created_ts),
        "user_id": user,
        "provider": "internal",
    }
    return resource("ssh-key", row.pk, attributes)


def delete(user: int, number: int) -> None:
    """Forget one of a user's keys; raises NotFound."""
    if not SshKey.delete().where(SshKey.pk == number, SshKey.user == user).execute():
        raise NotFound("ssh key not found", errors=[("/key_id", "ssh key not found")])
