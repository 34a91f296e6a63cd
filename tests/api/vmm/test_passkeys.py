"""Passkeys, against an authenticator in software (vmm 4)."""

import base64
from datetime import timedelta

import pytest

from app.core import clock
from tests.support.vmm import ORIGIN, Authenticator, code_in, make_user
from tests.support.work import do_work

MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0.0.0"
    " Safari/537.36"
)


def asked(panel, method, body):
    return panel.done(method, body)["attributes"]["publicKey"]


@pytest.fixture
def key(ada) -> Authenticator:
    """A key that ada has registered."""
    made = Authenticator()
    options = asked(ada, "user.credentialMake", {"user_login": "ada"})
    ada.done("user.credentialMake", {"user_login": "ada", **made.make(options)})
    return made


@pytest.mark.rule("vmm 4")
def test_a_key_is_registered_and_logs_in(nobody, ada):
    authenticator = Authenticator()
    body = {"user_login": "ada@example.com", "authenticator_attachment": "platform", "attestation_type": "none"}
    options = asked(ada, "user.credentialMake", body)
    assert options["rp"] == {"id": "flotilla.example.com", "name": "Flotilla"}
    assert options["authenticatorSelection"]["authenticatorAttachment"] == "platform"
    answer = ada.call(
        "user.credentialMake", {"user_login": "ada", **authenticator.make(options)}, headers={"User-Agent": MAC}
    )
    assert answer.json()["data"]["attributes"]["response"] is True
    (listed,) = ada.done("user.credentialGet")
    assert listed["attributes"]["key_name"] == "Mac; Mac OS X 10.15.7; Chrome 114"

    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    assert options["rpId"] == "flotilla.example.com"
    assert len(options["allowCredentials"]) == 1
    session = nobody.done("user.assertionVerify", {"user_login": "ada", **authenticator.show(options)})
    assert session["type"] == "session"
    assert type(ada)(nobody.http, session["attributes"]["token"]).done("user.get")["attributes"]["login"] == "ada"


@pytest.mark.rule("vmm 4")
def test_what_is_drawn_reads_the_same_in_both_alphabets(nobody, ada):
    for _ in range(20):
        options = asked(ada, "user.credentialMake", {"user_login": "ada"})
        for text in (options["challenge"], options["user"]["id"]):
            assert not {"-", "_"} & set(text)
            assert len(base64.b64decode(text + "=" * (-len(text) % 4), validate=True)) == 32


@pytest.mark.rule("vmm 4")
def test_a_key_may_come_in_plain_base64(nobody, ada, key):
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    answer = key.show(options)
    padded = {
        name: base64.b64encode(base64.urlsafe_b64decode(text + "==")).decode()
        for name, text in answer["response"].items()
    }
    assert nobody.done("user.assertionVerify", {"user_login": "ada", **answer, "response": padded})


@pytest.mark.rule("vmm 4")
def test_a_key_is_made_for_oneself_only(nobody, ada, eve):
    assert nobody.refused(401, "user.credentialMake", {"user_login": "ada"})
    assert ada.detail(403, "user.credentialMake", {"user_login": "eve"}) == "not enough access rights"
    options = asked(ada, "user.credentialMake", {"user_login": "ada"})
    assert eve.refused(403, "user.credentialMake", {"user_login": "eve", **Authenticator().make(options)})
    assert eve.done("user.credentialGet") == []


@pytest.mark.rule("vmm 4")
def test_an_answer_is_good_once_and_in_time(nobody, ada, key):
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    answer = {"user_login": "ada", **key.show(options)}
    nobody.done("user.assertionVerify", answer)
    assert nobody.detail(401, "user.assertionVerify", answer) == "wrong credential"
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    with clock.freeze(clock.now() + timedelta(minutes=5, seconds=1)):
        assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **key.show(options)})
    made = asked(ada, "user.credentialMake", {"user_login": "ada"})
    again = {"user_login": "ada", **Authenticator().make(made)}
    ada.done("user.credentialMake", again)
    assert ada.refused(400, "user.credentialMake", again)


