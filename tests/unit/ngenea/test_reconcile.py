"""Orphans go, and nothing else does (ngenea 5)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from app.core import db
from app.ngenea.objects import Metadata, Source, owner
from app.ngenea.reconcile import reconcile
from models.ngenea.sites import Bucket
from tests.unit.ngenea.conftest import World, begin_work, end_work, space_row, target_row

rule = pytest.mark.rule

NOW = timedelta(seconds=-5)  # all that is there is older


def put(world: World, key: str, whose: str) -> None:
    world.write(b"source", b"orphan")
    descriptor = os.open(world.path(b"source"), os.O_RDONLY)
    world.store.put(key, Source(descriptor, 6, lambda count: None), Metadata(6, 0, 0, 0, 0, "", whose), replace=True)
    os.close(descriptor)
    os.unlink(world.path(b"source"))


@rule("ngenea 5")
def test_only_what_is_ours_and_named_by_nothing_goes(world: World):
    world.run("migrate", world.write(b"kept", b"kept"), world.write(b"kept2", b"kept"))
    put(world, "work/a/orphan", owner())
    put(world, "work/orphan.meta2", owner())
    put(world, "work/foreign", "another server")
    put(world, "workshop/ours", owner())
    if world.bucket.storage_type == "FS":
        with open(os.path.join(world.bucket.migration_target_folder, "work", "plain"), "wb") as file:
            file.write(b"put here by hand")
    assert reconcile(world.context()).objects == 0
    assert reconcile(world.context(dry_run=True), NOW).objects == 2
    assert "work/a/orphan" in world.objects()
    report = reconcile(world.context(), NOW)
    assert (report.objects, report.faults) == (2, [])
    hand = ["work/plain"] if world.bucket.storage_type == "FS" else []
    assert world.objects() == sorted(["work/foreign", "work/kept", "work/kept2", *hand])
    assert world.store.head("workshop/ours").size == 6
    assert reconcile(world.context(), NOW).objects == 0
    assert world.journal() == []
    world.run("recall", b"/space/kept")
    assert world.read(b"kept") == b"kept"


@rule("ngenea 5")
def test_what_a_running_unit_makes_stays(world: World):
    put(world, "work/busy", owner())
    other = begin_work()
    with db.write():
        db.execute(
            "INSERT INTO ngenea_journal (site_id, path, operation, step, bucket_id, key, claim)"
            " VALUES (?, ?, 'migrate', 'begun', ?, 'work/busy', ?)",
            world.site.pk,
            b"/space/busy",
            world.bucket.pk,
            other,
        )
    assert reconcile(world.context(), NOW).objects == 0
    end_work(other)
    report = reconcile(world.context(), NOW)
    assert (report.settled, report.objects) == (1, 1)
    assert world.objects() == []


def test_an_object_that_another_target_of_the_bucket_names_stays(world: World):
    with db.write():
        second = space_row("second", "/second", world.site)
        target = target_row("other", second, world.bucket, world.site)
    world.run("migrate", world.write(b"file", b"data"))
    with db.write():
        db.execute("UPDATE ngenea_entry SET target_id = ?", target.pk)
    assert reconcile(world.context(), NOW).objects == 0
    assert world.objects() == ["work/file"]


def test_temporary_files_of_the_dead_go(fs: World):
    folder = os.path.join(fs.bucket.migration_target_folder, ".flotilla")
    for name in (f"{fs.claim}.1", "dead.1", "dead.1.meta"):
        with open(os.path.join(folder, name), "wb"):
            pass
    assert reconcile(fs.context()).temporaries == 0
    assert reconcile(fs.context(), NOW).temporaries == 2
    assert os.listdir(folder) == [f"{fs.claim}.1"]


def test_names_that_others_gave_are_in_nobodys_way(world: World):
    put(world, "work/orphan", owner())
    if world.bucket.storage_type == "FS":
        folder = os.fsencode(world.bucket.migration_target_folder) + b"/work/"
        for name in (b"caf\xe9", "grüße".encode(), b"new\nline", b"%zz", b"caf\xe9.meta"):
            with open(folder + name, "wb"):
                pass
    else:
        for key in ("work/grüße", "work/%zz", "work/folder/"):
            client(world).put_object(Bucket=world.bucket.name, Key=key, Body=b"x")
    report = reconcile(world.context(), NOW)
    assert (report.objects, report.faults) == (1, [])


def client(world: World) -> Any:
    """Any program that speaks S3."""
    return boto3.client(
        "s3",
        endpoint_url=f"http://{world.bucket.endpoint}:{world.bucket.port}",
        region_name="us-east-1",
        aws_access_key_id="A" * 20,
        aws_secret_access_key="s" * 40,
    )


@rule("ngenea 5")
def test_what_was_said_of_an_object_that_never_came_goes(fs: World):
    """A crash between the two renames. What we did not write stays, and what somebody is about to."""
    long = "work/" + "n" * 300
    store = Path(fs.bucket.migration_target_folder)
    for key, whose in (("work/left", owner()), (long, owner()), ("work/busy", owner()), ("work/theirs", "another")):
        put(fs, key, whose)
        os.unlink(fs.store._path(key))  # type: ignore[attr-defined]
    for name in ("mine.meta", "list.meta"):
        (store / "work" / name).write_text("[]")
    other = begin_work()
    with db.write():
        db.execute(
            "INSERT INTO ngenea_journal (site_id, path, operation, step, bucket_id, key, claim)"
            " VALUES (?, ?, 'migrate', 'begun', ?, 'work/busy', ?)",
            fs.site.pk,
            b"/space/busy",
            fs.bucket.pk,
            other,
        )
    assert reconcile(fs.context()).objects == 0
    assert (reconcile(fs.context(), NOW).objects, fs.journal()) == (2, [(b"/space/busy", "begun")])
    assert sorted(os.listdir(store / "work")) == ["busy.meta", "list.meta", "mine.meta", "theirs.meta"]
    end_work(other)
    assert reconcile(fs.context(), NOW).objects == 1


def test_a_bucket_that_is_away_is_a_line(fs: World):
    with db.write():
        Bucket.update(migration_target_folder="/nowhere/at/all").execute()
    (fault,) = reconcile(fs.context()).faults
    assert fault.startswith("store: ")
    assert "\n" not in fault
