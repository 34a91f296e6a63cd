"""The manager itself: whether it answers, and images that no device needs."""

from app.core import readiness
from app.nebula import device_groups


def get_status():
    """It answers, and knows who asks (nebula 2)."""
    return {"api_available": True}


def ping():
    """It answers, and its database does; raises Unavailable (nebula 11.1)."""
    readiness.check()
    return {"api_available": True}


def prune_images():
    """Have all devices remove images that they do not use (nebula 2)."""
    return {"prune_ids": device_groups.prune_all()}, 202
