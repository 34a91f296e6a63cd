"""Tasks that find the paths of a job: those that were given, and what is in folders (ngenea 3.2).

Paths go on their way in batches as these fill, some hundred rows in a transaction, so that a folder may be of any size.
A task that is run again gives out no path twice: a job has a path once, and a folder has one task. What is written here
would be found again, so the disk is not waited for.
"""

import uuid
from collections.abc import Iterator
from typing import Final

from app.core import db, failpoints
from app.ngenea import batches, graph, job_paths, names, states, walk
from app.ngenea.outcomes import Outcome
from app.ngenea.rooted import kind_of
from app.ngenea.running import Run

CHUNK: Final = 500  # paths, or folders, that are written together
FOLDERS: Final = uuid.UUID("5ee5f0a3-6e9c-4cb8-9f4e-1a52f7f2f0c7")
MISSING: Final = "There is no such file or directory."


class Finder:
    """What one run of a task of discovery has found and not yet written."""

    def __init__(self, run: Run) -> None:
        self._run, self._plan = run, run.plan
        self._paths: dict[bytes, tuple[int, str, list[int]]] = {}
        self._faults: dict[bytes, Outcome] = {}
        self._given: list[Outcome] = []
        self._folders: list[bytes] = []
        self._counts = {"files": 0, "folders": 0, "failed": 0, "too_long": 0}
        self._origin = run.task.arguments.get("origin", run.number)

    def run(self) -> None:
        """Find, until nothing is left or the job is to stop. Outside of units."""
        found = self._look_at_given() if self._run.task.tasktype == graph.GIVEN else self._look_into_folder()
        for _ in found:
            if self._run.stopped():
                self._stop()
                return
            if max(len(self._paths), len(self._folders), len(self._given), len(self._faults)) >= CHUNK:
                with db.write(durable=False):
                    self._write(self._run.hold())
                self._clear()
                failpoints.hit("ngenea.emitted")
        failpoints.hit("ngenea.emitted")
        with db.write(durable=False):
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
            batches.fill(run.job, run.number, self._plan, at, paths)
        self._add_folders()
        job_paths.note(run.number, self._given + faults)

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
        counts = job_paths.outcome_counts(run.number)
        failed = self._counts["failed"] or self._counts["too_long"] or counts.get(states.PATH_FAILED)
        found = self._counts["files"] or self._counts["folders"] or counts.get(states.PROCESSED)
        ended = states.ERROR if failed else states.SUCCESS if found else states.SKIPPED
        graph.end(run.job, run.number, ended, self._counts)

    def _stop(self) -> None:
        """The job is to stop, or the unit is somebody else's."""
        with db.write(durable=False):
            self._run.leave(self._run.hold())

    def _clear(self) -> None:
        for one in (self._paths, self._faults, self._given, self._folders):
            one.clear()
