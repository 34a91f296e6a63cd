"""LXD hosts (vmm 5)."""

from app.core.calls import Caller, Request
from app.vmm import inventory, servers
from app.vmm.documents import document, resource


def verify_server(body: dict, caller: Caller, request: Request):
    """Would it trust us?"""
    return document(resource("server", 0, servers.verify(caller, body, request.client)))


def add_server(body: dict, caller: Caller, request: Request):
    """Have it trust us."""
    return document(servers.add(caller, body, request.client))


def list_servers(body: dict, caller: Caller):
    """Those that the caller may see."""
    return document([servers.describe(row) for row in servers.visible(caller, body["server_id"], body["provider"])])


def get_server(body: dict, caller: Caller):
    """One with what is on it."""
    return document(*inventory.server(caller, body["server_id"], body["provider"]))
