"""The inventory as users see it."""

from urllib.parse import quote

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import groups, inventory, inventory_query, tags


def list_device_inventories(page, per_page, sort, has_group, group, caller: Caller, request: Request):
    """One page of devices; other query keys filter by attribute (mender 3.2)."""
    found = inventory_query.list_devices(caller.tenant, request.query, sort, has_group, group, page, per_page)
    headers = {"Link": paging.links(request, page, per_page, found.more), "X-Total-Count": found.total}
    return found.body, 200, headers


def search_device_inventories(body: dict | None, caller: Caller):
    """One page of the devices that meet all filters (mender 3.4)."""
    found, total = inventory_query.search(caller.tenant, body or {})
    return found, 200, {"X-Total-Count": total}


def list_filter_attributes(caller: Caller):
    """The attributes to search by (mender 3.4)."""
    return inventory_query.attribute_names(caller.tenant)


def get_device_inventory(device_id: str, caller: Caller):
    """One device (mender 3.1)."""
    document = inventory.get_device(caller.tenant, device_id)
    return document.encode(), 200, {"ETag": tags.etag(document)}


def create_device_inventory(body: dict, caller: Caller):
    """Enter a device that does not authenticate here (mender 3.1)."""
    inventory.create(caller.tenant, body["id"], body.get("attributes", []))
    return None, 201, {"Location": f"devices/{quote(body['id'], safe='')}"}


def delete_device_inventory(device_id: str, caller: Caller):
    """Drop what a device has reported (mender 3.1)."""
    inventory.clear(caller.tenant, device_id)
    return None, 204


def replace_tags(device_id: str, if_match, body: list, caller: Caller):
    """Set all tags (mender 10)."""
    return None, 200, {"ETag": tags.change(caller.tenant, device_id, body, if_match, replace=True)}


def update_tags(device_id: str, if_match, body: list, caller: Caller):
    """Set the tags that are named (mender 10)."""
    return None, 200, {"ETag": tags.change(caller.tenant, device_id, body, if_match, replace=False)}


def get_device_group(device_id: str, caller: Caller):
    """The group of a device (mender 3.3)."""
    return {"group": groups.get(caller.tenant, device_id)}


def set_device_group(device_id: str, body: dict, caller: Caller):
    """Put a device into a group (mender 3.3)."""
    groups.set_group(caller.tenant, device_id, body["group"])
    return None, 204


def remove_device_group(device_id: str, group_name: str, caller: Caller):
    """Take a device out of a group (mender 3.3)."""
    groups.remove(caller.tenant, device_id, group_name)
    return None, 204


def list_groups(status, caller: Caller):
    """The names of all groups (mender 3.3)."""
    return groups.names(caller.tenant, status)


def delete_group(group_name: str, caller: Caller):
    """Have all devices leave a group (mender 3.3)."""
    groups.dissolve(caller.tenant, group_name)
    return None, 204


def list_group_devices(group_name: str, page, per_page, caller: Caller, request: Request):
    """One page of the ids of a group's devices (mender 3.3)."""
    found, total = groups.members(caller.tenant, group_name, page, per_page)
    more = page * per_page < total
    return found, 200, {"Link": paging.links(request, page, per_page, more), "X-Total-Count": total}


def add_group_devices(group_name: str, body: list, caller: Caller):
    """Put many devices into a group (mender 3.3)."""
    return groups.add_all(caller.tenant, group_name, body)


def remove_group_devices(group_name: str, body: list, caller: Caller):
    """Take many devices out of a group (mender 3.3)."""
    return groups.remove_all(caller.tenant, group_name, body)
