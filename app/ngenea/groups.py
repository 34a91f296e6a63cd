"""Groups: who is in them, and the rights that come with them (ngenea 2)."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import peewee

from app.core import clock, db
from app.core.calls import Caller, Request
from app.core.errors import Forbidden
from app.ngenea import pages, rights
from app.ngenea.auth import SUPERUSER
from app.ngenea.faults import Faults, refuse, refuse_one
from app.ngenea.install import ADMINISTRATORS
from models.base import column
from models.ngenea.users import Group, GroupPermission, Membership, ObjectPermission, Permission, User

Document = dict[str, Any]
NAME: Final = re.compile(r"\S+")
MORE_THAN_OWN: Final = "Nobody can give rights that they do not have."
LAST: Final = "There must be an active administrator."


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the groups that a caller may know of."""
    query = Group.select().where(rights.visible(caller, Group))
    return pages.page(request, query, page, page_size, describe)


def describe(groups: list[Any]) -> list[Document]:
    """Groups as they are read, users as objects."""
    members: dict[int, list[Document]] = defaultdict(list)
    joined: Any = User.select(User, Membership.group.alias("of")).join(Membership)
    for user in joined.where(Membership.group.in_([group.pk for group in groups])).order_by(User.pk).objects():
        members[user.of].append(_member(user))
    return [{**written, "users": members[written["id"]]} for written in _written(groups)]


def _member(user: Any) -> Document:
    return {
        "username": user.username,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email,
        "date_joined": clock.rfc3339(user.date_joined_ts),
        "last_login": None if user.last_login_ts is None else clock.rfc3339(user.last_login_ts),
    }


def _written(groups: list[Any]) -> list[Document]:
    """Groups without their users."""
    numbers = [group.pk for group in groups]
    permissions, on_objects = defaultdict(list), defaultdict(list)
    everywhere: Any = GroupPermission.select().where(GroupPermission.group.in_(numbers))
    for row in everywhere.order_by(GroupPermission.pk):
        permissions[row.group_id].append(row.permission_id)
    some: Any = ObjectPermission.select().where(ObjectPermission.group.in_(numbers))
    for row in some.order_by(ObjectPermission.pk):
        right = {"model": row.model, "object_pk": row.object_pk, "permission": row.permission_id}
        on_objects[row.group_id].append(right)
    return [
        {
            "id": group.pk,
            "name": group.name,
            "description": group.description,
            "permissions": permissions[group.pk],
            "object_permissions": on_objects[group.pk],
        }
        for group in groups
    ]


def as_written(group: Any) -> Document:
    """A group as it is written, users as names."""
    names = User.select(User.username).join(Membership).where(Membership.group == group.pk).order_by(User.pk)
    return {**_written([group])[0], "users": column(names)}


def create(caller: Caller, body: Document) -> Any:
    """The row of a new group."""
    faults = _faults(body)
    refuse(faults)
    try:
        with db.savepoint():
            group = Group.create(name=body["name"], description=body.get("description") or "", builtin=False)
    except peewee.IntegrityError:
        raise _taken() from None
    _fill(group, body)
    refuse_more_than_own(caller, [group.pk])
    return group


def update(caller: Caller, number: int, body: Document) -> Any:
    """The row of a group after a change; what is not given stays."""
    group = Group.get_by_id(number)
    refuse(_faults(body))
    if group.builtin and body.get("name", group.name) != group.name:
        raise refuse_one("/name", "A built-in group keeps its name.")
    if {"permissions", "object_permissions", "users"} & body.keys():
        refuse_more_than_own(caller, [number])
    try:
        with db.savepoint():
            changes = {name: body[name] for name in ("name", "description") if name in body}
            if changes:
                Group.update(**changes).where(Group.pk == number).execute()
    except peewee.IntegrityError:
        raise _taken() from None
    _fill(group, body)
    refuse_more_than_own(caller, [number] if {"permissions", "object_permissions"} & body.keys() else [])
    keep_an_administrator()
    return Group.get_by_id(number)


def _taken() -> Exception:
    return refuse_one("/name", "A group with this name already exists.")


def delete(caller: Caller, number: int) -> None:
    """Delete a group; raises BadRequest for a built-in one."""
    group = Group.get_by_id(number)
    if group.builtin:
        raise refuse_one("", "A built-in group cannot be deleted.")
    refuse_more_than_own(caller, [number])
    group.delete_instance()
    rights.forget(Group, number)


