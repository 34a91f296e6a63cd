"""Whatever a crash leaves, each byte is in the file or in the bucket, and the next run ends right (ngenea 5)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.core import db, failpoints
from app.ngenea import catalogue, inodes
from app.ngenea.reconcile import reconcile
from tests.unit.ngenea.conftest import World, begin_work

rule = pytest.mark.rule

MIGRATING = ("ngenea.journal", "ngenea.uploaded", "ngenea.punching", "ngenea.punched")
STEPS = (*MIGRATING, "ngenea.recalling")


@pytest.fixture
def orders(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "failpoints"
    failpoints.configure(file)
    failpoints._hits.clear()
    yield file
    failpoints.configure(None)


def die(world: World, orders: Path, step: str, task: str, *paths: bytes, **arguments) -> None:
    """The task ends at the step, as if the process were gone."""
    failpoints._hits.clear()
    orders.write_text(f"{step} error\n")
    with pytest.raises(failpoints.Failure):
        world.run(task, *paths, **arguments)
    orders.write_text("")


def holds(world: World, name: bytes, data: bytes) -> bool:
    """Whether the file's data is in it, or in the bucket."""
    return world.read(name) == data or data in [world.content(key) for key in world.objects()]


@rule("ngenea 5")
@pytest.mark.parametrize("step", MIGRATING)
def test_a_migration_that_dies(world: World, orders, step):
    data = [b"%d" % n * 10_000 for n in range(3)]
    paths = [world.write(b"%d" % n, data[n]) for n in range(3)]
    mtimes = [world.stat(b"%d" % n).st_mtime_ns for n in range(3)]
    die(world, orders, step, "migrate", *paths)
    assert all(holds(world, b"%d" % n, data[n]) for n in range(3))
    assert {one.code for one in world.run("migrate", *paths, context=world.context(claim=begin_work()))} == {"busy"}
    world.crash()
    assert {one.state for one in world.run("migrate", *paths)} <= {"processed", "skipped"}
    assert world.states() == dict.fromkeys(paths, "migrated")
    assert world.objects() == ["work/0", "work/1", "work/2"]
    assert [world.stat(b"%d" % n).st_mtime_ns for n in range(3)] == mtimes
    assert all(world.is_stub(b"%d" % n) for n in range(3))
    assert world.journal() == []
    world.run("recall", *paths)
    assert [world.read(b"%d" % n) for n in range(3)] == data


@rule("ngenea 5")
@pytest.mark.parametrize("step", MIGRATING)
def test_what_a_dead_migration_left_comes_right_by_itself(world: World, orders, step):
    path = world.write(b"file", b"data")
    die(world, orders, step, "migrate", path)
    world.crash()
    report = reconcile(world.context())
    assert (report.settled, report.faults, world.journal()) == (1, [], [])
    state = world.states().get(path)
    assert world.is_stub(b"file") == (state == "migrated")
    world.run("recall", path)
    assert world.read(b"file") == b"data"
    assert reconcile(world.context()).settled == 0


@rule("ngenea 5")
def test_a_recall_that_dies(world: World, orders):
    data = os.urandom(9 * 1024 * 1024)
    path = world.write(b"file", data)
    world.run("migrate", path)
    die(world, orders, "ngenea.recalling", "recall", path)
    assert not world.is_stub(b"file")
    assert world.read(b"file") != data
    assert world.states() == {path: "migrated"}
    world.crash()
    assert world.one("migrate", path).state == "skipped"
    assert world.is_stub(b"file")
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == data


