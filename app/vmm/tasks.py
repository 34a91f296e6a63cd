"""Long operations on LXD hosts, each a unit of work: begun, watched, and told of when it ends (vmm 6).

A task is `accepted`, then `begun` just before LXD is asked, and `watched` once LXD's operation is known. Whatever
process runs it next goes on from there: an operation that LXD has forgotten, or that was never noted, is settled by
looking at the instance itself.
"""

from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core import clock, db, failpoints, secrets, work
from app.core.errors import BadGateway, Conflict, GatewayTimeout, NotFound, Problem, Unprocessable
from app.vmm import envelope, events, inventory, lxd, servers
from app.vmm.documents import Document, document, resource
from app.vmm.lxd import Host
from models.vmm.events import Task
from models.vmm.servers import Server

WORK: Final = "vmm.task"
PURPOSE: Final = "task"
ACCEPTED, BEGUN, WATCHED, DONE, FAILED = "accepted", "begun", "watched", "done", "failed"
ABSENT: Final = ""
LOST: Final = "lost"
RUNNING, STOPPED, FROZEN = "Running", "Stopped", "Frozen"
LOOK_SECONDS: Final = 1.0
WAIT: Final = "2"  # seconds that LXD is asked to answer within, when an operation has just begun
STOP_SECONDS: Final = 60  # for an instance to end by itself


@dataclass(frozen=True, slots=True)
class Action:
    """What LXD is asked for, and how the instance is when it is done; `refuses` says what is wrong with others."""

    verb: str
    force: bool
    reached: str
    refuses: dict[str, str]


IS_RUNNING: Final = {RUNNING: "the instance is already running"}
IS_STOPPED: Final = {STOPPED: "the instance is already stopped"}
IS_FROZEN: Final = {FROZEN: "the instance is frozen"}
NOT_RUNNING: Final = {STOPPED: "the instance is not running"}
NOT_FROZEN: Final = {RUNNING: "the instance is not frozen"}
IN_USE: Final = {RUNNING: "the instance is running", FROZEN: "the instance is frozen"}
TAKEN: Final = dict.fromkeys((RUNNING, STOPPED, FROZEN, "Error"), "instance name is taken")

ACTIONS: Final = {
    "start": Action("start", False, RUNNING, IS_RUNNING | IS_FROZEN),
    "stop": Action("stop", False, STOPPED, IS_STOPPED),
    "stop-force": Action("stop", True, STOPPED, IS_STOPPED),
    "restart": Action("restart", False, RUNNING, NOT_RUNNING),
    "restart-force": Action("restart", True, RUNNING, NOT_RUNNING),
    "freeze": Action("freeze", False, FROZEN, NOT_RUNNING | IS_FROZEN),
    "unfreeze": Action("unfreeze", False, RUNNING, NOT_RUNNING | NOT_FROZEN),
    "delete": Action("delete", False, ABSENT, IN_USE),
    "delete-force": Action("delete", True, ABSENT, {}),
}
ADD: Final = "add"
STEPS: Final = ACTIONS | {ADD: Action(ADD, False, STOPPED, TAKEN)}


def begin(user: int, server: int, kind: str, action: str, instance: str, request_id: str, payload: str) -> None:
    """Queue a task, in a write unit; `payload` is sealed."""
    pk = Task.insert(
        user=user,
        server=server,
        kind=kind,
        action=action,
        instance=instance,
        request_id=request_id,
        payload=payload,
        state=ACCEPTED,
        pid=0,
        created_ts=clock.now(),
    ).execute()
    work.enqueue(WORK, str(pk))


@work.kind(WORK)
def run(unit: work.Unit) -> None:
    """Do, or go on with, a task. Outside of units."""
    with db.read():
        task: Any = Task.get_or_none(Task.pk == int(unit.key), Task.ended_ts.is_null())
        row: Any = Server.get_or_none(Server.pk == task.server_id) if task is not None else None
    if row is None:
        return
    outcome: Document | Problem | None
    try:
        with servers.connected(row) as host:
            ended = _Run(task, host).advance()
            outcome = _outcome(task, row, host) if ended else None
    except (BadGateway, GatewayTimeout) as problem:
        if unit.attempts < work.MAX_ATTEMPTS:
            raise
        outcome = problem
    except Problem as problem:
        outcome = problem
    if outcome is None:
        raise work.Later(LOOK_SECONDS)
    _end(task, outcome)


def _outcome(task: Any, row: Any, host: Host) -> Document:
    """The instance as it is after a task that went well."""
    if STEPS[task.action].reached != ABSENT:
        return document(inventory.one(row.pk, inventory.INSTANCES, host.get("instances", task.instance)))
    known = inventory.numbers(row.pk, inventory.INSTANCES.type, [task.instance])[task.instance]
    attributes = {
        "instance_id": known,
        "server_id": row.pk,
        "instance_name": task.instance,
        "instance_status": "deleted",
    }
    return document(resource("instance", known, attributes))


