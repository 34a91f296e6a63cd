"""Apps and cron jobs: documents with a name, and a number that grows with each change (nebula 3, 4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from app.core.errors import BadRequest, Forbidden
from app.nebula import changes, fields
from models.nebula.definitions import App, CronJob

Document = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What apps and cron jobs differ in."""

    member: str  # how a device group calls them
    model: Any
    name: str
    number: str
    exists: str
    defaults: Document
    replaced: Document  # what a field becomes that POST update does not name

    def unknown(self) -> Forbidden:
        return Forbidden("there is none of that name", body={self.exists: False})


CONTAINER: Final[Document] = {
    "docker_image": None,
    "env_vars": {},
    "running": True,
    "networks": fields.NETWORKS,
    "volumes": [],
    "devices": [],
    "privileged": False,
}
APP_DEFAULTS: Final = CONTAINER | {"starting_ports": [], "containers_per": {"server": 1}, "rolling_restart": False}
CRON_JOB_DEFAULTS: Final = {"schedule": None} | CONTAINER

APPS: Final = Kind("apps", App, "app_name", "app_id", "app_exists", APP_DEFAULTS, APP_DEFAULTS | {"env_vars": []})
CRON_JOBS: Final = Kind(
    "cron_jobs", CronJob, "cron_job_name", "cron_job_id", "cron_job_exists", CRON_JOB_DEFAULTS, CRON_JOB_DEFAULTS
)


def names(kind: Kind) -> list[str]:
    """All names, in the order in which they were made."""
    return [row.name for row in kind.model.select(kind.model.name).order_by(kind.model.pk)]


def get(kind: Kind, name: str) -> Document:
    """One of them; raises Forbidden."""
    return describe(kind, _find(kind, name))


def describe(kind: Kind, row: Any) -> Document:
    """As clients see it."""
    return {kind.number: row.number, kind.name: row.name, **row.document}


def create(kind: Kind, name: str, given: Document) -> Document:
    """Make one; its number is 1. Raises Forbidden for a name that is taken, BadRequest for a field that will not do."""
    given = _checked(given)
    changes.begin()
    if kind.model.select().where(kind.model.name == name).exists():
        raise Forbidden("the name is taken", body={kind.exists: True})
    row = kind.model.create(name=name, number=1, document=kind.defaults | given)
    changes.touch(kind.member, name)  # groups may still list one that was deleted
    return describe(kind, row)


def replace(kind: Kind, name: str, given: Document) -> Document:
    """Change all of it; what is not given becomes what it is by default. Raises as `create`."""
    given = _checked(given)
    return _change(kind, name, lambda _: kind.replaced | given)


def update(kind: Kind, name: str, given: Document) -> Document:
    """Change the given fields. Raises BadRequest for none, and as `create`."""
    if not given:
        raise BadRequest("no field is given", body={"missing_parameters": True})
    given = _checked(given)
    return _change(kind, name, lambda document: document | given)


def restart(name: str) -> Document:
    """Have an app that runs begin anew. Raises Forbidden when there is none, or it is stopped."""

    def as_it_is(document: Document) -> Document:
        if not document["running"]:
            raise Forbidden("the app is stopped", body={"running_before_restart": False})
        return document

    return _change(APPS, name, as_it_is)


def delete(kind: Kind, name: str) -> None:
    """Remove one, so that the workers of each group that lists it stop it. Raises Forbidden."""
    changes.begin()
    _find(kind, name).delete_instance()
    changes.touch(kind.member, name, removed=True)


def _checked(given: Document) -> Document:
    """The fields as they are kept. Raises BadRequest or Forbidden for what would end a worker (nebula 9)."""
    fields.check_ports(given.get("starting_ports", ()))
    if "schedule" in given:
        fields.check_schedule(given["schedule"])
    lists = {name: fields.words(given[name]) for name in ("networks", "volumes", "devices") if name in given}
    if lists.get("networks") == []:
        lists["networks"] = fields.NETWORKS
    return given | lists


def _find(kind: Kind, name: str) -> Any:
    row = kind.model.get_or_none(kind.model.name == name)
    if row is None:
        raise kind.unknown()
    return row


def _change(kind: Kind, name: str, change: Callable[[Document], Document]) -> Document:
    changes.begin()
    row = _find(kind, name)
    row.document = change(row.document)
    kind.model.update(number=kind.model.number + 1, document=row.document).where(kind.model.pk == row.pk).execute()
    changes.touch(kind.member, name)
    row.number += 1
    return describe(kind, row)
