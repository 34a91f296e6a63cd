"""Failed tries at a secret, counted in the database, so that all processes count together (design section 6).

Only failures are written: whoever knows the secret costs nothing and is never counted. Tries that are under way at the
same moment are not seen by each other, so a few more than the limit may be verified, at most one for each thread.
"""

from datetime import timedelta
from hashlib import sha256
from math import ceil
from typing import Final

from app.core import clock, db
from app.core.errors import TooManyRequests

WINDOW: Final = timedelta(minutes=1)
DEFAULT: Final = 20

_limit = DEFAULT


def configure(limit: int) -> None:
    """Allow `limit` failures in a minute for each account and address; 0 for any number."""
    global _limit
    _limit = limit


def _key(purpose: str, account: str, address: str) -> str:
    return sha256(f"{purpose}\0{account}\0{address}".encode("utf-8", "surrogatepass")).hexdigest()


def check(purpose: str, account: str, address: str) -> None:
    """Raise TooManyRequests when this account was tried too often from this address. Opens its own unit."""
    if not _limit:
        return
    with db.read():
        found = db.row("SELECT since_ts, n FROM core_failed_try WHERE key = ?", _key(purpose, account, address))
    if found is None or found[1] < _limit:
        return
    left = clock.from_micros(found[0]) + WINDOW - clock.now()
    if left > timedelta(0):
        raise TooManyRequests("too many failed tries", headers={"Retry-After": str(ceil(left.total_seconds()))})


def failed(purpose: str, account: str, address: str) -> None:
    """Count a failure; those of more than a minute ago are forgotten. Opens its own unit."""
    if not _limit:
        return
    now = clock.now()
    with db.write():
        db.execute("DELETE FROM core_failed_try WHERE since_ts <= ?", clock.micros(now - WINDOW))
        db.execute(
            "INSERT INTO core_failed_try (key, since_ts, n) VALUES (?, ?, 1)"
            " ON CONFLICT (key) DO UPDATE SET n = core_failed_try.n + 1",
            _key(purpose, account, address),
            clock.micros(now),
        )
