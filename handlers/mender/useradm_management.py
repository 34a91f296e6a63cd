"""Users: log in and out, who there is, settings and access tokens."""

from app.core.calls import Caller, Request
from app.mender import access_tokens, password_reset, user_settings, useradm, users


def login(caller: Caller):
    """A token for the user whose password came along (mender 5)."""
    return useradm.login(caller)


def logout(caller: Caller):
    """End the session of the token presented (mender 5)."""
    useradm.logout(caller)
    return None, 202


def start_password_reset(body: dict, request: Request):
    """Mail the user a secret that sets a new password (mender 5)."""
    password_reset.start(body["email"], request.client)
    return None, 202


def complete_password_reset(body: dict, request: Request):
    """Set the password of whoever was mailed the secret (mender 5)."""
    password_reset.complete(body.get("secret") or body.get("secret_hash", ""), body["password"], request.client)
    return None, 202


def list_users(caller: Caller):
    """All users (mender 5)."""
    return users.list_all(caller.tenant)


def create_user(body: dict, caller: Caller):
    """A user more (mender 5)."""
    made = useradm.create_user(body["email"], body["password"], caller.tenant)
    return None, 201, {"Location": f"users/{made}"}


def get_user(user_id: str, caller: Caller):
    """One user (mender 5)."""
    return users.get(caller, user_id)


def update_user(user_id: str, body: dict, caller: Caller):
    """Change the address or the password (mender 5)."""
    users.update(caller, user_id, body.get("email"), body.get("password"), body.get("current_password"))
    return None, 204


def delete_user(user_id: str, caller: Caller):
    """Remove a user (mender 5)."""
    users.delete(caller, user_id)
    return None, 204


def get_settings(caller: Caller):
    """What user interfaces keep for all users (mender 5)."""
    found = user_settings.get(caller.tenant)
    return found, 200, {"ETag": user_settings.etag(found)}


def replace_settings(if_match, body: dict, caller: Caller):
    """Replace what is kept for all users (mender 5)."""
    return None, 201, {"ETag": user_settings.put(caller.tenant, body, if_match)}


def get_my_settings(caller: Caller):
    """What user interfaces keep for who asks (mender 10)."""
    found = user_settings.get(caller.tenant, caller.id)
    return found, 200, {"ETag": user_settings.etag(found)}


def replace_my_settings(if_match, body: dict, caller: Caller):
    """Replace what is kept for who asks (mender 10)."""
    return None, 201, {"ETag": user_settings.put(caller.tenant, body, if_match, caller.id)}


def list_access_tokens(caller: Caller):
    """The personal access tokens of who asks (mender 5)."""
    return access_tokens.list_all(caller)


def create_access_token(body: dict, caller: Caller):
    """A personal access token (mender 5)."""
    return access_tokens.create(caller, body["name"], body.get("expires_in", 0))


def revoke_access_token(token_id: str, caller: Caller):
    """Void a personal access token (mender 5)."""
    access_tokens.revoke(caller, token_id)
    return None, 204
