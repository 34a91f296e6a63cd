"""Sites of the Ngenea system, what workers report of them, and the work that makes settings true on them."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, IdField, JsonField, NumberedModel, UtcField


class Site(NumberedModel):
    """A place with storage of its own."""

    name = CChar(max_length=64, unique=True)
    label = CText()
    shortcode = CChar(max_length=64, unique=True)
    color = JsonField()  # three numbers of 0 to 255
    timezone = CText()
    bandwidth = BigIntegerField(null=True)  # Mb/s of each node; NULL or 0: unlimited
    type = CText()
    public_url = CText()
    am_i_configured = BooleanField()
    ready_to_configure = BooleanField()
    include = JsonField()  # globs
    exclude = JsonField()
    file_batch_size = IntegerField()
    file_batch_gb = IntegerField()
    enable_auto_file_batch_sizing = BooleanField()
    created_ts = UtcField()

    class Meta:
        table_name = "ngenea_site"


class Node(NumberedModel):
    """A host that a worker of the site runs on, since its first heartbeat; NULL once it was stopped in good order."""

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    name = CChar(max_length=255)
    last_heartbeat_ts = UtcField(null=True)

    class Meta:
        table_name = "ngenea_node"
        indexes = ((("site", "name"), True),)


class Queue(NumberedModel):
    """A queue of a site: `default`, and those that workers announce."""

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    name = CChar(max_length=64)

    class Meta:
        table_name = "ngenea_queue"
        indexes = ((("site", "name"), True),)


class NodeQueue(BaseModel):
    """That a node serves a queue, with so many threads."""

    node = ForeignKeyField(Node, on_delete="CASCADE", index=False)
    queue = ForeignKeyField(Queue, on_delete="CASCADE")
    threads = IntegerField()
    functions = JsonField()
    last_heartbeat_ts = UtcField()

    class Meta:
        table_name = "ngenea_node_queue"
        indexes = ((("node", "queue"), True),)


class Filesystem(NumberedModel):
    """A file system of a site, as a worker reports it. `mountpoint` is a path of the site."""

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    name = CChar(max_length=255)
    mountpoint = CText()

    class Meta:
        table_name = "ngenea_filesystem"
        indexes = ((("site", "name"), True),)


class StoragePool(NumberedModel):
    """A tier of a file system, as a worker reports it; bytes."""

    filesystem = ForeignKeyField(Filesystem, on_delete="CASCADE", index=False)
    name = CChar(max_length=255)
    capacity = BigIntegerField()
    used_space = BigIntegerField()
    free_space = BigIntegerField()
    is_default = BooleanField()
    reported_ts = UtcField()

    class Meta:
        table_name = "ngenea_storage_pool"
        indexes = ((("filesystem", "name"), True),)


class Space(NumberedModel):
    """A named tree of files at one mount point, on one site or more."""

    uuid = IdField(unique=True)
    name = CChar(max_length=255, unique=True)
    mountpoint = CText()
    color = JsonField()
    size = BigIntegerField(null=True)  # bytes; NULL: unlimited
    immutable = BooleanField()
    deleting = BooleanField()
    created_ts = UtcField()

    class Meta:
        table_name = "ngenea_space"


class SpaceSite(BaseModel):
    """That a space is on a site; `ready` once the settings task `task_id` has made its folder.

    `mountpoint` is the space's: no other space has it on the same site.
    """

    space = ForeignKeyField(Space, on_delete="CASCADE", index=False)
    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    mountpoint = CText()
    pool = CText(null=True)
    ready = BooleanField()
    task_id = IdField(default="")

    class Meta:
        table_name = "ngenea_space_site"
        indexes = ((("space", "site"), True), (("site", "mountpoint"), True))


class Bucket(NumberedModel):
    """A store outside of all sites, and how to get in. `secrets` is sealed JSON."""

    name = CChar(max_length=255, unique=True)
    label = CText()
    storage_type = CChar(max_length=16)
    endpoint = CText()
    port = IntegerField(null=True)
    scheme = CText()
    region = CText()
    ssl_verify = BooleanField()
    migration_target_folder = CText()
    advanced_settings = JsonField()
    secrets = CText()
    soft_deleting = BooleanField()
    created_ts = UtcField()

    class Meta:
        table_name = "ngenea_bucket"


class ExternalTarget(NumberedModel):
    """Which files of a space go into which bucket."""

    name = CChar(max_length=255, unique=True)
    space = ForeignKeyField(Space, on_delete="CASCADE")
    bucket = ForeignKeyField(Bucket)
    local_file_regex = CText()
    delete_on_recall = BooleanField()
    backup_only = BooleanField()
    backup_site = ForeignKeyField(Site, null=True)
    enabled = BooleanField()
    advanced_settings = JsonField()
    created_ts = UtcField()

    class Meta:
        table_name = "ngenea_external_target"


class TargetSite(BaseModel):
    """That a target is for a site; `ready` once the settings task `task_id` has reached its bucket from there."""

    target = ForeignKeyField(ExternalTarget, on_delete="CASCADE", index=False)
    site = ForeignKeyField(Site, on_delete="CASCADE")
    ready = BooleanField()
    task_id = IdField(default="")

    class Meta:
        table_name = "ngenea_target_site"
        indexes = ((("target", "site"), True),)


class SettingsTask(NumberedModel):
    """A unit of work that makes something true on one site: a space's folder, a target."""

    site = ForeignKeyField(Site, on_delete="CASCADE")
    task_id = IdField(unique=True)
    tasktype = CChar(max_length=100)
    friendly_name = CText()
    request = JsonField()
    results = JsonField(null=True)
    state = CChar(max_length=16)
    created_ts = UtcField()
    started_ts = UtcField(null=True)
    completed_ts = UtcField(null=True)

    class Meta:
        table_name = "ngenea_settings_task"
        indexes = ((("state", "pk"), False), (("tasktype", "pk"), False))


class Question(BaseModel):
    """What somebody who waits asks a worker of the site; the answer is of use until `expires_ts`."""

    site = ForeignKeyField(Site, on_delete="CASCADE")
    question_id = IdField(unique=True)
    question = JsonField()
    answer = JsonField(null=True)
    expires_ts = UtcField(index=True)

    class Meta:
        table_name = "ngenea_question"
