"""A tree of files really moves to a bucket and back, by workers in processes of their own (ngenea 5, 7, 8)."""

import os
import re
import signal
import subprocess
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import boto3
import httpx
import pytest

from tests.support import buckets, trees
from tests.support import server as servers
from tests.support.hub import S3_KEYS, Installation

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "ngenea.md"
FILES = 2_000
OBJECTS = FILES if os.environ.get("FLOTILLA_FULL") else 600  # those that go into an S3, which is a slow one here
LINKS = 5  # four symbolic ones and a fifo


@pytest.fixture(params=["sqlite", "postgres"])
def hub(request, tmp_path, cluster):
    url = cluster.create(f"ngenea_{uuid4().hex}") if request.param == "postgres" else None
    started = Installation.start(tmp_path, url)
    yield started
    started.stop()


@pytest.mark.e2e
@pytest.mark.rule("ngenea 5")
def test_the_guide_works_as_it_stands(tmp_path):
    server = servers.start(tmp_path / "data", LOG_LEVEL="warning", admin=False)
    try:
        script = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)[0]
        script = script.replace("http://127.0.0.1:8080", server.url).replace("data/admin-password", "admin-password")
        script = script.replace(".venv/bin/flotilla", servers.COMMAND[0])
        with subprocess.Popen(
            ["bash", "-euc", script],
            env=server.environment,
            cwd=server.data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as shell:
            try:
                out, _ = shell.communicate(timeout=180)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(shell.pid, signal.SIGKILL)  # also the worker that a broken off tour leaves
    finally:
        assert server.stop() == 0
    assert shell.returncode == 0, out
    first, again = re.findall(r"^([0-9a-f]{64})  berlin/films/rushes.mov$", out, re.MULTILINE)
    assert first == again
    assert re.search(r"^0\tberlin/films/rushes.mov$", out, re.MULTILINE)


def local(hub: Installation) -> Path:
    """The local type: a folder on the site's host."""
    folder = hub.folder / "vault"
    folder.mkdir()
    hub.target("films", name="vault", storage_type="FS", migration_target_folder=str(folder))
    return folder


def stored_in_folder(folder: Path) -> dict[bytes, tuple[str, int]]:
    """What the folder holds, by path in the space: hash and blocks."""
    found = {}
    for path in folder.rglob("*"):
        key = str(path.relative_to(folder))
        if path.is_file() and not key.startswith(".flotilla") and not key.endswith(".meta"):
            name = unquote_to_bytes(key.replace("%/", "").partition("/")[2])
            found[name] = (digest(path), path.stat().st_blocks)
    return found


def digest(path: Path) -> str:
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            found.update(chunk)
    return found.hexdigest()


@dataclass(frozen=True)
class Side:
    """A site with a space of its own, full of files: `known`, of which `refused` cannot go."""

    site: str
    space: str
    top: Path
    known: dict[bytes, trees.Known]
    refused: int = 0

    @property
    def path(self) -> str:
        return f"/{self.space}"

    @property
    def moved(self) -> dict[bytes, trees.Known]:
        return {name: one for name, one in self.known.items() if name != b"unreadable" or not self.refused}


def both(hub: Installation, workflow: str, *sides: Side, vanished: bool = False) -> list[dict[str, Any]]:
    """Run a workflow on all sides at the same time; the jobs at their end."""
    paths = [[side.path, *([f"{side.path}/vanished"] if vanished else [])] for side in sides]
    numbers = [hub.submit(workflow, side.site, *given) for side, given in zip(sides, paths, strict=True)]
    return [hub.ended(number) for number in numbers]


@pytest.mark.long
@pytest.mark.rule("ngenea 5")
@pytest.mark.rule("ngenea 8")
def test_two_sites_bring_their_trees_away_and_back_at_once(hub, tmp_path):
    """One into a folder on its host, the other into an S3."""
    with buckets.s3(tmp_path) as endpoint:
        hub.site("berlin")
        hub.site("oslo")
        films, music = hub.space("films", "berlin", "oslo"), hub.space("music", "oslo")
        vault, place = local(hub), s3(hub, endpoint, "music")
        trees.build(films, FILES, sparse=trees.SPARSE)
        trees.build(music, OBJECTS, seed=8)
        unreadable = films / "unreadable"
        unreadable.write_bytes(b"for nobody")
        refused = int(trees.make_unreadable(unreadable))
        try:
            berlin = Side("berlin", "films", films, trees.know(films), refused)
            oslo = Side("oslo", "music", music, trees.know(music))
            go(hub, berlin, oslo, vault, endpoint, place)
            come_back(hub, berlin, oslo)
        finally:
            trees.make_readable(unreadable)


def go(hub: Installation, berlin: Side, oslo: Side, vault: Path, endpoint: str, place: str) -> None:
    first = both(hub, "premigrate", oslo)[0]
    check_counts(hub, first, processed=len(oslo.known), failed=0)
    assert trees.know(oslo.top) == oslo.known
    for side, job in zip((berlin, oslo), both(hub, "migrate", berlin, oslo, vanished=True), strict=True):
        check_reasons(hub, job, side)
        check_counts(hub, job, processed=len(side.moved), failed=side.refused + 1, state="ERROR")
        check_stubs(side)
    check_folder(vault, berlin)
    check_objects(endpoint, place, oslo.known)
    for side, job in zip((berlin, oslo), both(hub, "migrate", berlin, oslo), strict=True):
        assert (job["processed"], job["failed"], job["skipped"]) == (0, side.refused, len(side.moved))


def come_back(hub: Installation, *sides: Side) -> None:
    for side, job in zip(sides, both(hub, "recall", *sides), strict=True):
        state = "ERROR" if side.refused else "SUCCESS"
        check_counts(hub, job, processed=len(side.moved), failed=side.refused, state=state)
        assert trees.know(side.top) == side.known
    assert (sides[0].top / "sparse.img").stat().st_blocks * 512 < 2**20


def s3(hub: Installation, endpoint: str, space: str) -> str:
    """The name of a new bucket that a space's files go to."""
    place, address = buckets.s3_bucket(endpoint), httpx.URL(endpoint)
    bucket = {"storage_type": "S3", "endpoint": address.host, "port": address.port, "scheme": "http"}
    hub.target(space, name=place.name, region="us-east-1", **bucket, **S3_KEYS)
    return place.name


def check_folder(vault: Path, side: Side) -> None:
    """The folder has every file's bytes, and holes where they had holes."""
    held = stored_in_folder(vault)
    assert {one.digest for one in side.moved.values()} == {found for found, _ in held.values()}
    for name, (found, _) in held.items():
        assert found == side.known[name].digest, name
    assert held[b"sparse.img"][1] * 512 < 2**20


def check_objects(endpoint: str, bucket: str, known: dict[bytes, trees.Known]) -> None:
    """The bucket has every file's bytes, each under a key that leads back to its path."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=S3_KEYS["access_key_id"],
        aws_secret_access_key=S3_KEYS["secret_access_key"],
    )
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
    seen = set()
    for key in keys:
        content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        name = unquote_to_bytes(key.partition("/")[2])
        assert sha256(content).hexdigest() == known[name].digest, key
        seen.add(known[name].digest)
    assert seen == {one.digest for one in known.values()}


def check_counts(hub: Installation, job, *, processed: int, failed: int, state: str = "SUCCESS") -> None:
    why = hub.hub.get(f"/jobs/{job['id']}/files/", category="failed")["results"]
    assert (job["state"], job["processed"], job["failed"]) == (state, processed, failed), (job, why)
    assert job["progress"] == 100
    done = job["processed"] + job["failed"] + job["skipped"] + job["aborted"]
    assert done == job["discovered"]


def check_reasons(hub: Installation, job, side: Side) -> None:
    """What failed says why, by its path."""
    failed = hub.hub.get(f"/jobs/{job['id']}/files/", category="failed", page_size="0")["results"]
    reasons = {one["path"]: one["message"] for one in failed}
    refused = [f"{side.path}/unreadable"] if side.refused else []
    assert set(reasons) == {f"{side.path}/vanished", *refused}, reasons
    assert all(reasons.values())


def check_stubs(side: Side) -> None:
    """Nothing is left here but sizes and times."""
    found = trees.stubs(side.top)
    assert Counter(found[name][0] for name in side.moved) == {0: len(side.moved)}
    assert {name: (size, mtime) for name, (_, size, mtime) in found.items()} == {
        name: (one.size, one.mtime_ns) for name, one in side.known.items()
    }
    for name in list(side.moved)[:200]:
        descriptor = os.open(os.path.join(os.fsencode(side.top), name), os.O_RDONLY)
        try:
            if side.known[name].size:
                with pytest.raises(OSError):
                    os.lseek(descriptor, 0, os.SEEK_DATA)
        finally:
            os.close(descriptor)
