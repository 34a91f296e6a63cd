"""Nothing leads out of the root of a site (ngenea 5)."""

import os
import stat
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ngenea import walk
from app.ngenea.rooted import NotRegular, PathError, Root

rule = pytest.mark.rule


@pytest.fixture
def root(tmp_path):
    """A root with a file, a folder, and links to what is beside it."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "secret").write_bytes(b"secret")
    folder = tmp_path / "site"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_bytes(b"inside")
    (folder / "a" / "out").symlink_to(tmp_path / "out")
    (folder / "a" / "file").symlink_to(tmp_path / "out" / "secret")
    (folder / "a" / "loop").symlink_to("loop")
    return Root(folder)


def read(root: Root, path: bytes) -> bytes:
    descriptor = root.open_file(path)
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def test_a_file_is_opened(root):
    assert read(root, b"/a/b/file") == b"inside"
    assert root.lstat(b"/a/b/file").st_size == 6
    assert stat.S_ISLNK(root.lstat(b"/a/file").st_mode)
    assert stat.S_ISDIR(root.lstat(b"/").st_mode)


@rule("ngenea 5")
@pytest.mark.parametrize(
    "path", [b"", b"a", b"/a/../../out/secret", b"/a//b", b"/a/./b/file", b"/a/", b"/..", b"/a/b\0/file", b"//a"]
)
def test_paths_that_are_none(root, path):
    for use in (root.open_file, root.open_folder, root.lstat, root.make_folders):
        with pytest.raises(PathError):
            use(path)


@rule("ngenea 5")
def test_links_are_not_followed(root, tmp_path):
    for path in (b"/a/out/secret", b"/a/loop/x"):
        for use in (root.open_file, root.lstat, root.make_folders):
            with pytest.raises(OSError):
                use(path)
    for path in (b"/a/file", b"/a/loop"):
        with pytest.raises(NotRegular) as caught:
            root.open_file(path)
        assert caught.value.kind == "symlink"
    with pytest.raises(OSError):
        root.open_folder(b"/a/out")
    with pytest.raises(OSError):
        root.make_folders(b"/a/out/made")
    assert os.listdir(tmp_path / "out") == ["secret"]


def test_what_is_no_file_is_not_waited_for(root):
    os.mkfifo(root.folder / "fifo")
    for path, kind in ((b"/fifo", "other"), (b"/a", "directory"), (b"/", "directory")):
        with pytest.raises(NotRegular) as caught:
            root.open_file(path)
        assert caught.value.kind == kind


@rule("ngenea 5")
@given(st.lists(st.sampled_from([b"a", b"b", b"out", b"file", b"loop", b"secret", b"..", b".", b""]), max_size=6))
def test_no_path_reads_what_is_outside(root, names):
    path = b"/" + b"/".join(names)
    for use in (lambda: read(root, path), lambda: [one.path for one in walk.scan(root, path)]):
        try:
            found = use()
        except (OSError, PathError):
            continue
        assert found != b"secret"
        assert path + b"/secret" not in found


@rule("ngenea 5")
def test_nor_while_folders_are_swapped_for_links(root, tmp_path):
    """A thread swaps a folder for a link out, over and over; what is read is never what the link leads to."""
    (tmp_path / "out" / "file").write_bytes(b"outside")
    here = root.folder / "a" / "b"
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            os.rename(here, root.folder / "kept")
            os.symlink(tmp_path / "out", here)
            os.unlink(here)
            os.rename(root.folder / "kept", here)
            time.sleep(0.0002)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes] = set()
    tries = 0
    try:
        while len(seen) < 2 or tries < 3000:
            tries += 1
            try:
                seen.add(read(root, b"/a/b/file"))
            except OSError:
                seen.add(b"refused")
    finally:
        done.set()
        thread.join()
    assert seen == {b"inside", b"refused"}


def test_folders_are_made(root):
    root.make_folders(b"/a/new/deep\xff", 0o750)
    assert stat.S_IMODE(root.lstat(b"/a/new/deep\xff").st_mode) == 0o750
    root.make_folders(b"/a/new/deep\xff")
    with pytest.raises(OSError):
        root.make_folders(b"/a/b/file/x")


@rule("ngenea 8")
def test_a_folder_is_listed(root):
    (root.folder / "a" / "b" / os.fsdecode(b"\xff\n")).write_bytes(b"12")
    found = {one.path: (one.type, one.size) for one in walk.scan(root, b"/a/b")}
    assert found == {b"/a/b/file": ("file", 6), b"/a/b/\xff\n": ("file", 2)}
    kinds = {one.path: one.type for one in walk.scan(root, b"/a")}
    assert kinds == {b"/a/b": "directory", b"/a/out": "symlink", b"/a/file": "symlink", b"/a/loop": "symlink"}
    assert [one.path for one in walk.scan(root, b"/")] == [b"/a"]


def test_what_vanishes_while_a_folder_is_listed_is_left_out(root):
    folder = root.folder / "many"
    folder.mkdir()
    for number in range(5):
        (folder / str(number)).touch()
    found = root.scan(b"/many")
    first, _ = next(found)
    for file in folder.iterdir():
        file.unlink()
    assert [first, *(name for name, _ in found)] == [first]


def test_no_descriptor_is_left_open(root):
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"/a/b/file", b"/a/out/secret", b"/a/file", b"/a", b"/nowhere"):
        for use in (lambda path: read(root, path), root.lstat, lambda path: list(root.scan(path)), root.make_folders):
            try:
                use(path)
            except (OSError, PathError):
                continue
    assert len(os.listdir("/proc/self/fd")) == before


@rule("ngenea 3.2")
@pytest.mark.parametrize(
    ("include", "exclude", "taken"),
    [
        ([], [], True),
        (["*.mov"], [], True),
        (["*.mp4"], [], False),
        (["*.mp4", "*.mov"], [], True),
        ([], ["*.mov"], False),
        (["*.mov"], ["a.*"], False),
        (["films/*"], [], True),
        (["ilms/*"], [], False),
        (["/space/films/*"], [], True),
        (["/films/*"], [], False),
        (["films"], [], False),
        (["*.MOV"], [], False),
        (["[ab].mov"], ["b*"], True),
    ],
)
def test_globs(include, exclude, taken):
    assert walk.matches(b"/space/films/a.mov", include, exclude, b"/space") is taken


def test_files_of_one_folder_are_opened_in_it(root, monkeypatch):
    """Many small files: the way to their folder is gone once. Each path is looked at as ever."""
    walked = []
    plain = Root._walk
    monkeypatch.setattr(Root, "_walk", lambda self, names: (walked.append(names), plain(self, names))[1])
    for number in range(5):
        (root.folder / "a" / "b" / f"f{number}").write_bytes(b"%d" % number)
    with root.opener() as opener:
        for number in range(5):
            descriptor = opener(b"/a/b/f%d" % number, os.O_RDONLY)
            assert os.read(descriptor, 100) == b"%d" % number
            os.close(descriptor)
        for path, error in ((b"/a/b/gone", FileNotFoundError), (b"/a/file", NotRegular), (b"/a/out/secret", OSError)):
            with pytest.raises(error):
                opener(path, os.O_RDONLY)
        with pytest.raises(PathError):
            opener(b"/a/../out/secret", os.O_RDONLY)
    assert walked == [[b"a", b"b"], [b"a"], [b"a", b"out"]]
