"""A token passes for the system and kind it was signed for, until it expires, and no other does."""

import base64
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, db, secrets, tokens

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 25, 5, 30, tzinfo=UTC)


def claims(**changed: Any) -> dict[str, Any]:
    given = {"jti": "j", "sub": "s", "iss": "Mender", "exp": int((NOW + timedelta(days=7)).timestamp())}
    return given | changed


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with clock.freeze(NOW):
        yield


def key() -> Any:
    found = tokens._load("mender", "user")
    assert found is not None
    return found


def forged(header: dict[str, Any], body: dict[str, Any], signature: bytes = b"") -> str:
    parts = [orjson.dumps(header), orjson.dumps(body), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def test_a_token_carries_its_claims() -> None:
    given = claims(iat=int(NOW.timestamp()), **{"mender.user": True})
    token = tokens.sign("mender", "user", given)
    assert tokens.verify(token, "mender", "user") == given
    assert tokens.verify(token, "mender", "user") == given  # from the cache
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["kid"]) == ("RS256", key().kid)


@pytest.mark.parametrize(("system", "kind"), [("mender", "device"), ("vmm", "user"), ("nebula", "none")])
def test_it_passes_for_no_other_system_or_kind(system: str, kind: str) -> None:
    token = tokens.sign("mender", "user", claims())
    assert tokens.verify(token, "mender", "user") is not None
    assert tokens.verify(token, system, kind) is None


def test_it_passes_until_it_expires_also_from_the_cache() -> None:
    token = tokens.sign("mender", "user", claims())
    for late, good in ((timedelta(days=7) - timedelta(seconds=1), True), (timedelta(days=7), False)):
        with clock.freeze(NOW + late):
            assert (tokens.verify(token, "mender", "user") is not None) == good
    tokens._verified.clear()
    with clock.freeze(NOW + timedelta(days=7)):
        assert tokens.verify(token, "mender", "user") is None


def test_a_token_signed_by_a_clock_ahead_of_ours_passes() -> None:
    later = int((NOW + timedelta(minutes=1)).timestamp())
    assert tokens.verify(tokens.sign("mender", "user", claims(iat=later)), "mender", "user") is not None


@pytest.mark.parametrize("claim", ["exp", "jti", "sub", "iss"])
def test_a_claim_that_is_missing_refuses_it(claim: str) -> None:
    given = claims()
    del given[claim]
    assert tokens.verify(tokens.sign("mender", "user", given), "mender", "user") is None


@pytest.mark.parametrize("exp", ["tomorrow", None, True, [1], {"a": 1}])
def test_an_expiry_that_is_no_time_refuses_it(exp: Any) -> None:
    header = {"alg": "RS256", "kid": key().kid, "typ": "JWT"}
    signing = forged(header, claims(exp=exp)).rsplit(".", 1)[0]
    algorithm = jwt.get_algorithm_by_name("RS256")
    signature = base64.urlsafe_b64encode(algorithm.sign(signing.encode(), key().private)).rstrip(b"=").decode()
    assert tokens.verify(f"{signing}.{signature}", "mender", "user") is None


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE"])
def test_a_token_without_signature_is_refused(algorithm: str) -> None:
    assert tokens.verify(forged({"alg": algorithm, "kid": key().kid}, claims()), "mender", "user") is None


def test_the_public_key_is_no_shared_secret() -> None:
    pem = key().public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": key().kid}
    signing = forged(header, claims()).rsplit(".", 1)[0]
    hmac = jwt.get_algorithm_by_name("HS256")
    signature = base64.urlsafe_b64encode(hmac.sign(signing.encode(), pem)).rstrip(b"=").decode()
    assert tokens.verify(f"{signing}.{signature}", "mender", "user") is None


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_another_algorithm_with_the_right_key_is_refused(algorithm: str) -> None:
    token = jwt.encode(claims(), key().private, algorithm=algorithm, headers={"kid": key().kid})
    assert tokens.verify(token, "mender", "user") is None


def test_a_foreign_key_under_our_kid_is_refused() -> None:
    foreign = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = jwt.encode(claims(), foreign, algorithm="RS256", headers={"kid": key().kid})
    assert tokens.verify(token, "mender", "user") is None


