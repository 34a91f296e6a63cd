"""Tasks that find the paths of a job: those that were given, and what is in folders (ngenea 3.2).

Paths go on their way in batches as these fill, some hundred rows in a transaction, so that a folder may be of any size.
A task that is run again gives out no path twice: a job has a path once, and a folder has one task.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from app.core import db, failpoints
from app.ngenea import graph, job_paths, names, states, walk
from app.ngenea.outcomes import Outcome
from app.ngenea.rooted import kind_of
from app.ngenea.running import Run

CHUNK: Final = 500  # paths, or folders, that are written together
SMALLEST: Final = 10  # paths of the first batch, where batches grow: every worker soon has one
FOLDERS: Final = uuid.UUID("5ee5f0a3-6e9c-4cb8-9f4e-1a52f7f2f0c7")
MISSING: Final = "There is no such file or directory."


@dataclass
class _Batch:
    """A task that is being filled; no worker has been told of it."""

    number: int
    limit: int
    count: int = 0
    size: int = 0


class Finder:
    """What one run of a task of discovery has found and not yet written."""

    def __init__(self, run: Run) -> None:
        self._run, self._plan = run, run.plan
        self._paths: dict[bytes, tuple[int, str, list[int]]] = {}
        self._faults: dict[bytes, Outcome] = {}
        self._given: list[Outcome] = []
        self._folders: list[bytes] = []
        self._open: dict[int, _Batch] = {}
        self._next = SMALLEST
        self._counts = {"files": 0, "folders": 0, "failed": 0, "too_long": 0}
        self._origin = run.task.arguments.get("origin", run.number)

    def run(self) -> None:
        """Find, until nothing is left or the job is to stop. Outside of units."""
        if self._run.again:
            self._release_children()
        found = self._look_at_given() if self._run.task.tasktype == graph.GIVEN else self._look_into_folder()
        for _ in found:
            if self._run.stopped():
                self._stop()
                return
            if max(len(self._paths), len(self._folders), len(self._given), len(self._faults)) >= CHUNK:
                with db.write():
                    self._write(self._run.hold())
                self._clear()
                failpoints.hit("ngenea.emitted")
        failpoints.hit("ngenea.emitted")
        with db.write():
            state = self._run.hold()
            self._write(state)
            self._finish(state)

    def _look_at_given(self) -> Iterator[None]:
        """The paths of this task that have no outcome, in the order in which they were given."""
        with db.read():
            left = self._given_after(0)
        while left:
            for _, path in left:
                self._look_at(path)
                yield
            with db.read():
                left = self._given_after(left[-1][0])

    def _given_after(self, pk: int) -> list[tuple[int, bytes]]:
        rows = db.rows(
            "SELECT pk, path FROM ngenea_task_path WHERE task_id = ? AND state = '' AND pk > ? ORDER BY pk LIMIT ?",
            self._run.number,
            pk,
            CHUNK,
        )
        return [(number, bytes(path)) for number, path in rows]

    def _look_at(self, path: bytes) -> None:
        try:
            found = self._run.root.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            if not self._plan.skip_missing:
                self._fault(path, "missing", MISSING)
                return
            self._take(path, "file", 0)
        except OSError as exc:
            self._fault(path, "unreadable", exc.strerror or "The path cannot be read.")
            return
        else:
            kind = kind_of(found.st_mode)
            self._take(path, kind, found.st_size if kind == "file" else 0)
            if kind == "directory":
                self._enter(path)
        self._given.append(Outcome(path, "processed"))

    def _look_into_folder(self) -> Iterator[None]:
        """What is in the folder of this task. One that has vanished has nothing in it."""
        folder = names.read(self._run.task.arguments["path"])
        try:
            for one in walk.scan(self._run.root, folder):
                if len(one.path) > job_paths.MAX_PATH:
                    self._counts["too_long"] += 1
                    continue
                self._take(one.path, one.type, one.size if one.type == "file" else 0)
                if one.type == "directory":
                    self._enter(one.path)
                yield
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as exc:
            self._fault(folder, "unreadable", exc.strerror or "The folder cannot be read.")

    def _take(self, path: bytes, kind: str, size: int) -> None:
        chosen = self._plan.chosen(path, kind) if self._plan.takes(path) else []
        if chosen:
            self._counts["files"] += 1
            self._paths[path] = (size, kind, chosen)

    def _enter(self, folder: bytes) -> None:
        """A task of its own for a folder with something in it."""
        if self._plan.discovery != "recursive" or not self._plan.enters(folder):
            return
        try:
            if next(walk.scan(self._run.root, folder), None) is None:
                return
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as exc:
            self._fault(folder, "unreadable", exc.strerror or "The folder cannot be read.")
            return
        self._counts["folders"] += 1
        self._folders.append(folder)

    def _fault(self, path: bytes, code: str, message: str) -> None:
        self._counts["failed"] += 1
        self._faults[path] = Outcome(path, "failed", 0, code, message)

    def _write(self, state: str) -> None:
        """Note what was found and give it to tasks. In a write unit that holds the job."""
        run = self._run
        if state not in states.RUNNING:
            return  # what is left out here is found again when the task is run again
        faults = list(self._faults.values())
        job_paths.discover_failed(run.job, run.number, faults)
        found = [(path, size) for path, (size, _, _) in self._paths.items() if path not in self._faults]
        new = job_paths.discover(run.job, run.number, found)
        for at in range(len(self._plan.rules)):
            paths = [(p, kind, size) for p, (size, kind, chosen) in self._paths.items() if at in chosen and p in new]
            self._fill(at, paths)
        self._add_folders()
        job_paths.note(run.number, self._given + faults)

    def _fill(self, rule: int, paths: list[tuple[bytes, str, int]]) -> None:
        """Put paths into the open batch of a rule; full ones go on their way."""
        action = self._plan.rules[rule].actions[0]
        while paths:
            batch = self._open.get(rule)
            if batch is None:
                batch = self._open[rule] = _Batch(self._add_batch(rule), self._limit())
            count = 0
            while count < len(paths) and not self._is_full(batch):
                batch.count += 1
                batch.size += paths[count][2]
                count += 1
            job_paths.add(self._run.job, batch.number, paths[:count])
            paths = paths[count:]
            if self._is_full(batch):
                del self._open[rule]
                graph.release(action.site, action.queue, [batch.number])

    def _is_full(self, batch: _Batch) -> bool:
        return batch.count >= batch.limit or 0 < self._plan.batch_bytes <= batch.size

    def _limit(self) -> int:
        """How many paths the next batch has: as the site says, or twice as many as the last."""
        most = max(self._plan.batch_size, 1)
        if not self._plan.growing:
            return most
        limit = min(self._next, most)
        self._next = 2 * limit
        return limit

    def _add_batch(self, rule: int) -> int:
        (number,) = graph.add(self._run.job, [step(self._plan, rule, 0)], self._run.number, dynamic=True).values()
        return number

    def _add_folders(self) -> None:
        run = self._run
        new = [self._of_folder(folder) for folder in self._folders]
        made = graph.add(run.job, new, run.number, dynamic=True)
        graph.release(run.task.site_id, run.task.queue, list(made.values()))

    def _of_folder(self, folder: bytes) -> graph.NewTask:
        shown = names.show(folder)
        name = str(uuid.uuid5(FOLDERS, f"{self._origin}:{shown}"))
        arguments = {"path": shown, "origin": self._origin}
        site, queue = self._run.task.site_id, self._run.task.queue
        return graph.NewTask(graph.NAVIGATE, f"Look into {shown}", site, queue, arguments, discovery=True, task_id=name)

    def _finish(self, state: str) -> None:
        run = self._run
        if state not in states.RUNNING:
            run.leave(state)
            return
        for rule, batch in self._open.items():
            action = self._plan.rules[rule].actions[0]
            graph.release(action.site, action.queue, [batch.number])
        counts = job_paths.outcome_counts(run.number)
        failed = self._counts["failed"] or self._counts["too_long"] or counts.get(states.PATH_FAILED)
        found = self._counts["files"] or self._counts["folders"] or counts.get(states.PROCESSED)
        ended = states.ERROR if failed else states.SUCCESS if found else states.SKIPPED
        graph.end(run.job, run.number, ended, self._counts)

    def _stop(self) -> None:
        """The job is to stop, or the unit is somebody else's."""
        with db.write():
            self._run.leave(self._run.hold())

    def _clear(self) -> None:
        for one in (self._paths, self._faults, self._given, self._folders):
            one.clear()

    def _release_children(self) -> None:
        """A run before this one may have ended between making tasks and telling workers of them."""
        with db.write():
            state = graph.hold(self._run.job)
            if state in states.RUNNING:
                release_waiting(self._run.job, self._run.number)


def step(plan: Any, rule: int, at: int) -> graph.NewTask:
    """The task for a step of a rule's chain."""
    action = plan.rules[rule].actions[at]
    friendly = f"Step {at + 1} of rule {rule + 1}: {action.task.rpartition('.')[2]}"
    return graph.NewTask(action.task, friendly, action.site, action.queue, action.arguments, rule=rule, step=at)


def release_waiting(job: int, parent: int | None = None) -> None:
    """Have the tasks of a job that wait be run, or those that one task has made. In a write unit that holds the job."""
    made = "" if parent is None else " AND pk IN (SELECT task_id FROM ngenea_task_parent WHERE parent_id = ?)"
    rows = db.rows(
        f"SELECT site_id, queue, pk FROM ngenea_task WHERE job_id = ? AND state = 'PENDING'{made} ORDER BY pk",  # noqa: S608
        job,
        *(() if parent is None else (parent,)),
    )
    waiting: dict[tuple[int, str], list[int]] = {}
    for site, queue, pk in rows:
        waiting.setdefault((site, queue), []).append(pk)
    for (site, queue), numbers in waiting.items():
        graph.release(site, queue, numbers)
