"""Devices and their authentication sets."""

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import devauth


def list_devices(status, id_, page, per_page, caller: Caller, request: Request):
    """One page of devices, oldest first (mender 2.5)."""
    devices, more = devauth.list_devices(caller.tenant, status, id_, page, per_page)
    return devices, 200, {"Link": paging.links(request, page, per_page, more)}


def count_devices(status, caller: Caller):
    """How many devices there are (mender 2.5)."""
    return {"count": devauth.count_devices(caller.tenant, status)}


def get_device(device_id: str, caller: Caller):
    """One device (mender 2.5)."""
    return devauth.get_device(caller.tenant, device_id)


def decommission_device(device_id: str, caller: Caller):
    """Remove a device with all it has (mender 2.4)."""
    devauth.decommission(caller.tenant, device_id)
    return None, 204


def delete_auth_set(device_id: str, auth_set_id: str, caller: Caller):
    """Remove an authentication set (mender 2.4)."""
    devauth.delete_auth_set(caller.tenant, device_id, auth_set_id)
    return None, 204


def get_auth_set_status(device_id: str, auth_set_id: str, caller: Caller):
    """The status of an authentication set (mender 2.3)."""
    return {"status": devauth.auth_set_status(caller.tenant, device_id, auth_set_id)}


def set_auth_set_status(device_id: str, auth_set_id: str, body: dict, caller: Caller):
    """Accept, reject or set back an authentication set (mender 2.3)."""
    devauth.set_status(caller.tenant, device_id, auth_set_id, body["status"])
    return None, 204


def revoke_token(token_id: str, caller: Caller):
    """Void a device's token (mender 2.4)."""
    devauth.revoke_token(caller.tenant, token_id)
    return None, 204