def _faults(body: Document) -> Faults:
    found: Faults = []
    if "name" in body and not NAME.fullmatch(body["name"]):
        found.append(("/name", "The name of a group has no white space."))
    wanted = body.get("permissions") or []
    triples = body.get("object_permissions") or []
    numbers = {*wanted, *(triple["permission"] for triple in triples)}
    known = {row.pk: row.model for row in Permission.select().where(Permission.pk.in_(list(numbers)))}
    found += [(f"/permissions/{at}", "There is no such permission.") for at, pk in enumerate(wanted) if pk not in known]
    present = _present(triples)
    for at, triple in enumerate(triples):
        where = f"/object_permissions/{at}"
        if known.get(triple["permission"]) != triple["model"]:
            found.append((f"{where}/permission", "There is no such permission for this model."))
        elif (triple["model"], triple["object_pk"]) not in present:
            found.append((f"{where}/object_pk", "There is no such object."))
    return found


def _present(triples: Iterable[Document]) -> set[tuple[str, str]]:
    """The (model, number as text) that lead to rows which are there."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for triple in triples:
        number = triple["object_pk"]
        if number.isascii() and number.isdecimal() and len(number) < 19 and str(int(number)) == number:
            wanted[triple["model"]].append(int(number))
    tables = {rules[0][0]: model for model, rules in rights.RULES.items()}
    found = set()
    for name, numbers in wanted.items():
        if name in tables:
            rows = tables[name].select(tables[name].pk).where(tables[name].pk.in_(numbers))
            found |= {(name, str(pk)) for pk in column(rows)}
    return found


def _fill(group: Any, body: Document) -> None:
    """Replace the lists of a group that are given."""
    if "permissions" in body:
        GroupPermission.delete().where(GroupPermission.group == group.pk).execute()
        _insert(GroupPermission, [{"group": group.pk, "permission": pk} for pk in dict.fromkeys(body["permissions"])])
    if "object_permissions" in body:
        ObjectPermission.delete().where(ObjectPermission.group == group.pk).execute()
        _insert(ObjectPermission, [{"group": group.pk, **triple} for triple in body["object_permissions"]])
    if "users" in body:
        Membership.delete().where(Membership.group == group.pk).execute()
        _insert(Membership, [{"group": group.pk, "user": pk} for pk in _users(body["users"])])


def _insert(model: Any, rows: list[Document]) -> None:
    for batch in peewee.chunked(rows, 100):
        model.insert_many(batch).on_conflict_ignore().execute()


def _users(names: list[str]) -> list[int]:
    known = {row.username: row.pk for row in User.select(User.pk, User.username).where(User.username.in_(names))}
    refuse([(f"/users/{at}", "There is no such user.") for at, name in enumerate(names) if name not in known])
    return list(dict.fromkeys(known[name] for name in names))


def named(names: list[str]) -> list[int]:
    """The numbers of groups by their names; raises BadRequest for one that is not there."""
    known = {row.name: row.pk for row in Group.select(Group.pk, Group.name).where(Group.name.in_(names))}
    refuse([(f"/groups/{at}", "There is no such group.") for at, name in enumerate(names) if name not in known])
    return list(dict.fromkeys(known[name] for name in names))


def refuse_more_than_own(caller: Caller, groups: list[int]) -> None:
    """Raises Forbidden where groups come with rights that the caller has not: nobody gives more than they have."""
    if SUPERUSER in caller.rights or not groups:
        return
    if Group.select().where(Group.pk.in_(groups), Group.builtin, Group.name == ADMINISTRATORS).exists():
        raise Forbidden(MORE_THAN_OWN)
    mine = rights.groups_of(int(caller.id))
    everywhere = GroupPermission.select(GroupPermission.permission).where(GroupPermission.group.in_(mine))
    given = GroupPermission.select().where(GroupPermission.group.in_(groups))
    if given.where(GroupPermission.permission.not_in(everywhere)).exists():
        raise Forbidden(MORE_THAN_OWN)
    rows = ObjectPermission.select(ObjectPermission.permission, ObjectPermission.model, ObjectPermission.object_pk)
    held = set(rows.where(ObjectPermission.group.in_(mine)).tuples())
    wanted = rows.where(ObjectPermission.group.in_(groups), ObjectPermission.permission.not_in(everywhere))
    if set(wanted.tuples()) - held:
        raise Forbidden(MORE_THAN_OWN)


def keep_an_administrator() -> None:
    """Raises BadRequest when a change has left no active administrator; who does so at the same time waits."""
    administrators = db.for_update(Group.select().where(Group.name == ADMINISTRATORS)).get()
    members = Membership.select(Membership.user).where(Membership.group == administrators.pk)
    if not User.select().where(User.is_active, User.is_superuser | User.pk.in_(members)).exists():
        raise refuse_one("", LAST)
