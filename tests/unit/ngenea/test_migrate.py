"""Migrate and recall: the data goes into the bucket and comes back, whatever the file is (ngenea 3.2, 5, 8)."""

import os
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.core import db
from app.ngenea import context, inodes, tasks, transfer
from app.ngenea.objects import Metadata, Source, StoreError, owner
from app.ngenea.reconcile import reconcile
from models.ngenea.sites import Bucket, ExternalTarget, SpaceSite, TargetSite
from tests.unit.ngenea.conftest import World, sha256, site_row, space_row, target_row

rule = pytest.mark.rule

ODD_NAMES = [
    b"plain",
    b"new\nline",
    b"a b%c+d",
    "gr\u00fc\u00dfe \u6f22\u5b57".encode(),
    b"\xff\xfe",
    b"x.meta",
    b".flotilla",
    b"d.meta/x",
]


@rule("ngenea 5")
def test_data_goes_into_the_bucket_and_comes_back(world: World):
    data = os.urandom(300_000)
    path = world.write(b"a/file", data)
    os.chmod(world.path(b"a/file"), 0o640)
    before = world.stat(b"a/file")
    assert world.one("migrate", path).state == "processed"
    assert world.is_stub(b"a/file")
    after = world.stat(b"a/file")
    assert (after.st_size, after.st_mtime_ns, after.st_atime_ns) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_atime_ns,
    )
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)
    assert world.objects() == ["work/a/file"]
    assert world.content("work/a/file") == data
    assert world.store.head("work/a/file").metadata == Metadata(
        300_000, before.st_mtime_ns, before.st_mode, before.st_uid, before.st_gid, sha256(data), owner()
    )
    assert world.states() == {path: "migrated"}
    assert world.one("recall", path).state == "processed"
    assert sha256(world.read(b"a/file")) == sha256(data)
    assert world.stat(b"a/file").st_mtime_ns == before.st_mtime_ns
    assert world.states() == {path: "premigrated"}
    assert world.journal() == []


@rule("ngenea 8")
@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_will_do(fs: World, name):
    path = fs.write(name, b"content of " + name)
    other = fs.write(name.replace(b".meta", b"").replace(b".flot", b"flot") + b"_", b"another")
    assert [one.state for one in fs.run("dynamo.tasks.migrate", path, other)] == ["processed"] * 2
    assert fs.is_stub(name)
    assert {one.state for one in fs.run("dynamo.tasks.recall", path, other)} == {"processed"}
    assert fs.read(name) == b"content of " + name


@rule("ngenea 8")
def test_keys_end_in_the_escaped_path(world: World):
    names = [b"a/b c", b"\xff", b"new\nline", "\u00fc".encode(), b"~._-x"]
    world.run("migrate", *[world.write(name, name) for name in names])
    assert world.objects() == sorted(["work/a/b%20c", "work/%FF", "work/new%0Aline", "work/%C3%BC", "work/~._-x"])


def test_names_longer_than_a_folder_takes_escaped(fs: World):
    name = "\u6f22".encode() * 80
    path = fs.write(name, b"long")
    assert fs.one("migrate", path).state == "processed"
    assert fs.objects() == ["work/" + "%E6%BC%A2" * 80]
    assert fs.one("recall", path).state == "processed"
    assert fs.read(name) == b"long"


def test_a_key_that_no_store_takes_is_told(world: World):
    path = world.write(b"/".join([b"x" * 200] * 6), b"deep")
    outcome = world.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "key_too_long")
    assert world.read(path.removeprefix(b"/space/")) == b"deep"


@rule("ngenea 1")
def test_premigrate_keeps_the_data_and_migrate_then_sends_nothing(world: World):
    path = world.write(b"file", b"data" * 1000)
    assert world.one("migrate", path, premigrate=True).state == "processed"
    assert world.read(b"file") == b"data" * 1000
    assert world.states() == {path: "premigrated"}
    first = world.store.head("work/file")
    again = world.one("migrate", path, premigrate=True)
    assert (again.state, again.code) == ("skipped", "premigrated")
    assert world.one("migrate", path).state == "processed"
    assert world.is_stub(b"file")
    assert world.store.head("work/file") == first
    again = world.one("migrate", path)
    assert (again.state, again.code) == ("skipped", "migrated")


