"""Artifacts of the Mender system; the files themselves are in the object store."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, SmallIntegerField

from models.base import BaseModel, CChar, CText, IdField, JsonField, TenantField, UtcField


class Artifact(BaseModel):
    """A file that devices may install, and what it says of itself. `object_key` names it in the store."""

    tenant_id = TenantField()
    id = IdField()
    name = CChar(max_length=256)
    description = CText(default="")
    format_version = SmallIntegerField()
    signed = BooleanField()
    device_types = JsonField()
    updates = JsonField()
    provides = JsonField()
    depends = JsonField()
    clears_provides = JsonField()
    size = BigIntegerField()
    sha256 = CChar(max_length=64)
    object_key = CChar(max_length=128)
    modified = UtcField()

    class Meta:
        table_name = "mender_artifact"
        indexes = (
            (("tenant_id", "id"), True),
            (("tenant_id", "name", "id"), False),
        )


class ArtifactCombination(BaseModel):
    """One combination of dependencies that an artifact suits: no two artifacts of a name may share one (mender 4.2)."""

    tenant_id = TenantField()
    name = CChar(max_length=256)
    digest = CChar(max_length=64)
    artifact = ForeignKeyField(Artifact, on_delete="CASCADE")

    class Meta:
        table_name = "mender_artifact_combination"
        indexes = ((("tenant_id", "name", "digest"), True),)
