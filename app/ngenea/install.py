"""What is there from the start: rights, the built-in groups and workflows (ngenea 2, 3.1)."""

from typing import Final

from app.core import db
from app.ngenea import workflows
from models.ngenea.users import Group, GroupPermission, Permission

ADMINISTRATORS, USERS = "Administrators", "Users"
VERBS: Final = ("add", "change", "delete", "view")
# The models of each part of the product.
MODELS: Final = {
    "auth": ("group", "permission", "user", "clientkey"),
    "filebrowser": (
        "bucket",
        "certificatelifetime",
        "externaltarget",
        "filesystem",
        "node",
        "queue",
        "settingstask",
        "site",
        "space",
        "storagepool",
    ),
    "jobs": ("job", "task", "workflow"),
}
DESCRIPTIONS: Final = {
    ADMINISTRATORS: "May do everything.",
    USERS: "May see and use all spaces.",
}
# What members of the group of users may see.
SEEN: Final = ("externaltarget", "filesystem", "node", "queue", "site", "space", "storagepool", "workflow")


def ensure() -> None:
    """Make what is not there yet; safe when several processes do so at once."""
    workflows.ensure()
    with db.read():
        known = {(row.app_label, row.codename) for row in Permission.select()}
        groups = {row.name for row in Group.select()}
    rows = [
        {"app_label": label, "codename": f"{verb}_{model}", "model": model, "name": f"Can {verb} {model}"}
        for label, models in MODELS.items()
        for model in models
        for verb in VERBS
        if (label, f"{verb}_{model}") not in known
    ]
    if not rows and groups >= DESCRIPTIONS.keys():
        return
    with db.write():
        if rows:
            Permission.insert_many(rows).on_conflict_ignore().execute()
        for name, description in DESCRIPTIONS.items():
            Group.insert(name=name, description=description, builtin=True).on_conflict_ignore().execute()
        if USERS not in groups:
            _let_users_see()


def _let_users_see() -> None:
    group = Group.get(Group.name == USERS)
    seen = Permission.select().where(Permission.codename.in_([f"view_{model}" for model in SEEN]))
    rows = [{"group": group.pk, "permission": permission.pk} for permission in seen]
    GroupPermission.insert_many(rows).on_conflict_ignore().execute()