def test_the_bucket_is_asked_before_data_is_dropped_on_the_word_of_an_entry(world: World):
    path = world.write(b"file", b"data")
    world.run("migrate", path, premigrate=True)
    world.store.delete("work/file")
    assert world.one("migrate", path).state == "processed"
    assert world.content("work/file") == b"data"


def test_data_is_not_dropped_for_an_object_that_is_another_now(world: World):
    """Of the same size, and honest about what it is."""
    path, other = world.write(b"file", b"mine"), world.write(b"other", b"else")
    world.run("migrate", path, premigrate=True)
    with open(world.path(b"other"), "rb") as file:
        metadata = Metadata(4, 0, 0o644, 0, 0, "", owner())
        world.store.put("work/file", Source(file.fileno(), 4, lambda count: None), metadata, replace=True)
    assert world.one("migrate", path).state == "processed"
    assert {world.content(key) for key in world.objects()} == {b"mine", b"else"}
    assert other not in world.states()
    world.run("recall", path)
    assert world.read(b"file") == b"mine"


@rule("ngenea 5")
def test_a_file_changed_after_premigration_is_sent_anew(world: World):
    path = world.write(b"file", b"old data")
    world.run("migrate", path, premigrate=True)
    # Same size, same mtime: only ctime tells.
    world.write(b"file", b"new data")
    assert world.one("migrate", path).state == "processed"
    assert world.objects() == ["work/file"]
    world.run("recall", path)
    assert world.read(b"file") == b"new data"


def test_empty_files_have_states_too(world: World):
    path = world.write(b"empty", b"")
    assert world.one("migrate", path).state == "processed"
    assert world.states() == {path: "migrated"}
    assert world.one("recall", path).state == "processed"
    assert world.states() == {path: "premigrated"}


def test_what_is_no_file_is_passed_over(world: World):
    os.makedirs(world.path(b"folder"))
    os.symlink(b"elsewhere", world.path(b"link"))
    os.mkfifo(world.path(b"fifo"))
    outcomes = world.run("migrate", b"/space/folder", b"/space/link", b"/space/fifo")
    assert {one.path: (one.state, one.code) for one in outcomes} == {
        b"/space/folder": ("skipped", "directory"),
        b"/space/link": ("skipped", "symlink"),
        b"/space/fifo": ("skipped", "other"),
    }


@rule("ngenea 3.2")
def test_what_has_vanished_fails_or_is_passed_by(world: World):
    outcome = world.one("migrate", b"/space/gone")
    assert (outcome.state, outcome.code) == ("failed", "missing")
    assert world.one("migrate", b"/space/gone", abort_missing=True).state == "aborted"
    assert world.one("migrate", b"/space/../etc/passwd").state == "failed"
    assert world.one("recall", b"/space/gone").state == "failed"


@rule("ngenea 3.2")
@pytest.mark.parametrize(
    ("arguments", "state", "keys"),
    [({}, "processed", 2), ({"overwrite": True}, "processed", 1), ({"fail_on_mismatch": True}, "failed", 1)],
)
def test_a_different_object_of_the_key(world: World, arguments, state, keys):
    world.write(b"other", b"somebody's")
    descriptor = os.open(world.path(b"other"), os.O_RDONLY)
    metadata = Metadata(10, 0, 0o644, 0, 0, "", "somebody")
    world.store.put("work/file", Source(descriptor, 10, lambda count: None), metadata, replace=False)
    os.close(descriptor)
    path = world.write(b"file", b"mine")
    if keys == 1 and state == "failed":
        assert [one.state for one in world.run("migrate", path, context=world.context(dry_run=True), **arguments)] == [
            state
        ]
    assert world.one("migrate", path, **arguments).state == state
    assert len(world.objects()) == keys
    assert world.content("work/file") == (b"mine" if arguments.get("overwrite") else b"somebody's")
    if state == "failed":
        assert world.read(b"file") == b"mine"
        assert world.states() == {}
        return
    assert world.entry(path).key.startswith("work/file")
    world.run("recall", path)
    assert world.read(b"file") == b"mine"


def test_the_same_bytes_under_the_key_are_used(world: World):
    path = world.write(b"file", b"data")
    world.run("migrate", path, premigrate=True)
    first = world.store.head("work/file")
    with db.write():
        db.execute("DELETE FROM ngenea_entry")
    assert world.one("migrate", path, fail_on_mismatch=True).state == "processed"
    assert world.store.head("work/file") == first


