"""What is kept for a while only: codes, challenges, ended tokens, users who never were activated."""

from datetime import timedelta
from typing import Final

from app.core import clock, schedule, work
from app.core.db import write
from app.vmm import accounts, events, servers
from models.vmm.users import Challenge, Code, Token

ENDED: Final = timedelta(days=7)  # so long users see tokens that have ended


@schedule.scheduled("vmm.forget", "*/10 * * * *")
def forget(unit: work.Unit) -> None:
    """Remove what has had its time."""
    now = clock.now()
    with write():
        Code.delete().where(Code.expires_ts <= now).execute()
        Challenge.delete().where(Challenge.expires_ts <= now).execute()
        Token.delete().where(Token.expire_ts <= now - ENDED).execute()
        accounts.forget_stale()
        events.forget()
    servers.forget_unfinished()
