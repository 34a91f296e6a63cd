"""Groups (ngenea 2)."""

from app.core.calls import Caller, Request
from app.ngenea import groups
from models.ngenea.users import Group


def list_groups(page, page_size, caller: Caller, request: Request):
    """Groups in pages."""
    return groups.listed(caller, request, page, page_size)


def create_group(body: dict, caller: Caller):
    """A new group."""
    return groups.as_written(groups.create(caller, body)), 201


def get_group(id_: int):
    """One group."""
    return groups.describe([Group.get_by_id(id_)])[0]


def update_group(id_: int, body: dict, caller: Caller):
    """Change a group."""
    return groups.as_written(groups.update(caller, id_, body))


def delete_group(id_: int, caller: Caller):
    """Delete a group."""
    groups.delete(caller, id_)
    return None, 204
