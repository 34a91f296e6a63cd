"""What workers report, and when each was seen last."""

from peewee import BigIntegerField, BooleanField

from models.base import BaseModel, CChar, CText, JsonField, UtcField


class Report(BaseModel):
    """A report as a worker sent it; `created` is the worker's own time in seconds."""

    inserted_ts = UtcField()
    device_group = CChar(max_length=255)
    hostname = CChar(max_length=255)
    created = BigIntegerField()
    updated = BooleanField()
    document = CText()

    class Meta:
        table_name = "nebula_report"
        indexes = (
            (("inserted_ts", "pk"), False),
            (("device_group", "inserted_ts", "pk"), False),
            (("hostname", "inserted_ts", "pk"), False),
        )


class Device(BaseModel):
    """A device as its last report describes it; `ids` are those it runs by, `ids_digest` a hash of them."""

    device_group = CChar(max_length=255)
    hostname = CChar(max_length=255)
    seen_ts = UtcField()
    created = BigIntegerField()
    ids = JsonField()
    ids_digest = CChar(max_length=64)

    class Meta:
        table_name = "nebula_device"
        indexes = ((("device_group", "hostname"), True), (("seen_ts",), False))
