"""Who may see and do what (ngenea 2): looked up at each request, so that what is taken away is gone at once.

A right comes from a group: on everything of a model, or on one object. A right on a site or space holds for what
belongs to it. What one may not see is not there (404); what one sees and may not change is forbidden (403).
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from peewee import SQL, fn

from app.core.calls import Caller
from app.ngenea import graph
from app.ngenea.auth import SUPERUSER
from models.base import column
from models.ngenea.jobs import Job, JobSpace, Task, Workflow
from models.ngenea.sites import (
    Bucket,
    ExternalTarget,
    Filesystem,
    Node,
    Queue,
    SettingsTask,
    Site,
    Space,
    StoragePool,
)
from models.ngenea.users import (
    ClientKey,
    Group,
    GroupPermission,
    Membership,
    ObjectPermission,
    Permission,
    User,
)

ALL: Final = SQL("1 = 1")
NONE: Final = SQL("1 = 0")
SEEING: Final = ("view", "change", "delete")

Numbers = set[int]
Condition = Callable[[Numbers], Any]


def _job_in(spaces: Numbers, job: Any) -> Any:
    """The condition that a job, a column, has paths in some spaces alone: who sees not all of them sees it not."""
    rows = JobSpace.select(SQL("1")).where(JobSpace.job == job)
    within, beyond = rows.where(JobSpace.space.in_(spaces)), rows.where(JobSpace.space.not_in(spaces))
    return fn.EXISTS(within) & ~fn.EXISTS(beyond)


def groups_of(user: int) -> Any:
    """The numbers of a user's groups, as a query."""
    return Membership.select(Membership.group).where(Membership.user == user)


def _held(user: int) -> Any:
    held = GroupPermission.select(GroupPermission.permission)
    return held.where(GroupPermission.group.in_(groups_of(user)))


# model -> rights on what make its rows visible, and may change them: (model of the right, rows by the objects of it)
RULES: Final[dict[Any, tuple[tuple[str, Condition], ...]]] = {
    User: (("user", User.pk.in_),),
    Group: (("group", Group.pk.in_),),
    Permission: (("permission", Permission.pk.in_),),
    ClientKey: (("clientkey", ClientKey.pk.in_),),
    Site: (("site", Site.pk.in_),),
    Node: (("node", Node.pk.in_), ("site", Node.site.in_)),
    Queue: (("queue", Queue.pk.in_), ("site", Queue.site.in_)),
    Filesystem: (("filesystem", Filesystem.pk.in_), ("site", Filesystem.site.in_)),
    StoragePool: (
        ("storagepool", StoragePool.pk.in_),
        ("site", lambda sites: StoragePool.filesystem.in_(Filesystem.select().where(Filesystem.site.in_(sites)))),
    ),
    SettingsTask: (("settingstask", SettingsTask.pk.in_), ("site", SettingsTask.site.in_)),
    Space: (("space", Space.pk.in_),),
    Bucket: (("bucket", Bucket.pk.in_),),
    ExternalTarget: (("externaltarget", ExternalTarget.pk.in_), ("space", ExternalTarget.space.in_)),
    Workflow: (("workflow", Workflow.pk.in_),),
    Job: (("job", Job.pk.in_), ("space", lambda spaces: _job_in(spaces, Job.pk))),
    Task: (("task", Task.pk.in_), ("space", lambda spaces: _job_in(spaces, Task.job))),
}
# What belongs to who calls: theirs to see and to change.
OWN: Final[dict[Any, Callable[[int], Any]]] = {
    ClientKey: lambda me: ClientKey.user == me,
    Job: lambda me: Job.owner == me,
    Task: lambda me: fn.EXISTS(Job.select(SQL("1")).where(Job.pk == Task.job, Job.owner == me)),
}
# What is about who calls, or for all: seen by them, no more.
ABOUT: Final[dict[Any, Callable[[int], Any]]] = {
    User: lambda me: User.pk == me,
    Permission: lambda me: Permission.pk.in_(_held(me)),
    Workflow: lambda _: ALL,
}

# Jobs that are deleted are gone, whatever rows of them are still there.
OF_JOBS: Final[dict[Any, Any]] = {Job: Job.pk, Task: Task.job}


def visible(caller: Caller, model: Any) -> Any:
    """The condition for the rows of a model that a caller may know of. In a unit of work."""
    return permitted(caller, model, SEEING)


def of_visible_jobs(caller: Caller, job: Any) -> Any:
    """The condition for rows that tell of a job, a column, that a caller may know of. In a unit of work."""
    seen = visible(caller, Job)
    return seen if seen is ALL else fn.EXISTS(Job.select(SQL("1")).where(Job.pk == job, seen))


def may(caller: Caller, verb: str, model: Any) -> bool:
    """Whether a caller has the right on everything of a model. In a unit of work."""
    return _numbers(caller, RULES[model][0][0], (verb,)) is None


def permitted(caller: Caller, model: Any, verbs: Iterable[str]) -> Any:
    """The condition for the rows of a model that a caller has one of the rights on. In a unit of work."""
    found = _permitted(caller, model, verbs)
    going = graph.going() if model in OF_JOBS else set()
    return found & OF_JOBS[model].not_in(going) if going else found


def _permitted(caller: Caller, model: Any, verbs: Iterable[str]) -> Any:
    found = NONE
    for name, of in RULES[model]:
        numbers = _numbers(caller, name, verbs)
        if numbers is None:
            return ALL
        if numbers:
            found = found | of(numbers)
    me = int(caller.id)
    if model in OWN:
        found = found | OWN[model](me)
    if model in ABOUT and "view" in verbs:
        found = found | ABOUT[model](me)
    return found


def forget_gone(*models: Any) -> None:
    """Delete the rights on objects of these models that are no more. In a unit of work."""
    for model in models:
        there = model.select(SQL("1")).where(model.pk == ObjectPermission.object_pk.cast("BIGINT"))
        gone = (ObjectPermission.model == RULES[model][0][0], ~fn.EXISTS(there))
        ObjectPermission.delete().where(*gone).execute()


def _numbers(caller: Caller, model: str, verbs: Iterable[str]) -> Numbers | None:
    """The objects of a model that a caller has one of the rights on; None for all."""
    if SUPERUSER in caller.rights:
        return None
    codenames = [f"{verb}_{model}" for verb in verbs]
    mine = groups_of(int(caller.id))
    everywhere = (
        GroupPermission.select(GroupPermission.pk)
        .join(Permission)
        .where(GroupPermission.group.in_(mine), Permission.codename.in_(codenames))
    )
    if everywhere.exists():
        return None
    some = (
        ObjectPermission.select(ObjectPermission.object_pk)
        .join(Permission)
        .where(ObjectPermission.group.in_(mine), ObjectPermission.model == model, Permission.codename.in_(codenames))
    )
    return {int(number) for number in column(some) if number.isdecimal()}
