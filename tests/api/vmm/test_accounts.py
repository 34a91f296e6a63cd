"""Registration, login, recovery, lock, address: in all their stages, with mailed codes (vmm 4)."""

from datetime import timedelta

import pytest

from app.core import clock, db, limits, mail
from app.vmm import accounts, codes
from models.vmm.users import Code, User
from tests.support.vmm import PASSWORD, Panel, code_in, make_user
from tests.support.work import do_work

GRACE = {
    "user_login": "Grace",
    "user_email": "grace@example.com",
    "user_password": PASSWORD,
    "user_passwordRepeat": PASSWORD,
    "user_code": "",
}
EMPTY = dict.fromkeys(GRACE, "")
RECOVERY = dict.fromkeys(("user_email", "user_code", "user_password", "user_passwordRepeat"), "")
NEW = {"user_password": "another horse", "user_passwordRepeat": "another horse"}
OCCUPIED = "this is the user name or mailbox is already occupied. try another credentials"


def row(login: str) -> User:
    with db.read():
        return User.get(User.login_key == login)


@pytest.mark.rule("vmm 4")
def test_registration_by_a_mailed_code(nobody, box):
    made = nobody.done("user.register", GRACE)
    assert (made["type"], made["attributes"]) == ("user", {"response": True})
    login = {"user_login": "grace", "user_password": PASSWORD}
    assert nobody.detail(401, "user.login", login) == "wrong credential"  # not active yet
    do_work()
    (letter,) = box.mails
    assert letter["To"] == "grace@example.com"
    code = code_in(box)
    assert len(code) == 36
    assert f"https://flotilla.example.com/auth/register?code={code}" in letter.get_content()

    assert nobody.done("user.register", EMPTY | {"user_code": code})["id"] == made["id"]
    grace = nobody.log_in("grace").done("user.get")
    assert grace["id"] == made["id"]
    assert grace["attributes"] | {"photo": ""} == {
        "user_id": int(made["id"]),
        "login": "Grace",
        "email": "grace@example.com",
        "group": 4,
        "password_locked": False,
        "photo": "",
    }
    assert nobody.detail(400, "user.register", EMPTY | {"user_code": code}) == "invalid code"  # good once


@pytest.mark.rule("vmm 4")
@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"user_login": "gr"}, ["/user_login"]),
        ({"user_login": "gr ace"}, ["/user_login"]),
        ({"user_login": "g" * 65}, ["/user_login"]),
        ({"user_login": "\u0130" * 64}, ["/user_login"]),  # twice as long in lower case
        ({"user_login": "ada@example.com"}, ["/user_login"]),
        ({"user_email": "nowhere"}, ["/user_email"]),
        ({"user_email": "a@b.c\r\nBcc: x@y.z"}, ["/user_email"]),
        ({"user_password": "short", "user_passwordRepeat": "short"}, ["/user_password"]),
        ({"user_passwordRepeat": "another"}, ["/user_passwordRepeat"]),
        (
            {"user_login": "", "user_email": "", "user_password": ""},
            ["/user_login", "/user_email", "/user_password", "/user_passwordRepeat"],
        ),
    ],
)  # fmt: skip
def test_what_will_not_do_for_registration(nobody, box, change, pointers):
    errors = nobody.refused(400, "user.register", GRACE | change)
    assert [error["source"]["pointer"] for error in errors] == pointers
    do_work()
    assert box.mails == []


@pytest.mark.rule("vmm 4")
def test_a_login_or_address_is_one_users_in_any_case(nobody, ada):
    for change in ({"user_login": "ADA"}, {"user_email": "Ada@Example.com"}):
        assert nobody.detail(409, "user.register", GRACE | change) == OCCUPIED
    nobody.done("user.register", GRACE)
    assert nobody.detail(409, "user.register", GRACE) == OCCUPIED


@pytest.mark.rule("vmm 4")
def test_a_login_that_nobody_confirmed_is_free_again(nobody, box):
    nobody.done("user.register", GRACE)
    do_work()
    late = clock.now() + timedelta(minutes=31)
    with clock.freeze(late):
        assert nobody.detail(400, "user.register", EMPTY | {"user_code": code_in(box)}) == "invalid code"
        nobody.done("user.register", GRACE | {"user_email": "other@example.com"})


