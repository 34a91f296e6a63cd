"""Workers of Ngenea's sites, in the process of a test."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.core import db
from app.ngenea.worker import SiteWorker
from models.ngenea.users import Group, Membership, User
from tests.support.buckets import CREDENTIALS, s3_bucket
from tests.support.ngenea import Hub
from tests.support.waiting import eventually


@dataclass(frozen=True)
class Place:
    """A site with a worker: its files are beneath `folder`."""

    name: str
    number: int
    folder: Path


@contextmanager
def site_worker(name: str, root: Path, node: str = "node-1", **queues: int) -> Iterator[SiteWorker]:
    """A worker of a site that is there; `queues` are threads by name, `default` with 2 where none is given."""
    root.mkdir(parents=True, exist_ok=True)
    worker = SiteWorker(name, root, queues or {"default": 2}, node)
    worker.start()
    try:
        assert worker.wait_ready(20), f"no worker of {name}"
        yield worker
    finally:
        worker.stop()


def make_site(hub: Hub, name: str = "london", **fields: Any) -> int:
    """The number of a new site."""
    return int(hub.post("/sites/", {"name": name, "shortcode": name, **fields})["id"])


def settled(hub: Hub) -> list[dict[str, Any]]:
    """All settings tasks, once each of them is at its end."""

    def ended() -> list[dict[str, Any]] | None:
        tasks = hub.get("/settingstasks/", page_size=0)["results"]
        return tasks if all(task["state"] in ("SUCCESS", "FAILURE") for task in tasks) else None

    found: list[dict[str, Any]] = eventually(ended)
    return found


def join(username: str, group: str) -> None:
    """Put a user into a group; both are there."""
    with db.write():
        member = User.get(User.username == username)
        Membership.create(user=member.pk, group=Group.get(Group.name == group).pk)


def make_space(hub: Hub, name: str = "projects", *sites: str, mountpoint: str = "", **fields: Any) -> int:
    """The number of a new space on sites (`london`), at /NAME where no mount point is given."""
    on = [{"name": site} for site in sites or ("london",)]
    body = {"name": name, "mountpoint": mountpoint or f"/{name}", "sites": on, **fields}
    return int(hub.post("/spaces/", body)["id"])


def s3_body(endpoint: str) -> dict[str, Any]:
    """What names a new bucket of an S3."""
    parts = urlsplit(endpoint)
    return {
        "name": s3_bucket(endpoint).name,
        "storage_type": "S3",
        "endpoint": parts.hostname,
        "port": parts.port,
        "scheme": parts.scheme,
        "region": "us-east-1",
        "access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    }


def fs_body(folder: Path) -> dict[str, Any]:
    """What names a folder as a bucket."""
    folder.mkdir(parents=True, exist_ok=True)
    return {"name": f"folder-{uuid.uuid4().hex[:8]}", "storage_type": "FS", "migration_target_folder": str(folder)}


def make_bucket(hub: Hub, body: dict[str, Any]) -> int:
    """The number of a new bucket."""
    return int(hub.post("/buckets/", body)["id"])


def make_target(hub: Hub, bucket: int, space: Any = "projects", name: str = "archive", **fields: Any) -> int:
    """The number of a new target."""
    body = {"name": name, "space": space, "bucket_instance": bucket, "local_file_regex": ".*", **fields}
    return int(hub.post("/external_targets/", body)["id"])


def ready(hub: Hub, path: str) -> dict[str, Any]:
    """A space or target, once it is ready."""

    def look() -> dict[str, Any] | None:
        found = hub.get(path)
        return found if found["is_ready"] else None

    found: dict[str, Any] = eventually(look)
    return found


def catalogued(site: int, space: int, target: int, path: bytes, state: str = "migrated") -> None:
    """Have the catalogue say that the data of a file is in a target."""
    from models.ngenea.files import Entry

    zero = ("inode", "device", "size", "mtime_ns", "ctime_ns", "mode", "uid", "gid", "head", "updated_ts")
    with db.write():
        Entry.create(
            site=site,
            space=space,
            target=target,
            path=path,
            state=state,
            key="projects/key",
            sha256="0" * 64,
            etag="",
            xattrs={},
            **dict.fromkeys(zero, 0),
        )
