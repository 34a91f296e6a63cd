"""Objects appear whole or not at all, and only beneath the root."""

import errno
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import db, storage
from app.core.errors import InsufficientStorage, NotFound
from app.core.local_store import CHUNK, LocalStore

HOUR = 3600


@pytest.fixture(autouse=True)
def root(tmp_path: Path) -> Path:
    storage.configure(LocalStore(tmp_path / "objects"), tmp_path / "spool")
    return tmp_path / "objects"


def staged(content: bytes = b"content") -> Path:
    file = storage.spool_dir() / f"{os.urandom(4).hex()}.part"
    file.write_bytes(content)
    return file


def objects(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def whole(key: str) -> bytes:
    return b"".join(storage.reader(key)(0, storage.size(key)))


def test_an_adopted_file_is_an_object_and_leaves_the_spool(root: Path) -> None:
    file = staged()
    storage.adopt(file, "artifacts/ab/one")
    assert objects(root) == ["artifacts/ab/one"]
    assert not list(storage.spool_dir().iterdir())
    assert storage.size("artifacts/ab/one") == 7
    assert whole("artifacts/ab/one") == b"content"


def test_what_is_only_staged_is_not_there(root: Path) -> None:
    """A crash between stage and adopt."""
    file = staged()
    assert objects(root) == []
    with pytest.raises(NotFound):
        storage.reader("artifacts/one")
    with pytest.raises(NotFound):
        storage.size("artifacts/one")
    os.utime(file, (time.time() - 2 * HOUR,) * 2)
    assert storage.reconcile([]) == []
    assert not file.exists()


def test_the_content_reaches_the_disk_before_the_name(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def noted_fsync(descriptor: int) -> None:
        steps.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_rename(self: Path, target: Path) -> Path:
        steps.append(f"rename {target.name}")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    file = staged()
    storage.adopt(file, "a/b/one")
    assert steps == ["fsync objects", "fsync a", f"fsync {file.name}", "rename one", "fsync b"]


def test_a_spool_on_another_file_system_is_copied_from(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def across(self: Path, target: Path) -> Path:
        if self.parent == storage.spool_dir():
            raise OSError(errno.EXDEV, "another file system")
        assert self.read_bytes() == content
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", across)
    content = os.urandom(3 * CHUNK + 1)
    storage.adopt(staged(content), "a/one")
    assert objects(root) == ["a/one"]
    assert whole("a/one") == content
    assert not list(storage.spool_dir().iterdir())


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_apart_and_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def full(descriptor: int) -> None:
        raise OSError(code, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InsufficientStorage):
        storage.adopt(staged(), "one")
    assert objects(root) == []


def test_a_copy_that_fails_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def across(self: Path, target: Path) -> Path:
        raise OSError(errno.EXDEV, "another file system")

    def full(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().is_relative_to(root):
            raise OSError(errno.ENOSPC, "full")
        fsync(descriptor)

    monkeypatch.setattr(Path, "rename", across)
    monkeypatch.setattr(os, "fsync", full)
    file = staged()
    with pytest.raises(InsufficientStorage):
        storage.adopt(file, "one")
    assert objects(root) == []
    assert file.exists()


@pytest.mark.parametrize(
    "key", ["", "/", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "a//b", "a/", ".", "./a", "a\0b", "\0"]
)
def test_a_key_that_leads_elsewhere_is_refused(key: str) -> None:
    for use in (storage.reader, storage.size, storage.delete, lambda key: storage.adopt(staged(), key)):
        with pytest.raises(ValueError, match="not an object key"):
            use(key)


@given(st.text(st.sampled_from("ab./\\~%\0*"), max_size=12))
def test_no_key_reaches_a_file_outside(tmp_path_factory: Any, key: str) -> None:
    folder = storage.spool_dir().parent / "objects"
    try:
        storage.adopt(staged(), key)
    except (ValueError, IsADirectoryError, NotADirectoryError):
        return
    assert (folder / key).resolve().is_relative_to(folder)
    storage.delete(key)


def test_a_link_that_leads_elsewhere_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (root / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(ValueError, match="not an object key"):
        storage.adopt(staged(), "link/one")


@given(st.integers(0, 2 * CHUNK), st.integers(0, 3 * CHUNK))
def test_a_range_is_that_part_in_chunks(offset: int, length: int) -> None:
    content = b"0123456789abcdef" * (2 * CHUNK // 16)
    storage.adopt(staged(content), "one")
    chunks = list(storage.reader("one")(offset, length))
    assert b"".join(chunks) == content[offset : offset + length]
    assert all(0 < len(chunk) <= 256 * 1024 for chunk in chunks)


def test_a_deleted_object_is_gone_and_may_be_deleted_again(root: Path) -> None:
    storage.adopt(staged(), "a/one")
    reading = storage.reader("a/one")(0, 7)
    first = next(reading)
    storage.delete("a/one")
    storage.delete("a/one")
    assert first + b"".join(reading) == b"content"
    with pytest.raises(NotFound):
        storage.reader("a/one")


def test_what_nothing_lists_is_removed_when_it_is_old(root: Path) -> None:
    for key in ("a/listed", "a/orphan", "a/young", "b/orphan"):
        storage.adopt(staged(), key)
        if key != "a/young":
            os.utime(root / key, (time.time() - 2 * HOUR,) * 2)
    young = staged()
    assert storage.reconcile(["a/listed"], "a") == ["a/orphan"]
    assert objects(root) == ["a/listed", "a/young", "b/orphan"]
    assert storage.reconcile(["a/listed"]) == ["b/orphan"]
    assert young.exists()


def test_files_are_moved_outside_of_transactions_only(database: Any) -> None:
    storage.configure(LocalStore(database.folder / "objects"), database.folder / "spool")
    for use in (
        lambda: storage.adopt(staged(), "one"),
        lambda: storage.delete("one"),
        lambda: storage.reconcile([]),
    ):
        with db.write(), pytest.raises(RuntimeError, match="inside a write transaction"):
            use()
        with db.read():
            use()


def test_nothing_works_before_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "_store", None)
    monkeypatch.setattr(storage, "_spool", None)
    for use in (storage.spool_dir, lambda: storage.size("one")):
        with pytest.raises(RuntimeError, match="not configured"):
            use()


def test_many_adopt_into_new_folders_at_once(root: Path) -> None:
    errors: list[BaseException] = []
    start = threading.Barrier(8)

    def adopt(number: int) -> None:
        try:
            file = staged()
            start.wait()
            storage.adopt(file, f"x/y/z/{number}")
        except BaseException as exc:
            errors.append(exc)

    threads = [threading.Thread(target=adopt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(objects(root)) == 8
