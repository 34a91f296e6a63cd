"""Limits that the operator of a Mender system sets."""

from peewee import BigIntegerField

from models.base import BaseModel, CChar, TenantField


class Limit(BaseModel):
    """How much of something a tenant may have; no row and 0 mean any amount (mender 2.6)."""

    tenant_id = TenantField()
    name = CChar(max_length=32)
    value = BigIntegerField()

    class Meta:
        table_name = "mender_limit"
        indexes = ((("tenant_id", "name"), True),)
