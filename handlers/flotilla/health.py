"""Liveness and readiness, on both listeners."""

from app.core import readiness


def get_health():
    """The process answers."""
    return {"status": "ok"}


def get_readiness():
    """The database answers and its schema is the one this release needs; raises Unavailable."""
    readiness.check()
    return {"status": "ready"}
