"""The inventory of the Mender system: one document per device to serve, one table of attributes to search."""

from peewee import BigIntegerField, CompositeKey, DoubleField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, TenantField, UtcField


class Inventory(BaseModel):
    """A device. `document` is exactly what a list serves; status, group and times are hot, hence columns."""

    tenant_id = TenantField()
    device_id = CChar(max_length=256)
    document = CText()
    status = CChar(max_length=16, default="")
    group_name = CChar(max_length=1024, null=True)
    revision = IntegerField(default=0)
    created_ts = UtcField()
    updated_ts = UtcField()

    class Meta:
        table_name = "mender_inventory"
        indexes = (
            (("tenant_id", "device_id"), True),
            (("tenant_id", "status", "device_id"), False),
            (("tenant_id", "group_name", "device_id"), False),
            (("tenant_id", "group_name", "status"), False),
            (("tenant_id", "created_ts", "device_id"), False),
            (("tenant_id", "updated_ts", "device_id"), False),
        )


class AttributeKey(BaseModel):
    """A name in a scope, known by a small number; rows are only ever added. The digest is of scope and name."""

    tenant_id = TenantField()
    scope = CChar(max_length=32)
    name = CChar(max_length=1024)
    digest = CChar(max_length=64)

    class Meta:
        table_name = "mender_attribute_key"
        indexes = ((("tenant_id", "digest"), True),)


class Attribute(BaseModel):
    """One value, or one element of a list: its text (see `text_key`) or its number; neither for an empty list."""

    pk = None
    device = ForeignKeyField(Inventory, on_delete="CASCADE", index=False)
    key_id = BigIntegerField()
    position = IntegerField()
    text = CChar(max_length=128, null=True)
    number = DoubleField(null=True)
    long_text = CText(null=True)  # the whole of a text that `text` cuts

    class Meta:
        table_name = "mender_attribute"
        primary_key = CompositeKey("device", "key_id", "position")
        without_rowid = True
        indexes = (
            (("key_id", "text", "device"), False),
            (("key_id", "number", "device"), False),
        )
