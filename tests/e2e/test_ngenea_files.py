"""A tree of files really moves to a bucket and back, by workers in processes of their own (ngenea 5, 7, 8)."""

import os
import re
import signal
import subprocess
from collections import Counter
from contextlib import suppress
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


@pytest.mark.long
@pytest.mark.rule("ngenea 5")
def test_a_tree_goes_to_a_folder_and_comes_back(hub):
    hub.site("berlin")
    hub.site("oslo")
    films = hub.space("films", "berlin", "oslo")
    vault = local(hub)
    trees.build(films, FILES, sparse=trees.SPARSE)
    unreadable = films / "unreadable"
    unreadable.write_bytes(b"for nobody")
    refused = int(trees.make_unreadable(unreadable))
    try:
        known = trees.know(films)
        job = hub.run("migrate", "berlin", "/films", "/films/vanished")
        check_reasons(hub, job, refused)
        check_counts(hub, job, processed=len(known) - refused, failed=refused + 1, state="ERROR")
        check_stubs(films, known, refused)
        held = stored_in_folder(vault)
        moved = {name: one for name, one in known.items() if name != b"unreadable"}
        assert {known[name].digest for name in moved} == {found for found, _ in held.values()}
        for name, (found, _) in held.items():
            assert found == known[name].digest, name
        assert held[b"sparse.img"][1] * 512 < 2**20
        again = hub.run("migrate", "berlin", "/films")
        assert (again["processed"], again["failed"]) == (0, refused)
        back = hub.run("recall", "berlin", "/films")
        check_counts(hub, back, processed=len(moved), failed=refused, state="ERROR" if refused else "SUCCESS")
        assert trees.know(films) == known
        assert (films / "sparse.img").stat().st_blocks * 512 < 2**20
    finally:
        trees.make_readable(unreadable)


@pytest.mark.long
@pytest.mark.rule("ngenea 8")
def test_a_tree_goes_to_s3_and_comes_back(hub, tmp_path):
    with buckets.s3(tmp_path) as endpoint:
        place = buckets.s3_bucket(endpoint)
        address = httpx.URL(endpoint)
        hub.site("berlin")
        films = hub.space("films", "berlin")
        bucket = {"storage_type": "S3", "endpoint": address.host, "port": address.port, "scheme": "http"}
        hub.target("films", name=place.name, region="us-east-1", **bucket, **S3_KEYS)
        trees.build(films, FILES)
        known = trees.know(films)
        first = hub.run("premigrate", "berlin", "/films")
        check_counts(hub, first, processed=len(known), failed=0)
        assert trees.know(films) == known
        check_objects(endpoint, place.name, known)
        job = hub.run("migrate", "berlin", "/films")
        check_counts(hub, job, processed=len(known), failed=0)
        check_stubs(films, known, 0)
        back = hub.run("recall", "berlin", "/films")
        check_counts(hub, back, processed=len(known), failed=0)
        assert trees.know(films) == known


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


def check_reasons(hub: Installation, job, refused: int) -> None:
    """What failed says why, by its path."""
    failed = hub.hub.get(f"/jobs/{job['id']}/files/", category="failed", page_size="0")["results"]
    reasons = {one["path"]: one["message"] for one in failed}
    assert set(reasons) == {"/films/vanished", *(["/films/unreadable"] if refused else [])}, reasons
    assert all(reasons.values())


def check_stubs(films: Path, known: dict[bytes, trees.Known], refused: int) -> None:
    """Nothing is left here but sizes and times."""
    found = trees.stubs(films)
    blocks = Counter(blocks for name, (blocks, _, _) in found.items() if name != b"unreadable")
    assert blocks == {0: len(known) - refused}
    assert {name: (size, mtime) for name, (_, size, mtime) in found.items()} == {
        name: (one.size, one.mtime_ns) for name, one in known.items()
    }
    for name in list(found)[:200]:
        descriptor = os.open(os.path.join(os.fsencode(films), name), os.O_RDONLY)
        try:
            if name != b"unreadable" and known[name].size:
                with pytest.raises(OSError):
                    os.lseek(descriptor, 0, os.SEEK_DATA)
        finally:
            os.close(descriptor)
