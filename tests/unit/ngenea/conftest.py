"""A site with a space and a target, on each kind of store, and the files in it."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core import clock, db
from app.ngenea import context, here, install, tasks
from app.ngenea.context import Context
from app.ngenea.objects import ObjectStore, open_store, seal_secrets
from app.ngenea.outcomes import Outcome
from app.ngenea.rooted import Root
from models.ngenea.files import Entry, Journal
from models.ngenea.sites import Bucket, ExternalTarget, Site, Space, SpaceSite, TargetSite
from tests.support import buckets
from tests.support.ngenea import make_user
from tests.support.ngenea_jobs import TASKS, make_hall, root_caller


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def begin_work() -> str:
    """The claim of a unit of work that is running."""
    claim = str(uuid.uuid4())
    with db.write():
        db.execute(
            "INSERT INTO core_work"
            " (kind, key, place, payload, state, claim, lease_ts, again, attempts, due_ts, created_ts)"
            " VALUES ('test', ?, '', 'null', 'running', ?, 0, ?, 1, 0, 0)",
            claim,
            claim,
            False,
        )
    return claim


def end_work(claim: str) -> None:
    """The unit is dead or done: nothing holds its claim."""
    with db.write():
        db.execute("DELETE FROM core_work WHERE claim = ?", claim)


def site_row(name: str) -> Site:
    return Site.create(
        name=name,
        label=name,
        shortcode=name,
        color=[0, 0, 0],
        timezone="UTC",
        type="pixstor",
        public_url="",
        am_i_configured=True,
        ready_to_configure=True,
        include=[],
        exclude=[],
        file_batch_size=100,
        file_batch_gb=1,
        enable_auto_file_batch_sizing=False,
        created_ts=clock.now(),
    )


def space_row(name: str, mountpoint: str, *sites: Site) -> Space:
    space = Space.create(
        uuid=str(uuid.uuid4()),
        name=name,
        mountpoint=mountpoint,
        color=[0, 0, 0],
        immutable=False,
        deleting=False,
        created_ts=clock.now(),
    )
    for site in sites:
        SpaceSite.create(space=space, site=site, mountpoint=mountpoint, ready=True)
    return space


def target_row(name: str, space: Space, bucket: Bucket, *sites: Site, **changes: Any) -> ExternalTarget:
    values: dict[str, Any] = {
        "local_file_regex": ".*",
        "delete_on_recall": False,
        "backup_only": False,
        "enabled": True,
        "advanced_settings": {},
        "created_ts": clock.now(),
    }
    target = ExternalTarget.create(name=name, space=space, bucket=bucket, **{**values, **changes})
    for site in sites:
        TargetSite.create(target=target, site=site, ready=True)
    return target


def bucket_row(name: str, kind: str, **changes: Any) -> Bucket:
    values: dict[str, Any] = {
        "label": name,
        "endpoint": "",
        "scheme": "http",
        "region": "us-east-1",
        "ssl_verify": True,
        "migration_target_folder": "",
        "advanced_settings": {},
        "secrets": "",
        "soft_deleting": False,
        "created_ts": clock.now(),
    }
    return Bucket.create(name=name, storage_type=kind, **{**values, **changes})


@dataclass
class World:
    """A site at `folder`, whose space `work` is at /space and goes into `bucket`."""

    folder: Path
    site: Site
    space: Space
    bucket: Bucket
    target: ExternalTarget
    claim: str

    @property
    def root(self) -> Root:
        return Root(self.folder)

    def context(self, **changes: Any) -> Context:
        return Context(**{"site": self.site.pk, "root": self.root, "claim": self.claim, **changes})

    def crash(self) -> None:
        """The unit of work that ran is no more; another takes its place."""
        end_work(self.claim)
        self.claim = begin_work()

    def path(self, name: bytes) -> bytes:
        return os.fsencode(self.folder / "space") + b"/" + name

    def write(self, name: bytes, data: bytes, mtime_ns: int = 1_700_000_000_123_456_789) -> bytes:
        """A file in the space; its path on the site."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.utime(path, ns=(mtime_ns, mtime_ns))
        return b"/space/" + name

    def read(self, name: bytes) -> bytes:
        with open(self.path(name), "rb") as file:
            return file.read()

    def stat(self, name: bytes) -> os.stat_result:
        return os.stat(self.path(name))

    def is_stub(self, name: bytes) -> bool:
        """No block, and SEEK_DATA finds none."""
        descriptor = os.open(self.path(name), os.O_RDONLY)
        try:
            os.lseek(descriptor, 0, os.SEEK_DATA)
            return False
        except OSError:
            return os.fstat(descriptor).st_blocks == 0
        finally:
            os.close(descriptor)

    def run(self, task: str, *paths: bytes, context: Context | None = None, **arguments: Any) -> list[Outcome]:
        assert tasks.faults(task, arguments) == []
        return list(tasks.run(task, context or self.context(), paths, arguments))

    def one(self, task: str, path: bytes, **arguments: Any) -> Outcome:
        (outcome,) = self.run(task, path, **arguments)
        return outcome

    def states(self) -> dict[bytes, str]:
        with db.read():
            return {bytes(entry.path): entry.state for entry in Entry.select()}

    def entry(self, path: bytes) -> Entry:
        with db.read():
            return Entry.get(Entry.path == path)

    def journal(self) -> list[tuple[bytes, str]]:
        with db.read():
            return [(bytes(row.path), row.step) for row in Journal.select()]

    @property
    def store(self) -> ObjectStore:
        return open_store(self.bucket)

    def objects(self) -> list[str]:
        return sorted(one.key for page in self.store.listing("work/") for one in page)

    def content(self, key: str) -> bytes:
        size = self.store.head(key).size
        data = bytearray(size)
        for at, piece in self.store.read(key, size):
            data[at : at + len(piece)] = piece
        return bytes(data)

    def overwrite(self, key: str, data: bytes) -> None:
        """Change an object behind our back, and leave what it says of itself."""
        if self.bucket.storage_type == "FS":
            Path(self.bucket.migration_target_folder, key).write_bytes(data)
        else:
            import obstore

            backend = self.store._backend  # type: ignore[attr-defined]
            attributes = obstore.get(backend, key).attributes
            obstore.put(backend, key, data, attributes=attributes)


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with buckets.s3(tmp_path_factory.mktemp("moto")) as endpoint:
        yield endpoint


