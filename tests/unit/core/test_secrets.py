import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import secrets


@pytest.fixture(autouse=True)
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(secrets, "_key", None)
    secrets.configure(tmp_path / "secret.key")
    yield tmp_path / "secret.key"


def test_the_key_file_is_made_once_for_its_owner_alone(key: Path) -> None:
    made = key.read_bytes()
    assert len(made) == 32
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    secrets.configure(key)
    assert key.read_bytes() == made
    assert list(key.parent.iterdir()) == [key]


def test_many_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    file = tmp_path / "other.key"
    keys: set[bytes] = set()
    start = threading.Barrier(12)

    def begin() -> None:
        start.wait()
        secrets._make(file)
        keys.add(file.read_bytes())

    threads = [threading.Thread(target=begin) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(key) for key in keys] == [32]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33])
def test_a_key_file_of_another_length_is_refused(key: Path, content: bytes) -> None:
    key.write_bytes(content)
    with pytest.raises(secrets.SecretError, match=r"secret\.key must hold exactly 32 bytes"):
        secrets.configure(key)


def test_nothing_is_sealed_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_key", None)
    for use in (lambda: secrets.seal(b"x", "a"), lambda: secrets.derive("a")):
        with pytest.raises(secrets.SecretError, match="not configured"):
            use()


@given(st.binary(max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_is_sealed_is_opened_for_its_purpose_alone(plain: bytes, purpose: str) -> None:
    sealed = secrets.seal(plain, purpose)
    assert sealed.isascii()
    assert secrets.unseal(sealed, purpose) == plain
    with pytest.raises(secrets.SecretError):
        secrets.unseal(sealed, purpose + " of another")


def test_the_same_is_never_sealed_the_same() -> None:
    assert len({secrets.seal(b"same", "a") for _ in range(50)}) == 50


@given(st.data())
def test_a_changed_character_is_noticed(data: st.DataObject) -> None:
    sealed = secrets.seal(b"plain", "a")
    place = data.draw(st.integers(0, len(sealed.rstrip("=")) - 2))
    changed = sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
    with pytest.raises(secrets.SecretError):
        secrets.unseal(changed, "a")


@given(st.text(max_size=60))
def test_text_that_was_never_sealed_is_refused(text: str) -> None:
    with pytest.raises(secrets.SecretError):
        secrets.unseal(text, "a")


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    sealed = secrets.seal(b"plain", "a")
    secrets.configure(tmp_path / "other.key")
    with pytest.raises(secrets.SecretError, match="wrong key file"):
        secrets.unseal(sealed, "a")


def test_keys_are_derived_per_purpose_and_for_good(key: Path, tmp_path: Path) -> None:
    links = secrets.derive("links")
    assert len(links) == 32
    assert links != secrets.derive("cursors")
    assert links not in (key.read_bytes(), b"")
    secrets.configure(tmp_path / "other.key")
    assert secrets.derive("links") != links
    secrets.configure(key)
    assert secrets.derive("links") == links