@rule("ngenea 8")
@pytest.mark.parametrize("together", [True, False])
def test_either_name_of_a_hard_link_brings_the_data_back(world: World, together):
    first, second = world.write(b"first", b"linked"), b"/space/second"
    os.link(world.path(b"first"), world.path(b"second"))
    batches = [[first, second]] if together else [[first], [second]]
    states = [one.state for batch in batches for one in world.run("migrate", *batch)]
    assert states == ["processed", "processed"]
    assert world.is_stub(b"first")
    assert world.states() == {first: "migrated", second: "migrated"}
    assert len(world.objects()) == 1
    assert world.one("recall", second).state == "processed"
    assert world.read(b"first") == b"linked"
    assert world.states() == {first: "premigrated", second: "premigrated"}
    assert world.one("recall", first).state == "skipped"
    world.run("migrate", first)
    assert world.states() == {first: "migrated", second: "migrated"}
    world.run("recall", first, delete_remote=True)
    assert (world.states(), world.objects()) == ({}, [])
    assert world.read(b"second") == b"linked"


def test_a_hard_link_changed_by_one_name_is_sent_by_the_other(world: World):
    first = world.write(b"first", b"linked")
    os.link(world.path(b"first"), world.path(b"second"))
    world.run("migrate", first, premigrate=True)
    world.write(b"first", b"changed!")
    assert world.one("migrate", b"/space/second").state == "processed"
    assert world.one("recall", first).state == "processed"
    assert world.read(b"second") == b"changed!"


def test_a_stub_that_was_renamed_is_still_known(world: World):
    path = world.write(b"old", b"moved about")
    world.run("migrate", path)
    os.rename(world.path(b"old"), world.path(b"new"))
    path = world.write(b"old", b"another file")
    assert world.one("migrate", path).state == "processed"
    assert world.one("recall", b"/space/new").state == "processed"
    assert world.read(b"new") == b"moved about"
    assert world.one("recall", b"/space/old").state == "processed"
    assert world.read(b"old") == b"another file"


def test_a_stub_moved_onto_another_is_the_stub_it_was(world: World):
    first, second = world.write(b"first", b"one"), world.write(b"second", b"two")
    world.run("migrate", first, second)
    os.rename(world.path(b"first"), world.path(b"second"))
    assert world.one("recall", second).state == "processed"
    assert world.read(b"second") == b"one"


@rule("ngenea 5")
def test_holes_stay_holes(fs: World):
    path = fs.write(b"sparse", b"")
    with open(fs.path(b"sparse"), "r+b") as file:
        file.truncate(2**30)
        file.seek(2**29)
        file.write(b"in the middle")
    assert fs.one("migrate", path).state == "processed"
    stored = Path(fs.bucket.migration_target_folder, "work/sparse").stat()
    assert stored.st_size == 2**30
    assert stored.st_blocks <= 16
    assert fs.is_stub(b"sparse")
    assert fs.one("recall", path).state == "processed"
    assert fs.stat(b"sparse").st_blocks <= 16
    with open(fs.path(b"sparse"), "rb") as file:
        file.seek(2**29)
        assert file.read(13) == b"in the middle"
        assert file.read(1000) == bytes(1000)


@rule("ngenea 3.2")
def test_a_stub_may_keep_its_head(world: World):
    data = os.urandom(100_000)
    path = world.write(b"file", data)
    assert world.one("migrate", path, stub_size=5000).state == "processed"
    assert world.read(b"file")[:5000] == data[:5000]
    assert world.stat(b"file").st_blocks <= 16
    assert world.one("migrate", path).state == "skipped"
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == data


@rule("ngenea 5")
def test_a_file_changed_on_its_way_stays(world: World, monkeypatch):
    path = world.write(b"file", b"first")
    put = type(world.store).put

    def meanwhile(self, *args, **options):
        stored = put(self, *args, **options)
        world.write(b"file", b"other")
        return stored

    monkeypatch.setattr(type(world.store), "put", meanwhile)
    outcome = world.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "modified")
    assert world.read(b"file") == b"other"
    assert (world.states(), world.objects(), world.journal()) == ({}, [], [])


@rule("ngenea 5")
def test_wrong_bytes_in_the_bucket_never_reach_a_file(world: World):
    path = world.write(b"file", b"right")
    world.run("migrate", path)
    world.overwrite("work/file", b"wrong")
    outcome = world.one("recall", path)
    assert (outcome.state, outcome.code) == ("failed", "mismatch")
    assert world.is_stub(b"file")
    world.overwrite("work/file", b"longer than that")
    assert world.one("recall", path, skip_hash=True).code == "mismatch"
    world.overwrite("work/file", b"wrong")
    assert world.one("recall", path, skip_hash=True).state == "processed"
    assert world.read(b"file") == b"wrong"


