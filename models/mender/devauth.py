"""Devices of the Mender system: identities, the keys they presented, and the tokens they hold."""

from peewee import SQL, BooleanField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, IdField, TenantField, UtcField


class Device(BaseModel):
    """An identity. `status` is the best among its authentication sets; `revision` counts its changes."""

    tenant_id = TenantField()
    id = IdField()
    identity_hash = CChar(max_length=64)
    identity_data = CText()
    status = CChar(max_length=16)
    decommissioning = BooleanField(default=False)
    revision = IntegerField(default=1)
    created_ts = UtcField()
    updated_ts = UtcField()

    class Meta:
        table_name = "mender_device"
        indexes = (
            (("tenant_id", "id"), True),
            (("tenant_id", "identity_hash"), True),
            (("tenant_id", "created_ts", "id"), False),
            (("tenant_id", "status", "created_ts", "id"), False),
        )


class AuthSet(BaseModel):
    """A key that a device presented, and what was decided about it."""

    tenant_id = TenantField()
    id = IdField()
    device = ForeignKeyField(Device, on_delete="CASCADE", index=False)
    device_id: int
    pubkey = CText()
    pubkey_hash = CChar(max_length=64)
    status = CChar(max_length=16)
    ts = UtcField()

    class Meta:
        table_name = "mender_auth_set"
        indexes = (
            (("tenant_id", "id"), True),
            (("device", "pubkey_hash"), True),
        )


# At most one key of a device is accepted, and one preauthorised, whatever races (mender 2.2, 2.5).
AuthSet.add_index(
    AuthSet.index(AuthSet.device, unique=True, where=SQL("status = 'accepted'"), name="mender_auth_set_one_accepted")
)
AuthSet.add_index(
    AuthSet.index(
        AuthSet.device, unique=True, where=SQL("status = 'preauthorized'"), name="mender_auth_set_one_preauthorized"
    )
)


class DeviceToken(BaseModel):
    """The token of an accepted authentication set; its jti is the set's id (mender 1.3).

    `issued_ts` is when the set's first token since the last revocation was issued: those before it are void.
    """

    tenant_id = TenantField()
    jti = IdField(unique=True)
    auth_set = ForeignKeyField(AuthSet, on_delete="CASCADE", index=True)
    issued_ts = UtcField()
    expires_ts = UtcField()

    class Meta:
        table_name = "mender_device_token"
