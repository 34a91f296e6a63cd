"""Stores of objects, each kind alike: whole objects or none, and clear errors (ngenea 5, 8)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.secrets import SecretError
from app.ngenea import keys
from app.ngenea.objects import (
    Altered,
    Exists,
    Metadata,
    Missing,
    Shrunk,
    Source,
    StoreError,
    open_store,
    owner,
    seal_secrets,
    unseal_secrets,
)
from app.ngenea.s3_errors import in_one_line
from models.ngenea.sites import Bucket
from tests.support.buckets import repeating
from tests.unit.ngenea.conftest import World, sha256

rule = pytest.mark.rule
MIB = 1024 * 1024


def source(path: Path, tick=lambda count: None) -> Source:
    """Left open: these tests are short."""
    return Source(os.open(path, os.O_RDONLY), path.stat().st_size, tick)


def about(path: Path) -> Metadata:
    return Metadata(path.stat().st_size, 1, 0o100640, 1000, None, "", owner(), {"user.colour": b"r\xffd".hex()})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(12 * MIB + 17))
    return path


def test_an_object_says_what_it_was_made_of(world: World, file: Path):
    stored = world.store.put("work/file", source(file), about(file), replace=False)
    assert stored.size == 12 * MIB + 17
    assert stored == world.store.head("work/file")
    assert stored.metadata is not None
    assert stored.metadata.sha256 == sha256(file.read_bytes())
    assert (stored.metadata.uid, stored.metadata.gid, stored.metadata.mode) == (1000, None, 0o100640)
    assert stored.metadata.xattrs == {"user.colour": "72ff64"}
    assert world.content("work/file") == file.read_bytes()


@pytest.mark.parametrize("size", [3, 12 * MIB])
def test_an_object_is_replaced_only_when_told(world: World, tmp_path: Path, size):
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(b"1" * size)
    second.write_bytes(b"2" * size)
    world.store.put("work/file", source(first), about(first), replace=False)
    with pytest.raises(Exists):
        world.store.put("work/file", source(second), about(second), replace=False)
    assert world.content("work/file") == b"1" * size
    stored = world.store.put("work/file", source(second), about(second), replace=True)
    assert stored.metadata is not None
    assert stored.metadata.sha256 == sha256(b"2" * size)
    assert world.content("work/file") == b"2" * size


def test_what_is_not_there(world: World):
    with pytest.raises(Missing):
        world.store.head("work/none")
    with pytest.raises(Missing):
        list(world.store.read("work/none", 1))
    world.store.delete("work/none")
    assert list(world.store.listing("work/")) == []


def test_an_object_of_another_size_is_not_read(world: World, file: Path):
    world.store.put("work/file", source(file), about(file), replace=False)
    with pytest.raises(Altered):
        list(world.store.read("work/file", 5))


@rule("ngenea 7")
def test_what_is_broken_off_leaves_nothing(world: World, file: Path):
    seen = []

    def stop(count: int) -> None:
        seen.append(count)
        if sum(seen) > 9 * MIB:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.store.put("work/file", source(file, stop), about(file), replace=False)
    with pytest.raises(Missing):
        world.store.head("work/file")
    if world.bucket.storage_type == "FS":
        assert os.listdir(os.path.join(world.bucket.migration_target_folder, ".flotilla")) == []


def test_a_file_that_shrinks_is_not_stored(world: World, file: Path, monkeypatch):
    reading = source(file)
    # As if the file still had its data when that was looked for.
    monkeypatch.setattr("app.ngenea.inodes.extents", lambda descriptor, end: iter([(0, end)]))
    os.truncate(file, 0)
    with pytest.raises(Shrunk):
        world.store.put("work/file", reading, about(file), replace=False)
    assert list(world.store.listing("work/")) == []


def test_a_real_try_of_a_bucket(world: World):
    world.store.probe()
    assert list(world.store.listing(".flotilla/")) == []


def settings(**changes) -> Bucket:
    values = {
        "name": "bucket",
        "storage_type": "S3",
        "endpoint": "127.0.0.1",
        "port": 9,
        "scheme": "http",
        "region": "us-east-1",
        "ssl_verify": True,
        "migration_target_folder": "",
        "secrets": "",
    }
    return Bucket(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scheme": "https"},
        {"endpoint": "no.such.host.invalid"},
        {"endpoint": "256.1.1.1"},
        {"endpoint": "127.0.0.1:9"},
        {"endpoint": "::::"},
        {"endpoint": "xn--a"},
        {"storage_type": "DS3"},
        {"storage_type": "FS", "migration_target_folder": "/nowhere"},
        {"storage_type": "FS", "migration_target_folder": "relative"},
        {"storage_type": "Azure"},
        {"storage_type": "FS", "migration_target_folder": "/proc"},
    ],
)
def test_a_bucket_that_cannot_be_used_is_told_in_a_line(sqlite, changes):
    with pytest.raises(StoreError) as caught:
        open_store(settings(**changes)).probe()
    assert str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Debug" not in str(caught.value)


def test_a_bucket_that_is_not_there(world: World):
    if world.bucket.storage_type == "S3":
        world.bucket.name = "bucket-that-is-not-there"
        with pytest.raises(StoreError):
            world.store.probe()


def test_why_a_bucket_fails(sqlite, world: World):
    """In words that help: what the network says, and what the store says."""
    for changes, reason in (({}, "Connection refused"), ({"endpoint": "no.such.host.invalid"}, "lookup")):
        with pytest.raises(StoreError, match=reason):
            open_store(settings(**changes)).probe()
    if world.bucket.storage_type == "S3":
        world.bucket.name = "bucket-that-is-not-there"
        with pytest.raises(StoreError, match="there is no such bucket"):
            open_store(world.bucket).probe()


def test_a_store_that_repeats_the_keys_gives_none_away(sqlite):
    """As S3 does when it knows no such key, or gets another signature."""
    keys = {"access_key_id": "AKIAREPEATED", "secret_access_key": "hushhush"}
    with repeating() as port, pytest.raises(StoreError, match="InvalidAccessKeyId: No such key") as caught:
        open_store(settings(port=port, secrets=seal_secrets(keys))).probe()
    assert "AKIAREPEATED" not in str(caught.value)
    assert "Signature" not in str(caught.value)


def test_keys_are_taken_out_of_any_words():
    assert in_one_line(ValueError("AKIA of x: bad\nx"), ["AKIA"]) == "*** of x: bad x"


def test_secrets_are_sealed(sqlite):
    sealed = seal_secrets({"access_key_id": "AKIA", "secret_access_key": "hush"})
    assert "hush" not in sealed
    assert unseal_secrets(sealed) == {"access_key_id": "AKIA", "secret_access_key": "hush"}
    assert unseal_secrets("") == {}
    with pytest.raises(SecretError):
        unseal_secrets("bm9uc2Vuc2U=")


def test_an_object_in_the_way_of_a_folder(fs: World):
    """A file was replaced by a folder, or the other way round: both objects can be kept."""
    path = fs.write(b"a", b"file")
    fs.run("migrate", path, premigrate=True)
    os.rename(fs.path(b"a"), fs.path(b"moved"))
    inner = fs.write(b"a/b", b"inner")
    assert fs.one("migrate", inner).state == "processed"
    assert fs.entry(inner).key.endswith("/a/b")
    fs.run("migrate", fs.write(b"c/d", b"deep"), premigrate=True)
    os.rename(fs.path(b"c"), fs.path(b"elsewhere"))
    outer = fs.write(b"c", b"outer")
    assert fs.one("migrate", outer).state == "processed"
    for one, data in ((inner, b"inner"), (outer, b"outer")):
        assert fs.one("recall", one).state == "processed"
        assert fs.read(one.removeprefix(b"/space/")) == data


@pytest.mark.parametrize("space", ["a", "a/b", "a b", "..", ".", ".flotilla", "a.meta", "\u00fc"])
def test_keys_of_spaces_are_their_own(space):
    key = keys.of_path(space, b"x/y")
    assert key.startswith(keys.prefix(space))
    assert key.count("/") == 2
    assert not key.startswith((".", "/"))
    assert key.endswith("/x/y")


@pytest.mark.parametrize(("length", "fits"), [(1019, True), (1020, False)])
def test_a_key_has_1024_bytes_at_most(length, fits):
    """`work/` and the path; so has what it is called where that is taken."""
    if fits:
        key = keys.of_path("work", b"x" * length)
        assert (len(key), len(keys.sibling(key))) == (1024, 1024)
        assert keys.sibling("work/short").startswith("work/short.")
    else:
        with pytest.raises(ValueError, match="1025"):
            keys.of_path("work", b"x" * length)


def test_no_key_is_what_a_store_uses_itself():
    for path in (b".flotilla/x", b"x.meta", b"x.meta/y", b"a/.flotilla", b"a/.flotilla.meta"):
        key = keys.of_path("s", path)
        names = key.split("/")
        assert not any(name.startswith(".flotilla") or name.endswith(".meta") for name in names)
    assert len({keys.of_path("s", path) for path in (b"x.meta", b"x%2Emeta", b"x%252Emeta")}) == 3
    assert keys.unsuffixed(keys.sibling("s/a.b")) == "s/a.b"


MEASURE = """
import os, sys, resource
sys.path.insert(0, sys.argv[1])
from app.core import secrets
from pathlib import Path
secrets.configure(Path(sys.argv[2]))
from app.ngenea.objects import *
from app.ngenea.s3_errors import in_one_line
from models.ngenea.sites import Bucket
from tests.support.buckets import repeating
def rss():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
bucket = Bucket(name=sys.argv[3], storage_type="S3", endpoint="127.0.0.1", port=int(sys.argv[4]), scheme="http",
    region="us-east-1", ssl_verify=True, migration_target_folder="",
    secrets=seal_secrets({"access_key_id": "A" * 20, "secret_access_key": "s" * 40}))
store = open_store(bucket)
small = os.open(sys.argv[5] + ".small", os.O_RDWR | os.O_CREAT)
os.write(small, b"x")
store.put("small", Source(small, 1, lambda n: None), Metadata(1, 0, 0, 0, 0, "", owner()), replace=True)
open("/proc/self/clear_refs", "w").write("5")
before = rss()
fd = os.open(sys.argv[5], os.O_RDONLY)
size = os.fstat(fd).st_size
store.put("big", Source(fd, size, lambda n: None), Metadata(size, 0, 0, 0, 0, "", owner()), replace=True)
for _ in store.read("big", size):
    pass
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak - before)
"""


@rule("ngenea 5")
def test_a_big_file_takes_no_more_memory_than_a_few_parts(sqlite, s3_endpoint, tmp_path: Path):
    from tests.support import buckets

    place = buckets.s3_bucket(s3_endpoint)
    big = tmp_path / "big"
    with big.open("wb") as out:
        for _ in range(200):
            out.write(os.urandom(MIB))
    root = str(Path(__file__).parents[3])
    port = s3_endpoint.rpartition(":")[2]
    command = [sys.executable, "-c", MEASURE, root, str(tmp_path / "key"), place.name, port, str(big)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 40 * 1024
