"""User groups: what their members may do (nebula 2, 6)."""

from app.nebula import user_groups


def list_user_groups():
    """The names of all user groups."""
    return {"user_groups": user_groups.names()}


def create_user_group(user_group: str, body: dict):
    """A user group more."""
    return user_groups.create(user_group, body)


def get_user_group(user_group: str):
    """One user group."""
    return user_groups.get(user_group)


def delete_user_group(user_group: str):
    """Remove a user group."""
    user_groups.delete(user_group)
    return {}


def update_user_group(user_group: str, body: dict):
    """Change what is given of a user group."""
    return user_groups.update(user_group, body)


def patch_user_group(user_group: str, body: dict):
    """Change what is given of a user group."""
    return user_groups.update(user_group, body)
