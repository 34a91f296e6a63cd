"""Releases: all artifacts of one name, and what users say of them."""

from peewee import ForeignKeyField, IntegerField, TextField

from models.base import BaseModel, CChar, TenantField, UtcField
from models.mender.artifacts import Artifact


class Release(BaseModel):
    """A release lasts as long as it has artifacts."""

    tenant_id = TenantField()
    name = CChar(max_length=256)
    notes = TextField(default="")
    modified = UtcField()
    artifacts_count = IntegerField()

    class Meta:
        table_name = "mender_release"
        indexes = (
            (("tenant_id", "name"), True),
            (("tenant_id", "modified", "name"), False),
            (("tenant_id", "artifacts_count", "name"), False),
        )


class ReleaseTag(BaseModel):
    """A word by which users find releases."""

    tenant_id = TenantField()
    release = ForeignKeyField(Release, on_delete="CASCADE")
    tag = CChar(max_length=256)

    class Meta:
        table_name = "mender_release_tag"
        indexes = (
            (("release", "tag"), True),
            (("tenant_id", "tag"), False),
        )


class ArtifactType(BaseModel):
    """A type of payload that an artifact has."""

    tenant_id = TenantField()
    artifact = ForeignKeyField(Artifact, on_delete="CASCADE")
    type = CChar(max_length=256)

    class Meta:
        table_name = "mender_artifact_type"
        indexes = (
            (("artifact", "type"), True),
            (("tenant_id", "type"), False),
        )
