"""What only one of many at once may have: a login, a code, a challenge, a signature's count (vmm 4)."""

from functools import partial

import pytest

from tests.support.racing import race
from tests.support.vmm import PASSWORD, Authenticator, code_in, make_user
from tests.support.work import do_work

MANY = 8


@pytest.mark.rule("vmm 4")
def test_one_of_many_gets_the_login(nobody):
    body = {"user_login": "grace", "user_password": PASSWORD, "user_passwordRepeat": PASSWORD, "user_code": ""}
    calls = [lambda n=n: nobody.call("user.register", body | {"user_email": f"g{n}@x.org"}) for n in range(MANY)]
    found = race(*calls)
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)


@pytest.mark.rule("vmm 4")
def test_a_code_is_used_once(nobody, ada, box):
    ask = dict.fromkeys(("user_email", "user_code", "user_password", "user_passwordRepeat"), "")
    nobody.done("user.recovery", ask | {"user_email": "ada@example.com"})
    do_work()
    code = code_in(box)
    body = {"user_email": "", "user_code": code}
    passwords = [dict.fromkeys(("user_password", "user_passwordRepeat"), f"horse {n}") for n in range(MANY)]
    found = race(*(partial(nobody.call, "user.recovery", body | one) for one in passwords))
    assert sorted(answer.status_code for answer in found) == [200] + [400] * (MANY - 1)


@pytest.mark.rule("vmm 4")
def test_a_shown_key_is_good_once(nobody, ada):
    key = Authenticator()
    options = ada.done("user.credentialMake", {"user_login": "ada"})["attributes"]["publicKey"]
    ada.done("user.credentialMake", {"user_login": "ada", **key.make(options)})
    options = nobody.done("user.assertionGet", {"user_login": "ada"})["attributes"]["publicKey"]
    shown = {"user_login": "ada", **key.show(options)}
    found = race(*[lambda: nobody.call("user.assertionVerify", shown)] * MANY)
    assert sorted(answer.status_code for answer in found) == [200] + [401] * (MANY - 1)


@pytest.mark.rule("vmm 4")
def test_an_ssh_key_and_a_revocation_count_once(nobody, ada):
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRMKiK5g1RYMhzOZvAZgPjI5HDyD7IlVbDHiyeFlf9"
    found = race(*[lambda: ada.call("ssh-key.add", {"key_name": "k", "key_public": line})] * MANY)
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)
    name = ada.done("token.create", {"token_lifetime": 60})["attributes"]["token_name"]
    found = race(*[lambda: ada.call("token.revoke", {"token_name": name})] * MANY)
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)


@pytest.mark.rule("vmm 4")
def test_who_logs_in_while_the_password_changes_keeps_no_session(nobody, ada):
    make_user("eve")
    new = {"user_password": "another horse", "user_passwordRepeat": "another horse"}
    logins = [lambda: nobody.call("user.login", {"user_login": "ada", "user_password": PASSWORD})] * MANY
    race(*logins, lambda: ada.call("user.passwordChange", new))
    good = [token for token in ada.done("token.get") if token["attributes"]["token_state"]]
    assert len(good) == 1