@pytest.mark.rule("vmm 4")
def test_an_answer_to_somebody_else_is_refused(nobody, ada, key):
    make_user("eve")
    for origin in ("https://evil.example.com", ORIGIN.replace("https", "http"), f"{ORIGIN}:8443"):
        options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
        assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **key.show(options, origin)})
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "eve", **key.show(options)})
    options = asked(nobody, "user.assertionGet", {"user_login": "eve"})
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **key.show(options)})


@pytest.mark.rule("vmm 4")
def test_a_copied_key_is_found_out(nobody, ada, key):
    for _ in range(3):
        options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
        nobody.done("user.assertionVerify", {"user_login": "ada", **key.show(options)})
    key.device.sign_count = 1  # a copy that was made after the second use
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **key.show(options)})


@pytest.mark.rule("vmm 4")
def test_a_handle_of_another_user_is_refused(nobody, ada, key):
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    answer = key.show(options)
    answer["response"]["userHandle"] = "c29tZWJvZHkgZWxzZQ"
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **answer})
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    answer = key.show(options)
    answer["response"]["userHandle"] = None
    assert nobody.done("user.assertionVerify", {"user_login": "ada", **answer})


@pytest.mark.rule("vmm 4")
def test_nobody_learns_who_has_a_key(nobody, ada, key):
    known = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    for name in ("nobody", "no-key"):
        options = asked(nobody, "user.assertionGet", {"user_login": name})
        assert options.keys() == known.keys()
        (one,) = options["allowCredentials"]
        assert len(one["id"]) == len(known["allowCredentials"][0]["id"])
        assert (
            options["allowCredentials"] == asked(nobody, "user.assertionGet", {"user_login": name})["allowCredentials"]
        )


@pytest.mark.rule("vmm 4")
def test_broken_answers(nobody, ada, key):
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    good = key.show(options)
    for change in (
        {"clientDataJSON": "e30"},
        {"clientDataJSON": "!!"},
        {"authenticatorData": "AAAA"},
        {"signature": "AAAA"},
    ):
        broken = {"user_login": "ada", **good, "response": good["response"] | change}
        assert nobody.detail(401, "user.assertionVerify", broken) == "wrong credential"
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada"})
    for body in ({"id": "AAAA"}, {"id": "AAAA", "response": {"clientDataJSON": "e30", "attestationObject": "AAAA"}}):
        assert ada.refused(400, "user.credentialMake", {"user_login": "ada", **body})


@pytest.mark.rule("vmm 4")
def test_own_keys_are_removed(nobody, ada, eve, key):
    (listed,) = ada.done("user.credentialGet")
    number = {"key_id": int(listed["id"])}
    assert eve.detail(404, "user.credentialDelete", number) == "credential not found"
    assert ada.done("user.credentialDelete", number)["type"] == "credential"
    assert ada.detail(404, "user.credentialDelete", number) == "credential not found"
    options = asked(nobody, "user.assertionGet", {"user_login": "ada"})
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "ada", **key.show(options)})


@pytest.mark.rule("vmm 4")
def test_registration_by_passkey_alone(nobody, box):
    authenticator = Authenticator()
    body = {"user_login": "grace", "user_email": "grace@example.com", "user_register": True}
    options = asked(nobody, "user.credentialMake", body)
    assert options["user"]["name"] == "grace"
    made = authenticator.make(options)
    assert nobody.refused(400, "user.credentialMake", {**body, "user_login": "other", **made})
    options = asked(nobody, "user.credentialMake", body)
    made = authenticator.make(options)
    nobody.done("user.credentialMake", {**body, **made})
    asking = asked(nobody, "user.assertionGet", {"user_login": "grace"})
    assert nobody.refused(401, "user.assertionVerify", {"user_login": "grace", **authenticator.show(asking)})
    do_work()
    empty = dict.fromkeys(("user_login", "user_email", "user_password", "user_passwordRepeat"), "")
    nobody.done("user.register", {**empty, "user_code": code_in(box)})
    asking = asked(nobody, "user.assertionGet", {"user_login": "grace"})
    assert nobody.done("user.assertionVerify", {"user_login": "grace", **authenticator.show(asking)})
    assert nobody.refused(409, "user.credentialMake", body)
