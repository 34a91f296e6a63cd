"""What users of ui-vmm are told when it happens, who listens, and the long operations that it is about."""

from peewee import BigIntegerField, ForeignKeyField

from models.base import BaseModel, CChar, CText, IdField, UtcField
from models.vmm.servers import Server
from models.vmm.users import User


class Listener(BaseModel):
    """A connection that waits for events under a name; whose it is, once somebody has said so with a token."""

    name = CChar(max_length=64, unique=True)
    connection = IdField(unique=True)
    user = ForeignKeyField(User, on_delete="CASCADE", null=True)
    token = CChar(max_length=36, null=True)
    seen_ts = UtcField(index=True)  # when the process that holds it last said so

    class Meta:
        table_name = "vmm_listener"


class Event(BaseModel):
    """Something to tell a user; `pk` orders what they are told."""

    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    kind = CChar(max_length=32)
    request_id = CText()  # the client's own name of what it asked for
    body = CText()  # a JSON:API document
    created_ts = UtcField(index=True)

    class Meta:
        table_name = "vmm_event"
        indexes = ((("user", "pk"), False),)


class Task(BaseModel):
    """A long operation on a host, from its acknowledgement to its end."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    server = ForeignKeyField(Server, on_delete="CASCADE")
    kind = CChar(max_length=32)
    action = CChar(max_length=16)
    instance = CChar(max_length=63)
    request_id = CText()
    payload = CText()  # what LXD is sent, sealed; empty where there is none
    state = CChar(max_length=16)
    operation = CChar(max_length=36, null=True)  # LXD's number of it
    pid = BigIntegerField()  # of the instance before; 0: none
    created_ts = UtcField()
    ended_ts = UtcField(null=True)

    class Meta:
        table_name = "vmm_task"
        indexes = ((("ended_ts", "created_ts"), False),)
