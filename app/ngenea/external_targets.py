"""External targets: which files of a space go into which bucket, and from which sites (ngenea 1, 4)."""

from collections import defaultdict
from typing import Any, Final

import peewee
import re2

from app.core import clock, db
from app.core.calls import Caller, Request
from app.ngenea import buckets, pages, probes, rights, settings_tasks
from app.ngenea.faults import Faults, refuse, refuse_one
from models.ngenea.files import Entry
from models.ngenea.sites import Bucket, ExternalTarget, Space, SpaceSite, TargetSite

Document = dict[str, Any]
DEFAULTS: Final[Document] = {
    "delete_on_recall": False,
    "backup_only": False,
    "backup_site": None,
    "enabled": True,
    "advanced_settings": {},
}
FIELDS: Final = ("name", "local_file_regex", *DEFAULTS)
QUIET: Final = re2.Options()
QUIET.log_errors = False


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None, bucket: str | None) -> Any:
    """A page of the targets that a caller may know of, of a bucket where one is named."""
    query = ExternalTarget.select(ExternalTarget, Space).join(Space).where(rights.visible(caller, ExternalTarget))
    if bucket:
        query = query.where(ExternalTarget.bucket.in_(Bucket.select(Bucket.pk).where(Bucket.name == bucket)))
    return pages.page(request, query, page, page_size, describe)


def describe(targets: list[Any]) -> list[Document]:
    """Targets as they are read, with space and bucket."""
    rows = list(Bucket.select().where(Bucket.pk.in_({target.bucket_id for target in targets})))
    shown = {one["id"]: one for one in buckets.describe(rows)}
    sites: dict[int, list[Any]] = defaultdict(list)
    at: Any = TargetSite.select().where(TargetSite.target.in_([target.pk for target in targets]))
    for row in at.order_by(TargetSite.site):
        sites[row.target_id].append(row)
    spaces: dict[int, list[int]] = defaultdict(list)
    on: Any = SpaceSite.select().where(SpaceSite.space.in_({target.space_id for target in targets}))
    for row in on.order_by(SpaceSite.site):
        spaces[row.space_id].append(row.site_id)
    return [
        {
            "id": target.pk,
            "endpoint_name": target.name,
            **{name: getattr(target, name) for name in FIELDS if name != "backup_site"},
            "backup_site": target.backup_site_id,
            "space": {
                "id": target.space.pk,
                "name": target.space.name,
                "mountpoint": target.space.mountpoint,
                "sites": spaces[target.space_id],
            },
            "bucket": shown[target.bucket_id],
            "bucket_instance": target.bucket_id,
            "available_on_sites": [row.site_id for row in sites[target.pk]],
            "is_ready": bool(sites[target.pk]) and all(row.ready for row in sites[target.pk]),
        }
        for target in targets
    ]


def find(number: int) -> Any:
    """The row of a target."""
    return ExternalTarget.select(ExternalTarget, Space).join(Space).where(ExternalTarget.pk == number).get()


def create(caller: Caller, body: Document) -> Any:
    """The row of a new target; its bucket is tried from each of its sites by a settings task."""
    faults: Faults = []
    space, bucket = _space(caller, body["space"], faults), _bucket(caller, body["bucket_instance"], faults)
    values = {**DEFAULTS, **{name: body[name] for name in FIELDS if name in body}}
    refuse(faults + _faults(values))
    present = _sites_of(space)
    sites = list(dict.fromkeys(body.get("available_on_sites", present)))
    refuse(_site_faults(values, sites, present))
    try:
        with db.savepoint():
            target = ExternalTarget.create(**values, space=space, bucket=bucket, created_ts=clock.now())
    except peewee.IntegrityError:
        raise _taken() from None
    _join(target, sites)
    return find(target.pk)


def _taken() -> Exception:
    return refuse_one("/name", "There is a target with this name already.")


def _space(caller: Caller, wanted: Any, faults: Faults) -> int:
    """The number of a space that a caller may know of, by its name, its number, or name and mount point."""
    query = Space.select(Space.pk).where(rights.visible(caller, Space))
    if isinstance(wanted, int):
        query = query.where(Space.pk == wanted)
    elif isinstance(wanted, str):
        query = query.where(Space.name == wanted)
    else:
        query = query.where(Space.name == wanted["name"])
        if "mountpoint" in wanted:
            query = query.where(Space.mountpoint == (wanted["mountpoint"].rstrip("/") or "/"))
    space = query.first()
    if space is None:
        faults.append(("/space", "There is no such space."))
    return 0 if space is None else int(space.pk)


