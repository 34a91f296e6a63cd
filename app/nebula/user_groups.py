"""User groups: what their members may do (nebula 3, 6)."""

from typing import Any, Final

from app.core.errors import BadRequest, Forbidden
from app.nebula import changes, fields
from app.nebula.definitions import Document
from app.nebula.rights import LEVELS, PARAMETERS
from models.nebula.users import Right, UserGroup, UserGroupMember

FLAGS: Final = ("pruning_allowed", "admin")
NAMES: Final = {level: name for name, level in LEVELS.items()}


def names() -> list[str]:
    """All names, in the order in which they were made."""
    return [row.name for row in UserGroup.select(UserGroup.name).order_by(UserGroup.pk)]


def get(name: str) -> Document:
    """One group; raises Forbidden."""
    return _describe(_find(name))


def _find(name: str) -> Any:
    group = UserGroup.get_or_none(UserGroup.name == name)
    if group is None:
        raise Forbidden("there is no such user group", body={"user_group_exists": False})
    return group


def _describe(group: Any) -> Document:
    members = UserGroupMember.select().where(UserGroupMember.group == group).order_by(UserGroupMember.position)
    rights = list(Right.select().where(Right.group == group).order_by(Right.position))
    return {
        "user_group": group.name,
        "group_members": [row.user_name for row in members],
        "pruning_allowed": group.pruning_allowed,
        "admin": group.admin,
        **{kind: {row.name: NAMES[row.level] for row in rights if row.kind == kind} for kind in PARAMETERS},
    }


def create(name: str, given: Document) -> Document:
    """Make a group. Raises Forbidden for a name that is taken, BadRequest for a text that names no rights."""
    given = _checked(given)
    changes.begin()
    if UserGroup.select().where(UserGroup.name == name).exists():
        raise Forbidden("the name is taken", body={"user_group_exists": True})
    flags = {flag: given.get(flag, False) for flag in FLAGS}
    group = UserGroup.create(name=name, **flags)
    _put(group, given)
    return _describe(group)


def update(name: str, given: Document) -> Document:
    """Change what is given. Raises BadRequest for nothing, and as `create`."""
    if not given:
        raise BadRequest("no field is given", body={"missing_parameters": True})
    given = _checked(given)
    changes.begin()
    group = _find(name)
    for flag in FLAGS:
        setattr(group, flag, given.get(flag, getattr(group, flag)))
    group.save()
    _put(group, given)
    return _describe(group)


def delete(name: str) -> None:
    """Remove a group, and with it the rights that it gave. Raises Forbidden."""
    changes.begin()
    _find(name).delete_instance()


def join_admins(name: str, user_name: str) -> None:
    """Add a user to the group of administrators, which is made when there is none; one that is there stays as it is."""
    changes.begin()
    group = UserGroup.get_or_none(UserGroup.name == name)
    if group is None:
        group = UserGroup.create(name=name, admin=True, pruning_allowed=True)
    if not group.admin:
        raise Forbidden(f"the user group {name} gives no administrator's rights")
    place = UserGroupMember.select().where(UserGroupMember.group == group).count()
    UserGroupMember.insert(group=group, position=place, user_name=user_name).on_conflict_ignore().execute()


def _checked(given: Document) -> Document:
    """The fields as lists and maps, whichever way they came (nebula 10)."""
    named: Document = {kind: fields.levels(kind, given[kind]) for kind in PARAMETERS if kind in given}
    if "group_members" in given:
        named["group_members"] = fields.once(given["group_members"])
    for field, names_in_it in named.items():
        fields.check_names(field, names_in_it)
    return given | named


def _put(group: Any, given: Document) -> None:
    if "group_members" in given:
        UserGroupMember.delete().where(UserGroupMember.group == group).execute()
        members = [(group, place, name) for place, name in enumerate(given["group_members"])]
        columns = (UserGroupMember.group, UserGroupMember.position, UserGroupMember.user_name)
        if members:
            UserGroupMember.insert_many(members, fields=columns).execute()
    for kind in PARAMETERS.keys() & given.keys():
        Right.delete().where(Right.group == group, Right.kind == kind).execute()
        rows = [(group, kind, place, name, LEVELS[level]) for place, (name, level) in enumerate(given[kind].items())]
        if rows:
            Right.insert_many(rows, fields=(Right.group, Right.kind, Right.position, Right.name, Right.level)).execute()
