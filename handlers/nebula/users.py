"""Users (nebula 2)."""

from app.nebula import users


def list_users():
    """The names of all users."""
    return {"users": users.names()}


def create_user(user_name: str, body: dict):
    """A user more."""
    return users.create(user_name, body.get("password"), body.get("token"))


def get_user(user_name: str):
    """One user."""
    return users.get(user_name)


def delete_user(user_name: str):
    """Remove a user."""
    users.delete(user_name)
    return {}


def update_user(user_name: str, body: dict):
    """Change the password or the token."""
    return users.update(user_name, body.get("password"), body.get("token"))


def patch_user(user_name: str, body: dict):
    """Change the password or the token."""
    return users.update(user_name, body.get("password"), body.get("token"))


def refresh_token(user_name: str):
    """A new token, told this once."""
    return {"token": users.refresh_token(user_name)}
