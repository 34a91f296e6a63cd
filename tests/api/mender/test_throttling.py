"""Failed logins are counted by account and address; successes never are (design section 6)."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import clock, db, limits
from tests.support.mender import EMAIL, PASSWORD, USERADM, User

LOGIN = f"{USERADM}/auth/login"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LIMIT = 20


def tries(http, count, email=EMAIL, password="wrong password"):
    return [http.post(LOGIN, auth=(email, password)).status_code for _ in range(count)]


def test_after_twenty_failures_even_the_right_password_is_refused(http, user):
    with clock.freeze(NOON):
        assert tries(http, LIMIT) == [401] * LIMIT
        answer = http.post(LOGIN, auth=(EMAIL, PASSWORD))
        assert answer.status_code == 429
        assert answer.json() == {
            "error": "too many failed tries",
            "request_id": answer.headers["X-MEN-RequestID"],
        }
        assert answer.headers["Retry-After"] == "60"
    with clock.freeze(NOON + timedelta(seconds=59, milliseconds=500)):
        assert http.post(LOGIN, auth=(EMAIL, PASSWORD)).headers["Retry-After"] == "1"
    with clock.freeze(NOON + timedelta(minutes=1)):
        assert tries(http, 1, password=PASSWORD) == [200]
        # A new minute, a new count.
        assert tries(http, LIMIT + 1) == [401] * LIMIT + [429]


def test_successes_never_count(http, user):
    with clock.freeze(NOON):
        assert tries(http, LIMIT - 1) == [401] * (LIMIT - 1)
        assert tries(http, 5, password=PASSWORD) == [200] * 5
        assert tries(http, 2) == [401, 429]


def test_an_account_is_one_whatever_its_case_and_no_other_suffers(http, user):
    User(http, email="bob@example.com")
    with clock.freeze(NOON):
        assert tries(http, LIMIT, email=EMAIL.upper()) == [401] * LIMIT
        assert tries(http, 1) == [429]
        assert tries(http, 1, email="bob@example.com", password=PASSWORD) == [200]
        # Whether an account exists makes no difference.
        assert tries(http, LIMIT + 1, email="nobody@example.com") == [401] * LIMIT + [429]


def test_another_address_is_not_locked_out(database):
    with clock.freeze(NOON):
        for _ in range(LIMIT):
            limits.failed("login", "ada", "192.0.2.1")
        limits.check("login", "ada", "192.0.2.2")
        with pytest.raises(limits.TooManyRequests):
            limits.check("login", "ada", "192.0.2.1")


def test_old_failures_leave_no_rows(database):
    with clock.freeze(NOON):
        for number in range(5):
            limits.failed("login", f"somebody-{number}", "192.0.2.1")
    with clock.freeze(NOON + timedelta(minutes=2)):
        limits.failed("login", "ada", "192.0.2.1")
    with db.read():
        assert db.row("SELECT COUNT(*) FROM core_failed_try") == (1,)


def test_no_limit_counts_nothing(database):
    limits.configure(0)
    try:
        for _ in range(100):
            limits.failed("login", "ada", "192.0.2.1")
            limits.check("login", "ada", "192.0.2.1")
        with db.read():
            assert db.row("SELECT COUNT(*) FROM core_failed_try") == (0,)
    finally:
        limits.configure(limits.DEFAULT)