def fs_bucket(tmp_path: Path, name: str = "store") -> Bucket:
    made = bucket_row(name, "FS", migration_target_folder=str(tmp_path / name))
    open_store(made).prepare()
    return made


def s3_bucket(endpoint: str) -> Bucket:
    place = buckets.s3_bucket(endpoint)
    host, _, port = endpoint.partition("://")[2].partition(":")
    sealed = seal_secrets({"access_key_id": "A" * 20, "secret_access_key": "s" * 40})
    return bucket_row(place.name, "S3", endpoint=host, port=int(port), secrets=sealed)


def make_world(tmp_path: Path, bucket: Bucket) -> World:
    folder = tmp_path / "site"
    (folder / "space").mkdir(parents=True)
    site = site_row("here")
    space = space_row("work", "/space", site)
    target = target_row("target", space, bucket, site)
    return World(folder, site, space, bucket, target, "")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that others are at work on, and buckets that are away, are tried once: nothing changes while one waits."""
    monkeypatch.setattr(tasks, "PAUSES", (0,))
    monkeypatch.setattr(context, "PATIENCE", 0)


@pytest.fixture(params=["FS", "S3"])
def world(database: Any, tmp_path: Path, request: pytest.FixtureRequest) -> World:
    """On each kind of store."""
    endpoint = request.getfixturevalue("s3_endpoint") if request.param == "S3" else ""
    with db.write():
        made = make_world(tmp_path, s3_bucket(endpoint) if endpoint else fs_bucket(tmp_path))
    made.claim = begin_work()
    return made


@pytest.fixture
def fs(database: Any, tmp_path: Path) -> World:
    """On a folder alone."""
    with db.write():
        made = make_world(tmp_path, fs_bucket(tmp_path))
    made.claim = begin_work()
    return made


@pytest.fixture
def hall(database, tmp_path, monkeypatch):
    """The site `london` with the space `film`, whose work this process does, and tasks for tests."""
    install.ensure()
    monkeypatch.setattr(tasks, "TASKS", {**tasks.TASKS, **TASKS})
    yield make_hall(tmp_path / "site")
    here.forget()


@pytest.fixture
def me(hall):
    """A superuser as a caller."""
    return root_caller(make_user("root", might=True))
