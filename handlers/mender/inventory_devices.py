"""What devices report of themselves."""

from app.core.calls import Caller
from app.mender import inventory


def update_attributes(body: list, caller: Caller):
    """Set the attributes that are named (mender 3.1)."""
    inventory.report(caller.tenant, caller.id, body, replace=False)


def replace_attributes(body: list, caller: Caller):
    """Set all attributes of the inventory scope (mender 3.1)."""
    inventory.report(caller.tenant, caller.id, body, replace=True)
