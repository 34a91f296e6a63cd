"""Counters of the Mender system: totals of lists that are too long to count."""

from peewee import BigIntegerField, SmallIntegerField

from models.base import BaseModel, CChar, TenantField


class Counter(BaseModel):
    """One shard of a count; the sum over its shards is the total. Shards keep concurrent writers from one row."""

    tenant_id = TenantField()
    kind = CChar(max_length=32)
    key = CChar(max_length=1024)
    shard = SmallIntegerField()
    n = BigIntegerField(default=0)

    class Meta:
        table_name = "mender_counter"
        indexes = ((("tenant_id", "kind", "key", "shard"), True),)
