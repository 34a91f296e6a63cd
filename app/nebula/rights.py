"""Who may do what (nebula 2, 6): looked up at each request, so that what is taken away is gone at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.core import db
from app.core.calls import Caller
from app.core.errors import Forbidden

READ, WRITE = 1, 2
LEVELS: Final = {"ro": READ, "rw": WRITE}
ADMIN: Final = "admin"

# Operations by what they ask of a caller; one that stands nowhere is refused.
OPEN: Final = frozenset({"ping"})
SIGNED_IN: Final = frozenset(
    {"get_status", "list_apps", "list_device_groups", "list_cron_jobs", "list_reports", "create_report"}
)
PRUNING: Final = frozenset({"prune_images", "prune_device_group"})
ADMINS: Final = frozenset(
    {"delete_cron_job"}
    | {f"{verb}_user" for verb in ("create", "get", "update", "patch", "delete")}
    | {f"{verb}_user_group" for verb in ("create", "get", "update", "patch", "delete")}
    | {"list_users", "list_user_groups", "refresh_token"}
)
# operation -> (what it is about, the least right on the one that it names)
NAMED: Final = {
    "get_app": ("apps", READ),
    "create_app": ("apps", WRITE),
    "replace_app": ("apps", WRITE),
    "update_app": ("apps", WRITE),
    "patch_app": ("apps", WRITE),
    "delete_app": ("apps", WRITE),
    "start_app": ("apps", WRITE),
    "stop_app": ("apps", WRITE),
    "restart_app": ("apps", WRITE),
    "get_device_group": ("device_groups", READ),
    "get_device_group_info": ("device_groups", READ),
    "list_devices": ("device_groups", READ),
    "create_device_group": ("device_groups", WRITE),
    "replace_device_group": ("device_groups", WRITE),
    "update_device_group": ("device_groups", WRITE),
    "patch_device_group": ("device_groups", WRITE),
    "delete_device_group": ("device_groups", WRITE),
    "get_cron_job": ("cron_jobs", READ),
    "create_cron_job": ("cron_jobs", WRITE),
    "replace_cron_job": ("cron_jobs", WRITE),
    "update_cron_job": ("cron_jobs", WRITE),
    "patch_cron_job": ("cron_jobs", WRITE),
}
PARAMETERS: Final = {"apps": "app_name", "device_groups": "device_group", "cron_jobs": "cron_job_name"}

OF_USER: Final = (
    "SELECT MAX(CASE WHEN g.admin THEN 1 ELSE 0 END), MAX(CASE WHEN g.pruning_allowed THEN 1 ELSE 0 END), MAX(r.level)"
    " FROM nebula_user_group_member m JOIN nebula_user_group g ON g.pk = m.group_id"
    " LEFT JOIN nebula_right r ON r.group_id = g.pk AND r.kind = ? AND r.name = ? WHERE m.user_name = ?"
)


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may do: all, prune, and with the one thing that was asked about."""

    admin: bool
    pruning: bool
    level: int


ALL: Final = Rights(admin=True, pruning=True, level=WRITE)

_enforced = True


def configure(*, enforced: bool) -> None:
    """Look at rights, or let everybody do everything."""
    global _enforced
    _enforced = enforced


def of(caller: Caller, kind: str = "", name: str = "") -> Rights:
    """The rights of a caller, on the app, device group or cron job of a name. Opens or joins a read unit."""
    if not _enforced or ADMIN in caller.rights:
        return ALL
    with db.read():
        found = db.row(OF_USER, kind, name, caller.id)
    if found is None or found[0] is None:
        return Rights(admin=False, pruning=False, level=0)
    return ALL if found[0] else Rights(admin=False, pruning=bool(found[1]), level=found[2] or 0)


def authorise(operation: str, caller: Caller, values: Mapping[str, Any]) -> None:
    """Raises Forbidden when a caller may not call an operation with these parameters."""
    if operation in OPEN or not _enforced:
        return
    if operation in SIGNED_IN:
        allowed = caller.kind == "user"
    elif operation in NAMED:
        kind, wanted = NAMED[operation]
        allowed = of(caller, kind, values[PARAMETERS[kind]]).level >= wanted
    elif operation in PRUNING:
        allowed = of(caller).pruning
    else:
        allowed = operation in ADMINS and of(caller).admin
    if not allowed:
        raise refusal()


def refusal() -> Forbidden:
    """What who may not do something is told."""
    return Forbidden("access is not allowed", body={"access_allowed": False})