def test_an_object_that_is_gone_is_told(world: World):
    path = world.write(b"file", b"data")
    world.run("migrate", path)
    world.store.delete("work/file")
    outcome = world.one("recall", path)
    assert (outcome.state, outcome.code) == ("failed", "store")
    assert world.is_stub(b"file")
    assert world.states() == {path: "migrated"}


def test_a_stub_that_was_written_to_is_touched_by_nobody(world: World):
    path = world.write(b"file", b"x" * 100_000)
    world.run("migrate", path)
    with open(world.path(b"file"), "r+b") as file:
        file.seek(50_000)
        file.write(b"mine")
    changed = world.read(b"file")
    for task in ("recall", "migrate"):
        outcome = world.one(task, path)
        assert (outcome.state, outcome.code) == ("failed", "modified")
    assert world.read(b"file") == changed
    assert world.content("work/file") == b"x" * 100_000
    # Written anew from end to end it is a file like any other.
    world.write(b"file", b"new")
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == b"new"


@rule("ngenea 1")
def test_a_stub_that_was_touched_is_a_stub(world: World):
    data = os.urandom(10_000)
    path = world.write(b"file", data)
    world.run("migrate", path)
    os.utime(world.path(b"file"), ns=(5, 1_750_000_000_000_000_007))
    os.chmod(world.path(b"file"), 0o600)
    outcome = world.one("migrate", path)
    assert (outcome.state, outcome.code) == ("skipped", "migrated")
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == data
    assert world.stat(b"file").st_mtime_ns == 1_750_000_000_000_000_007
    assert world.one("recall", path).state == "skipped"


@rule("ngenea 1")
@pytest.mark.parametrize("head", [0, 5000])
def test_a_stub_whose_head_or_size_was_changed_is_none(world: World, head):
    path = world.write(b"file", b"x" * 100_000)
    world.run("migrate", path, stub_size=head)
    with open(world.path(b"file"), "r+b") as file:
        if head:
            file.write(b"mine")
        else:
            file.truncate(200_000)
    changed = world.read(b"file")
    assert {world.one(task, path).code for task in ("recall", "migrate")} == {"modified"}
    assert world.read(b"file") == changed


def test_a_stub_that_was_emptied_is_an_empty_file(world: World):
    path = world.write(b"file", b"x" * 10_000)
    world.run("migrate", path)
    os.truncate(world.path(b"file"), 0)
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == b""


def test_a_path_that_is_given_twice_is_done_once(world: World):
    path = world.write(b"file", b"data")
    assert [one.state for one in world.run("migrate", path, path)] == ["processed"]


def test_who_gets_the_number_of_an_inode_gets_nothing_else(world: World):
    """The stub may live on under a name that we do not know: where its data is stays noted."""
    gone, new = world.write(b"gone", b"x" * 10_000), b"/space/new"
    world.run("migrate", gone)
    os.rename(world.path(b"gone"), world.folder / "aside")
    world.write(b"new", b"another file")
    with db.write():
        db.execute("UPDATE ngenea_entry SET inode = ?", world.stat(b"new").st_ino)
    assert world.one("migrate", new).state == "processed"
    assert world.states() == {gone: "migrated", new: "migrated"}
    assert world.objects() == ["work/gone", "work/new"]


@rule("ngenea 8")
@pytest.mark.parametrize(("task", "method"), [("migrate", "put"), ("recall", "read")])
def test_once_a_bucket_is_away_no_other_file_waits_for_it(fs: World, monkeypatch, task, method):
    paths = [fs.write(b"%d" % n, b"data") for n in range(5)]
    if task == "recall":
        fs.run("migrate", *paths)
    tries = []

    def away(self, *args, **options):
        tries.append(args)
        raise StoreError("away")

    for name in (method, "probe"):
        monkeypatch.setattr(type(fs.store), name, away)
    assert {(one.state, one.message) for one in fs.run(task, *paths)} == {("failed", "away")}
    assert len(tries) == 2, "the file, and whether the bucket is there"


