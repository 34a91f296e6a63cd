"""Users and their accounts (vmm 4)."""

from app.core.calls import Caller, Request
from app.vmm import accounts, sessions, users
from app.vmm.documents import document, done


def register(body: dict, request: Request):
    """Become a user, in two steps."""
    return done("user", accounts.register(body, request.client))


def log_in(body: dict, request: Request):
    """A session by password."""
    return document(*users.log_in(body["user_login"], body["user_password"], request.client))


def logout(caller: Caller):
    """End the session."""
    sessions.end(caller.token)
    return done("user", caller.id)


def get_user(caller: Caller):
    """Who calls."""
    return document(users.describe(sessions.owner(caller.id)))


def recover(body: dict, request: Request):
    """A new password for who reads the user's mail, in three steps."""
    accounts.recover(body, request.client)
    return done("user", 0)


def change_password(body: dict, caller: Caller):
    """Another password."""
    accounts.change_password(caller, body)
    return done("user", caller.id)


def lock_password(body: dict, caller: Caller, request: Request):
    """Lock the password, or unlock it in two steps."""
    accounts.lock_password(caller, body["user_password_locked"], body["user_code"], request.client)
    return done("user", caller.id)


def change_email(body: dict, caller: Caller, request: Request):
    """Another address, in two steps."""
    accounts.change_email(caller, body["user_email"], body.get("user_code") or "", request.client)
    return done("user", caller.id)
