"""Users of the ui-vmm system, and what they prove who they are with."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, IdField, UtcField


class User(BaseModel):
    """A person who may log in, once `active`. Their number outside is `pk`; one without a password has a passkey."""

    login = CChar(max_length=64)
    login_key = CChar(max_length=64, unique=True)  # in lower case
    email = CChar(max_length=256, unique=True)
    password_hash = CText(null=True)
    group = IntegerField(column_name="user_group")
    active = BooleanField()
    password_locked = BooleanField()
    handle = CChar(max_length=64, unique=True)  # what authenticators call the user by
    created_ts = UtcField()

    class Meta:
        table_name = "vmm_user"
        indexes = ((("active", "created_ts"), False),)


class Token(BaseModel):
    """A session or an API token; without its row a token is void."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    name = IdField(unique=True)
    kind = CChar(max_length=16)
    start_ts = UtcField()
    expire_ts = UtcField(index=True)
    revoke_ts = UtcField(null=True)

    class Meta:
        table_name = "vmm_token"
        indexes = ((("user", "pk"), False),)


class Code(BaseModel):
    """A code that was mailed to a user for one purpose; only its hash is kept."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    purpose = CChar(max_length=16)
    code_hash = CChar(max_length=64, unique=True)
    email = CChar(max_length=256)
    tries = IntegerField()
    expires_ts = UtcField(index=True)

    class Meta:
        table_name = "vmm_code"
        indexes = ((("user", "purpose"), True),)


class Challenge(BaseModel):
    """What an authenticator is to sign, once; only its hash is kept. `user` is NULL for one who is not there yet."""

    challenge_hash = CChar(max_length=64, unique=True)
    purpose = CChar(max_length=16)
    user = ForeignKeyField(User, on_delete="CASCADE", null=True)
    handle = CChar(max_length=64)
    login = CChar(max_length=64)
    email = CChar(max_length=256)
    expires_ts = UtcField(index=True)

    class Meta:
        table_name = "vmm_challenge"


class Passkey(BaseModel):
    """A key that an authenticator keeps for a user: what it is called, and its public half."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    credential_id = CText(unique=True)  # base64url
    public_key = CText()  # COSE, base64
    sign_count = BigIntegerField()
    name = CText()
    created_ts = UtcField()

    class Meta:
        table_name = "vmm_passkey"
        indexes = ((("user", "pk"), False),)


class SshKey(BaseModel):
    """A public key that a user's new instances let in."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    name = CText()
    line = CText()
    fingerprint = CChar(max_length=64)
    created_ts = UtcField()

    class Meta:
        table_name = "vmm_ssh_key"
        indexes = ((("user", "fingerprint"), True),)
