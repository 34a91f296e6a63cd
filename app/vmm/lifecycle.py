"""What happens on LXD hosts, whoever does it there: watched while somebody listens who owns the host (vmm 5, 6)."""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import orjson
import structlog

from app.core import ids
from app.vmm import inventory, lxd, servers
from app.vmm.documents import Document, document, resource, seconds

KIND: Final = "lifecycle"
MAX_WATCHED: Final = 100  # hosts in a process, each with a thread of its own
PAUSES: Final = (1, 2, 5, 10, 30)  # seconds before a host that went away is tried again
LOOK_SECONDS: Final = 1.0
INSTANCES: Final = "/1.0/instances/"
BECOMES: Final = {
    "instance-created": "stopped",
    "instance-started": "running",
    "instance-restarted": "running",
    "instance-resumed": "running",
    "instance-paused": "frozen",
    "instance-stopped": "stopped",
    "instance-shutdown": "stopped",
    "instance-deleted": "deleted",
}

Tell = Callable[[int, Document], None]

log = structlog.get_logger("flotilla.vmm.lifecycle")


class _Watch(threading.Thread):
    """Hears what happens on a host, connects anew when it went away, and ends when it is told to."""

    def __init__(self, row: Any, tell: Tell) -> None:
        super().__init__(name=f"flotilla-vmm-watch-{row.pk}", daemon=True)
        self._row = row
        self._tell = tell
        self._ended = threading.Event()
        self._failures = 0

    def end(self) -> None:
        self._ended.set()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                self._listen()
            except Exception as exc:
                log.info("a host cannot be watched", server=self._row.pk, error=str(exc))
            self._ended.wait(PAUSES[min(self._failures, len(PAUSES) - 1)])
            self._failures += 1

    def _listen(self) -> None:
        with lxd.listening(servers.target(self._row), KIND) as said:
            self._failures = 0
            while not self._ended.is_set():
                try:
                    text = said.recv(timeout=LOOK_SECONDS)
                except TimeoutError:
                    continue
                if (told := orjson.loads(text)).get("type") == KIND:
                    self._tell(self._row.user_id, describe(self._row.pk, told))


def describe(server: int, told: Document) -> Document:
    """What LXD tells, as a document. Opens its own units."""
    happened = told["metadata"]
    attributes = {
        "server_id": server,
        "lifecycle_action": happened["action"],
        "lifecycle_source": happened["source"],
        "lifecycle_time": seconds(datetime.fromisoformat(told["timestamp"])),
    }
    path = str(happened["source"]).partition("?")[0]
    if not path.startswith(INSTANCES) or "/" in path.removeprefix(INSTANCES):
        return document(resource(KIND, ids.uuid(), attributes))
    name = path.removeprefix(INSTANCES)
    kind = inventory.INSTANCES.type
    number = inventory.numbers(server, kind, [name])[name]
    attributes |= {"instance_id": number, "instance_name": name}
    if status := BECOMES.get(happened["action"]):
        attributes["instance_status"] = status
    return document(resource(KIND, ids.uuid(), attributes, instance=resource(kind, number, {})))


_watches: dict[tuple[int, str], _Watch] = {}


def follow(rows: Iterable[Any], tell: Tell) -> None:
    """Watch these hosts and no others; `tell` is called in other threads, with the owner and the document."""
    # A number may be that of another host soon after; our certificate is new for each.
    wanted = {(row.pk, row.client_certificate): row for row in rows}
    for known in _watches.keys() - wanted.keys():
        _watches.pop(known).end()
    for missing in [known for known in wanted if known not in _watches]:
        if len(_watches) >= MAX_WATCHED:
            log.warning("too many hosts to watch", watched=MAX_WATCHED)
            return
        _watches[missing] = _Watch(wanted[missing], tell)
        _watches[missing].start()


def stop(within: float) -> None:
    """Watch none, and wait `within` seconds at most for all to let go of the database."""
    ended, until = list(_watches.values()), time.monotonic() + within
    follow([], lambda owner, told: None)
    for watch in ended:
        watch.join(max(0.0, until - time.monotonic()))
