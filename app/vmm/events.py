"""Events: what users are told when it happens, over connections that stay open (vmm 6).

Who listens and what is told stand in the database, so that any process may tell the listeners of any other. Each
process that holds connections looks there twice a second, and at once for what it wrote itself.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import structlog

from app.core import clock, db, ids
from app.core.calls import Caller
from app.core.errors import BadRequest, Conflict, NotFound, Unavailable
from app.core.feeds import ENDING, Closing, Feed, Message
from app.vmm import lifecycle, servers
from app.vmm.documents import Document
from models.vmm.events import Event, Listener

POLL_SECONDS: Final = 0.5
LOOK_BACK: Final = timedelta(seconds=10)  # an event may become visible after one that has a higher number
BEAT: Final = timedelta(seconds=5)
STALE: Final = timedelta(seconds=20)  # a connection whose process has not said for so long that it holds it
KEPT: Final = timedelta(hours=1)  # so long events can be had again by who was away
MAX_LISTENERS: Final = 1000  # in a process
STOP_SECONDS: Final = 5.0
MAX_AT_ONCE: Final = 1000

OWNERS: Final = (
    "SELECT l.connection, l.user_id, t.pk FROM vmm_listener l LEFT JOIN vmm_user u ON u.pk = l.user_id AND u.active"
    " LEFT JOIN vmm_token t ON t.name = l.token AND t.user_id = u.pk AND t.revoke_ts IS NULL AND t.expire_ts > ?"
)

LATE: Final = Closing(4401, "not authenticated in time")
REVOKED: Final = Closing(4401, "the token is not valid any more")
REPLACED: Final = Closing(4409, "another connection has the name")

log = structlog.get_logger("flotilla.vmm.events")


@dataclass(slots=True)
class _Held:
    """A connection of this process."""

    connection: str
    feed: Feed
    opened: datetime
    after: int  # what it was told before, by number
    user: int | None = None
    told: dict[int, datetime] = field(default_factory=dict)


class _Hub:
    """The connections of this process and the thread that serves them, which ends with the last one."""

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._lock = threading.Lock()
        self._stirred = threading.Event()
        self._thread: threading.Thread | None = None
        self._beat = clock.now()

    def __len__(self) -> int:
        return len(self._held)

    def stir(self) -> None:
        """Look at once, in any thread."""
        self._stirred.set()

    def hold(self, held: _Held) -> None:
        with self._lock:
            self._held[held.connection] = held
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="flotilla-vmm-events", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Close all connections and wait for the thread to let go of the database."""
        with self._lock:
            held, thread = list(self._held.values()), self._thread
        for one in held:
            one.feed.close(ENDING)
        self.stir()
        if thread is not None:
            thread.join(STOP_SECONDS)
        lifecycle.stop(STOP_SECONDS)

    def _pass_on(self, owner: int, told: Document) -> None:
        """Tell what LXD tells: to who listens now, and without a number, since it is kept by nobody."""
        text = message(lifecycle.KIND, "", orjson.dumps(told).decode())
        with self._lock:
            feeds = [one.feed for one in self._held.values() if one.user == owner]
        for feed in feeds:
            feed.put(Message(text))

    def _run(self) -> None:
        while True:
            self._stirred.wait(POLL_SECONDS)
            self._stirred.clear()
            with self._lock:
                held = list(self._held.values())
                if not held:
                    lifecycle.follow([], self._pass_on)
                    self._thread = None
                    return
            try:
                self._serve(held)
            except Exception as exc:
                log.warning("events cannot be sent", error=str(exc))

    def _serve(self, held: list[_Held]) -> None:
        now = clock.now()
        with db.read():
            owners = _owners([one.connection for one in held], now)
            for one in held:
                _judge(one, owners.get(one.connection), now)
            listening = [one for one in held if one.user is not None and one.feed.closing is None]
            users = {one.user for one in listening if one.user is not None}
            found = _events(users, min((one.after for one in listening), default=0))
            hosts = servers.owned(users) if users else []
        lifecycle.follow(hosts, self._pass_on)
        for one in listening:
            _tell(one, found, now)
        ended = [one.connection for one in held if one.feed.closing is not None]
        if ended:
            with db.write():
                Listener.delete().where(Listener.connection.in_(ended)).execute()
            with self._lock:
                for connection in ended:
                    del self._held[connection]
        if now - self._beat >= BEAT:
            self._beat = now
            with db.write():
                Listener.update(seen_ts=now).where(Listener.connection.in_([one.connection for one in held])).execute()


