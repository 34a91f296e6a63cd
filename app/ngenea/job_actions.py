"""What is done to jobs: pause, resume, cancel, run again, each in the states that allow it (ngenea 3.3)."""

from typing import Any, Final

from app.core import clock, db
from app.core.calls import Caller
from app.core.errors import Conflict, Forbidden, NotFound
from app.ngenea import graph, known, rights, running, states, submissions
from models.base import column
from models.ngenea.jobs import Job, JobInput, JobSpace, Task
from models.ngenea.sites import Queue, Space
from models.ngenea.users import User

REFUSALS: Final = {
    "pause": "Only a job that is under way can be paused.",
    "resume": "Only a paused job can be resumed.",
    "cancel": "The job has ended, or is about to.",
}


def _pass(job: int, call: str) -> None:
    """Give a job, held, the state that a call leads to. Raises Conflict in a state that does not allow it, NotFound."""
    before = graph.hold(job)
    if before is None:
        raise NotFound("Not found.")
    after = states.TRANSITIONS[call].get(before)
    if after is None:
        raise Conflict(f"{REFUSALS[call]} It is {before}.")
    db.execute("UPDATE ngenea_job SET state = ? WHERE pk = ?", after, job)


def pause(job: int) -> None:
    """Hand out no task of a job, and have those that run stop at their next file."""
    _pass(job, "pause")
    running.settle_idle(job)


def resume(job: int) -> None:
    """Go on with a paused job: every task that waits is handed out again."""
    _pass(job, "resume")
    graph.release_waiting(job)


def cancel(job: int) -> None:
    """Do nothing more of a job: what waits is cancelled at once, what runs stops at its next file."""
    _pass(job, "cancel")
    now = clock.micros(clock.now())
    gone = db.rows(
        "UPDATE ngenea_task SET state = 'CANCELLED', completed_ts = ? WHERE job_id = ? AND state = 'PENDING'"
        " RETURNING discovery",
        now,
        job,
    )
    found = sum(bool(one) for (one,) in gone)
    db.execute(
        "UPDATE ngenea_job SET live = live - ?, discovering = discovering - ? WHERE pk = ?", len(gone), found, job
    )
    running.settle_idle(job)


def resubmit(caller: Caller, number: int) -> int:
    """The number of a new job that does the same with the same paths; of the job itself when it has not ended.

    Raises NotFound for one that is deleted, Forbidden where the caller sees no longer every space of it, Conflict where
    its site has lost the queue.
    """
    if graph.hold(number) not in states.ENDED:
        return number
    if number in graph.going():
        raise NotFound("Not found.")
    old: Any = Job.get_by_id(number)
    spaces = set(column(JobSpace.select(JobSpace.space).where(JobSpace.job == number)))
    seen = Space.select(Space.pk).where(Space.pk.in_(spaces), rights.visible(caller, Space))
    if spaces - set(column(seen)):
        raise Forbidden(submissions.NOT_VISIBLE)
    queue: Any = Queue.get_or_none(Queue.pk == old.queue_id)
    if queue is None:
        raise Conflict("The site has no such queue any more.")
    owner: Any = User.get_by_id(int(caller.id))
    inputs = _paths(number)
    spaces |= known.entered(caller, old.site, old.definition["discovery"], inputs)
    new: int = Job.insert(
        **{name: getattr(old, name) for name in ("workflow", "dry_run", "request")},
        definition={**old.definition, "closed": known.closed(caller, old.site)},
        site=old.site_id,
        queue=queue.pk,
        owner=owner.pk,
        clientkey=int(caller.token) if caller.kind == "key" else None,
        by_system=False,
        state=states.NEW,
        search=submissions.searched(old.workflow, old.definition["label"], owner.username, inputs),
        **dict.fromkeys(submissions.COUNTERS, 0),
        created_ts=clock.now(),
    ).execute()
    submissions.begin(new, old.site_id, queue.name, [], spaces)
    (task,) = column(Task.select(Task.pk).where(Task.job == new))
    _copy_inputs(number, new, task)
    return new


def _paths(job: int) -> list[bytes]:
    """The first paths that a job was made with, as many as a keyword is looked for in."""
    inputs = JobInput.select(JobInput.path).where(JobInput.job == job).order_by(JobInput.pk)
    return [bytes(path) for path in column(inputs.limit(submissions.SEARCHED // 2))]


def _copy_inputs(old: int, new: int, task: int) -> None:
    db.execute(
        "INSERT INTO ngenea_job_input (job_id, path) SELECT ?, path FROM ngenea_job_input WHERE job_id = ? ORDER BY pk",
        new,
        old,
    )
    db.execute(
        "INSERT INTO ngenea_task_path (task_id, job_id, path, type, size, state, code, message)"
        " SELECT ?, job_id, path, '', 0, '', '', '' FROM ngenea_job_input WHERE job_id = ? ORDER BY pk",
        task,
        new,
    )
