"""Spaces (ngenea 4)."""

from app.core.calls import Caller, Request
from app.ngenea import space_views, spaces
from models.ngenea.sites import Space


def list_spaces(page, page_size, site_id, search_keyword, caller: Caller, request: Request):
    """Spaces in pages."""
    return spaces.listed(caller, request, page, page_size, site_id, search_keyword)


def create_space(body: dict, caller: Caller, request: Request):
    """A new space."""
    return space_views.describe(caller, [spaces.create(caller, body)], request.base_url)[0], 201


def get_space(id_: int, caller: Caller, request: Request):
    """One space."""
    return space_views.describe(caller, [Space.get_by_id(id_)], request.base_url)[0]


def update_space(id_: int, body: dict, caller: Caller, request: Request):
    """Change a space."""
    return space_views.describe(caller, [spaces.update(caller, id_, body)], request.base_url)[0]


def delete_space(id_: int, caller: Caller):
    """Delete a space."""
    spaces.delete(caller, id_)
    return None, 204