def _bucket(caller: Caller, number: int, faults: Faults) -> int:
    found = Bucket.select(Bucket.pk).where(Bucket.pk == number, rights.visible(caller, Bucket))
    if not db.for_update(found).exists():
        faults.append(("/bucket_instance", "There is no such bucket."))
    return number


def _faults(values: Document) -> Faults:
    try:
        re2.compile(values.get("local_file_regex", ""), QUIET)
    except re2.error as exc:
        said = exc.args[0].decode("utf-8", "replace") if isinstance(exc.args[0], bytes) else str(exc)
        return [("/local_file_regex", f"This is no regular expression: {said}.")]
    return []


def _sites_of(space: int) -> list[int]:
    rows: Any = SpaceSite.select().where(SpaceSite.space == space).order_by(SpaceSite.site)
    return [row.site_id for row in rows]


def _site_faults(values: Document, sites: list[int], present: list[int]) -> Faults:
    strangers = [at for at, site in enumerate(sites) if site not in present]
    found: Faults = [(f"/available_on_sites/{at}", "The space is not on such a site.") for at in strangers]
    if not sites:
        found.append(("/available_on_sites", "A target is for one site at least."))
    if values["backup_site"] is None and values["backup_only"]:
        found.append(("/backup_site", "A target for backups needs the site they are of."))
    if values["backup_site"] is not None and values["backup_site"] not in sites:
        found.append(("/backup_site", "The target is not for such a site."))
    return found


def _join(target: Any, sites: list[int]) -> None:
    for site in sites:
        TargetSite.create(target=target.pk, site=site, ready=False)
        probes.queue(target, site)


def update(caller: Caller, number: int, body: Document) -> Any:
    """The row of a target after a change; what is not given stays. Raises BadRequest."""
    target = db.for_update(ExternalTarget.select().where(ExternalTarget.pk == number)).get()
    faults: Faults = []
    if "space" in body and _space(caller, body["space"], faults) != target.space_id and not faults:
        faults.append(("/space", "A target stays with its space."))
    bucket = body.get("bucket_instance", target.bucket_id)
    if bucket != target.bucket_id:
        _bucket(caller, bucket, faults)
        if _is_used(number):
            faults.append(("/bucket_instance", "Data of files is in the target's bucket."))
    old = {name: getattr(target, name) for name in FIELDS} | {"backup_site": target.backup_site_id}
    changes = {name: body[name] for name in FIELDS if name in body}
    rows: Any = TargetSite.select().where(TargetSite.target == number).order_by(TargetSite.site)
    present = {row.site_id: row for row in rows}
    sites = list(dict.fromkeys(body.get("available_on_sites", list(present))))
    refuse(faults + _faults(changes) + _site_faults(old | changes, sites, _sites_of(target.space_id)))
    try:
        with db.savepoint():
            ExternalTarget.update(**changes, bucket=bucket).where(ExternalTarget.pk == number).execute()
    except peewee.IntegrityError:
        raise _taken() from None
    _replace(number, present, sites, anew=bucket != target.bucket_id)
    return find(number)


def _replace(number: int, present: dict[int, Any], sites: list[int], *, anew: bool) -> None:
    """Have a target for these sites; where the bucket was not reached, or `anew`, it is tried again."""
    target = find(number)
    for site in present.keys() - set(sites):
        if Entry.select().where(Entry.target == number, Entry.site == site).exists():
            raise refuse_one("/available_on_sites", "Data of files of a site that is left out is there.")
        TargetSite.delete().where(TargetSite.target == number, TargetSite.site == site).execute()
    _join(target, [site for site in sites if site not in present])
    for site in sites:
        failed = site in present and not present[site].ready and not settings_tasks.is_open(present[site].task_id)
        if failed or (anew and site in present):
            probes.queue(target, site)


def _is_used(number: int) -> bool:
    return bool(Entry.select().where(Entry.target == number).exists())


def delete(number: int) -> None:
    """Delete a target; raises BadRequest while data of files is there."""
    if _is_used(number):
        raise refuse_one("", "Data of files is there.")
    try:
        with db.savepoint():
            ExternalTarget.delete().where(ExternalTarget.pk == number).execute()
            rights.forget(ExternalTarget, number)
    except peewee.IntegrityError:
        raise refuse_one("", "Data of files is there.") from None
