"""Changes of what is on LXD hosts (vmm 5)."""

from app.core.calls import Caller
from app.vmm import changes
from app.vmm.documents import document, done


def revoke_certificate(body: dict, caller: Caller):
    """Trust somebody no more."""
    return done("certificate", changes.revoke_certificate(caller, body))


def update_profile(body: dict, caller: Caller):
    """Another content, another name."""
    return document(changes.update_profile(caller, body))


def delete_profile(body: dict, caller: Caller):
    """Remove one that nobody uses."""
    return done("profile", changes.delete_profile(caller, body))


def delete_image(body: dict, caller: Caller):
    """Remove one."""
    return done("image", changes.delete_image(caller, body))
