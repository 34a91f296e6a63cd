"""Users of the Mender system and the tokens they hold."""

from peewee import ForeignKeyField

from models.base import BaseModel, CChar, CText, IdField, JsonField, TenantField, UtcField


class User(BaseModel):
    """A person who may log in. The address is unique across tenants: it alone says whose login it is (mender 5)."""

    tenant_id = TenantField()
    id = IdField()
    email = CChar(max_length=256, unique=True)
    password_hash = CText()
    created_ts = UtcField()
    updated_ts = UtcField()

    class Meta:
        table_name = "mender_user"
        indexes = (
            (("tenant_id", "id"), True),
            (("tenant_id", "created_ts", "id"), False),
        )


class UserToken(BaseModel):
    """A token that is in force; without its row a token is void. Personal access tokens have a name, sessions none."""

    tenant_id = TenantField()
    jti = IdField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    created_ts = UtcField()
    expires_ts = UtcField()
    name = CText(null=True)
    last_used_ts = UtcField(null=True)

    class Meta:
        table_name = "mender_user_token"
        indexes = (
            (("user", "created_ts", "pk"), False),
            (("user", "name"), True),
        )


class PasswordReset(BaseModel):
    """A secret that was mailed to a user; only its hash is kept, and only the newest of a user is good."""

    tenant_id = TenantField()
    user = ForeignKeyField(User, on_delete="CASCADE", unique=True)
    secret_hash = CChar(max_length=64, unique=True)
    expires_ts = UtcField()

    class Meta:
        table_name = "mender_password_reset"


class UserSettings(BaseModel):
    """Settings that user interfaces keep: of all users of a tenant (`user_id` is empty), or of one of them."""

    tenant_id = TenantField()
    user_id = CChar(max_length=36)
    document = JsonField()

    class Meta:
        table_name = "mender_user_settings"
        indexes = ((("tenant_id", "user_id"), True),)
