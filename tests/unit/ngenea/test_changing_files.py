"""What somebody writes while a file is on its way is never dropped (ngenea 5)."""

import mmap
import os

import pytest

from tests.unit.ngenea.conftest import World

rule = pytest.mark.rule


def during(monkeypatch, moment: str, act) -> None:
    """Have `act` be called when a migration comes to a step."""

    def hit(step: str) -> None:
        if step == moment:
            act()

    monkeypatch.setattr("app.ngenea.migrate.failpoints.hit", hit)


@rule("ngenea 5")
@pytest.mark.parametrize("premigrate", [False, True])
def test_what_is_written_while_the_bucket_syncs(world: World, monkeypatch, premigrate):
    """Size and mtime stay: ctime alone tells, and the entry must not note that of the new content."""
    path = world.write(b"file", b"first")
    during(monkeypatch, "ngenea.uploaded", lambda: world.write(b"file", b"other"))
    outcome = world.one("migrate", path, premigrate=premigrate)
    assert (outcome.state, outcome.code) == ("failed", "modified")
    assert (world.states(), world.objects(), world.journal()) == ({}, [], [])
    monkeypatch.undo()
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == b"other"


def test_an_object_that_was_replaced_stays_when_the_file_changes_once_more(world: World, monkeypatch):
    path = world.write(b"file", b"first")
    world.run("migrate", path, premigrate=True)
    world.write(b"file", b"second")
    during(monkeypatch, "ngenea.uploaded", lambda: world.write(b"file", b"third"))
    assert world.one("migrate", path).code == "modified"
    assert world.objects() == ["work/file"]
    monkeypatch.undo()
    assert world.one("migrate", path).state == "processed"
    assert (world.objects(), world.content("work/file")) == (["work/file"], b"third")


@rule("ngenea 5")
@pytest.mark.parametrize("moment", ["ngenea.uploaded", "ngenea.punching"])
def test_what_is_written_through_a_mapping(world: World, monkeypatch, moment):
    """A page that was dirty before takes more without any change of times, until it is on disk."""
    path = world.write(b"file", b"a" * 8192)
    with open(world.path(b"file"), "r+b") as file, mmap.mmap(file.fileno(), 8192) as mapped:
        mapped[:5] = b"dirty"
        during(monkeypatch, moment, lambda: mapped.__setitem__(slice(5, 10), b"later"))
        outcome = world.one("migrate", path)
        assert (outcome.state, outcome.code) == ("failed", "modified")
        monkeypatch.undo()
        assert mapped[:10] == b"dirtylater"
    assert world.one("migrate", path).state == "processed"
    world.run("recall", path)
    assert world.read(b"file") == b"dirtylater" + b"a" * 8182


@rule("ngenea 5")
def test_a_file_that_grows_or_is_replaced_on_its_way(world: World, monkeypatch):
    paths = [world.write(name, b"before") for name in (b"grows", b"replaced", b"shrinks")]

    def act() -> None:
        with open(world.path(b"grows"), "ab") as file:
            file.write(b" and after")
        world.write(b"new", b"another file")
        os.rename(world.path(b"new"), world.path(b"replaced"))
        os.truncate(world.path(b"shrinks"), 3)

    during(monkeypatch, "ngenea.uploaded", act)
    assert {(one.state, one.code) for one in world.run("migrate", *paths)} == {("failed", "modified")}
    monkeypatch.undo()
    found = [world.read(name) for name in (b"grows", b"replaced", b"shrinks")]
    assert found == [b"before and after", b"another file", b"bef"]
    assert {one.state for one in world.run("migrate", *paths)} == {"processed"}
    world.run("recall", *paths)
    assert [world.read(name) for name in (b"grows", b"replaced", b"shrinks")] == found
