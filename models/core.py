"""Tables of the core: signing keys."""

from models.base import BaseModel, CChar, CText, UtcField


class SigningKey(BaseModel):
    """A private key that signs the tokens of one (system, kind); sealed."""

    system = CChar(max_length=32)
    kind = CChar(max_length=32)
    kid = CChar(max_length=36, unique=True)
    algorithm = CChar(max_length=16)
    private = CText()
    created = UtcField()

    class Meta:
        table_name = "core_signing_key"
        indexes = ((("system", "kind"), True),)
