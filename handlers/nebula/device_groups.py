"""Device groups: what the workers of a group run (nebula 2, 5)."""

from app.core import etags
from app.nebula import device_groups, devices, info


def list_device_groups():
    """The names of all device groups."""
    return {"device_groups": device_groups.names()}


def create_device_group(device_group: str, body: dict):
    """A device group more."""
    return device_groups.create(device_group, body)


def get_device_group(device_group: str):
    """One device group."""
    return device_groups.get(device_group)


def delete_device_group(device_group: str):
    """Remove a device group."""
    device_groups.delete(device_group)
    return {}


def replace_device_group(device_group: str, body: dict):
    """Change both lists of a device group."""
    return device_groups.replace(device_group, body), 202


def update_device_group(device_group: str, body: dict):
    """Change the given lists of a device group."""
    return device_groups.update(device_group, body), 202


def patch_device_group(device_group: str, body: dict):
    """Change the given lists of a device group."""
    return device_groups.update(device_group, body), 202


def prune_device_group(device_group: str):
    """Have the devices of a group remove images that they do not use."""
    return device_groups.prune(device_group), 202


def get_device_group_info(device_group: str, if_none_match):
    """What the workers of a group are told."""
    found = info.get(device_group)
    headers = {"ETag": found.etag}
    if if_none_match is not None and etags.matches(if_none_match, found.etag, weak=True):
        return None, 304, headers
    return found.body, 200, headers


def list_devices(device_group: str, page_size: int, last_hostname, up_to_date):
    """The devices of a group: when each was seen, and whether it runs what it should."""
    found, last = devices.page(device_group, page_size, last_hostname, up_to_date)
    return {"devices": found, "last_hostname": last}
