"""Apps: containers that run on and on (nebula 2)."""

from app.nebula import definitions
from app.nebula.definitions import APPS


def list_apps():
    """The names of all apps."""
    return {"apps": definitions.names(APPS)}


def create_app(app_name: str, body: dict):
    """An app more."""
    return definitions.create(APPS, app_name, body)


def get_app(app_name: str):
    """One app."""
    return definitions.get(APPS, app_name)


def delete_app(app_name: str):
    """Remove an app; workers stop it."""
    definitions.delete(APPS, app_name)
    return {}


def replace_app(app_name: str, body: dict):
    """Change all of an app."""
    return definitions.replace(APPS, app_name, body), 202


def update_app(app_name: str, body: dict):
    """Change the given fields of an app."""
    return definitions.update(APPS, app_name, body), 202


def patch_app(app_name: str, body: dict):
    """Change the given fields of an app."""
    return definitions.update(APPS, app_name, body), 202


def start_app(app_name: str):
    """Have an app run."""
    return definitions.update(APPS, app_name, {"running": True}), 202


def stop_app(app_name: str):
    """Have an app stopped."""
    return definitions.update(APPS, app_name, {"running": False}), 202


def restart_app(app_name: str):
    """Have a running app begin anew."""
    return definitions.restart(app_name), 202
