"""Users (ngenea 2)."""

from app.core.calls import Caller, Request
from app.ngenea import users


def list_users(page, page_size, caller: Caller, request: Request):
    """Users in pages."""
    return users.listed(caller, request, page, page_size)


def create_user(body: dict, caller: Caller):
    """A new user."""
    return users.create(caller, body), 201


def change_password(body: dict, caller: Caller, request: Request):
    """Another password of one's own."""
    users.change_password(caller, body["old_password"], body["new_password"], request.client)
    return {"detail": "the password is changed"}


def get_user(username: str, request: Request):
    """One user."""
    return users.describe([users.find(username)], request.base_url)[0]


def update_user(username: str, body: dict, caller: Caller):
    """Change a user."""
    return users.update(caller, username, body)


def delete_user(username: str, caller: Caller):
    """Delete a user."""
    users.delete(caller, username)
    return None, 204


def activate_user(username: str, caller: Caller, request: Request):
    """Let a user log in."""
    return users.set_active(caller, username, request.base_url, active=True)


def deactivate_user(username: str, caller: Caller, request: Request):
    """Let a user log in no more."""
    return users.set_active(caller, username, request.base_url, active=False)
