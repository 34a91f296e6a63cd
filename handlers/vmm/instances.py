"""What takes time with instances on LXD hosts (vmm 5)."""

from app.core.calls import Caller
from app.vmm import instances
from app.vmm.documents import document


def act_on_instance(body: dict, caller: Caller):
    """Start, stop, delete and so on."""
    return document(instances.act(caller, body))


def add_instance(body: dict, caller: Caller):
    """Make one."""
    return document(instances.add(caller, body))
