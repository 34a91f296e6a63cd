"""Sessions, tokens for programs, and ssh keys (vmm 3, 4)."""

from datetime import timedelta

import jwt
import pytest

from app.core import clock
from app.vmm import users
from tests.support.vmm import Panel, make_user

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRMKiK5g1RYMhzOZvAZgPjI5HDyD7IlVbDHiyeFlf9 ada@laptop"


@pytest.mark.rule("vmm 4")
def test_logging_out_ends_this_session_alone(nobody, ada):
    other = nobody.log_in("ada")
    ada.done("user.logout")
    assert ada.detail(401, "user.get") == "token has been revoked"
    assert other.done("user.get")


@pytest.mark.rule("vmm 4")
def test_the_oldest_of_very_many_sessions_end(nobody, ada, monkeypatch):
    monkeypatch.setattr("app.vmm.sessions.MAX_SESSIONS", 3)
    program = ada.done("token.create", {"token_lifetime": 60})["attributes"]["token"]
    second, third, fourth = (nobody.log_in("ada") for _ in range(3))
    assert ada.refused(401, "user.get")
    for session in (second, third, fourth, Panel(nobody.http, program)):
        assert session.done("user.get")
    assert len(fourth.done("token.get")) == 4


@pytest.mark.rule("vmm 3")
def test_what_a_token_says(ada):
    claims = jwt.decode(ada.token, options={"verify_signature": False})
    assert set(claims) == {"sub", "jti", "typ", "iss", "iat", "exp"}
    assert claims["typ"] == "user.login"
    (listed,) = ada.done("token.get")
    assert listed["attributes"] == {
        "token_id": int(listed["id"]),
        "token_name": claims["jti"],
        "token_type": "user.login",
        "token_state": 1,
        "token_time_start": claims["iat"],
        "token_time_expire": claims["exp"],
        "revoke_time": 0,
        "user_id": int(claims["sub"]),
    }