@pytest.mark.rule("vmm 4")
def test_registration_is_off_by_default(nobody):
    accounts.configure(registration=False)
    assert nobody.detail(403, "user.register", GRACE) == "registration is disabled"
    assert nobody.detail(403, "user.register", EMPTY | {"user_code": "x"}) == "registration is disabled"
    assert nobody.done("config.get")["attributes"]["disable_user_registration"] is True


@pytest.mark.rule("vmm 4")
def test_without_mail_nothing_that_needs_it_begins(nobody, ada):
    mail.configure(mail.Mail(None, "", ""))
    assert nobody.refused(503, "user.register", GRACE)
    assert nobody.refused(503, "user.recovery", RECOVERY | {"user_email": "ada@example.com"})
    assert ada.refused(503, "user.emailChange", {"user_email": "new@example.com"})
    assert nobody.detail(401, "user.login", {"user_login": "grace", "user_password": PASSWORD})


@pytest.mark.rule("vmm 4")
def test_a_code_is_good_for_five_tries(nobody, box):
    nobody.done("user.register", GRACE)
    do_work()
    wrong = EMPTY | {"user_login": "grace", "user_code": "00000000-0000-4000-8000-000000000000"}
    for _ in range(codes.TRIES):
        assert nobody.detail(400, "user.register", wrong) == "invalid code"
    assert nobody.detail(400, "user.register", EMPTY | {"user_code": code_in(box)}) == "invalid code"


@pytest.mark.rule("vmm 8")
def test_codes_are_kept_as_hashes_and_the_latest_is_good(nobody, ada, box):
    ask = RECOVERY | {"user_email": "ada@example.com"}
    nobody.done("user.recovery", ask)
    do_work()
    first = code_in(box)
    nobody.done("user.recovery", ask)
    do_work()
    with db.read():
        (kept,) = Code.select()
    assert len(kept.code_hash) == 64
    assert nobody.detail(400, "user.recovery", RECOVERY | {"user_code": first}) == "invalid code"
    nobody.done("user.recovery", RECOVERY | {"user_code": code_in(box)})
    # A code is for one purpose.
    assert nobody.detail(400, "user.register", EMPTY | {"user_code": code_in(box)}) == "invalid code"


@pytest.mark.rule("vmm 4")
def test_login_by_name_or_address(nobody):
    number = make_user("ada")
    for name in ("ada", "ADA", "ada@example.com", "Ada@Example.COM"):
        answer = nobody.call("user.login", {"user_login": name, "user_password": PASSWORD}).json()
        session = answer["data"]
        assert (session["type"], session["id"]) == ("session", str(number))
        assert set(session["attributes"]) == {"token", "token_name", "token_time_expire"}
        assert session["relationships"] == {"user": {"data": {"type": "user", "id": str(number)}}}
        (included,) = answer["included"]
        assert (included["type"], included["id"]) == ("user", str(number))


@pytest.mark.rule("vmm 4")
def test_whoever_does_not_get_in_is_told_the_same(nobody):
    make_user("ada")
    make_user("keyless", password=None)
    answers = set()
    for name, password in (("ada", "wrong horse"), ("nobody", PASSWORD), ("keyless", PASSWORD), ("", ""), ("ada", "")):
        answer = nobody.call("user.login", {"user_login": name, "user_password": password})
        answers.add((answer.status_code, str(answer.json()["errors"])))
    assert len(answers) == 1
    assert answers.pop()[0] == 401


@pytest.mark.rule("vmm 8")
def test_too_many_failures(nobody):
    make_user("ada")
    make_user("eve")
    for _ in range(limits.DEFAULT):
        nobody.refused(401, "user.login", {"user_login": "ada", "user_password": "wrong"})
    answer = nobody.call("user.login", {"user_login": "ada", "user_password": PASSWORD})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    nobody.log_in("eve")