@rule("ngenea 8")
@pytest.mark.parametrize(("task", "step"), [("recall", "ngenea.recalling"), ("migrate", "ngenea.punched")])
def test_another_name_of_a_file_waits_for_who_may_be_dead(world: World, orders, task, step):
    """Until the lease of the dead one is over nobody knows what is in the file: it was not its user who changed it."""
    data = os.urandom(9 * 1024 * 1024)
    path = world.write(b"file", data)
    os.link(world.path(b"file"), world.path(b"link"))
    if task == "recall":
        world.run("migrate", path, b"/space/link")
    die(world, orders, step, task, path)
    living = begin_work()
    for one in ("migrate", "recall"):
        assert world.one(one, b"/space/link", context=world.context(claim=living)).code == "busy"
    world.crash()
    assert world.one(task, b"/space/link").state == "processed"
    world.run("recall", path, b"/space/link")
    assert world.read(b"file") == data


@pytest.mark.parametrize("step", ["ngenea.recalling", "ngenea.punching"])
def test_what_somebody_wrote_after_a_crash_is_kept(world: World, orders, step):
    data = os.urandom(9 * 1024 * 1024)
    path = world.write(b"file", data)
    if step == "ngenea.recalling":
        world.run("migrate", path)
    die(world, orders, step, "recall" if step == "ngenea.recalling" else "migrate", path)
    with open(world.path(b"file"), "r+b") as file:
        file.write(b"mine")
    world.crash()
    found = world.read(b"file")
    assert reconcile(world.context()).faults == []
    assert world.read(b"file") == found
    assert world.content("work/file") == data
    if step == "ngenea.recalling":
        assert world.one("recall", path).code == "modified"
    else:
        assert world.one("migrate", path).state == "processed"
        world.run("recall", path)
    assert world.read(b"file") == found


@rule("ngenea 5")
def test_a_removal_that_dies_is_finished(world: World, orders, monkeypatch):
    path = world.write(b"file", b"data")
    world.run("migrate", path)

    def dies(self, key):
        raise failpoints.Failure

    with monkeypatch.context() as patch:
        patch.setattr(type(world.store), "delete", dies)
        with pytest.raises(failpoints.Failure):
            world.run("recall", path, delete_remote=True)
    assert world.objects() == ["work/file"]
    world.crash()
    reconcile(world.context())
    assert (world.states(), world.objects(), world.journal()) == ({}, [], [])
    assert world.read(b"file") == b"data"


@rule("ngenea 8")
def test_a_zombie_that_has_the_file_keeps_others_away(world: World, orders):
    """Its lease has ended, but it may wake up and drop data at any time."""
    path = world.write(b"file", b"data")
    zombie = os.open(world.path(b"file"), os.O_RDWR)
    assert inodes.lock(zombie)
    die_row(world, path, zombie)
    world.crash()
    assert world.one("migrate", path).code == "busy"
    os.close(zombie)
    assert world.one("migrate", path).state == "processed", "by who has waited"


def test_a_dry_run_leaves_what_broke_off(world: World, orders):
    path = world.write(b"file", b"data")
    die(world, orders, "ngenea.uploaded", "migrate", path)
    world.crash()
    left = world.journal()
    world.run("migrate", path, context=world.context(dry_run=True))
    assert world.journal() == left != []


def test_a_stale_row_has_one_heir(world: World, orders):
    die(world, orders, "ngenea.journal", "migrate", world.write(b"file", b"data"))
    world.crash()
    with db.read():
        first, second = (catalogue.stale(catalogue.under_way(world.site.pk), world.claim) for _ in range(2))
    with db.write():
        assert catalogue.take_over(first[0], "one")
    with db.write():
        assert not catalogue.take_over(second[0], "another")


def die_row(world: World, path: bytes, descriptor: int) -> None:
    """What the journal says of a migration that has uploaded."""
    found = os.fstat(descriptor)
    with db.write():
        db.execute(
            "INSERT INTO ngenea_journal (site_id, path, device, inode, operation, step, claim)"
            " VALUES (?, ?, ?, ?, 'migrate', 'begun', 'gone')",
            world.site.pk,
            path,
            found.st_dev,
            found.st_ino,
        )


