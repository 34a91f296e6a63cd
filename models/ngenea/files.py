"""The catalogue of the Ngenea system: where the data of managed files is, and what is under way with them."""

from peewee import BigIntegerField, BlobField, ForeignKeyField

from models.base import BaseModel, CChar, CText, JsonField, UtcField
from models.ngenea.sites import ExternalTarget, Site, Space


class Entry(BaseModel):
    """A file whose data is in a bucket: `premigrated` (here too) or `migrated` (a stub is here).

    `path` is absolute on the site, in bytes; times in nanoseconds since 1970.
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

    `held` is the claim of who does it; `step` says how far it is, so that whoever finds the row can go on or undo.
    """

    site = ForeignKeyField(Site, on_delete="CASCADE", index=False)
    path = BlobField()
    device = BigIntegerField()
    inode = BigIntegerField()
    operation = CChar(max_length=16)
    step = CChar(max_length=16)
    target = ForeignKeyField(ExternalTarget, null=True)
    key = CText()
    details = JsonField()
    claim = CChar(max_length=36)
    lease_ts = UtcField()

    class Meta:
        table_name = "ngenea_journal"
        indexes = (
            (("site", "path"), True),
            (("site", "device", "inode"), True),
            (("site", "lease_ts"), False),
            (("target", "key"), False),
        )