@rule("ngenea 1")
def test_delete_on_recall(world: World):
    with db.write():
        ExternalTarget.update(delete_on_recall=True).execute()
    path = world.write(b"file", b"data")
    world.run("migrate", path)
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == b"data"
    assert (world.states(), world.objects(), world.journal()) == ({}, [], [])


def test_times_of_a_recall(world: World):
    path = world.write(b"file", b"data")
    world.run("migrate", path)
    world.run("recall", path, update_mtime=True)
    assert world.stat(b"file").st_mtime_ns > 1_700_000_000_123_456_789
    assert world.stat(b"file").st_atime_ns == 1_700_000_000_123_456_789
    assert world.one("migrate", path, premigrate=True).state == "skipped"


@rule("ngenea 8")
def test_a_bucket_that_is_away_costs_nothing(fs: World):
    with db.write():
        fs.bucket.storage_type, fs.bucket.endpoint, fs.bucket.port = "S3", "127.0.0.1", 9
        fs.bucket.save()
    paths = [fs.write(b"%d" % n, b"data") for n in range(20)]
    outcomes = fs.run("migrate", *paths)
    assert {(one.state, one.code) for one in outcomes} == {("failed", "store")}
    assert len(outcomes) == 20
    assert all("\n" not in one.message and "127.0.0.1" in one.message for one in outcomes)
    assert [fs.read(b"%d" % n) for n in range(20)] == [b"data"] * 20
    assert (fs.states(), fs.journal()) == ({}, [])


def test_an_empty_folder_where_the_store_was_is_not_filled(fs: World):
    """As a mount point is while nothing is mounted on it."""
    path, there = fs.write(b"a/file", b"data"), Path(fs.bucket.migration_target_folder)
    there.rename(f"{there}-away")
    there.mkdir()
    outcome = fs.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "store")
    assert "mounted" in outcome.message
    assert list(there.iterdir()) == []
    assert fs.read(b"a/file") == b"data"


def test_a_store_that_is_taken_away_meanwhile_is_not_made_anew(fs: World, monkeypatch):
    path, there = fs.write(b"a/file", b"data"), Path(fs.bucket.migration_target_folder)
    monkeypatch.setattr(
        "app.ngenea.objects_fs.FolderStore._describe", lambda *args: there.rename(f"{there}-away") and None
    )
    assert fs.one("migrate", path).code == "store"
    assert not there.exists()


@rule("ngenea 8")
@pytest.mark.parametrize("task", ["migrate", "recall"])
def test_a_bucket_that_is_soon_back_is_waited_for(fs: World, monkeypatch, task):
    paths = [fs.write(b"%d" % n, b"data") for n in range(3)]
    if task == "recall":
        fs.run("migrate", *paths)
    there = Path(fs.bucket.migration_target_folder)
    away = there.rename(f"{there}-away")
    naps = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:
            away.rename(there)

    monkeypatch.setattr(context, "PATIENCE", 60)
    monkeypatch.setattr(context, "time", SimpleNamespace(monotonic=lambda: float(len(naps)), sleep=sleep))
    assert {one.state for one in fs.run(task, *paths)} == {"processed"}
    assert len(naps) == 3


@rule("ngenea 6")
@pytest.mark.parametrize(("task", "method"), [("migrate", "put"), ("recall", "read")])
def test_one_object_that_cannot_be_had_keeps_no_others_back(world: World, monkeypatch, task, method):
    """As one in a cold class of storage, or beneath a prefix that is not ours to write."""
    paths = [world.write(b"%d" % n, b"data") for n in range(6)]
    if task == "recall":
        world.run("migrate", *paths)
    real = getattr(type(world.store), method)

    def refuses(self, key, *args, **options):
        if key == "work/0":
            raise StoreError("not this one")
        return real(self, key, *args, **options)

    monkeypatch.setattr(type(world.store), method, refuses)
    found = {one.path: (one.state, one.message) for one in world.run(task, *paths)}
    assert found == {**dict.fromkeys(paths[1:], ("processed", "")), paths[0]: ("failed", "not this one")}
    monkeypatch.undo()
    world.run("recall", *paths)
    assert {world.read(b"%d" % n) for n in range(6)} == {b"data"}


def test_a_folder_that_is_not_there_is_not_made(fs: World):
    path = fs.write(b"file", b"data")
    os.rename(fs.bucket.migration_target_folder, fs.bucket.migration_target_folder + "-away")
    assert fs.one("migrate", path).code == "store"
    assert not os.path.exists(fs.bucket.migration_target_folder)
    assert fs.read(b"file") == b"data"