@pytest.mark.rule("vmm 3")
@pytest.mark.parametrize("token", ["x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
def test_what_is_no_token(nobody, token):
    assert Panel(nobody.http, token).refused(401, "user.get")


@pytest.mark.rule("vmm 3")
def test_a_token_of_another_system_is_none(nobody, user):
    assert Panel(nobody.http, user.token).refused(401, "user.get")


@pytest.mark.rule("vmm 3")
def test_a_token_signed_otherwise_is_none(nobody, ada):
    claims = jwt.decode(ada.token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(ada.token)["kid"]
    forged = jwt.encode(claims, "secret", algorithm="HS256", headers={"kid": kid})
    assert Panel(nobody.http, forged).refused(401, "user.get")


@pytest.mark.rule("vmm 4")
def test_a_session_and_a_token_end_in_time(nobody, ada):
    token = ada.done("token.create", {"token_lifetime": 60})["attributes"]["token"]
    program = Panel(nobody.http, token)
    assert program.done("user.get")
    with clock.freeze(clock.now() + timedelta(seconds=61)):
        assert program.refused(401, "user.get")
        assert [one["attributes"]["token_state"] for one in ada.done("token.get")] == [1, 0]
    with clock.freeze(clock.now() + timedelta(days=1, seconds=1)):
        assert ada.refused(401, "user.get")


@pytest.mark.rule("vmm 4")
def test_tokens_for_programs(nobody, ada):
    first = ada.done("token.create", {"token_lifetime": 60, "token_revoke_all": False})
    second = ada.done("token.create", {"token_lifetime": 31_536_000, "token_revoke_all": True})
    assert Panel(nobody.http, first["attributes"]["token"]).refused(401, "user.get")
    program = Panel(nobody.http, second["attributes"]["token"])
    assert [one["attributes"]["token_type"] for one in program.done("token.get")] == ["user.login"] + ["system.api"] * 2
    assert second["attributes"]["token"] not in str(program.done("token.get"))
    for lifetime in (0, -1, 31_536_001, 1.5, "60", None):
        assert ada.refused(400, "token.create", {"token_lifetime": lifetime})


@pytest.mark.rule("vmm 4")
def test_revoking_a_token(nobody, ada, eve):
    made = ada.done("token.create", {"token_lifetime": 60})["attributes"]
    name = {"token_name": made["token_name"]}
    assert eve.detail(404, "token.revoke", name) == "token not found"
    assert ada.detail(404, "token.revoke", {"token_name": "none"}) == "token not found"
    assert ada.done("token.revoke", name)["type"] == "token"
    assert ada.detail(409, "token.revoke", name) == "token has been revoked"
    assert Panel(nobody.http, made["token"]).detail(401, "user.get") == "token has been revoked"
    assert ada.done("token.get")[-1]["attributes"]["revoke_time"] > 0


@pytest.mark.rule("vmm 3")
def test_root_is_made_by_the_command_line(nobody):
    number = users.make_root("boss", "boss@example.com", "a good password")
    boss = nobody.log_in("boss", "a good password")
    assert boss.done("user.get")["attributes"]["group"] == 1
    make_user("ada")
    assert users.make_root("ada", "new@example.com", "a good password") != number
    assert nobody.log_in("ada", "a good password").done("user.get")["attributes"]["email"] == "new@example.com"


@pytest.mark.rule("vmm 4")
def test_ssh_keys(ada, eve):
    made = ada.done("ssh-key.add", {"key_name": "laptop", "key_public": ED25519})
    assert made["type"] == "ssh-key"
    assert made["attributes"] | {"key_timeadd": 0, "user_id": 0} == {
        "key_id": int(made["id"]),
        "key_name": "laptop",
        "key_type": "ssh",
        # As `ssh-keygen -l` shows it.
        "key_public": "SHA256:Ruve9Var1KSUFKJKCbHvWVU/1g8fBgevOJIE4XfmidM",
        "key_timeadd": 0,
        "user_id": 0,
        "provider": "internal",
    }
    assert ada.done("ssh-key.get") == [made]
    again = {"key_name": "again", "key_public": ED25519.rpartition(" ")[0]}
    assert ada.detail(409, "ssh-key.add", again) == "ssh key has already been added"
    assert eve.done("ssh-key.get") == []
    assert eve.detail(404, "ssh-key.delete", {"key_id": int(made["id"])}) == "ssh key not found"
    assert eve.done("ssh-key.add", again)["attributes"]["key_public"] == made["attributes"]["key_public"]
    ada.done("ssh-key.delete", {"key_id": int(made["id"])})
    assert ada.done("ssh-key.get") == []


@pytest.mark.rule("vmm 4")
@pytest.mark.parametrize(
    ("name", "line", "details"),
    [
        ("", "", ["ssh key name has not be empty", "ssh key has not be empty"]),
        (" ", ED25519, ["ssh key name has not be empty"]),
        ("k", "ssh-ed25519", ["ssh key is not one line of a known type and its base64"]),
        ("k", "ssh-ed25519 AAAA", ["ssh key is not one line of a known type and its base64"]),
        ("k", ED25519.replace("ssh-ed25519", "ssh-rsa"), ["ssh key is not one line of a known type and its base64"]),
        ("k", f"{ED25519}\n{ED25519}", ["ssh key is not one line of a known type and its base64"]),
        ("k", f'command="rm -rf /" {ED25519}', ["ssh key is not one line of a known type and its base64"]),
        ("k", "clé", ["ssh key is not one line of a known type and its base64"]),
    ],
)
def test_what_is_no_ssh_key(ada, name, line, details):
    errors = ada.refused(400, "ssh-key.add", {"key_name": name, "key_public": line})
    assert [error["detail"] for error in errors] == details


@pytest.mark.rule("vmm 4")
def test_an_rsa_key_has_2048_bits(ada):
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    for bits, status in ((1024, 400), (2048, 200)):
        key = rsa.generate_private_key(65537, bits).public_key()
        line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        assert ada.call("ssh-key.add", {"key_name": str(bits), "key_public": line}).status_code == status
