"""Device groups: which apps and cron jobs the workers of a group run."""

from peewee import BigIntegerField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar


class DeviceGroup(BaseModel):
    """A group. `revision` counts all that changes what its workers are told, so that a body may be kept till then."""

    name = CChar(max_length=255, unique=True)
    number = BigIntegerField()
    prune_id = BigIntegerField()
    revision = BigIntegerField()

    class Meta:
        table_name = "nebula_device_group"


class DeviceGroupMember(BaseModel):
    """An app or cron job of a group, by name: it may have been deleted, and may come again (nebula 5)."""

    group = ForeignKeyField(DeviceGroup, on_delete="CASCADE", index=False)
    kind = CChar(max_length=16)
    position = IntegerField()
    name = CChar(max_length=255)

    class Meta:
        table_name = "nebula_device_group_member"
        indexes = ((("group", "kind", "name"), True), (("kind", "name"), False))
