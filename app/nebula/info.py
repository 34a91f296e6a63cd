"""What the workers of a device group are told: read by each of them every half minute (nebula 5, 9).

The body is kept for each group, with the revision of the group that it was made from. One row is read for each
request, so that a change shows at once in every process.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256
from threading import Lock
from typing import Any, Final

import orjson

from app.core import db
from app.core.errors import Forbidden
from app.nebula.definitions import APPS, CRON_JOBS, Document, Kind

MAX_GROUPS: Final = 1024

REVISION: Final = "SELECT pk, revision, number, prune_id FROM nebula_device_group WHERE name = ?"
MEMBERS: Final = (
    "SELECT d.number, d.name, d.document FROM nebula_device_group_member m JOIN {table} d ON d.name = m.name"
    " WHERE m.group_id = ? AND m.kind = ? ORDER BY m.position"
)


@dataclass(slots=True)
class Info:
    """A body with its entity tag. `ids` are those that a worker compares, `ids_digest` a hash of them."""

    version: tuple[int, int]
    body: bytes
    etag: str
    ids: Document
    ids_digest: str
    used: float


_keep = 10.0
_kept: OrderedDict[str, Info] = OrderedDict()
_lock = Lock()


def configure(seconds: float) -> None:
    """Keep a body for so long after it was asked for last; 0: not at all."""
    global _keep
    _keep = seconds
    forget()


def forget() -> None:
    """Keep nothing (another database was configured)."""
    with _lock:
        _kept.clear()


db.on_configure(forget)


def get(name: str) -> Info:
    """What the workers of a group are told, in a unit of work; raises Forbidden."""
    found = db.row(REVISION, name)
    if found is None:
        raise Forbidden("there is no such device group", body={"device_group_exists": False})
    version, now = (found[0], found[1]), time.monotonic()
    with _lock:
        info = _kept.get(name)
        if info is not None and info.version == version:
            info.used = now
            _kept.move_to_end(name)
            return info
    info = _build(version, found[2], found[3], now)
    with _lock:
        _keep_it(name, info, now)
    return info


def _keep_it(name: str, info: Info, now: float) -> None:
    if _keep:
        _kept[name] = info
        _kept.move_to_end(name)
    while _kept and (len(_kept) > MAX_GROUPS or now - next(iter(_kept.values())).used > _keep):
        _kept.popitem(last=False)


def _build(version: tuple[int, int], number: int, prune_id: int, now: float) -> Info:
    apps, cron_jobs = _members(APPS, version[0]), _members(CRON_JOBS, version[0])
    body = orjson.dumps(
        {
            "apps": apps,
            "apps_list": [app["app_name"] for app in apps],
            "cron_jobs": cron_jobs,
            "cron_jobs_list": [job["cron_job_name"] for job in cron_jobs],
            "prune_id": prune_id,
            "device_group_id": number,
        }
    )
    ids = {
        "device_group_id": number,
        "prune_id": prune_id,
        "apps": {app["app_name"]: app["app_id"] for app in apps},
        "cron_jobs": {job["cron_job_name"]: job["cron_job_id"] for job in cron_jobs},
    }
    return Info(version, body, f'"{sha256(body).hexdigest()[:32]}"', ids, digest(ids), now)


def _members(kind: Kind, group: int) -> list[Document]:
    statement = MEMBERS.format(table=kind.model._meta.table_name)
    return [
        {kind.number: number, kind.name: name, **orjson.loads(document)}
        for number, name, document in db.rows(statement, group, kind.member)
    ]


def digest(ids: Any) -> str:
    """A hash of ids, the same whatever order they are in."""
    return sha256(orjson.dumps(ids, option=orjson.OPT_SORT_KEYS)).hexdigest()
