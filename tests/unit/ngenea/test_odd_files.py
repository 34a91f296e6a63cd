"""Files that are odd in anything but their bytes, file systems that lack something, workers that are not root."""

import errno
import os
import socket
import stat
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import db
from app.ngenea import catalogue, inodes
from tests.unit.ngenea.conftest import World, begin_work, make_world, s3_bucket

rule = pytest.mark.rule

SECOND = 10**9
CAPABILITY = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # cap_net_raw, effective, as `setcap` writes it
NOBODY = 65534


@rule("ngenea 5")
@pytest.mark.parametrize("mtime", [-2_000_000_000, -1, 0, 7_258_118_400])
def test_times_before_1970_and_far_ahead(world: World, mtime):
    path = world.write(b"file", b"data", mtime * SECOND + 123_456_789)
    for task in ("migrate", "recall"):
        assert world.one(task, path).state == "processed"
        assert world.stat(b"file").st_mtime_ns == mtime * SECOND + 123_456_789
    assert world.read(b"file") == b"data"


def test_a_time_that_no_number_holds_is_that_files_error(world: World):
    """In nanoseconds: beyond 2262. The rest of the batch goes on."""
    far, near = world.write(b"far", b"far", 13_000_000_000 * SECOND), world.write(b"near", b"near")
    if world.stat(b"far").st_mtime_ns < 2**63:
        pytest.skip("this file system has no such times")
    found = {one.path: (one.state, one.code) for one in world.run("migrate", far, near)}
    assert found == {far: ("failed", "time_out_of_range"), near: ("processed", "")}
    assert world.read(b"far") == b"far"


def test_numbers_of_inodes_may_have_64_bits():
    there = catalogue.inode_at(os.stat_result([0o100644, 2**64 - 5, 2**32, 1, 0, 0, 0, 0, 0, 0]))
    assert there == catalogue.Inode(2**32, -5)
    assert catalogue.inode_at(os.stat_result([0, 7, 8, 1, 0, 0, 0, 0, 0, 0])) == catalogue.Inode(8, 7)


@rule("ngenea 8")
def test_names_of_attributes_are_bytes_too(world: World):
    path = world.write(b"file", b"data")
    for name, value in ((b"user.caf\xe9", b"x\xff"), ("user.grüße".encode(), b"")):
        os.setxattr(world.path(b"file"), name, value)
    assert world.one("migrate", path).state == "processed"
    wanted = {"user.caf\uf7e9": "78ff", "user.grüße": ""}
    assert world.entry(path).xattrs == wanted
    assert world.store.head("work/file").metadata.xattrs == wanted
    assert world.one("recall", path).state == "processed"
    assert os.getxattr(world.path(b"file"), b"user.caf\xe9") == b"x\xff"


@rule("ngenea 5")
def test_programs_keep_their_rights(world: World):
    """Whoever writes to a file takes its capabilities, and where they are not root its set-user-ID bit."""
    path = world.write(b"file", b"data" * 5000)
    os.chmod(world.path(b"file"), 0o6755)
    try:
        os.setxattr(world.path(b"file"), inodes.CAPABILITY, CAPABILITY)
        capability = CAPABILITY
    except PermissionError:
        capability = b""
    for task in ("migrate", "recall"):
        assert world.one(task, path).state == "processed"
        assert stat.S_IMODE(world.stat(b"file").st_mode) == 0o6755
        if capability:
            assert os.getxattr(world.path(b"file"), inodes.CAPABILITY) == capability


def test_sockets_and_devices_are_passed_over(world: World):
    os.makedirs(world.path(b"."), exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        here = os.open(world.path(b"."), os.O_RDONLY)
        server.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    kinds = [b"socket"]
    if os.geteuid() == 0:
        for name, kind in ((b"null", stat.S_IFCHR), (b"disk", stat.S_IFBLK)):
            os.mknod(world.path(name), kind | 0o600, os.makedev(240, 250))
            kinds.append(name)
    found = {(one.state, one.code) for one in world.run("migrate", *(b"/space/" + name for name in kinds))}
    assert found == {("skipped", "other")}


@rule("ngenea 8")
@pytest.mark.parametrize("head", [0, 5000])
def test_a_file_system_without_holes_keeps_its_files(world: World, monkeypatch, head):
    """As ramfs, FAT and NFS before 4.2 are: all of a file counts as data there. Nothing may be cut."""

    def all_is_data(descriptor: int, offset: int) -> int | None:
        return offset if offset < os.fstat(descriptor).st_size else None

    data = os.urandom(100_000)
    path = world.write(b"file", data)
    monkeypatch.setattr(inodes, "data_from", all_is_data)
    outcome = world.one("migrate", path, stub_size=head)
    assert (outcome.state, outcome.code) == ("failed", "no_stubs")
    assert (world.read(b"file"), world.states(), world.objects(), world.journal()) == (data, {}, [], [])
    assert os.listdir(world.path(b".")) == [b"file"]
    assert world.one("migrate", path, premigrate=True).state == "processed"
    assert world.read(b"file") == data


def test_a_file_system_without_nameless_files_is_tried_all_the_same(world: World, monkeypatch):
    real = os.open

    def open_(path, flags, *args, **options):
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))
        return real(path, flags, *args, **options)

    path = world.write(b"file", b"data")
    monkeypatch.setattr("app.ngenea.rooted.os.open", open_)
    assert world.one("migrate", path).state == "processed"
    assert os.listdir(world.path(b".")) == [b"file"]


