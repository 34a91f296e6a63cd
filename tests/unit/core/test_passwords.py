from collections.abc import Iterator
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import passwords

PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)


@pytest.fixture(autouse=True)
def fast() -> Iterator[None]:
    passwords.configure(fast=True)
    yield
    passwords.configure(fast=True)


@given(PASSWORDS, PASSWORDS)
def test_only_the_same_password_fits(password: str, other: str) -> None:
    stored = passwords.hash(password)
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, password) == (True, None)
    assert passwords.verify(stored, other) == (other == password, None)


def test_the_same_password_is_stored_differently_each_time() -> None:
    assert passwords.hash("secret") != passwords.hash("secret")


def test_a_hash_of_lower_cost_is_made_anew() -> None:
    cheap = passwords.hash("secret")
    passwords.configure(fast=False)
    fits, again = passwords.verify(cheap, "secret")
    assert fits
    assert again is not None
    assert passwords.verify(again, "secret") == (True, None)
    assert passwords.verify(cheap, "wrong") == (False, None)


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
def test_an_imported_bcrypt_hash_is_verified_and_made_anew(prefix: bytes) -> None:
    long = "p" * 90
    stored = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4, prefix)).decode()
    fits, again = passwords.verify(stored, long)
    assert fits
    assert again is not None
    assert again.startswith("$argon2id$")
    assert passwords.verify(again, long) == (True, None)
    assert passwords.verify(stored, "wrong") == (False, None)


@pytest.mark.parametrize("stored", ["", "secret", "$2b$04$short", "$2", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_what_is_no_hash_fits_nothing(stored: str) -> None:
    assert passwords.verify(stored, "secret") == (False, None)
    assert passwords.verify(stored, "\0") == (False, None)


def test_an_unknown_user_costs_one_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    inherited = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *given: calls.append(given) or inherited(*given))
    passwords.burn("secret")
    passwords.burn("secret")
    assert len(calls) == 2
    assert {stored for stored, _ in calls} == {calls[0][0]}
    assert inherited(calls[0][0], "secret") == (False, None)
