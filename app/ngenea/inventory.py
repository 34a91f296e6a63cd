"""What workers report of their sites: nodes, queues, file systems, storage pools (ngenea 1, 4)."""

from collections import defaultdict
from typing import Any

import peewee

from app.core import clock, db
from app.core.calls import Caller, Request
from app.ngenea import health, pages, rights
from app.ngenea.faults import refuse_one
from app.ngenea.sites import DEFAULT_QUEUE
from models.base import column
from models.ngenea.sites import Filesystem, Node, NodeQueue, Queue, Site, StoragePool

Document = dict[str, Any]


def _time(moment: Any) -> str | None:
    return None if moment is None else clock.rfc3339(moment)


def nodes(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the nodes that a caller may know of."""
    query = Node.select(Node, Site).join(Site).where(rights.visible(caller, Node))
    return pages.page(request, query, page, page_size, lambda rows: describe_nodes(rows, request.base_url))


def describe_nodes(found: list[Any], base_url: str) -> list[Document]:
    """Nodes as they are read."""
    serving = NodeQueue.select(NodeQueue.node).join(Queue).where(Queue.name == DEFAULT_QUEUE)
    default = set(column(serving.where(NodeQueue.node.in_([node.pk for node in found]))))
    return [
        {
            "id": node.pk,
            "url": f"{base_url}/api/nodes/{node.pk}/",
            "name": node.name,
            "site": node.site.name,
            "online": health.online(node.last_heartbeat_ts),
            "last_heartbeat": _time(node.last_heartbeat_ts),
            "has_default_queue": node.pk in default,
        }
        for node in found
    ]


def node(number: int, base_url: str) -> Document:
    """One node."""
    return describe_nodes([Node.get_by_id(number)], base_url)[0]


def _offline(number: int, what: str) -> Any:
    """The row of a node; raises BadRequest for one that is online."""
    found = db.for_update(Node.select().where(Node.pk == number)).get()
    if health.online(found.last_heartbeat_ts):
        raise refuse_one("", f"A node that is online cannot be {what}: stop its worker first.")
    return found


def update_node(number: int, body: Document) -> None:
    """Rename a node that is offline."""
    found = Node.get_by_id(number)
    if body.get("site", found.site.name) != found.site.name:
        raise refuse_one("/site", "A node stays at its site.")
    if body.get("name", found.name) == found.name:
        return
    _offline(number, "renamed")
    try:
        with db.savepoint():
            Node.update(name=body["name"]).where(Node.pk == number).execute()
    except peewee.IntegrityError:
        raise refuse_one("/name", "There is a node with this name at its site already.") from None


def delete_node(number: int) -> None:
    """Forget a node that is offline; its worker brings it back."""
    _offline(number, "deleted").delete_instance()
    rights.forget(Node, number)


def queues(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the queues that a caller may know of."""
    query = Queue.select(Queue, Site).join(Site).where(rights.visible(caller, Queue))
    return pages.page(request, query, page, page_size, describe_queues)


def describe_queues(found: list[Any]) -> list[Document]:
    """Queues with the nodes that serve them."""
    serving: dict[int, list[Any]] = defaultdict(list)
    rows: Any = NodeQueue.select(NodeQueue, Node).join(Node)
    for row in rows.where(NodeQueue.queue.in_([queue.pk for queue in found])).order_by(NodeQueue.pk):
        serving[row.queue_id].append(row)
    return [
        {
            "id": queue.pk,
            "name": queue.name,
            "label": queue.name,
            "site": queue.site.name,
            "last_heartbeat": _time(max((row.last_heartbeat_ts for row in serving[queue.pk]), default=None)),
            "nodes": [
                {
                    "id": row.node.pk,
                    "name": row.node.name,
                    "online": health.online(row.last_heartbeat_ts),
                    "threads": row.threads,
                    "functions": row.functions,
                }
                for row in serving[queue.pk]
            ],
        }
        for queue in found
    ]


def queue(number: int) -> Document:
    """One queue."""
    return describe_queues([Queue.get_by_id(number)])[0]


def filesystems(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the file systems that a caller may know of."""
    query = Filesystem.select(Filesystem, Site).join(Site).where(rights.visible(caller, Filesystem))
    return pages.page(request, query, page, page_size, lambda rows: [_filesystem(row) for row in rows])


def _filesystem(row: Any) -> Document:
    return {"id": row.pk, "name": row.name, "mountpoint": row.mountpoint, "site": row.site.name}


def filesystem(number: int) -> Document:
    """One file system."""
    return _filesystem(Filesystem.get_by_id(number))


def storage_pools(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the storage pools that a caller may know of."""
    query = StoragePool.select(StoragePool, Filesystem).join(Filesystem).where(rights.visible(caller, StoragePool))
    return pages.page(request, query, page, page_size, lambda rows: [_pool(row) for row in rows])


def _pool(row: Any) -> Document:
    return {
        "id": row.pk,
        "name": row.name,
        "filesystem": row.filesystem.name,
        "site": row.filesystem.site_id,
        "capacity": row.capacity,
        "used_space": row.used_space,
        "free_space": row.free_space,
        "is_default": row.is_default,
    }


def storage_pool(number: int) -> Document:
    """One storage pool."""
    return _pool(StoragePool.get_by_id(number))
