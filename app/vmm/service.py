"""What this server offers, and whether it is well (vmm 4)."""

from datetime import timedelta
from typing import Final

from app.core import clock, db, ids, migrate, readiness
from app.core.errors import Unavailable
from app.vmm import accounts
from app.vmm.documents import Document, document, resource

LATE: Final = timedelta(minutes=1)  # work that has waited so long has no worker


def config() -> Document:
    """The switches of this server; `stream` names a stream of events that nobody has yet."""
    switches = {
        "disable_user_registration": not accounts.may_register(),
        "disable_user_recovery": False,
        "disable_user_password_change": False,
        "disable_server_add": False,
        "disable_ssh_key_add": False,
        "webauth_enabled": True,
        "simplestream_enabled": True,
        "stream": ids.uuid(),
    }
    return document(resource("config", 0, switches))


def alive() -> Document:
    """Always good."""
    return document(resource("health", 0, {"response": True}))


def ready() -> Document:
    """Whether the database, its schema and the worker are there, in a read unit; raises Unavailable."""
    readiness.check()
    checks = {
        "database": True,
        "migrations": all(step.applied for step in migrate.status()),
        "worker": _is_worker_alive(),
    }
    lacking = [name for name, good in checks.items() if not good]
    if lacking:
        raise Unavailable(f"not ready: {', '.join(lacking)}", headers={"Retry-After": "5"})
    return document(resource("health", 0, {"response": True, "checks": checks}))


def _is_worker_alive() -> bool:
    waiting = db.row(
        "SELECT 1 FROM core_work WHERE place = '' AND state = 'queued' AND due_ts < ? LIMIT 1",
        clock.micros(clock.now() - LATE),
    )
    return waiting is None
