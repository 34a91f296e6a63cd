"""Files of images as they come and go: verified, combined, listed all at once, removed when they are old (vmm 7)."""

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from app.core import clock, db, ids, schedule, storage, work
from app.core.calls import StagedFile
from app.core.errors import BadRequest, Conflict, NotFound, Unavailable
from app.vmm import image_files, simplestreams
from app.vmm.documents import Document, resource
from app.vmm.image_files import META, ROOTS, UNIFIED
from models.vmm.simplestreams import ImageFile, ImageVersion, Product

FOLDER: Final = "vmm/images"
LIFETIME: Final = timedelta(days=7)
ROUNDS: Final = 8  # more than a version can get files while one of them comes


def upload(staged: StagedFile, product_id: str, serial: str) -> Document:
    """Verify a file of a version and keep it; the version is listed as soon as it is complete. Opens its own units.

    The same file again is what is there. Raises NotFound for the product, BadRequest for a serial that is no date,
    Unprocessable for the file, Conflict for one of its kind with another name or content.
    """
    with db.read():
        product = simplestreams.find(product_id)
    _check_date(serial)
    ftype = image_files.ftype_of(staged.filename)
    image_files.check(staged.path, ftype, product.arch)
    with db.read():
        known = _known(product, serial, staged, ftype)
    row = known or _keep(product, serial, staged, ftype)
    return _describe(product, serial, row)


def _check_date(serial: str) -> None:
    try:
        datetime.strptime(serial[:8], "%Y%m%d")  # noqa: DTZ007
    except ValueError:
        words = "product version serial does not begin with a date"
        raise BadRequest(words, errors=[("/payload/product_version_serial", words)]) from None


def _known(product: Any, serial: str, staged: StagedFile, ftype: str) -> Any:
    """The row of the same file, None where there is none of its kind; raises Conflict for another one."""
    row = _files(product, serial).where(ImageFile.ftype == ftype).first()
    if row is not None and (row.name, row.sha256) != (staged.filename, staged.sha256):
        words = "the version has another file of this kind"
        raise Conflict(words, errors=[("/file", words)])
    return row


def _files(product: Any, serial: str) -> Any:
    rows = ImageFile.select().join(ImageVersion)
    return rows.where(ImageVersion.product == product.pk, ImageVersion.serial == serial)


def _keep(product: Any, serial: str, staged: StagedFile, ftype: str) -> Any:
    """Move a file to its place, and list it with what it is combined with."""
    key = f"{FOLDER}/{ids.uuid()}"
    storage.adopt(staged.path, key, filename=staged.filename)
    row: Any = None
    try:
        row = _list(product, serial, staged, ftype, key)
    finally:
        if row is None or row.object_key != key:
            _withdraw(key)
    return row


def _withdraw(key: str) -> None:
    """Remove the object of a row that was not written; where that is not certain it stays for `reconcile`."""
    with contextlib.suppress(Exception):
        with db.read():
            written = ImageFile.select().where(ImageFile.object_key == key).exists()
        if not written:
            storage.delete(key)


def _list(product: Any, serial: str, staged: StagedFile, ftype: str, key: str) -> Any:
    """The row of a file; it and the fingerprints that it completes are written at once.

    Hashing takes long, so it is done before, outside of the write unit. What came or went meanwhile is seen there, and
    then it begins again.
    """
    hashes: dict[int, str] = {}
    for _ in range(ROUNDS):
        with db.read():
            others = _counterparts(product, serial, ftype)
        with contextlib.suppress(NotFound):  # removed meanwhile
            for other in others:
                hashes[other.pk] = hashes.get(other.pk) or _combined(other, ftype, key)
        with db.write():
            row = _insert(product, serial, staged, ftype, key, hashes)
        if row is not None:
            return row
    raise Unavailable("the version changes too often", headers={"Retry-After": "1"})


def _counterparts(product: Any, serial: str, ftype: str) -> list[Any]:
    """What a file is an image together with: metadata with each root, a root with the metadata."""
    if ftype == META:
        return list(_files(product, serial).where(ImageFile.ftype.in_(ROOTS)))
    return list(_files(product, serial).where(ImageFile.ftype == META)) if ftype in ROOTS else []


