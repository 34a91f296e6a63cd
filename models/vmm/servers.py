"""LXD hosts of the ui-vmm system, and the numbers by which clients call what is on them."""

from peewee import ForeignKeyField, IntegerField

from models.base import BaseModel, CChar, CText, UtcField
from models.vmm.users import User


class Server(BaseModel):
    """An LXD host that a user added, with the certificate that it is known by and our key for it, sealed."""

    user = ForeignKeyField(User, on_delete="CASCADE")
    host = CChar(max_length=255)
    port = IntegerField()
    path = CText()
    certificate = CText()  # of the host, PEM
    client_certificate = CText()  # ours, PEM
    client_key = CText()  # ours, sealed
    created_ts = UtcField()
    trusted_ts = UtcField(null=True)  # since when the host has our certificate; NULL while it is being added

    class Meta:
        table_name = "vmm_server"
        indexes = ((("host", "port"), True),)


class HostObject(BaseModel):
    """Something on a host. Its number outside is `pk`, which is its own for ever: rows stay when things are gone."""

    server = ForeignKeyField(Server, on_delete="CASCADE", index=False)
    kind = CChar(max_length=16)
    name = CText()

    class Meta:
        table_name = "vmm_object"
        indexes = ((("server", "kind", "name"), True),)
