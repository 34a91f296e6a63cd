"""Public keys of the caller (vmm 4)."""

from app.core.calls import Caller
from app.vmm import ssh_keys
from app.vmm.documents import document, done


def add_ssh_key(body: dict, caller: Caller):
    """Keep a key."""
    return document(ssh_keys.add(int(caller.id), body["key_name"], body["key_public"]))


def list_ssh_keys(caller: Caller):
    """All keys."""
    return document(ssh_keys.listed(int(caller.id)))


def delete_ssh_key(body: dict, caller: Caller):
    """Forget a key."""
    ssh_keys.delete(int(caller.id), body["key_id"])
    return done("ssh-key", body["key_id"])
