"""What workers report of their sites (ngenea 1, 4)."""

from app.core.calls import Caller, Request
from app.ngenea import inventory


def list_nodes(page, page_size, caller: Caller, request: Request):
    """Nodes in pages."""
    return inventory.nodes(caller, request, page, page_size)


def get_node(id_: int, request: Request):
    """One node."""
    return inventory.node(id_, request.base_url)


def update_node(id_: int, body: dict, request: Request):
    """Rename a node."""
    inventory.update_node(id_, body)
    return inventory.node(id_, request.base_url)


def delete_node(id_: int):
    """Forget a node."""
    inventory.delete_node(id_)
    return None, 204


def list_queues(page, page_size, caller: Caller, request: Request):
    """Queues in pages."""
    return inventory.queues(caller, request, page, page_size)


def get_queue(id_: int):
    """One queue."""
    return inventory.queue(id_)


def list_filesystems(page, page_size, caller: Caller, request: Request):
    """File systems in pages."""
    return inventory.filesystems(caller, request, page, page_size)


def get_filesystem(id_: int):
    """One file system."""
    return inventory.filesystem(id_)


def list_storage_pools(page, page_size, caller: Caller, request: Request):
    """Storage pools in pages."""
    return inventory.storage_pools(caller, request, page, page_size)


def get_storage_pool(id_: int):
    """One storage pool."""
    return inventory.storage_pool(id_)