@rule("ngenea 1")
@pytest.mark.parametrize("inside", ["space/.objects", "space", ""])
def test_a_bucket_whose_objects_would_be_files_of_a_space_is_refused(fs: World, inside):
    """Else they would be migrated themselves, or take the place of the files."""
    path = fs.write(b"a", b"data")
    folder = fs.folder / inside
    folder.mkdir(exist_ok=True)
    with db.write():
        Bucket.update(migration_target_folder=str(folder)).execute()
    outcome = fs.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "no_target")
    assert "work" in outcome.message
    assert fs.read(b"a") == b"data"


def test_targets(fs: World):
    with db.write():
        fs.target.local_file_regex = r"\.(mov|mp4)$"
        fs.target.save()
        inner = space_row("inner", "/space/inner", fs.site)
        backup = target_row("backup", fs.space, fs.bucket, fs.site, backup_only=True, local_file_regex="keep")
        target_row("inside", inner, fs.bucket, fs.site)
        target_row("off", fs.space, fs.bucket, fs.site, enabled=False)
        target_row("nowhere", fs.space, fs.bucket)
    film, text, keep = fs.write(b"a.mov", b"film"), fs.write(b"a.txt", b"text"), fs.write(b"keep.txt", b"keep")
    assert fs.one("migrate", film).state == "processed"
    outcome = fs.one("migrate", text)
    assert (outcome.state, outcome.code) == ("failed", "no_target")
    assert "work" in outcome.message
    assert fs.one("migrate", keep).code == "no_target"
    assert fs.one("migrate", keep, premigrate=True).state == "processed"
    assert fs.entry(keep).target_id == backup.pk
    assert fs.one("migrate", fs.write(b"inner/a.txt", b"inner")).state == "processed"
    assert fs.entry(b"/space/inner/a.txt").key == "inner/a.txt"
    assert fs.one("migrate", fs.write(b"b.mov", b"b"), endpoint="backup").code == "no_target"
    assert fs.one("migrate", fs.write(b"innermost.mov", b"c")).state == "processed"
    os.mkdir(fs.folder / "elsewhere")
    (fs.folder / "elsewhere" / "x.mov").write_bytes(b"x")
    assert fs.one("migrate", b"/elsewhere/x.mov").code == "no_target"


def test_a_dry_run_changes_nothing(world: World):
    ready, path = world.write(b"ready", b"12345"), world.write(b"file", b"data")
    world.run("migrate", ready)
    before = world.states(), world.objects(), world.stat(b"file"), world.stat(b"ready")
    outcomes = world.run("migrate", path, ready, b"/space/gone", context=world.context(dry_run=True))
    assert {(one.path, one.state, one.size) for one in outcomes} == {
        (path, "processed", 4),
        (ready, "skipped", 5),
        (b"/space/gone", "failed", 0),
    }
    outcomes = world.run("recall", path, ready, context=world.context(dry_run=True))
    assert {(one.path, one.state, one.size) for one in outcomes} == {(path, "skipped", 4), (ready, "processed", 5)}
    assert (world.states(), world.objects(), world.stat(b"file"), world.stat(b"ready")) == before
    assert world.journal() == []


def test_the_statements_of_a_batch_do_not_grow_with_its_files(fs: World):
    def statements(count: int, task: str, **arguments) -> int:
        with db.count_queries() as counter:
            outcomes = fs.run(task, *[b"/space/%d/%d" % (count, n) for n in range(count)], **arguments)
        assert {one.state for one in outcomes} == {"processed"}
        return counter.count

    for count in (2, 100):
        for n in range(count):
            fs.write(b"%d/%d" % (count, n), b"%d" % n)
    for task, arguments in (
        ("migrate", {"premigrate": True}),
        ("migrate", {}),
        ("recall", {}),
        ("migrate", {}),
        ("recall", {"delete_remote": True}),
    ):
        assert statements(2, task, **arguments) == statements(100, task, **arguments)


