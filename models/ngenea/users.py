"""Users of the Ngenea system, their groups, what these may do, and keys for programs."""

from peewee import BooleanField, ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, JsonField, NumberedModel, UtcField


class User(NumberedModel):
    """A person who may log in while `is_active`. `generation` counts what makes earlier refresh tokens void."""

    username = CChar(max_length=150, unique=True)
    password_hash = CText()
    first_name = CText()
    last_name = CText()
    email = CText()
    is_active = BooleanField()
    is_superuser = BooleanField()
    profile = JsonField()
    generation = IntegerField()
    date_joined_ts = UtcField()
    last_login_ts = UtcField(null=True)

    class Meta:
        table_name = "ngenea_user"
        indexes = ((("is_superuser", "is_active"), False),)


class Group(NumberedModel):
    """A group of users; `builtin` ones cannot be deleted or renamed."""

    name = CChar(max_length=150, unique=True)
    description = CText()
    builtin = BooleanField()

    class Meta:
        table_name = "ngenea_group"


class Membership(BaseModel):
    """That a user is in a group."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    group = ForeignKeyField(Group, on_delete="CASCADE", column_name="group_id")

    class Meta:
        table_name = "ngenea_membership"
        indexes = ((("user", "group"), True),)


class Permission(BaseModel):
    """A right there is: to add, change, delete or view what `model` names. The rows are those of this release."""

    app_label = CChar(max_length=100)
    codename = CChar(max_length=100)
    model = CChar(max_length=100)
    name = CText()

    class Meta:
        table_name = "ngenea_permission"
        indexes = ((("app_label", "codename"), True),)


class GroupPermission(BaseModel):
    """A right of a group on everything of its model."""

    group = ForeignKeyField(Group, on_delete="CASCADE", index=False, column_name="group_id")
    permission = ForeignKeyField(Permission, on_delete="CASCADE")

    class Meta:
        table_name = "ngenea_group_permission"
        indexes = ((("group", "permission"), True),)


class ObjectPermission(BaseModel):
    """A right of a group on one object, which is named by its model and its number as text."""

    group = ForeignKeyField(Group, on_delete="CASCADE", index=False, column_name="group_id")
    permission = ForeignKeyField(Permission, on_delete="CASCADE")
    model = CChar(max_length=100)
    object_pk = CChar(max_length=64)

    class Meta:
        table_name = "ngenea_object_permission"
        indexes = ((("group", "model", "object_pk", "permission"), True), (("model", "object_pk"), False))


class ClientKey(NumberedModel):
    """A key that a program acts with as its user. It is found by `prefix`; only the hash of the rest is kept."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    name = CText()
    prefix = CChar(max_length=8, unique=True)
    key_hash = CChar(max_length=64)
    created_ts = UtcField()

    class Meta:
        table_name = "ngenea_client_key"
        indexes = ((("user", "name"), True),)
