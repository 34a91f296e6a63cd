"""Workers of sites die or hang at any moment and the bucket is away for a while: no byte is lost (ngenea 5, 7).

Three deaths here, thirty in `make full`. FLOTILLA_CHAOS_SEED sets another seed.
"""

import os
import random
import signal
import time
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

from tests.crash.site import KINDS, end_leases
from tests.support import buckets, trees
from tests.support.hub import S3_KEYS, Installation

FILES = 600
DEATHS = 30 if os.environ.get("FLOTILLA_FULL") else 3
# The fifth file, or the first batch.
HANGS = [("migrate", "ngenea.punching stop@5"), ("recall", "ngenea.recalling stop@5")]
if os.environ.get("FLOTILLA_FULL"):
    HANGS += [
        ("migrate", f"ngenea.{step}") for step in ("journal stop", "uploaded stop", "punched stop@5", "batch stop")
    ]
ENDED_LEASE = "the lease of a worker has ended"
SEED = int(os.environ.get("FLOTILLA_CHAOS_SEED", "20261129"))


@pytest.fixture(params=KINDS)
def hub(request, tmp_path, cluster):
    url = cluster.create(f"chaos_{uuid4().hex}") if request.param == "postgres" else None
    started = Installation.start(tmp_path, url, CHECK_ANSWERS="false", FAILPOINTS=str(tmp_path / "failpoints"))
    yield started
    started.stop()


def finish(hub, number, chance, deaths):
    """Have the worker die so often while a job is at work; the job as it is at its end."""
    died = 0
    while died < deaths:
        time.sleep(chance.uniform(0.05, 1.5))
        hub.kill("berlin")
        died += 1
        hub.work("berlin")
    return hub.ended(number, 600)


@pytest.mark.long
@pytest.mark.rule("ngenea 5")
def test_workers_die_and_every_byte_comes_back(hub):
    """Each job ends, files are stubs or whole, and what nobody needs is removed."""
    chance = random.Random(SEED)
    hub.site("berlin")
    films = hub.space("films", "berlin")
    vault = hub.folder / "vault"
    vault.mkdir()
    hub.target("films", name="vault", storage_type="FS", migration_target_folder=str(vault))
    trees.build(films, FILES, seed=SEED)
    known = trees.know(films)
    for workflow in ("migrate", "recall", "migrate", "recall"):
        job = finish(hub, hub.submit(workflow, "berlin", "/films"), chance, max(1, DEATHS // 3))
        assert job["state"] == "SUCCESS", hub.hub.get(f"/jobs/{job['id']}/files/", category="failed")
        assert job["processed"] + job["skipped"] == job["discovered"]
        if workflow == "migrate":
            assert {blocks for blocks, _, _ in trees.stubs(films).values()} == {0}
            assert {(name, size, mtime) for name, (_, size, mtime) in trees.stubs(films).items()} == {
                (name, one.size, one.mtime_ns) for name, one in known.items()
            }
        else:
            assert trees.know(films) == known
    done = hub.server.command(
        "ngenea-reconcile", "--site", "berlin", "--root", str(hub.roots["berlin"]), "--older-than", "0"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    inodes = {(films / os.fsdecode(name)).stat().st_ino for name in known}
    objects = [path for path in vault.rglob("*") if path.is_file()]
    assert len(objects) == 2 * len(inodes), "each with what is said of it, and no orphan"


@contextmanager
def hung_at(hub, order):
    """What is submitted in here has its worker hang at a failpoint, until another one has been given its work.

    It has one thread: another might have SQLite's lock at that moment, and nobody could write.
    """
    orders, hung = hub.folder / "failpoints", hub.workers["berlin"]
    swept = hub.server.log.read_text().count(ENDED_LEASE)
    orders.write_text(f"{order}\n")
    hit = orders.with_name("failpoints.hit")
    hit.touch()
    try:
        yield
        hub.wait(lambda: f"{order.partition('@')[0]} {hung.pid}\n" in hit.read_text())
        orders.unlink()
        end_leases(hub.folder / "data", hub.server.environment.get("FLOTILLA_DATABASE_URL"))
        hub.work("berlin", 1)
        hub.wait(lambda: hub.server.log.read_text().count(ENDED_LEASE) > swept)
        time.sleep(2)
        hung.send_signal(signal.SIGTERM)
        hung.send_signal(signal.SIGCONT)
        assert hung.wait(60) == 0
    finally:
        hung.kill()


@pytest.mark.long
@pytest.mark.rule("ngenea 5")
def test_a_worker_that_hung_longer_than_its_lease_does_no_harm(hub):
    """Others get its work and wait for the files that it has open; when it wakes it finds that nothing is its own."""
    hub.site("berlin")
    films = hub.space("films", "berlin")
    vault = hub.folder / "vault"
    vault.mkdir()
    hub.target("films", name="vault", storage_type="FS", migration_target_folder=str(vault))
    trees.build(films, 200, seed=SEED)
    hub.kill("berlin")
    hub.work("berlin", 1)
    known = trees.know(films)
    for workflow, order in HANGS:
        if workflow == "recall":
            assert hub.run("migrate", "berlin", "/films")["state"] == "SUCCESS"
        with hung_at(hub, order):
            number = hub.submit(workflow, "berlin", "/films")
        assert hub.ended(number, 600)["state"] == "SUCCESS"
        if workflow == "migrate":
            assert {blocks for blocks, _, _ in trees.stubs(films).values()} == {0}
            assert hub.run("recall", "berlin", "/films")["state"] == "SUCCESS"
        assert trees.know(films) == known


@pytest.mark.long
@pytest.mark.rule("ngenea 8")
def test_a_bucket_that_is_away_costs_time_and_no_bytes(hub, tmp_path):
    """Jobs end with what failed and why, within a minute of the last try; afterwards all goes on."""
    hub.site("berlin")
    films = hub.space("films", "berlin")
    folder = tmp_path / "s3"
    folder.mkdir()
    with buckets.s3(folder) as endpoint:
        address, place = httpx.URL(endpoint), buckets.s3_bucket(endpoint)
        bucket = {"storage_type": "S3", "endpoint": address.host, "port": address.port, "scheme": "http"}
        hub.target("films", name=place.name, region="us-east-1", **bucket, **S3_KEYS)
        trees.build(films, 60, seed=SEED)
        known = trees.know(films)
    # The same address, and nobody there.
    away = hub.run("migrate", "berlin", "/films")
    assert (away["state"], away["processed"], away["failed"]) == ("ERROR", 0, len(known))
    assert trees.know(films) == known
    failed = hub.hub.get(f"/jobs/{away['id']}/files/", category="failed")["results"]
    assert all("\n" not in one["message"] and one["message"] for one in failed)
    with buckets.s3(folder, port=address.port) as endpoint:
        httpx.put(f"{endpoint}/{place.name}").raise_for_status()
        assert hub.run("migrate", "berlin", "/films")["state"] == "SUCCESS"
        assert {blocks for blocks, _, _ in trees.stubs(films).values()} == {0}
        assert hub.run("recall", "berlin", "/films")["state"] == "SUCCESS"
        assert trees.know(films) == known
