"""The inventory as users see it."""

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import inventory, inventory_query


def list_device_inventories(page, per_page, sort, has_group, group, caller: Caller, request: Request):
    """One page of devices; other query keys filter by attribute (mender 3.2)."""
    found = inventory_query.list_devices(caller.tenant, request.query, sort, has_group, group, page, per_page)
    headers = {"Link": paging.links(request, page, per_page, found.more), "X-Total-Count": found.total}
    return found.body, 200, headers


def get_device_inventory(device_id: str, caller: Caller):
    """One device (mender 3.1)."""
    return inventory.get_device(caller.tenant, device_id)
