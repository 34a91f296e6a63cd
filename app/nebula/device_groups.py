"""Device groups: the apps and cron jobs that the workers of a group run (nebula 2, 3, 4)."""

from collections.abc import Sequence
from typing import Any, Final

from app.core import ids
from app.core.errors import BadRequest, Forbidden
from app.nebula import changes, fields
from app.nebula.definitions import APPS, CRON_JOBS, Document
from models.nebula.device_groups import DeviceGroup, DeviceGroupMember
from models.nebula.reports import Device

LISTS: Final = (CRON_JOBS, APPS)  # in the order in which they are looked at


def names() -> list[str]:
    """All names, in the order in which they were made."""
    return [row.name for row in DeviceGroup.select(DeviceGroup.name).order_by(DeviceGroup.pk)]


def get(name: str) -> Document:
    """One group; raises Forbidden."""
    return _describe(find(name))


def find(name: str, key: str = "device_group_exists") -> Any:
    """The row of a group; raises Forbidden, saying so by `key`."""
    group = DeviceGroup.get_or_none(DeviceGroup.name == name)
    if group is None:
        raise Forbidden("there is no such device group", body={key: False})
    return group


def _describe(group: Any) -> Document:
    rows = DeviceGroupMember.select().where(DeviceGroupMember.group == group).order_by(DeviceGroupMember.position)
    members = [(row.kind, row.name) for row in rows]
    return {
        "device_group": group.name,
        "device_group_id": group.number,
        "prune_id": group.prune_id,
        "apps": [name for kind, name in members if kind == APPS.member],
        "cron_jobs": [name for kind, name in members if kind == CRON_JOBS.member],
    }


def create(name: str, given: Document) -> Document:
    """Make a group. Raises Forbidden when the name is taken, or when there is no app or cron job of a name."""
    changes.begin()
    if DeviceGroup.select().where(DeviceGroup.name == name).exists():
        raise Forbidden("the name is taken", body={"device_group_exists": True})
    lists = _checked(given)
    # A row may get the key of one that was deleted, but not its revision too.
    group = DeviceGroup.create(name=name, number=1, prune_id=1, revision=ids.start())
    _put(group, lists)
    return _describe(group)


def replace(name: str, given: Document) -> Document:
    """Change both lists; one that is not given becomes empty. Raises Forbidden."""
    # The key is what the product itself says here (nebula 2).
    return _change(name, {"apps": [], "cron_jobs": []} | given, "app_exists")


def update(name: str, given: Document) -> Document:
    """Change the lists that are given. Raises BadRequest for none, Forbidden."""
    if not given:
        raise BadRequest("no list is given", body={"missing_parameters": True})
    return _change(name, given, "device_group_exists")


def delete(name: str) -> None:
    """Remove a group, and what is known of its devices. Raises Forbidden."""
    changes.begin()
    find(name).delete_instance()
    Device.delete().where(Device.device_group == name).execute()


def prune(name: str) -> Document:
    """Have the devices of a group remove images that they do not use. Raises Forbidden."""
    changes.begin()
    group = find(name, "app_exists")  # the product's own key (nebula 2)
    _prune().where(DeviceGroup.pk == group.pk).execute()
    group.prune_id += 1
    return _describe(group)


def prune_all() -> dict[str, int]:
    """Have all devices remove images that they do not use; the new prune_id of each group."""
    changes.begin()
    _prune().execute()
    return {group.name: group.prune_id for group in DeviceGroup.select().order_by(DeviceGroup.pk)}


def _prune() -> Any:
    return DeviceGroup.update(prune_id=DeviceGroup.prune_id + 1, revision=DeviceGroup.revision + 1)


def _change(name: str, given: Document, key: str) -> Document:
    changes.begin()
    group = find(name, key)
    lists = _checked(given)
    grown = {"number": DeviceGroup.number + 1, "revision": DeviceGroup.revision + 1}
    DeviceGroup.update(**grown).where(DeviceGroup.pk == group.pk).execute()
    _put(group, lists)
    group.number += 1
    return _describe(group)


def _checked(given: Document) -> dict[str, list[str]]:
    """The given lists, each name once; raises Forbidden for a name that there is not."""
    lists = {}
    for kind in LISTS:
        if kind.member in given:
            wanted = fields.once(given[kind.member])
            known = {row.name for row in kind.model.select(kind.model.name).where(kind.model.name.in_(wanted))}
            if not known.issuperset(wanted):
                raise kind.unknown()
            lists[kind.member] = wanted
    return lists


def _put(group: Any, lists: dict[str, list[str]]) -> None:
    for kind, members in lists.items():
        old = DeviceGroupMember.delete()
        old.where(DeviceGroupMember.group == group, DeviceGroupMember.kind == kind).execute()
        rows = [(group, kind, position, name) for position, name in enumerate(members)]
        _insert(rows)


def _insert(rows: Sequence[tuple[Any, str, int, str]]) -> None:
    columns = (DeviceGroupMember.group, DeviceGroupMember.kind, DeviceGroupMember.position, DeviceGroupMember.name)
    if rows:
        DeviceGroupMember.insert_many(rows, fields=columns).execute()
