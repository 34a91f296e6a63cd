"""The catalogue of the Ngenea system: where the data of managed files is, and what is under way with them."""

from peewee import BigIntegerField, BlobField, ForeignKeyField

from models.base import BaseModel, CChar, CText, JsonField, UtcField
from models.ngenea.sites import Bucket, ExternalTarget, Site, Space


class Entry(BaseModel):
    """A file whose data is in a bucket: `premigrated` (here too) or `migrated` (a stub is here).

    `path` is absolute on the site, in bytes; times in nanoseconds since 1970. `head` is how many bytes of the start a
    stub has kept. A path that begins with NUL stands for a file that lost its path: it is known by its inode alone.
    """

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    space = ForeignKeyField(Space)
    path = BlobField()
    inode = BigIntegerField()
    device = BigIntegerField()
    size = BigIntegerField()
    mtime_ns = BigIntegerField()
    ctime_ns = BigIntegerField()
    mode = BigIntegerField()
    uid = BigIntegerField()
    gid = BigIntegerField()
    xattrs = JsonField()
    state = CChar(max_length=16)
    head = BigIntegerField()
    target = ForeignKeyField(ExternalTarget)
    key = CText()
    sha256 = CChar(max_length=64)
    etag = CText()
    updated_ts = UtcField()

    class Meta:
        table_name = "ngenea_entry"
        indexes = (
            (("site", "path"), True),
            (("target", "key"), False),
            (("site", "device", "inode"), False),
        )


class Journal(BaseModel):
    """What is under way with a file: written before the step it names, gone when the entry says what came of it.

    It is also the lock on the path, on the inode, and on the object's key in its bucket (NULLs lock nothing). `claim`
    is that of the unit of work that holds it; when no such unit runs, whoever comes next finishes or undoes it.
    """

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    path = BlobField()
    device = BigIntegerField(null=True)
    inode = BigIntegerField(null=True)
    operation = CChar(max_length=16)
    step = CChar(max_length=16)
    bucket = ForeignKeyField(Bucket, null=True, index=False)
    key = CText(null=True)
    claim = CChar(max_length=36)

    class Meta:
        table_name = "ngenea_journal"
        indexes = (
            (("site", "path"), True),
            (("site", "device", "inode"), True),
            (("bucket", "key"), True),
            (("claim",), False),
        )