def _owners(connections: list[str], now: datetime) -> dict[str, tuple[int | None, bool]]:
    """Of each connection that is still somebody's: whose, and whether their token still counts."""
    marks = ", ".join("?" * len(connections))
    found = db.rows(
        f"{OWNERS} WHERE l.connection IN ({marks})",
        clock.micros(now),
        *connections,
    )
    return {connection: (user, token is not None) for connection, user, token in found}


def _judge(one: _Held, owner: tuple[int | None, bool] | None, now: datetime) -> None:
    """Note whose a connection is, or close it."""
    if owner is None:
        one.feed.close(REPLACED)
    elif owner[0] is None:
        if now - one.opened > _auth_time:
            one.feed.close(LATE)
    elif not owner[1]:
        one.feed.close(REVOKED)
    else:
        one.user = owner[0]


def _events(users: set[int], after: int) -> list[tuple[Any, ...]]:
    if not users:
        return []
    marks = ", ".join("?" * len(users))
    return db.rows(
        f"SELECT pk, user_id, kind, request_id, body FROM vmm_event WHERE user_id IN ({marks}) AND pk > ?"  # noqa: S608
        " ORDER BY pk LIMIT ?",
        *users,
        after,
        MAX_AT_ONCE,
    )


def _tell(one: _Held, found: list[tuple[Any, ...]], now: datetime) -> None:
    for number, user, kind, request_id, body in found:
        if user == one.user and number > one.after and number not in one.told:
            one.told[number] = now
            one.feed.put(Message(message(kind, request_id, body), number))
    settled = [number for number, moment in one.told.items() if now - moment > LOOK_BACK]
    one.after = max([one.after, *settled])
    one.told = {number: moment for number, moment in one.told.items() if number > one.after}


def message(kind: str, request_id: str, body: str) -> str:
    """An event as clients get it; the document in it is text, which they parse once more."""
    return orjson.dumps({"type": kind, "request_id": request_id, "body": body}).decode()


_hub = _Hub()
_auth_time = timedelta(seconds=10)


def configure(auth_seconds: int) -> None:
    """How long a connection may be nobody's."""
    global _auth_time
    _auth_time = timedelta(seconds=auth_seconds)


def stop() -> None:
    """Let go of the database: the process ends, or the database goes."""
    _hub.stop()


def listen(name: str, after: int) -> Feed:
    """A connection under a name, which tells nothing until somebody says by `authenticate` that it is theirs.

    `after`: the number of the last event that its client had, 0 for one that has just come. Another connection of the
    name ends. Opens its own unit. Raises BadRequest, Unavailable.
    """
    if not name:
        raise BadRequest("stream has not be empty", errors=[("/stream", "stream has not be empty")])
    if len(_hub) >= MAX_LISTENERS:
        raise Unavailable("too many streams", headers={"Retry-After": "10"})
    now, connection = clock.now(), ids.uuid()
    with db.write():
        Listener.delete().where(Listener.name == name).execute()
        Listener.insert(name=name, connection=connection, seen_ts=now).execute()
        latest = db.row("SELECT MAX(pk) FROM vmm_event")
    feed = Feed()
    newest = int(latest[0]) if latest and latest[0] is not None else 0
    _hub.hold(_Held(connection, feed, now, min(after, newest) if after else newest))
    return feed


def authenticate(caller: Caller, name: str) -> int:
    """Make the open connection of a name the caller's; its number. In a write unit. Raises NotFound, Conflict."""
    row: Any = Listener.get_or_none(Listener.name == name, Listener.seen_ts > clock.now() - STALE)
    if row is None:
        raise NotFound("stream not found", errors=[("/stream", "stream not found")])
    mine = Listener.user.is_null() | (Listener.user == int(caller.id))
    given = {Listener.user: int(caller.id), Listener.token: caller.token}
    if not Listener.update(given).where(Listener.pk == row.pk, mine).execute():
        raise Conflict("stream belongs to another user", errors=[("/stream", "stream belongs to another user")])
    db.after_commit(_hub.stir)
    return int(row.pk)


def publish(user: int, kind: str, request_id: str, body: Document | bytes) -> None:
    """Tell a user of something, whether they listen or not. In a write unit."""
    text = (body if isinstance(body, bytes) else orjson.dumps(body)).decode()
    Event.insert(user=user, kind=kind, request_id=request_id, body=text, created_ts=clock.now()).execute()
    db.after_commit(_hub.stir)


def forget() -> None:
    """Forget old events and connections whose process has died. In a write unit."""
    now = clock.now()
    Event.delete().where(Event.created_ts <= now - KEPT).execute()
    Listener.delete().where(Listener.seen_ts <= now - STALE * 3).execute()
