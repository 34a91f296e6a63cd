"""Workers of Ngenea's sites, in the process of a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.ngenea.worker import SiteWorker
from tests.support.ngenea import Hub
from tests.support.waiting import eventually

SITE = {"name": "london", "shortcode": "ldn"}


@contextmanager
def site_worker(name: str, root: Path, node: str = "node-1", **queues: int) -> Iterator[SiteWorker]:
    """A worker of a site that is there; `queues` are threads by name, `default` with 2 where none is given."""
    root.mkdir(parents=True, exist_ok=True)
    worker = SiteWorker(name, root, queues or {"default": 2}, node)
    worker.start()
    try:
        assert worker.wait_ready(20), f"no worker of {name}"
        yield worker
    finally:
        worker.stop()


def make_site(hub: Hub, name: str = "london", **fields: Any) -> int:
    """The number of a new site."""
    return int(hub.post("/sites/", {"name": name, "shortcode": name, **fields})["id"])


def settled(hub: Hub) -> list[dict[str, Any]]:
    """All settings tasks, once each of them is at its end."""

    def ended() -> list[dict[str, Any]] | None:
        tasks = hub.get("/settingstasks/", page_size=0)["results"]
        return tasks if all(task["state"] in ("SUCCESS", "FAILURE") for task in tasks) else None

    found: list[dict[str, Any]] = eventually(ended)
    return found