def test_a_dead_one_may_still_send_to_its_key(world: World, orders):
    """The file it was sending has gone; its upload may end at any time, and must not land on the new file's object."""
    path = world.write(b"file", b"old file")
    die(world, orders, "ngenea.journal", "migrate", path)
    old = os.open(world.path(b"file"), os.O_RDONLY)
    os.unlink(world.path(b"file"))
    world.write(b"file", b"new file")
    world.crash()
    assert world.one("migrate", path).state == "processed"
    assert world.entry(path).key.startswith("work/file.")
    os.close(old)


def test_a_file_renamed_after_a_crash_is_found_by_its_inode(world: World, orders):
    path = world.write(b"old", b"data")
    die(world, orders, "ngenea.punched", "migrate", path)
    os.rename(world.path(b"old"), world.path(b"new"))
    world.crash()
    assert world.one("recall", b"/space/new").state == "processed"
    assert world.read(b"new") == b"data"


@rule("ngenea 8")
def test_a_full_disk_leaves_a_stub(world: World, orders):
    path = world.write(b"file", b"data")
    world.run("migrate", path)
    orders.write_text("ngenea.recalling full\n")
    outcome = world.one("recall", path)
    assert (outcome.state, outcome.code) == ("failed", "disk_full")
    assert world.is_stub(b"file")
    assert (world.states(), world.journal()) == ({path: "migrated"}, [])
    orders.write_text("")
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == b"data"


KILLED = """
import sys
from pathlib import Path
from app.core import db, failpoints, secrets
from app.ngenea import tasks
from app.ngenea.context import Context
from app.ngenea.rooted import Root
url, folder, key, orders, site, claim, root, task = sys.argv[1:]
secrets.configure(Path(key))
db.configure(url, lock_dir=Path(folder))
failpoints.configure(Path(orders))
list(tasks.run(task, Context(int(site), Root(root), claim), [b"/space/0", b"/space/1"], {}))
"""


@rule("ngenea 5")
@pytest.mark.parametrize("step", STEPS)
def test_a_process_that_is_killed(fs: World, database, run, orders, step):
    """SIGKILL: no handler runs, the kernel alone tidies up."""
    task = "recall" if step == "ngenea.recalling" else "migrate"
    data = [os.urandom(3_000_000) for _ in range(2)]
    paths = [fs.write(b"%d" % n, data[n]) for n in range(2)]
    if task == "recall":
        fs.run("migrate", *paths)
    orders.write_text(f"{step} kill\n")
    keys = str(run.folder / "secret.key")
    arguments = [database.url, str(database.folder), keys, str(orders), str(fs.site.pk), fs.claim, str(fs.folder), task]
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", KILLED, *arguments], cwd=root, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    failpoints.configure(None)
    assert all(holds(fs, b"%d" % n, data[n]) for n in range(2))
    fs.crash()
    assert {one.state for one in fs.run("migrate", *paths)} <= {"processed", "skipped"}
    assert all(fs.is_stub(b"%d" % n) for n in range(2))
    assert {one.state for one in fs.run("recall", *paths)} == {"processed"}
    assert [fs.read(b"%d" % n) for n in range(2)] == data
    report = reconcile(fs.context(), -timedelta(seconds=5))
    assert (report.objects, report.faults, fs.journal()) == (0, [], [])
    assert fs.objects() == ["work/0", "work/1"]


def test_a_removal_that_died_leaves_an_object_that_is_needed_again(world: World):
    path = world.write(b"file", b"data")
    world.run("migrate", path)
    with db.write():
        db.execute(
            "INSERT INTO ngenea_journal (site_id, path, operation, step, bucket_id, key, claim)"
            " VALUES (?, ?, 'recall', 'removing', ?, 'work/file', 'gone')",
            world.site.pk,
            b"/space/other",
            world.bucket.pk,
        )
    assert reconcile(world.context()).settled == 1
    assert (world.objects(), world.journal()) == (["work/file"], [])