def _end(task: Any, outcome: Document | Problem) -> None:
    """Note how a task ended and tell its user, once."""
    failed = isinstance(outcome, Problem)
    body = envelope.render(outcome, task.request_id, "") if isinstance(outcome, Problem) else outcome
    with db.write():
        changes = {Task.state: FAILED if failed else DONE, Task.ended_ts: clock.now(), Task.payload: ""}
        if Task.update(changes).where(Task.pk == task.pk, Task.ended_ts.is_null()).execute():
            events.publish(task.user_id, task.kind, task.request_id, body)


class _Run:
    """One look at a task, with its host."""

    def __init__(self, task: Any, host: Host) -> None:
        self._task = task
        self._host = host
        self._action = STEPS[task.action]

    def advance(self) -> bool:
        """Do what is to be done next; whether the task is done. Raises a Problem when it has failed."""
        if self._task.state == WATCHED:
            return self._watch()
        status, pid = self._look()
        if self._task.state == ACCEPTED:
            if words := self._action.refuses.get(status):
                raise Conflict(words)
            if status == ABSENT and self._action.verb != ADD:
                raise NotFound("instance not found")
        elif found := self._under_way():
            self._note(WATCHED, operation=found)
            return False
        elif self._is_reached(status, pid):
            return True
        self._ask(status, pid)
        return self._watch()

    def _watch(self) -> bool:
        """Whether the task is done, as far as LXD's operation and the instance tell."""
        ended = self._ended()
        if ended == RUNNING:
            return False
        status, pid = self._look()
        if self._is_reached(status, pid):
            return True
        if self._action.verb == "delete" and self._action.force and status == STOPPED:
            self._ask(status, pid)  # it had to be stopped first
            return False
        if ended == LOST:
            raise Conflict(f"the server has lost the operation; the instance is {status.lower() or 'not there'}")
        return True  # LXD did it; what has become of the instance since is another matter

    def _look(self) -> tuple[str, int]:
        """How the instance is, and the number of its first process."""
        try:
            state = self._host.get("instances", self._task.instance, "state")
        except lxd.Refused as exc:
            if exc.status != 404:
                raise
            return ABSENT, 0
        return str(state["status"]), max(int(state["pid"]), 0)

    def _is_reached(self, status: str, pid: int) -> bool:
        if self._action.verb == "restart" and pid == self._task.pid:
            return False
        return status == self._action.reached or (self._action.verb == ADD and status != ABSENT)

    def _under_way(self) -> str | None:
        """The operation that LXD has under way with the instance, if there is one."""
        path = f"/1.0/instances/{self._task.instance}"
        for operations in self._host.get("operations", recursion="1").values():
            for one in operations:
                resources = one.get("resources") or {}
                if one["status"] == RUNNING and path in (resources.get("instances") or []):
                    return str(one["id"])
        return None

    def _ask(self, status: str, pid: int) -> None:
        """Have LXD begin, and note its operation."""
        if self._task.state == ACCEPTED:
            self._note(BEGUN, pid=pid)
        failpoints.hit("vmm.task.begun")
        try:
            operation = self._call(status)
        except lxd.Refused as exc:
            raise _refusal(exc) from None
        failpoints.hit("vmm.task.asked")
        self._note(WATCHED, operation=str(operation["id"]))
        failpoints.hit("vmm.task.noted")

    def _call(self, status: str) -> Any:
        path = ["instances", self._task.instance]
        if self._action.verb == ADD:
            body = orjson.loads(secrets.unseal(self._task.payload, PURPOSE))
            return self._host.call("POST", ["instances"], body).metadata
        if self._action.verb == "delete":
            if status == STOPPED or not self._action.force:
                return self._host.call("DELETE", path).metadata
            return self._host.call("PUT", [*path, "state"], {"action": "stop", "force": True, "timeout": -1}).metadata
        body = {"action": self._action.verb, "force": self._action.force, "timeout": STOP_SECONDS}
        return self._host.call("PUT", [*path, "state"], body).metadata

    def _ended(self) -> str:
        """DONE or LOST for an operation that has ended, else RUNNING. Raises a Problem when it has failed."""
        try:
            found = self._host.get("operations", self._task.operation, "wait", timeout=WAIT)
        except lxd.Refused as exc:
            if exc.status != 404:
                raise
            return LOST
        if found["status_code"] >= 400:
            raise _refusal(lxd.Refused(found["status_code"], str(found["err"])))
        return DONE if found["status"] == "Success" else RUNNING

    def _note(self, state: str, **changes: Any) -> None:
        self._task.state = state
        for name, value in changes.items():
            setattr(self._task, name, value)
        with db.write():
            Task.update(state=state, **changes).where(Task.pk == self._task.pk).execute()


def _refusal(exc: lxd.Refused) -> Problem:
    """What LXD says when it does not do what was asked."""
    if exc.status == 404:
        return NotFound(exc.words.lower())
    busy = "already" in exc.words or "not running" in exc.words or "is running" in exc.words
    return Conflict(exc.words) if busy else Unprocessable(exc.words)
