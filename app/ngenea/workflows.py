"""Workflows: those that come with the product, and those that users add (ngenea 3.1)."""

from typing import Any, Final

import peewee

from app.core import db
from app.core.calls import Request
from app.ngenea import definitions, pages, rights
from app.ngenea.faults import refuse, refuse_one
from models.ngenea.jobs import Workflow

Document = dict[str, Any]
DEFAULTS: Final[Document] = {
    "icon_classes": [],
    "discovery": None,
    "discovery_options": {},
    "enabled": True,
    "visible": True,
    "schedule_only": False,
    "external_only": False,
    "preferred_queue": "",
    "fields": [],
    "filter_rules": [],
}
WRITTEN: Final = ("name", "label", *DEFAULTS)
# What may be changed of a built-in workflow.
OPEN: Final = ("label", "enabled", "visible", "preferred_queue")
BUILTIN: Final = "A built-in workflow keeps this."

LOCK_LEVELS: Final = ("partial", "implicit", "none")


def _builtin(name: str, label: str, task: str, lock_level: str, icon: str, **arguments: Any) -> Document:
    action = {"name": f"dynamo.tasks.{task}", **arguments, "lock_level": "*lock_level"}
    field = {
        "name": "lock_level",
        "type": "choice",
        "label": "Lock level",
        "required": False,
        "default": lock_level,
        "choices": list(LOCK_LEVELS),
    }
    return {
        **DEFAULTS,
        "name": name,
        "label": label,
        "icon_classes": ["fa", icon],
        "discovery": "recursive",
        "fields": [field],
        "filter_rules": [{"type": "file", "state": "all", "action": [action], "include": [], "exclude": []}],
    }


BUILTINS: Final = (
    _builtin("migrate", "Migrate", "migrate", "partial", "fa-cloud-upload"),
    _builtin("premigrate", "Premigrate", "migrate", "implicit", "fa-cloud", premigrate=True),
    _builtin("recall", "Recall", "recall", "implicit", "fa-cloud-download"),
)


def ensure() -> None:
    """Make the built-in workflows that are not there; processes may do so at once. Opens its own units."""
    with db.read():
        known = {row.name for row in Workflow.select(Workflow.name)}
    missing = [{**one, "builtin": True} for one in BUILTINS if one["name"] not in known]
    if missing:
        with db.write():
            Workflow.insert_many(missing).on_conflict_ignore().execute()


def listed(request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of all workflows: every user may know of them."""
    return pages.page(request, Workflow.select(), page, page_size, lambda rows: [describe(row) for row in rows])


def describe(row: Any) -> Document:
    """A workflow as it is read."""
    return {"id": row.pk, **{name: getattr(row, name) for name in WRITTEN}}


def create(body: Document) -> Document:
    """A new workflow. Raises BadRequest."""
    definition = DEFAULTS | {name: body[name] for name in WRITTEN if name in body}
    refuse(definitions.faults(_completed(definition)))
    try:
        with db.savepoint():
            return describe(Workflow.create(**definition, builtin=False))
    except peewee.IntegrityError:
        raise _taken() from None


def update(number: int, body: Document) -> Document:
    """A workflow after a change; what is not given stays, lists are replaced whole. Raises BadRequest."""
    row: Any = db.for_update(Workflow.select().where(Workflow.pk == number)).get()
    changes = {name: body[name] for name in WRITTEN if name in body}
    changes = {name: value for name, value in changes.items() if value != getattr(row, name)}
    if row.builtin:
        refuse([(f"/{name}", BUILTIN) for name in changes if name not in OPEN])
    definition = {name: getattr(row, name) for name in WRITTEN} | changes
    refuse(definitions.faults(_completed(definition)))
    try:
        with db.savepoint():
            for name in WRITTEN:
                setattr(row, name, definition[name])
            row.save()
    except peewee.IntegrityError:
        raise _taken() from None
    return describe(row)


def _completed(definition: Document) -> Document:
    """With what a rule need not say."""
    for rule in definition["filter_rules"]:
        for name in ("include", "exclude"):
            rule[name] = rule.get(name) or []
    for field in definition["fields"]:
        field.setdefault("label", field["name"])
        field.setdefault("required", False)
    return definition


def _taken() -> Exception:
    return refuse_one("/name", "A workflow with this name already exists.")


def delete(number: int) -> None:
    """Delete a workflow; its jobs stay. Raises BadRequest for a built-in one."""
    row: Any = Workflow.get_by_id(number)
    if row.builtin:
        raise refuse_one("", "A built-in workflow cannot be deleted.")
    row.delete_instance()
    rights.forget(Workflow, number)
