"""Users of the Nebula system, and the groups that give them rights."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField, SmallIntegerField

from models.base import BaseModel, CChar, CText


class User(BaseModel):
    """A user. `version` counts changes of password or token, which void what processes remember of them."""

    name = CChar(max_length=255, unique=True)
    password_hash = CText()
    token_digest = CChar(max_length=64, unique=True)
    version = BigIntegerField()

    class Meta:
        table_name = "nebula_user"


class UserGroup(BaseModel):
    """Rights that its members have; of several groups the strongest counts."""

    name = CChar(max_length=255, unique=True)
    admin = BooleanField()
    pruning_allowed = BooleanField()

    class Meta:
        table_name = "nebula_user_group"


class UserGroupMember(BaseModel):
    """A member, by name: the user may not exist yet, or not any more (nebula 6)."""

    group = ForeignKeyField(UserGroup, on_delete="CASCADE", index=False)
    position = IntegerField()
    user_name = CChar(max_length=255)

    class Meta:
        table_name = "nebula_user_group_member"
        indexes = ((("group", "user_name"), True), (("user_name",), False))


class Right(BaseModel):
    """What the members of a group may do with one app, device group or cron job; `level` 1 reads, 2 writes too."""

    group = ForeignKeyField(UserGroup, on_delete="CASCADE", index=False)
    kind = CChar(max_length=16)
    position = IntegerField()
    name = CChar(max_length=255)
    level = SmallIntegerField()

    class Meta:
        table_name = "nebula_right"
        indexes = ((("group", "kind", "name"), True),)
