"""Deployments of the Mender system: which devices get which artifact, and how far each is."""

from peewee import SQL, BooleanField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, IdField, TenantField, UtcField
from models.mender.artifacts import Artifact


class Deployment(BaseModel):
    """An artifact name for a set of devices. The n_ columns count its devices by status and are bumped in SQL."""

    tenant_id = TenantField()
    id = IdField()
    name = CChar(max_length=256)
    artifact_name = CText()
    words = CText()  # of both names, folded, for the search
    status = CChar(max_length=16, default="pending")
    created = UtcField()
    finished = UtcField(null=True)
    max_devices = IntegerField()
    n_pending = IntegerField(default=0)
    n_downloading = IntegerField(default=0)
    n_installing = IntegerField(default=0)
    n_rebooting = IntegerField(default=0)
    n_success = IntegerField(default=0)
    n_failure = IntegerField(default=0)
    n_noartifact = IntegerField(default=0)
    n_already_installed = IntegerField(default=0)
    n_aborted = IntegerField(default=0)
    n_decommissioned = IntegerField(default=0)
    start_ts = UtcField(null=True)  # when devices may have it at the earliest
    phase_id = CChar(max_length=36, null=True)
    retries = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])
    force_installation = BooleanField(default=False, constraints=[SQL("DEFAULT FALSE")])
    group_name = CChar(max_length=1024, null=True)  # whose members it was made for

    class Meta:
        table_name = "mender_deployment"
        indexes = (
            (("tenant_id", "id"), True),
            (("tenant_id", "created", "id"), False),
            (("tenant_id", "status", "created", "id"), False),
        )


class DeviceDeployment(BaseModel):
    """One device's part in a deployment. `open` until it has a final status; `created` when it asked first.

    `deployment_created` orders a device's deployments: when this one was made or, if it was to start later, its start.
    """

    tenant_id = TenantField()
    deployment = ForeignKeyField(Deployment, on_delete="CASCADE", index=False)
    deployment_id: int
    device_id = CChar(max_length=256)
    status = CChar(max_length=32, default="pending")
    open = BooleanField(default=True)
    deployment_created = UtcField()
    created = UtcField(null=True)
    started = UtcField(null=True)
    finished = UtcField(null=True)
    artifact = ForeignKeyField(Artifact, null=True, on_delete="SET NULL")
    artifact_id: int | None
    device_type = CText(null=True)
    state = CChar(max_length=32, null=True)
    substate = CText(null=True)
    attempts = IntegerField(default=0, constraints=[SQL("DEFAULT 0")])  # that have failed

    class Meta:
        table_name = "mender_device_deployment"
        indexes = (
            (("deployment", "device_id"), True),
            (("tenant_id", "device_id", "open", "deployment_created"), False),
        )


class DeploymentLog(BaseModel):
    """The log a device sent of its part: JSON messages as they came."""

    tenant_id = TenantField()
    device_deployment = ForeignKeyField(DeviceDeployment, on_delete="CASCADE", unique=True)
    messages = CText()

    class Meta:
        table_name = "mender_deployment_log"
