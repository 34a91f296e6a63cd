"""A site with a space full of files, workflows of tasks that do something real to them, and workers for tests."""

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core import clock, db, work
from app.core.calls import Caller
from app.core.worker import Worker
from app.ngenea import here, job_actions, submissions, tasks, workflows
from app.ngenea.auth import SUPERUSER
from app.ngenea.context import Context
from app.ngenea.outcomes import Outcome
from models.ngenea.jobs import Job, JobPath, Task, TaskPath, Workflow
from models.ngenea.sites import Queue, Site, Space, SpaceSite

SPACE = "/mmfs1/data/film"
SHOUT, COPY = "dynamo.custom.shout", "dynamo.custom.copy"


def shout(context: Context, paths: Sequence[bytes], arguments: Mapping[str, Any]) -> Iterator[Outcome]:
    """Write what is in files in capital letters. A file may ask for another end: it holds `fail`, `skip` or `crash`."""
    for path in paths:
        if context.stopped():
            return
        file = Path(os.fsdecode(os.fsencode(context.root.folder) + path))
        try:
            text = file.read_bytes()
        except FileNotFoundError:
            yield Outcome(path, "aborted")
            continue
        except IsADirectoryError:
            yield Outcome(path, "skipped")
            continue
        if text == b"crash":
            raise RuntimeError(f"{file.name} says so")
        if text == b"fail":
            yield Outcome(path, "failed", len(text), "refused", "the file says so")
        elif text == b"skip" or text.isupper():
            yield Outcome(path, "skipped", len(text))
        else:
            if not context.dry_run:
                file.write_bytes(text.upper())
            yield Outcome(path, "processed", len(text))


def copy(context: Context, paths: Sequence[bytes], arguments: Mapping[str, Any]) -> Iterator[Outcome]:
    """A copy of each file beside it. Fails where there is one, unless it may `overwrite`."""
    for path in paths:
        if context.stopped():
            return
        file = Path(os.fsdecode(os.fsencode(context.root.folder) + path))
        other = file.with_name(f"{file.name}.copy")
        if other.exists() and not arguments.get("overwrite"):
            yield Outcome(path, "failed", 0, "exists", "there is a copy")
            continue
        if not context.dry_run:
            other.write_bytes(file.read_bytes())
        yield Outcome(path, "processed", file.stat().st_size)


TASKS = {
    SHOUT: tasks.Task(SHOUT, {}, shout),
    COPY: tasks.Task(COPY, {"overwrite": tasks.Argument(bool, False)}, copy),
}


