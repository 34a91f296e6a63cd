"""Workflows of the Ngenea system, and the jobs that run them: tasks in a graph, and what became of each path."""

from peewee import BigIntegerField, BlobField, BooleanField, ForeignKeyField

from models.base import BaseModel, CChar, CText, IdField, JsonField, NumberedModel, UtcField
from models.ngenea.sites import Queue, Site, Space
from models.ngenea.users import ClientKey, User


class Workflow(NumberedModel):
    """What is done with files: how they are found, and which tasks those that a rule takes go through."""

    name = CChar(max_length=100, unique=True)
    label = CText()
    icon_classes = JsonField()
    discovery = CChar(max_length=64, null=True)
    discovery_options = JsonField()
    enabled = BooleanField()
    visible = BooleanField()
    schedule_only = BooleanField()
    external_only = BooleanField()
    preferred_queue = CText()
    fields = JsonField()
    filter_rules = JsonField()
    builtin = BooleanField()

    class Meta:
        table_name = "ngenea_workflow"


class Job(NumberedModel):
    """One run of a workflow. `definition` is the workflow as it was when the job was made; counts are of paths.

    `live` counts tasks that are not at their end: the job ends with the last. `progress` is in percent, and only grows.
    """

    workflow = CChar(max_length=100)
    definition = JsonField()
    site = ForeignKeyField(Site, index=False)
    queue = ForeignKeyField(Queue, index=False, null=True, on_delete="SET NULL")
    owner = ForeignKeyField(User, index=False, null=True, on_delete="SET NULL")
    clientkey = ForeignKeyField(ClientKey, index=False, null=True, on_delete="SET NULL")
    by_system = BooleanField()
    request = JsonField()  # what was submitted
    state = CChar(max_length=16)
    dry_run = BooleanField()
    search = CText()  # what a keyword is looked for in, lower case
    live = BigIntegerField()
    discovering = BigIntegerField()  # tasks of discovery among them
    discovered = BigIntegerField()
    discovered_bytes = BigIntegerField()
    processed = BigIntegerField()
    processed_bytes = BigIntegerField()
    failed = BigIntegerField()
    skipped = BigIntegerField()
    aborted = BigIntegerField()
    progress = BigIntegerField(default=0)
    created_ts = UtcField()
    started_ts = UtcField(null=True)
    completed_ts = UtcField(null=True)

    class Meta:
        table_name = "ngenea_job"
        # SQLite keeps the rows in the order of `pk`: an index that has nothing else is what pages are counted off in.
        indexes = (
            (("pk",), False),
            (("state", "pk"), False),
            (("site", "pk"), False),
            (("owner", "pk"), False),
            (("workflow", "pk"), False),
            (("created_ts",), False),
            (("completed_ts",), False),
        )


class JobSpace(BaseModel):
    """That the paths of a job lie in a space: who may see each of them may see the job."""

    job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
    space = ForeignKeyField(Space, on_delete="CASCADE")

    class Meta:
        table_name = "ngenea_job_space"
        indexes = ((("job", "space"), True),)


class JobInput(BaseModel):
    """A path that was submitted with a job; bytes."""

    job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
    path = BlobField()

    class Meta:
        table_name = "ngenea_job_input"
        indexes = ((("job", "path"), True), (("path",), False))


class Task(NumberedModel):
    """A node of a job's graph: one function on a batch of paths. `rule` and `step` say which action of the workflow."""

    job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
    task_id = IdField(unique=True)
    tasktype = CChar(max_length=100)
    friendly_name = CText()
    site = ForeignKeyField(Site, index=False)
    queue = CChar(max_length=64)
    state = CChar(max_length=16)
    discovery = BooleanField()
    internal = BooleanField()
    rule = BigIntegerField()
    step = BigIntegerField()
    arguments = JsonField()
    result = JsonField(null=True)
    created_ts = UtcField()
    started_ts = UtcField(null=True)
    completed_ts = UtcField(null=True)

    class Meta:
        table_name = "ngenea_task"
        indexes = (
            (("pk",), False),
            (("job", "state", "pk"), False),
            (("job", "pk"), False),
            (("state", "pk"), False),
            (("tasktype", "pk"), False),
        )


class TaskParent(BaseModel):
    """An edge of the graph; `dynamic` ones were added while the parent ran."""

    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    parent = ForeignKeyField(Task, on_delete="CASCADE")
    dynamic = BooleanField()

    class Meta:
        table_name = "ngenea_task_parent"
        indexes = ((("task", "parent"), True),)


class TaskPath(BaseModel):
    """A path that a task was given, and what became of it; `state` is '' until then."""

    task = ForeignKeyField(Task, on_delete="CASCADE", index=False)
    job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
    path = BlobField()
    type = CChar(max_length=16)
    size = BigIntegerField()
    state = CChar(max_length=16)
    code = CText()
    message = CText()

    class Meta:
        table_name = "ngenea_task_path"
        indexes = ((("task", "path"), True), (("task", "state", "pk"), False), (("job", "path", "pk"), False))


class JobPath(NumberedModel):
    """A path of a job, with the latest task that decided on it; `state` is '' until its chains are at their end."""

    job = ForeignKeyField(Job, on_delete="CASCADE", index=False)
    path = BlobField()
    task = ForeignKeyField(Task, on_delete="CASCADE")
    state = CChar(max_length=16)
    size = BigIntegerField()
    code = CText()
    message = CText()

    class Meta:
        table_name = "ngenea_job_path"
        indexes = (
            (("job", "path"), True),
            (("job", "state", "pk"), False),
            (("job", "pk"), False),
            (("path", "pk"), False),
        )