@rule("ngenea 5")
def test_a_file_system_without_attributes_or_leases_has_stubs(world: World, monkeypatch):
    def refused(*args, **options):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    for name in ("setxattr", "getxattr", "listxattr", "removexattr"):
        monkeypatch.setattr(f"app.ngenea.inodes.os.{name}", refused)
    monkeypatch.setattr("app.ngenea.inodes.fcntl.fcntl", refused)
    data = os.urandom(10_000)
    path = world.write(b"file", data)
    assert world.one("migrate", path).state == "processed"
    assert world.is_stub(b"file")
    assert world.one("migrate", path).state == "skipped"
    assert world.one("recall", path).state == "processed"
    assert world.read(b"file") == data


AS_NOBODY = """
import os, sys
from pathlib import Path
from app.core import db, secrets
from app.ngenea import objects, objects_s3, tasks
from app.ngenea.context import Context
from app.ngenea.rooted import Root
url, folder, key, site, claim, root, user, *names = sys.argv[1:]
secrets.configure(Path(key))
db.configure(url, lock_dir=Path(folder))
objects.owner()
for unit in (db.read, db.write):  # the files of the database are open from here on
    with unit():
        db.row("SELECT count(*) FROM ngenea_journal")
os.chdir(root)
os.setgroups([])
os.setresgid(int(user), int(user), int(user))
os.setresuid(int(user), int(user), int(user))
tasks.PAUSES = (0,)
for task in ("migrate", "recall"):
    context = Context(int(site), Root("."), claim)
    for one in tasks.run(task, context, [b"/space/" + name.encode() for name in names], {}):
        print(task, one.path.decode().removeprefix("/space/"), one.state, one.code)
"""


@rule("ngenea 5")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of others")
def test_a_worker_that_is_not_root(database, run, tmp_path, s3_endpoint):
    """What it may not read, or could not make whole again, is an error of its path; the rest goes on."""
    with db.write():
        world = make_world(tmp_path, s3_bucket(s3_endpoint))
    modes = {"mine": 0o644, "setuid": 0o4755, "readonly": 0o444, "secret": 0, "others": 0o644, "for-all": 0o666}
    names = [*modes, "closed/file"]
    for name in names:
        world.write(name.encode(), name.encode() * 1000)
        if name not in ("others", "for-all", "closed/file"):
            os.chown(world.path(name.encode()), NOBODY, NOBODY)
        os.chmod(world.path(name.encode()), modes.get(name, 0o644))
    os.chmod(world.path(b"closed"), 0o700)
    os.chown(world.folder / "space", NOBODY, NOBODY)
    before = {name: world.stat(name.encode()) for name in names}
    arguments = [database.url, database.folder, run.folder / "secret.key", world.site.pk, begin_work(), world.folder]
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *map(str, arguments), str(NOBODY), *names],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for task in ("migrate", "recall"):
        found = sorted(line.removeprefix(f"{task} ") for line in done.stdout.splitlines() if line.startswith(task))
        assert found == [
            "closed/file failed unreadable",
            "for-all failed unreadable",
            "mine processed ",
            "others failed unreadable",
            "readonly failed unreadable",
            "secret failed unreadable",
            "setuid processed ",
        ]
    for name in names:
        assert world.read(name.encode()) == name.encode() * 1000
        now = world.stat(name.encode())
        for what in ("st_mode", "st_uid", "st_mtime_ns", "st_size"):
            assert getattr(now, what) == getattr(before[name], what), (name, what)
    assert world.states() == {b"/space/mine": "premigrated", b"/space/setuid": "premigrated"}