@pytest.mark.rule("vmm 4")
def test_recovery_in_three_steps(nobody, ada, box):
    unknown = nobody.call("user.recovery", RECOVERY | {"user_email": "who@example.com"})
    known = nobody.call("user.recovery", RECOVERY | {"user_email": "Ada@example.com"})
    assert (unknown.status_code, unknown.json()) == (known.status_code, known.json()) == (200, known.json())
    do_work()
    (letter,) = box.mails
    assert letter["To"] == "ada@example.com"
    code = code_in(box)
    for _ in range(2):  # looking at it does not use it up
        nobody.done("user.recovery", RECOVERY | {"user_code": code})
    errors = nobody.refused(400, "user.recovery", RECOVERY | {"user_code": code, "user_password": "short"})
    assert {error["source"]["pointer"] for error in errors} == {"/user_password", "/user_passwordRepeat"}
    program = ada.done("token.create", {"token_lifetime": 60})["attributes"]["token"]
    nobody.done("user.recovery", RECOVERY | NEW | {"user_code": code})
    assert nobody.detail(400, "user.recovery", RECOVERY | {"user_code": code}) == "invalid code"
    assert ada.detail(401, "user.get") == "token has been revoked"
    assert Panel(nobody.http, program).detail(401, "user.get") == "token has been revoked"
    nobody.refused(401, "user.login", {"user_login": "ada", "user_password": PASSWORD})
    nobody.log_in("ada", "another horse")


@pytest.mark.rule("vmm 4")
def test_who_is_not_active_recovers_nothing(nobody, box):
    nobody.done("user.register", GRACE)
    do_work()
    nobody.done("user.recovery", RECOVERY | {"user_email": "grace@example.com"})
    do_work()
    assert len(box.mails) == 1


@pytest.mark.rule("vmm 4")
def test_the_password_changes_and_other_sessions_end(nobody, ada):
    other, program = nobody.log_in("ada"), ada.done("token.create", {"token_lifetime": 60})["attributes"]["token"]
    assert ada.refused(400, "user.passwordChange", NEW | {"user_passwordRepeat": "no horse"})
    ada.done("user.passwordChange", NEW)
    assert ada.done("user.get")["attributes"]["login"] == "ada"
    assert Panel(nobody.http, program).done("user.get")["attributes"]["login"] == "ada"
    assert other.refused(401, "user.get")
    nobody.log_in("ada", "another horse")
    assert nobody.refused(401, "user.login", {"user_login": "ada", "user_password": PASSWORD})


@pytest.mark.rule("vmm 4")
def test_a_locked_password_stays_until_a_code_unlocks_it(nobody, ada, box):
    nobody.done("user.recovery", RECOVERY | {"user_email": "ada@example.com"})
    do_work()
    early = code_in(box)
    ada.done("user.passwordLock", {"user_password_locked": True, "user_code": ""})
    assert ada.done("user.get")["attributes"]["password_locked"] is True
    blocked = "password change is blocked"
    assert ada.detail(403, "user.passwordChange", NEW) == blocked
    for body in ({"user_email": "ada@example.com"}, {"user_code": early}, {"user_code": early, **NEW}):
        assert nobody.detail(403, "user.recovery", RECOVERY | body) == blocked

    ada.done("user.passwordLock", {"user_password_locked": False, "user_code": ""})
    do_work()
    assert ada.done("user.get")["attributes"]["password_locked"] is True
    wrong = {"user_password_locked": False, "user_code": early}
    assert ada.detail(400, "user.passwordLock", wrong) == "invalid code"
    ada.done("user.passwordLock", {"user_password_locked": False, "user_code": code_in(box)})
    assert ada.done("user.get")["attributes"]["password_locked"] is False
    ada.done("user.passwordChange", NEW)


@pytest.mark.rule("vmm 4")
def test_nobody_unlocks_by_another_users_code(ada, eve, box):
    for one in (ada, eve):
        one.done("user.passwordLock", {"user_password_locked": True, "user_code": ""})
    ada.done("user.passwordLock", {"user_password_locked": False, "user_code": ""})
    do_work()
    stolen = {"user_password_locked": False, "user_code": code_in(box)}
    assert eve.detail(400, "user.passwordLock", stolen) == "invalid code"
    ada.done("user.passwordLock", stolen)


