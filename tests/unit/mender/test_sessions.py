"""Tokens that have expired are forgotten at night, and no others."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import clock, db, schedule
from app.mender import useradm
from tests.support.work import do_work

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def sessions() -> int:
    with db.read():
        found = db.row("SELECT COUNT(*) FROM mender_user_token")
    return int(found[0]) if found else 0


def test_expired_tokens_are_forgotten(database: Any) -> None:
    with clock.freeze(NOW):
        useradm.create_user("ada@example.com", "correct horse")
        caller = useradm.authenticate("ada@example.com", "correct horse")
        assert caller is not None
        useradm.login(caller)
        schedule.queue_due()
    with clock.freeze(NOW + timedelta(days=6, hours=23)):
        useradm.login(caller)
        schedule.queue_due()
        do_work()
        assert sessions() == 2
    with clock.freeze(NOW + timedelta(days=8)):
        schedule.queue_due()
        do_work()
        assert sessions() == 1
