"""What users did, and when."""

from peewee import TextField

from models.base import BaseModel, CChar, CText, JsonField, TenantField, UtcField


class AuditEntry(BaseModel):
    """One change by one actor. Names are kept as they were, so that an entry outlives what it tells of."""

    tenant_id = TenantField()
    time = UtcField()
    actor_type = CChar(max_length=16)
    actor_id = CChar(max_length=36)
    actor_email = CChar(max_length=256)
    action = CChar(max_length=32)
    object_type = CChar(max_length=16)
    object_id = CText()
    object_name = TextField()
    change = JsonField(null=True)
    request_id = CChar(max_length=64)

    class Meta:
        table_name = "mender_audit_entry"
        indexes = (
            (("tenant_id", "time", "pk"), False),
            (("tenant_id", "object_type", "time", "pk"), False),
            (("tenant_id", "object_id", "time", "pk"), False),
            (("tenant_id", "actor_id", "time", "pk"), False),
        )