def test_two_threads_never_work_on_one_inode(world: World):
    data = os.urandom(200_000)
    path = world.write(b"file", data)
    os.link(world.path(b"file"), world.path(b"link"))
    found: list[str] = []

    def work(task: str, name: bytes) -> None:
        for _ in range(4):
            found.extend(f"{one.state} {one.code}" for one in world.run(task, name))
        db.db.close()

    threads = [
        threading.Thread(target=work, args=(task, name))
        for task in ("migrate", "recall")
        for name in (path, b"/space/link")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert set(found) <= {"processed ", "skipped migrated", "skipped premigrated", "skipped resident", "failed busy"}
    assert world.journal() == []
    world.run("recall", path)
    assert world.read(b"file") == data


def test_a_file_that_another_has_locked_is_tried_again(fs: World, monkeypatch: pytest.MonkeyPatch):
    path, other = fs.write(b"file", b"data"), fs.write(b"other", b"data")
    descriptor = os.open(fs.path(b"file"), os.O_RDONLY)
    assert inodes.lock(descriptor)
    monkeypatch.setattr(tasks, "PAUSES", (0.1,) * 600)
    threading.Timer(0.6, os.close, (descriptor,)).start()
    assert [(one.path, one.state) for one in fs.run("migrate", path, other)] == [
        (other, "processed"),
        (path, "processed"),
    ]


def test_who_waits_for_a_file_stops_when_told(fs: World, monkeypatch: pytest.MonkeyPatch):
    path = fs.write(b"file", b"data")
    descriptor = os.open(fs.path(b"file"), os.O_RDONLY)
    assert inodes.lock(descriptor)
    told = threading.Event()
    monkeypatch.setattr(tasks, "PAUSES", (60, 60))
    threading.Timer(0.5, told.set).start()
    assert fs.run("migrate", path, context=replace(fs.context(), stopped=told.is_set)) == []
    os.close(descriptor)


def test_a_file_that_stays_locked_is_busy(world: World):
    path = world.write(b"file", b"data")
    descriptor = os.open(world.path(b"file"), os.O_RDONLY)
    assert inodes.lock(descriptor)
    outcome = world.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "busy")
    os.close(descriptor)
    assert world.one("migrate", path).state == "processed"


def test_stopping_leaves_whole_files(world: World):
    data = os.urandom(3 * 1024 * 1024)
    paths = [world.write(b"%d" % n, data) for n in range(3)]
    asked = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 6

    done = world.run("migrate", *paths, context=world.context(stopped=stopped))
    assert len(done) < 3
    assert world.journal() == []
    assert (
        set(world.states()) == {one.path for one in done} == {b"/space/" + key[5:].encode() for key in world.objects()}
    )
    for n in range(3):
        assert world.is_stub(b"%d" % n) or world.read(b"%d" % n) == data


@rule("ngenea 5")
@pytest.mark.parametrize("forgets", ["the state", "the entry"])
def test_a_stub_is_one_whatever_a_restored_database_says(world: World, forgets):
    data = os.urandom(50_000)
    path = world.write(b"file", data)
    world.run("migrate", path)
    with db.write():
        if forgets == "the state":
            db.execute("UPDATE ngenea_entry SET state = 'premigrated'")
        else:
            db.execute("DELETE FROM ngenea_entry")
    world.run("migrate", path)
    world.run("migrate", path, premigrate=True)
    assert reconcile(world.context(), -timedelta(seconds=5)).objects == 0
    assert world.content("work/file") == data
    if forgets == "the state":
        assert world.one("recall", path).state == "processed"
        assert world.read(b"file") == data
    else:
        assert world.one("recall", path).code == "unknown_stub"


def test_reading_for_a_copy_leaves_atime(world: World):
    path = world.write(b"file", b"data")
    os.utime(world.path(b"file"), ns=(1, 2))
    world.run("migrate", path, premigrate=True)
    assert world.stat(b"file").st_atime_ns == 1


@rule("ngenea 5")
def test_two_sites_that_share_a_space_share_no_other_bytes(world: World, tmp_path):
    """The keys are the same; whose bytes differ gets one of its own, whose are the same uses what is there."""
    with db.write():
        there = site_row("there")
        SpaceSite.create(space=world.space, site=there, mountpoint="/space", ready=True)
        TargetSite.create(target=world.target, site=there, ready=True)
    (tmp_path / "there" / "space").mkdir(parents=True)
    other = replace(world, folder=tmp_path / "there", site=there)
    for one, data in ((world, b"here"), (other, b"there")):
        assert [o.state for o in one.run("migrate", one.write(b"same", b"same"), one.write(b"file", data))] == [
            "processed",
            "processed",
        ]
    assert len(world.objects()) == 3
    # Written anew here: what the other site needs stays.
    world.write(b"same", b"new!")
    world.run("migrate", b"/space/same", overwrite=True)
    world.run("recall", b"/space/file", b"/space/same", delete_remote=True)
    assert (world.read(b"file"), world.read(b"same")) == (b"here", b"new!")
    assert {o.state for o in other.run("recall", b"/space/file", b"/space/same", delete_remote=True)} == {"processed"}
    assert (other.read(b"file"), other.read(b"same")) == (b"there", b"same")
    assert world.objects() == []