@pytest.mark.parametrize("kid", ["", "other", "../../etc/passwd"])
def test_our_key_under_another_kid_is_refused(kid: str) -> None:
    token = jwt.encode(claims(), key().private, algorithm="RS256", headers={"kid": kid})
    assert tokens.verify(token, "mender", "user") is None


def test_without_kid_it_is_refused() -> None:
    assert tokens.verify(jwt.encode(claims(), key().private, algorithm="RS256"), "mender", "user") is None


@given(st.data())
def test_a_changed_character_is_noticed(data: st.DataObject) -> None:
    token = tokens.sign("mender", "user", claims())
    signing, signature = token.rsplit(".", 1)
    place = data.draw(st.integers(0, len(signing) - 1))
    changed = signing[:place] + ("A" if signing[place] != "A" else "B") + signing[place + 1 :]
    assert tokens.verify(f"{changed}.{signature}", "mender", "user") is None


@given(st.text() | st.from_regex(r"[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*\.[A-Za-z0-9_=-]*", fullmatch=True))
def test_other_text_is_no_token(text: str) -> None:
    assert tokens.verify(text, "mender", "user") is None


def test_a_token_beyond_all_measure_is_refused() -> None:
    token = tokens.sign("mender", "user", claims(more="x" * 10_000))
    assert tokens.verify(token, "mender", "user") is None


def test_what_a_caller_does_to_the_claims_stays_with_him() -> None:
    token = tokens.sign("mender", "user", claims())
    found = tokens.verify(token, "mender", "user")
    assert found is not None
    found["sub"] = "somebody else"
    again = tokens.verify(token, "mender", "user")
    assert again is not None
    assert again["sub"] == "s"


def test_the_memory_for_verified_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHE_SIZE", 3)
    monkeypatch.setattr(tokens, "_verified", type(tokens._verified)())
    all_of_them = [tokens.sign("mender", "user", claims(jti=str(number))) for number in range(5)]
    for token in all_of_them:
        assert tokens.verify(token, "mender", "user") is not None
    assert len(tokens._verified) == 3


def test_a_verified_token_costs_no_query_and_works_in_every_unit() -> None:
    token = tokens.sign("mender", "user", claims())
    for unit in (db.read, db.write):
        with unit(), db.count_queries() as queries:
            assert tokens.verify(token, "mender", "user") is not None
        assert queries.count == 0


def test_a_key_is_made_when_it_is_first_needed_and_shared_by_all() -> None:
    first = tokens.sign("mender", "api", claims())
    with db.read():
        assert db.row("SELECT count(*) FROM core_signing_key WHERE kind = 'api'") == (1,)
    tokens.forget()  # as in another process
    assert tokens.verify(first, "mender", "api") is not None
    second = tokens.sign("mender", "api", claims())
    assert jwt.get_unverified_header(first)["kid"] == jwt.get_unverified_header(second)["kid"]


def test_no_key_is_made_inside_a_unit() -> None:
    token = tokens.sign("mender", "user", claims())
    with db.write():
        assert tokens.sign("mender", "user", claims()) == token
        with pytest.raises(RuntimeError, match="signing key inside a write"):
            tokens.sign("mender", "api", claims())
    with db.read():
        assert tokens.verify(token, "mender", "api") is None
        with pytest.raises(RuntimeError, match="inside read"):
            tokens.sign("mender", "api", claims())


def test_many_that_start_at_once_agree_on_one_key(database: Any) -> None:
    start = threading.Barrier(4)
    errors: list[BaseException] = []

    def begin() -> None:
        try:
            start.wait()
            tokens.ensure_keys([("mender", "api"), ("mender", "user")])
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with db.read():
        assert db.row("SELECT count(*) FROM core_signing_key WHERE kind = 'api'") == (1,)


def test_private_keys_are_sealed_at_rest() -> None:
    with db.read():
        for system, kind, private in db.rows("SELECT system, kind, private FROM core_signing_key"):
            assert "PRIVATE" not in private
            assert b"PRIVATE KEY" in secrets.unseal(private, tokens._purpose(system, kind))
            with pytest.raises(secrets.SecretError):
                secrets.unseal(private, tokens._purpose(system, "another"))