@pytest.mark.rule("vmm 4")
def test_the_address_changes_by_a_code_mailed_to_the_new_one(nobody, ada, eve, box):
    assert ada.detail(409, "user.emailChange", {"user_email": "eve@example.com"}) == OCCUPIED
    assert ada.detail(400, "user.emailChange", {"user_email": "nowhere"}) == "invalid email"
    ada.done("user.emailChange", {"user_email": "New@example.com", "user_code": ""})
    do_work()
    assert box.mails[-1]["To"] == "new@example.com"
    assert ada.done("user.get")["attributes"]["email"] == "ada@example.com"
    code = code_in(box)
    other = {"user_email": "other@example.com", "user_code": code}
    assert ada.detail(400, "user.emailChange", other) == "invalid code"
    ada.done("user.emailChange", {"user_email": "new@example.com", "user_code": code})
    assert ada.done("user.get")["attributes"]["email"] == "new@example.com"
    nobody.log_in("new@example.com")


@pytest.mark.rule("vmm 4")
def test_an_address_that_was_taken_meanwhile(ada, box):
    ada.done("user.emailChange", {"user_email": "grace@example.com"})
    do_work()
    make_user("grace")
    body = {"user_email": "grace@example.com", "user_code": code_in(box)}
    assert ada.detail(409, "user.emailChange", body) == OCCUPIED


@pytest.mark.rule("vmm 4")
def test_a_mail_that_is_refused_is_tried_again(nobody, box):
    box.refusing = 1
    nobody.done("user.register", GRACE)
    do_work()
    assert box.mails == []
    with clock.freeze(clock.now() + timedelta(seconds=30)):
        do_work()
        nobody.done("user.register", EMPTY | {"user_code": code_in(box)})


@pytest.mark.rule("vmm 4")
def test_what_has_had_its_time_is_forgotten(nobody, ada, box):
    nobody.done("user.register", GRACE)
    do_work()
    nobody.done("user.assertionGet", {"user_login": "ada"})
    ada.done("token.create", {"token_lifetime": 60})
    from app.core import work
    from app.vmm import cleaning

    with clock.freeze(clock.now() + timedelta(days=9)):
        cleaning.forget(work.Unit(0, "vmm.forget", "tick", None, 1, ""))
    with db.read():
        left = [db.row(f"SELECT COUNT(*) FROM {table}")[0] for table in ("vmm_code", "vmm_challenge", "vmm_token")]
        assert left == [0, 0, 0]
        assert [user.login for user in User.select()] == ["ada"]


@pytest.mark.rule("vmm 8")
def test_mails_and_codes_are_limited_too(nobody, ada, monkeypatch):
    monkeypatch.setattr(limits, "_limit", 2)
    ask = RECOVERY | {"user_email": "ada@example.com"}
    unlock = {"user_password_locked": False, "user_code": ""}
    ada.done("user.passwordLock", unlock | {"user_password_locked": True})
    for _ in range(2):
        ada.done("user.passwordLock", unlock)
        ada.done("user.emailChange", {"user_email": "new@example.com"})
    assert ada.refused(429, "user.passwordLock", unlock)
    assert ada.refused(429, "user.emailChange", {"user_email": "new@example.com"})
    assert nobody.refused(429, "user.recovery", ask)
    assert nobody.refused(429, "user.register", GRACE | {"user_email": "ada@example.com"})
    register = {"user_login": "grace", "user_email": "ada@example.com", "user_register": True}
    assert nobody.refused(429, "user.credentialMake", register)
    for _ in range(2):
        assert nobody.refused(400, "user.recovery", RECOVERY | {"user_code": "wrong"})
        assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada"})
    assert nobody.refused(429, "user.recovery", RECOVERY | {"user_code": "wrong"})
    assert nobody.refused(429, "user.register", EMPTY | {"user_code": "wrong"})
    assert nobody.refused(429, "user.assertionVerify", {"user_login": "ada"})
