"""Tables of the core: signing keys, work in the background and its schedule, failed tries at a password."""

from peewee import SQL, BooleanField, IntegerField

from models.base import BaseModel, CChar, CText, JsonField, UtcField


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


class Work(BaseModel):
    """A unit of work: queued, running under a lease, or failed for good; one that is done is gone.

    Whoever runs it holds `claim`; `again` says that it was asked for once more meanwhile. `place` is '' for work that
    any worker may do, else only those that serve the place do it.
    """

    kind = CChar(max_length=64)
    key = CChar(max_length=255)
    payload = JsonField()
    state = CChar(max_length=8)
    claim = CChar(max_length=36, null=True, unique=True)
    lease_ts = UtcField(null=True)
    again = BooleanField()
    attempts = IntegerField()
    due_ts = UtcField()
    created_ts = UtcField()
    error = CText(null=True)
    place = CChar(max_length=255, default="", constraints=[SQL("DEFAULT ''")])

    class Meta:
        table_name = "core_work"
        indexes = ((("kind", "key"), True), (("place", "state", "due_ts"), False), (("state", "lease_ts"), False))


class Tick(BaseModel):
    """The last tick of a schedule that work was queued for."""

    pk = None
    kind = CChar(max_length=64, primary_key=True)
    tick_ts = UtcField()

    class Meta:
        table_name = "core_tick"


class FailedTry(BaseModel):
    """Failed tries of one account from one address since a moment; `key` is a hash of both."""

    pk = None
    key = CChar(max_length=64, primary_key=True)
    since_ts = UtcField()
    n = IntegerField()

    class Meta:
        table_name = "core_failed_try"
        indexes = ((("since_ts",), False),)