def _combined(other: Any, ftype: str, key: str) -> str:
    """The fingerprint of an image: SHA-256 of the metadata and then the root. Raises NotFound."""
    db.outside("hashing an image")
    digest = sha256()
    for part in (key, other.object_key) if ftype == META else (other.object_key, key):
        for chunk in storage.reader(part)(0, storage.size(part)):
            digest.update(chunk)
    return digest.hexdigest()


def _insert(product: Any, serial: str, staged: StagedFile, ftype: str, key: str, hashes: dict[int, str]) -> Any:
    """The row of a file, new or known; None where a counterpart was not hashed yet. Raises Conflict."""
    _lock(product.pk)
    known = _known(product, serial, staged, ftype)
    if known is not None:
        return known
    others = _counterparts(product, serial, ftype)
    if any(other.pk not in hashes for other in others):
        return None
    now = clock.now()
    row = ImageFile.create(
        version=_version(product, serial, now),
        name=staged.filename,
        ftype=ftype,
        size=staged.size,
        sha256=staged.sha256,
        combined_sha256=hashes[others[0].pk] if ftype in ROOTS and others else None,
        object_key=key,
        created_ts=now,
    )
    for other in others if ftype == META else []:
        ImageFile.update(combined_sha256=hashes[other.pk]).where(ImageFile.pk == other.pk).execute()
    if others or ftype == UNIFIED:
        Product.update(changed_ts=now).where(Product.pk == product.pk).execute()
    return row


def _lock(product: int) -> None:
    """What comes to the versions of a product and what goes wait for one another."""
    db.for_update(Product.select().where(Product.pk == product)).get()


def _version(product: Any, serial: str, now: datetime) -> int:
    row = ImageVersion.get_or_none(ImageVersion.product == product.pk, ImageVersion.serial == serial)
    if row is None:
        return int(ImageVersion.create(product=product.pk, serial=serial, changed_ts=now).pk)
    ImageVersion.update(changed_ts=now).where(ImageVersion.pk == row.pk).execute()
    return int(row.pk)


def _describe(product: Any, serial: str, row: Any) -> Document:
    with db.read():
        files = list(_files(product, serial))
    attributes = {
        "response": True,
        "product_id": product.product_id,
        "product_version_serial": serial,
        "file": row.name,
        "ftype": row.ftype,
        "size": row.size,
        "sha256": row.sha256,
        "listed": row.pk in {file.pk for file in simplestreams.listed_files(files)},
    }
    return resource(simplestreams.KIND, product.product_id, attributes)


@schedule.scheduled("vmm.remove_old_images", "23 */6 * * *")
def remove_old(_: work.Unit) -> None:
    """Remove versions that got no file for a week, but for the newest complete one of each product."""
    before = clock.now() - LIFETIME
    with db.read():
        products = [
            number
            for (number,) in db.rows(
                "SELECT DISTINCT product_id FROM vmm_image_version WHERE changed_ts < ?", clock.micros(before)
            )
        ]
    for product in products:
        with db.write():
            _remove_old(product, before)


def _remove_old(product: int, before: datetime) -> None:
    _lock(product)
    versions = list(ImageVersion.select().where(ImageVersion.product == product).order_by(ImageVersion.serial))
    files = {version.pk: list(ImageFile.select().where(ImageFile.version == version.pk)) for version in versions}
    complete = [version.pk for version in versions if simplestreams.listed_files(files[version.pk])]
    old = [version for version in versions if version.changed_ts < before and version.pk not in complete[-1:]]
    for version in old:
        version.delete_instance()
        for file in files[version.pk]:
            work.enqueue("vmm.remove_image_file", file.object_key)
    if any(version.pk in complete for version in old):
        Product.update(changed_ts=clock.now()).where(Product.pk == product).execute()


@work.kind("vmm.remove_image_file")
def remove_file(unit: work.Unit) -> None:
    """Remove a file (`unit.key`) that no row names any more."""
    storage.delete(unit.key)


@schedule.scheduled("vmm.reconcile_images", "29 * * * *")
def reconcile_files(_: work.Unit) -> None:
    """Each hour, remove the files that a crash has left between file and row."""
    reconcile()


def reconcile() -> Sequence[str]:
    """Remove files that no image has. Opens its own unit; gives the keys."""
    with db.read():
        known = [key for (key,) in db.rows("SELECT object_key FROM vmm_image_file")]
    return storage.reconcile(known, FOLDER)
