"""A new password by a mailed link (mender 5)."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app.core import clock, db, ids, mail, work
from app.core.mail import Mail
from app.mender import password_reset
from models.mender.audit import AuditEntry
from models.mender.useradm import PasswordReset
from tests.support.mailbox import mailbox
from tests.support.mender import EMAIL, PASSWORD, USERADM, User
from tests.support.work import do_work

RESET = f"{USERADM}/auth/password-reset"
NEW = "a brand-new one"


@pytest.fixture
def box():
    with mailbox() as box:
        mail.configure(Mail(f"smtp://127.0.0.1:{box.port}", "flotilla@example.com", "https://fleet.example.com"))
        try:
            yield box
        finally:
            mail.configure(Mail(None, "flotilla@example.com", ""))


def start(http, email=EMAIL) -> int:
    return http.post(f"{RESET}/start", json={"email": email}).status_code


def complete(http, secret: str, password: str = NEW, name: str = "secret"):
    return http.post(f"{RESET}/complete", json={name: secret, "password": password})


def mailed(box) -> str:
    """The secret of the newest mail."""
    (link,) = [word for word in box.mails[-1].get_content().split() if word.startswith("https://")]
    parts = urlsplit(link)
    assert (parts.netloc, parts.path) == ("fleet.example.com", "/ui/mender/password")
    head, _, secret = parts.fragment.rpartition("/")
    assert head == "/password"
    return secret


def logs_in(http, password: str) -> bool:
    return http.post(f"{USERADM}/auth/login", auth=(EMAIL, password)).status_code == 200


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize("name", ["secret", "secret_hash"])
def test_a_mailed_secret_sets_a_new_password_once(http, user, box, name):
    token = user.call("POST", f"{USERADM}/settings/tokens", json={"name": "ci"}).text
    assert start(http, EMAIL.upper()) == 202
    do_work()
    assert box.mails[0]["To"] == EMAIL
    secret = mailed(box)
    assert complete(http, secret, name=name).status_code == 202
    assert (logs_in(http, PASSWORD), logs_in(http, NEW)) == (False, True)
    for old in (user.token, token):
        assert http.get(f"{USERADM}/users", headers={"Authorization": f"Bearer {old}"}).status_code == 401
    assert complete(http, secret, "another-good").status_code == 400
    assert logs_in(http, NEW)
    with db.read():
        (entry,) = AuditEntry.select().where(AuditEntry.action == "update")
    assert (entry.actor_type, entry.object_id, entry.change) == ("system", user.id, {"password_changed": True})


@pytest.mark.rule("mender 5")
def test_nobody_learns_who_is_a_user(http, user, box):
    assert [start(http, email) for email in (EMAIL, "nobody@example.com", "no address")] == [202] * 3
    do_work()
    assert [found["To"] for found in box.mails] == [EMAIL]


@pytest.mark.parametrize("body", [{}, {"email": ""}, {"email": 1}, {"email": None}, [], {"email": "x" * 257}])
def test_bad_starts(http, box, body):
    assert http.post(f"{RESET}/start", json=body).status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"secret": "x"}, 400),
        ({"password": NEW}, 400),
        ({"secret": 1, "password": NEW}, 400),
        ({"secret": "0b3f0b5c-9a1e-4f0e-8d7c-2f1f6a3c4d5e", "password": NEW}, 400),
        ({"secret": "", "secret_hash": "", "password": NEW}, 400),
    ],
)
def test_bad_completions(http, user, box, body, status):
    assert http.post(f"{RESET}/complete", json=body).status_code == status


@pytest.mark.rule("mender 5")
@pytest.mark.parametrize(("password", "status"), [("short", 422), ("ada@example", 422), ("p\u00e4sswort-lang", 400)])
def test_a_password_that_will_not_do_leaves_the_secret_good(http, user, box, password, status):
    start(http)
    do_work()
    secret = mailed(box)
    assert complete(http, secret, password).status_code == status
    assert logs_in(http, PASSWORD)
    assert complete(http, secret).status_code == 202


def test_a_secret_is_good_for_an_hour_and_the_newest_only(http, user, box):
    start(http)
    do_work()
    first = mailed(box)
    with clock.freeze(clock.now() + timedelta(minutes=2)):
        start(http)
        do_work()
    second = mailed(box)
    assert complete(http, first).status_code == 400
    with clock.freeze(clock.now() + timedelta(minutes=63)):
        assert complete(http, second).status_code == 400
    assert complete(http, second).status_code == 202


def test_one_mail_a_minute(http, user, box):
    for _ in range(3):
        assert start(http) == 202
        do_work()
    assert len(box.mails) == 1
    assert complete(http, mailed(box)).status_code == 202


def test_a_mail_that_fails_is_tried_again(http, user, box):
    box.refusing = 1
    start(http)
    do_work()
    assert box.mails == []
    with clock.freeze(clock.now() + timedelta(seconds=30)):
        do_work()
        assert complete(http, mailed(box)).status_code == 202


def test_the_secret_is_not_in_the_database(http, user, box):
    start(http)
    do_work()
    with db.read():
        rows = str(db.rows("SELECT * FROM mender_password_reset")) + str(db.rows("SELECT * FROM core_work"))
        assert PasswordReset.select().count() == 1
    assert mailed(box) not in rows


def test_guessing_and_asking_are_throttled(http, user, box):
    assert {complete(http, ids.uuid()).status_code for _ in range(20)} == {400}
    refused = complete(http, ids.uuid())
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert {start(http) for _ in range(20)} == {202}
    assert start(http) == 429
    assert start(http, "other@example.com") == 202


def test_without_mail_it_is_a_clear_no(http, user):
    answer = http.post(f"{RESET}/start", json={"email": EMAIL})
    assert (answer.status_code, "SMTP_URL" in answer.json()["error"]) == (503, True)
    assert work.count() == {}


def test_a_user_who_is_gone_resets_nothing(http, user, box):
    other = User(http, email="grace@example.com")
    start(http, "grace@example.com")
    do_work()
    secret = mailed(box)
    user.call("DELETE", f"{USERADM}/users/{other.id}")
    assert complete(http, secret).status_code == 400


def test_a_tenants_user(http, box):
    theirs = User(http, tenant="a" * 24, email="theirs@example.com")
    start(http, "theirs@example.com")
    do_work()
    assert complete(http, mailed(box)).status_code == 202
    assert http.post(f"{USERADM}/auth/login", auth=("theirs@example.com", NEW)).status_code == 200
    assert theirs.get(f"{USERADM}/users").status_code == 401


def test_links_end_as_clients_expect():
    assert password_reset.PAGE.endswith("/password/")
