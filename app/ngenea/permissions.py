"""The rights there are, and those of who asks (ngenea 2)."""

from typing import Any

from app.core.calls import Caller, Request
from app.ngenea import pages, rights
from app.ngenea.install import ADMINISTRATORS
from models.ngenea.users import Group, GroupPermission, ObjectPermission, Permission, User

Document = dict[str, Any]


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the rights that a caller may know of."""
    query = Permission.select().where(rights.visible(caller, Permission))
    return pages.page(request, query, page, page_size, lambda rows: [describe(row) for row in rows])


def describe(row: Any) -> Document:
    """A right."""
    return {
        "id": row.pk,
        "app_label": row.app_label,
        "codename": row.codename,
        "model": row.model,
        "name": row.name,
    }


def mine(caller: Caller) -> list[Document]:
    """The rights of a caller: a superuser has each as their own, administrators and others get theirs from groups."""
    groups = rights.groups_of(int(caller.id))
    every = Permission.select().order_by(Permission.pk)
    own = every if User.get_by_id(int(caller.id)).is_superuser else []
    administers = Group.select().where(Group.pk.in_(groups), Group.builtin, Group.name == ADMINISTRATORS).exists()
    joined = Permission.select().join(GroupPermission).where(GroupPermission.group.in_(groups)).distinct()
    from_groups = every if administers else joined.order_by(Permission.pk)
    on_objects: Any = (
        Permission.select(Permission, ObjectPermission.object_pk.alias("object_pk"))
        .join(ObjectPermission)
        .where(ObjectPermission.group.in_(groups))
        .distinct()
        .order_by(Permission.pk, ObjectPermission.object_pk)
        .objects()
    )
    return [
        {
            "user_permissions": [describe(row) for row in own],
            "group_permissions": [describe(row) for row in from_groups],
            "user_object_permissions": [],
            "group_object_permissions": [{**describe(row), "object_pk": row.object_pk} for row in on_objects],
        }
    ]
