"""The rights there are (ngenea 2)."""

from app.core.calls import Caller, Request
from app.ngenea import permissions
from models.ngenea.users import Permission


def list_permissions(page, page_size, caller: Caller, request: Request):
    """Rights in pages."""
    return permissions.listed(caller, request, page, page_size)


def get_permission(id_: int):
    """One right."""
    return permissions.describe(Permission.get_by_id(id_))


def list_my_permissions(caller: Caller):
    """The rights of who calls."""
    return permissions.mine(caller)