def test_bandwidth_is_a_limit_for_all_copies(fs: World, monkeypatch):
    waits: list[float] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    # Of this module alone: event loops of other threads go by the clock too.
    monkeypatch.setattr(context, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(context, "_rate", context.Rate())
    paths = [fs.write(b"%d" % n, bytes([n + 1]) * 1_000_000) for n in range(5)]
    fs.run("migrate", *paths, context=fs.context(bandwidth=8))
    assert 4.9 <= sum(waits) <= 5.1


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_RDWR])
def test_a_file_that_somebody_has_open_goes_too(world: World, mode):
    """No lease is to be had then; whoever has it open sees the inode that comes back."""
    path = world.write(b"file", b"data")
    descriptor = os.open(world.path(b"file"), mode)
    assert world.one("migrate", path).state == "processed"
    assert world.is_stub(b"file")
    assert world.one("recall", path).state == "processed"
    assert os.pread(descriptor, 10, 0) == b"data"
    os.close(descriptor)


def test_what_is_written_after_the_upload_is_never_dropped(world: World, monkeypatch):
    path = world.write(b"file", b"first")

    def hit(step: str) -> None:
        if step == "ngenea.punching":
            world.write(b"file", b"other")

    monkeypatch.setattr("app.ngenea.migrate.failpoints.hit", hit)
    outcome = world.one("migrate", path)
    assert (outcome.state, outcome.code) == ("failed", "modified")
    assert world.read(b"file") == b"other"
    monkeypatch.undo()
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == b"other"


def test_a_new_sparse_file_with_a_stubs_inode_number_is_a_new_file(world: World):
    path = world.write(b"file", b"x" * 10_000)
    world.run("migrate", path)
    os.unlink(world.path(b"file"))
    with open(world.path(b"file"), "wb") as file:
        file.seek(1_000_000)
        file.write(b"end")
    with db.write():
        db.execute("UPDATE ngenea_entry SET inode = ?", world.stat(b"file").st_ino)
    found = world.read(b"file")
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == found


@rule("ngenea 5")
def test_an_object_goes_when_the_last_file_that_needs_it_does(world: World, tmp_path):
    with db.write():
        there = site_row("there")
        SpaceSite.create(space=world.space, site=there, mountpoint="/space", ready=True)
        TargetSite.create(target=world.target, site=there, ready=True)
    (tmp_path / "there" / "space").mkdir(parents=True)
    other = replace(world, folder=tmp_path / "there", site=there)
    for one in (world, other):
        one.run("migrate", one.write(b"file", b"shared"))
    assert world.one("recall", b"/space/file", delete_remote=True).state == "processed"
    assert world.objects() == ["work/file"]
    assert other.one("recall", b"/space/file", delete_remote=True).state == "processed"
    assert other.read(b"file") == b"shared"
    assert world.objects() == []


def test_zeros_that_come_back_are_holes(world: World):
    data = b"begin" + bytes(9 * 1024 * 1024) + b"end"
    path = world.write(b"file", data)
    world.run("migrate", path)
    world.run("recall", path)
    assert world.read(b"file") == data
    assert world.stat(b"file").st_blocks * 512 < 5 * 1024 * 1024


def test_batches_take_turns_with_small_files_and_never_with_long_ones(fs: World):
    """One who has the turn holds up small files of the same bucket alone."""
    small, long = fs.write(b"small", b"abc"), fs.write(b"long", bytes(transfer.SMALL + 1))
    held = threading.Event()
    turn = transfer._turns[fs.bucket.pk]
    with turn:
        assert fs.one("migrate", long).state == "processed"
        thread = threading.Thread(target=lambda: (fs.one("migrate", small), held.set()))
        thread.start()
        assert not held.wait(0.2)
        assert fs.states() == {b"/space/long": "migrated"}
    thread.join()
    assert fs.states() == {b"/space/long": "migrated", b"/space/small": "migrated"}
