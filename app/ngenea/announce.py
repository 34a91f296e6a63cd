"""What a worker tells of itself at each heartbeat: its node, its queues, its file system and pool (ngenea 1, 5)."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from app.core import clock, db
from app.ngenea import health
from app.ngenea.sites import DEFAULT_QUEUE
from models.base import column
from models.ngenea.sites import Filesystem, Node, NodeQueue, Queue, Site, StoragePool

FUNCTIONS: Final = ("worker", "discovery")
# Every worker of a site also answers who looks at files and makes settings true; clients look for it here.
OF_DEFAULT: Final = ("interactive", "settings")
FILESYSTEM, POOL = "root", "system"


def tell(site: int, node: str, queues: Mapping[str, int], folder: Path) -> bool:
    """A heartbeat of a node that serves queues with so many threads; False when the site is not there any more.

    Opens its own units. What another process of the same host serves stays, until it tells no more. Raises OSError
    where the folder cannot be read.
    """
    space = os.statvfs(folder)
    now = clock.now()
    with db.write():
        if not db.for_update(Site.select(Site.pk).where(Site.pk == site)).exists():
            return False
        row = _upsert(Node, {"site": site, "name": node}, {"last_heartbeat_ts": now})
        for name, threads in queues.items():
            queue = _upsert(Queue, {"site": site, "name": name}, {})
            functions = [*FUNCTIONS, *(OF_DEFAULT if name == DEFAULT_QUEUE else ())]
            told = {"threads": threads, "functions": functions, "last_heartbeat_ts": now}
            _upsert(NodeQueue, {"node": row, "queue": queue}, told)
        ended = NodeQueue.last_heartbeat_ts < now - health.INTERVAL
        NodeQueue.delete().where(NodeQueue.node == row, ended).execute()
        filesystem = _upsert(Filesystem, {"site": site, "name": FILESYSTEM}, {"mountpoint": "/"})
        pool = {
            "capacity": space.f_blocks * space.f_frsize,
            "used_space": (space.f_blocks - space.f_bfree) * space.f_frsize,
            "free_space": space.f_bavail * space.f_frsize,
            "is_default": True,
            "reported_ts": now,
        }
        _upsert(StoragePool, {"filesystem": filesystem, "name": POOL}, pool)
    return True


def _upsert(model: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> int:
    """The number of the row with this key, which has these values now."""
    columns = {getattr(model, name): value for name, value in values.items()}
    target = [getattr(model, name) for name in key]
    insert = model.insert(**key, **values)
    if columns:
        insert.on_conflict(conflict_target=target, update=columns).execute()
    else:
        insert.on_conflict_ignore().execute()
    wanted = [getattr(model, name) == value for name, value in key.items()]
    return int(column(model.select(model.pk).where(*wanted))[0])


def known(site: int, node: str, queues: Mapping[str, int]) -> bool:
    """Whether what was told of a node still stands. Opens its own unit."""
    with db.read():
        serving = NodeQueue.select().join(Queue).switch(NodeQueue).join(Node)
        mine = serving.where(Node.site == site, Node.name == node, Queue.name.in_(list(queues)))
        return bool(mine.count() == len(queues))


def end(site: int, node: str, queues: Mapping[str, int]) -> None:
    """A worker stops in good order: its node is offline at once, unless another process of the host goes on.

    Opens its own unit.
    """
    with db.write():
        row = Node.get_or_none(Node.site == site, Node.name == node)
        if row is None:
            return
        mine = Queue.select(Queue.pk).where(Queue.site == site, Queue.name.in_(list(queues)))
        NodeQueue.delete().where(NodeQueue.node == row.pk, NodeQueue.queue.in_(mine)).execute()
        others = column(NodeQueue.select(NodeQueue.last_heartbeat_ts).where(NodeQueue.node == row.pk))
        Node.update(last_heartbeat_ts=max(others, default=None)).where(Node.pk == row.pk).execute()
