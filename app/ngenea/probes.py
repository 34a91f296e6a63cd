"""Whether a site reaches the bucket of a target: tried by a settings task, there (ngenea 4)."""

from datetime import datetime
from typing import Any

from app.core import clock, db
from app.core.secrets import SecretError
from app.ngenea import here, settings_tasks
from app.ngenea.objects import StoreError, open_store
from app.ngenea.targets import MIXED, Plan
from models.ngenea.files import Entry
from models.ngenea.sites import Bucket, ExternalTarget, TargetSite

TYPE = "check_target"


def queue(target: Any, site: int) -> None:
    """Have a target's bucket tried from a site; until then the target is not ready there. In a write unit."""
    request = {"external_target": target.pk, "name": target.name, "bucket": target.bucket_id}
    task_id = settings_tasks.queue(site, TYPE, f"Try the bucket of the target {target.name}", request)
    where = (TargetSite.target == target.pk, TargetSite.site == site)
    TargetSite.update(ready=False, task_id=task_id).where(*where).execute()


def queue_all(bucket: int) -> None:
    """Have a bucket tried from each site of each of its targets. In a write unit."""
    rows: Any = TargetSite.select(TargetSite, ExternalTarget).join(ExternalTarget)
    for row in rows.where(ExternalTarget.bucket == bucket).order_by(TargetSite.pk):
        queue(row.target, row.site_id)


def try_out(bucket: Any, claim: str = "", *, make: bool = False) -> datetime:
    """Write a small object, read it back and delete it; the store's clock. A bucket that nothing is in is prepared.

    `make`: it may be made. Raises StoreError, SecretError.
    """
    with db.read():
        used = Entry.select().join(ExternalTarget).where(ExternalTarget.bucket == bucket).exists()
    store = open_store(bucket, claim)
    if not used:
        store.prepare(wholly=make)
    return store.probe()


@settings_tasks.tasktype(TYPE)
def probe(order: settings_tasks.Order) -> dict[str, Any]:
    """Try a target's bucket out; it is ready then."""
    where = (TargetSite.target == order.request["external_target"], TargetSite.site == order.site)
    with db.read():
        rows: Any = Bucket.select().join(ExternalTarget).join(TargetSite).where(*where)
        bucket = rows.first()
    if bucket is None:
        raise settings_tasks.Impossible("the target is not for this site any more")
    if mixed := Plan(order.site, here.folder(order.site)).mixed_with(bucket):
        raise settings_tasks.Impossible(MIXED.format(mixed))
    try:
        moment = try_out(bucket, order.claim, make=True)
    except StoreError as exc:
        raise OSError(str(exc)) from exc
    except SecretError as exc:
        raise settings_tasks.Impossible(str(exc)) from exc
    with db.write():
        TargetSite.update(ready=True).where(*where, TargetSite.task_id == order.task_id).execute()
    return {"bucket": bucket.name, "clock": clock.rfc3339(moment)}