@dataclass
class Hall:
    """A site that this process serves; `folder` is its root, and its space lies at SPACE."""

    folder: Path
    site: int
    space: int
    name: str = "london"

    @property
    def place(self) -> str:
        return here.place(self.site, "default")

    def file(self, name: bytes, text: bytes = b"abc") -> str:
        """A file of the space; its path on the site as text."""
        path = os.fsencode(self.folder / SPACE[1:]) + b"/" + name
        Path(os.fsdecode(path)).parent.mkdir(parents=True, exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(text)
        return f"{SPACE}/{os.fsdecode(name)}"

    def tree(self, count: int, per_folder: int = 50) -> None:
        """So many files in folders of two levels."""
        for number in range(count):
            self.file(b"%d/%d/f%d" % (number // per_folder // 5, number // per_folder, number))

    def text(self, name: str) -> bytes:
        return (self.folder / SPACE[1:] / name).read_bytes()

    def work_off(self, limit: int = 100_000, queue: str = "default") -> int:
        """Do the work of the site that is due, in this thread; how many units that were."""
        done = 0
        while done < limit and (unit := work.claim(here.place(self.site, queue))) is not None:
            work.run(unit)
            done += 1
        return done

    @contextmanager
    def worker(self, threads: int = 2) -> Iterator[None]:
        """Threads that do the work of the site."""
        running = Worker(threads, place=self.place, pause=0.1)
        running.start()
        try:
            yield
        finally:
            running.stop()


def make_hall(folder: Path, name: str = "london", batch: int = 100, queue: str = "default", **changes: Any) -> Hall:
    """A new site with a space, served by this process."""
    (folder / SPACE[1:]).mkdir(parents=True, exist_ok=True)
    fields: dict[str, Any] = {
        "label": name,
        "shortcode": name,
        "color": [0, 0, 0],
        "timezone": "UTC",
        "type": "pixstor",
        "public_url": "",
        "am_i_configured": True,
        "ready_to_configure": True,
        "include": [],
        "exclude": [],
        "file_batch_size": batch,
        "file_batch_gb": 1,
        "enable_auto_file_batch_sizing": False,
        "created_ts": clock.now(),
    }
    with db.write():
        site = Site.create(name=name, **{**fields, **changes})
        Queue.create(site=site, name=queue)
        space: Any = Space.get_or_none(Space.name == "film")
        if space is None:
            space = make_space("film", SPACE)
        SpaceSite.create(space=space, site=site, mountpoint=SPACE, ready=True)
    here.serve(site.pk, folder)
    return Hall(folder, site.pk, space.pk, name)


def make_space(name: str, mountpoint: str, site: int | None = None) -> Any:
    """A new space, on a site where that is given. In a write unit."""
    space = Space.create(
        uuid=str(uuid.uuid4()),
        name=name,
        mountpoint=mountpoint,
        color=[0, 0, 0],
        immutable=False,
        deleting=False,
        created_ts=clock.now(),
    )
    if site is not None:
        SpaceSite.create(space=space, site=site, mountpoint=mountpoint, ready=True)
    return space


def make_workflow(
    name: str, *actions: dict[str, Any], rules: list[dict[str, Any]] | None = None, **changes: Any
) -> None:
    """A workflow whose rule takes all files through actions, unless `rules` say otherwise."""
    taken = rules or [{"type": "file", "state": "all", "action": list(actions)}]
    body = {"name": name, "label": name.title(), "discovery": "recursive", "filter_rules": taken, **changes}
    with db.write():
        workflows.create(body)


def root_caller(user: int) -> Caller:
    """A superuser."""
    return Caller("ngenea", "user", str(user), rights=frozenset({SUPERUSER}))


def submit(caller: Caller, workflow: str, *paths: str, **changes: Any) -> int:
    """The number of a new job on the site `london`."""
    body = {"workflow": workflow, "site": "london", "paths": list(paths), **changes}
    with db.write():
        return int(submissions.submit(caller, body)["id"])


def call(name: str, job: int) -> None:
    """Pause, resume, cancel a job."""
    with db.write():
        getattr(job_actions, name)(job)


def job_row(number: int) -> Any:
    with db.read():
        return Job.get_by_id(number)


def task_rows(number: int) -> list[Any]:
    with db.read():
        return list(Task.select().where(Task.job == number).order_by(Task.pk))


def path_rows(number: int) -> dict[str, Any]:
    """The paths of a job beneath the space, by name."""
    with db.read():
        rows = list(JobPath.select().where(JobPath.job == number))
    return {os.fsdecode(bytes(row.path)).removeprefix(f"{SPACE}/"): row for row in rows}


def check_counters(number: int) -> None:
    """Fails unless the counters of a job are what its rows say."""
    with db.read():
        job: Any = Job.get_by_id(number)
        paths = list(JobPath.select().where(JobPath.job == number))
        of_job = list(Task.select().where(Task.job == number))
        given: Any = TaskPath.select().join(Task).where(Task.job == number)
        given = list(given)
    states = [path.state for path in paths]
    found = {name: states.count(name) for name in ("processed", "failed", "skipped", "aborted")}
    assert {name: getattr(job, name) for name in found} == found
    assert job.discovered == len(paths)
    assert job.processed_bytes == sum(path.size for path in paths if path.state == "processed")
    open_tasks = [task for task in of_job if task.state in ("PENDING", "STARTED")]
    assert job.live == len(open_tasks)
    assert job.discovering == sum(task.discovery for task in open_tasks)
    assert len({(row.task_id, bytes(row.path)) for row in given}) == len(given)


def delete_workflow(name: str) -> None:
    with db.write():
        Workflow.delete().where(Workflow.name == name).execute()
