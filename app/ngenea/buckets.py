"""Buckets: stores outside of all sites, and how to get in (ngenea 1, 4, 8)."""

import re
from collections import defaultdict
from typing import Any, Final

import peewee

from app.core import clock, db
from app.core.calls import Caller, Request
from app.core.errors import Forbidden
from app.core.secrets import SecretError
from app.ngenea import pages, probes, questions, rights
from app.ngenea.endpoints import address, scheme_of
from app.ngenea.faults import Faults, refuse, refuse_one
from app.ngenea.objects import StoreError, seal_secrets, unseal_secrets
from models.ngenea.files import Entry, Journal
from models.ngenea.sites import Bucket, ExternalTarget, Site

Document = dict[str, Any]
FOLDER: Final = "FS"
MASK: Final = "********"
SECRETS: Final = ("access_key_id", "secret_access_key")
DEFAULTS: Final[Document] = {
    "label": "",
    "endpoint": "",
    "port": None,
    "scheme": "https",
    "region": "",
    "ssl_verify": True,
    "migration_target_folder": "",
    "advanced_settings": {},
}
FIELDS: Final = ("name", "storage_type", *DEFAULTS)
# Where a bucket is may be any host, also one that only this server reaches (ngenea 8).
PLACE: Final = frozenset({"endpoint", "port", "scheme", "migration_target_folder"})
ELSEWHERE: Final = "Only who may add buckets says where they are."
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{2,254}")  # of a bucket of S3


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the buckets that a caller may know of."""
    query = Bucket.select().where(rights.visible(caller, Bucket))
    return pages.page(request, query, page, page_size, describe)


def describe(buckets: list[Any]) -> list[Document]:
    """Buckets as they are read: of a secret no more than that there is one."""
    targets: dict[int, list[int]] = defaultdict(list)
    rows: Any = ExternalTarget.select(ExternalTarget.pk, ExternalTarget.bucket)
    for row in rows.where(ExternalTarget.bucket.in_([bucket.pk for bucket in buckets])).order_by(ExternalTarget.pk):
        targets[row.bucket_id].append(row.pk)
    return [
        {
            "id": bucket.pk,
            **{name: getattr(bucket, name) for name in FIELDS},
            **dict.fromkeys(SECRETS, MASK if bucket.secrets else None),
            "external_targets": targets[bucket.pk],
            "soft_deleting": bucket.soft_deleting,
        }
        for bucket in buckets
    ]


def create(body: Document) -> Any:
    """The row of a new bucket."""
    values = {**DEFAULTS, **_implied(body), **{name: body[name] for name in FIELDS if name in body}}
    secrets = _secrets({}, body)
    refuse(_faults(values, secrets))
    try:
        with db.savepoint():
            return Bucket.create(
                **values,
                secrets=seal_secrets(secrets) if secrets else "",
                soft_deleting=False,
                created_ts=clock.now(),
            )
    except peewee.IntegrityError:
        raise _taken() from None


def _taken() -> Exception:
    return refuse_one("/name", "There is a bucket with this name already.")


def _implied(body: Document) -> Document:
    """The scheme, where the endpoint names it."""
    scheme = scheme_of(body.get("endpoint", ""))
    return {"scheme": scheme} if scheme else {}


def _secrets(known: dict[str, str], body: Document) -> dict[str, str]:
    """The credentials there are with those of a body, where one that is given as it is shown stays."""
    given: dict[str, str] = {name: body[name] or "" for name in SECRETS if name in body and body[name] != MASK}
    return {name: value for name, value in (known | given).items() if value}


def _faults(values: Document, secrets: dict[str, str]) -> Faults:
    if values["storage_type"] == FOLDER:
        folder = values["migration_target_folder"]
        found = [(f"/{name}", "A folder needs no key.") for name in secrets]
        if not folder.startswith("/") or ".." in folder.split("/"):
            found.append(("/migration_target_folder", "This is no absolute path, which a folder needs."))
        return found
    found = [(f"/{name}", "This is needed for a bucket of this type.") for name in SECRETS if name not in secrets]
    if not NAME.fullmatch(values["name"]):
        found.append(("/name", "No bucket of this type can have such a name."))
    if values["endpoint"]:
        try:
            address(values["scheme"], values["endpoint"], values["port"])
        except ValueError as exc:
            found.append(("/endpoint", str(exc)))
    if values["migration_target_folder"]:
        found.append(("/migration_target_folder", "Only a bucket of type FS is a folder."))
    return found


def update(caller: Caller, number: int, body: Document) -> Any:
    """The row of a bucket after a change; what is not given stays. Its targets are tried anew from their sites.

    Raises Forbidden where who may not add buckets would have it in another place.
    """
    bucket = db.for_update(Bucket.select().where(Bucket.pk == number)).get()
    if body.get("storage_type", bucket.storage_type) != bucket.storage_type:
        raise refuse_one("/storage_type", "A bucket stays of its type.")
    known = unseal_secrets(bucket.secrets)
    secrets = _secrets(known, body)
    given = {**_implied(body), **body}
    changes = {name: given[name] for name in FIELDS if name in given and given[name] != getattr(bucket, name)}
    if changes.keys() & PLACE and not rights.may(caller, "add", Bucket):
        raise Forbidden(ELSEWHERE)
    refuse(_faults({name: getattr(bucket, name) for name in FIELDS} | changes, secrets))
    if "name" in changes and bucket.storage_type != FOLDER and _is_used(number):
        raise refuse_one("/name", "Data of files is in the bucket of this name.")
    if secrets != known:
        changes["secrets"] = seal_secrets(secrets) if secrets else ""
    if changes:
        try:
            with db.savepoint():
                Bucket.update(**changes).where(Bucket.pk == number).execute()
        except peewee.IntegrityError:
            raise _taken() from None
    if changes.keys() - {"label"}:
        probes.queue_all(number)
    return Bucket.get_by_id(number)


def _is_used(number: int) -> bool:
    """Whether data of files is in a bucket, or on its way."""
    targets = ExternalTarget.select(ExternalTarget.pk).where(ExternalTarget.bucket == number)
    if Journal.select().where(Journal.bucket == number).exists():
        return True
    return bool(Entry.select().where(Entry.target.in_(targets)).exists())


def delete(number: int) -> None:
    """Forget a bucket, what is in it stays; raises BadRequest while targets refer to it."""
    bucket = db.for_update(Bucket.select().where(Bucket.pk == number)).get()
    target = ExternalTarget.get_or_none(ExternalTarget.bucket == number)
    if target is not None:
        raise refuse_one("", f"The target {target.name} refers to it.")
    try:
        with db.savepoint():
            bucket.delete_instance()
    except peewee.IntegrityError:
        raise refuse_one("", "Something refers to it.") from None
    rights.forget_gone(Bucket)


def check(caller: Caller, number: int, site_name: str | None) -> Document:
    """Try a bucket, from the hub or a site: {ok, message}. Opens its own units. Raises BadRequest, GatewayTimeout."""
    with db.read():
        bucket = Bucket.get_by_id(number)
        site = Site.get_or_none(Site.name == (site_name or ""), rights.visible(caller, Site))
    if site_name is not None and site is None:
        raise refuse_one("/site", "There is no such site.")
    if site is not None:
        return questions.ask_one(site, {"kind": questions.CHECK, "bucket": number}, CHECK_SECONDS)
    if bucket.storage_type == FOLDER:
        raise refuse_one("/site", "A folder is on the hosts of sites: name one.")
    with questions.seat(questions.CHECK):
        return _try(bucket)


CHECK_SECONDS: Final = 45.0


@questions.answers(questions.CHECK)
def _answer(_: int, question: Document) -> Document:
    with db.read():
        bucket = Bucket.get_or_none(Bucket.pk == question["bucket"])
    return {"ok": False, "message": "there is no such bucket any more"} if bucket is None else _try(bucket)


def _try(bucket: Any) -> Document:
    try:
        probes.try_out(bucket)
    except (StoreError, SecretError) as exc:
        return {"ok": False, "message": str(exc)}
    return {"ok": True, "message": "written, read back and deleted"}
