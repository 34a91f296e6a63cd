"""Products and what is listed of them: for people, and as the files that LXD reads (vmm 7)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from hashlib import sha256
from typing import Any, Final

import orjson
import peewee

from app.core import clock, db, storage
from app.core.calls import Stream
from app.core.errors import Conflict, NotFound
from app.vmm import users
from app.vmm.documents import Document, resource, seconds
from app.vmm.image_files import ARCHITECTURES, DISK, META, ROOT_XZ, SQUASHFS, UNIFIED
from models.vmm.simplestreams import ImageFile, ImageVersion, Product, ProductAlias

KIND: Final = "simplestream"
ADDED: Final = "product has already been added"
NOT_FOUND: Final = "product not found"
VARIANT: Final = "default"
ALIAS: Final = re.compile(r"[A-Za-z0-9]+([._/-][A-Za-z0-9]+)*")
MAX_ALIAS, MAX_ALIASES = 128, 32
IMAGES_PATH: Final = "streams/v1/images.json"
FILE_MEDIA_TYPE: Final = "application/octet-stream"
# What images.json calls the fingerprint of the metadata together with a root of a kind.
COMBINED: Final = {
    SQUASHFS: ("combined_squashfs_sha256",),
    ROOT_XZ: ("combined_rootxz_sha256", "combined_sha256"),
    DISK: ("combined_disk-kvm-img_sha256",),
}

Given = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A version that is complete, with those of its files that are listed."""

    serial: str
    files: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """A product with its other names and its complete versions, the oldest first."""

    product: Any
    aliases: Sequence[str]
    versions: Sequence[Version]


def add(given: Given) -> Document:
    """Add a product, in a write unit. Raises BadRequest, Conflict for one that is there or an alias that is taken."""
    arch = given["product_arch"].lower()
    os, release = given["product_os"], given["product_release"]
    variant = (given.get("product_variant") or VARIANT).lower()
    aliases = _aliases(given.get("product_aliases") or "") or [f"{os}/{release}".lower()]
    users.refuse(_arch_faults(arch) + _alias_faults(aliases))
    product = _create(
        product_id=f"{os}:{release}:{arch}:{variant}".lower(),
        os=os,
        release=release,
        release_title=given.get("product_release_title") or release,
        arch=arch,
        variant=variant,
    )
    _create_aliases(product, aliases)
    return describe(Listed(product, aliases, []))


def _aliases(text: str) -> list[str]:
    return list(dict.fromkeys(alias for alias in map(str.strip, text.split(",")) if alias))


def _arch_faults(arch: str) -> users.Faults:
    return [] if arch in ARCHITECTURES else [("/product_arch", f"product arch is none of {', '.join(ARCHITECTURES)}")]


def _alias_faults(aliases: Sequence[str]) -> users.Faults:
    if len(aliases) > MAX_ALIASES or any(len(one) > MAX_ALIAS or not ALIAS.fullmatch(one) for one in aliases):
        return [("/product_aliases", f"product aliases are not {MAX_ALIASES} names at most, with commas between them")]
    return []


def _create(**columns: str) -> Any:
    now = clock.now()
    try:
        with db.savepoint():
            return Product.create(**columns, created_ts=now, changed_ts=now)
    except peewee.IntegrityError:
        raise Conflict(ADDED) from None


def _create_aliases(product: Any, aliases: Sequence[str]) -> None:
    try:
        with db.savepoint():
            ProductAlias.insert_many([{"product": product.pk, "name": alias} for alias in aliases]).execute()
    except peewee.IntegrityError:
        raise Conflict("alias is taken", errors=[("/product_aliases", "alias is taken")]) from None


def find(product_id: str) -> Any:
    """The row of a product; raises NotFound."""
    product = Product.get_or_none(Product.product_id == product_id)
    if product is None:
        raise NotFound(NOT_FOUND, errors=[("/payload/product_id", NOT_FOUND)])
    return product


def listed_files(files: Sequence[Any]) -> list[Any]:
    """Those of a version's files that make up an image: a unified one; metadata and roots that are combined."""
    roots = [file for file in files if file.combined_sha256 is not None]
    return [file for file in files if file.ftype == UNIFIED or file in roots or (file.ftype == META and roots)]


def catalogue() -> list[Listed]:
    """All products by their ids, in a read unit."""
    alias: Any
    file: Any
    version: Any
    aliases: dict[int, list[str]] = {}
    for alias in ProductAlias.select().order_by(ProductAlias.pk):
        aliases.setdefault(alias.product_id, []).append(alias.name)
    files: dict[int, list[Any]] = {}
    for file in ImageFile.select().order_by(ImageFile.name):
        files.setdefault(file.version_id, []).append(file)
    versions: dict[int, list[Version]] = {}
    for version in ImageVersion.select().order_by(ImageVersion.serial):
        listed = listed_files(files.get(version.pk, []))
        if listed:
            versions.setdefault(version.product_id, []).append(Version(version.serial, listed))
    products = Product.select().order_by(Product.product_id)
    return [Listed(product, aliases.get(product.pk, []), versions.get(product.pk, [])) for product in products]


def describe(listed: Listed) -> Document:
    """A product as clients see it."""
    product = listed.product
    versions = [
        {"product_version_serial": version.serial, "files": [_file(product, version, file) for file in version.files]}
        for version in listed.versions
    ]
    attributes = {
        "product_id": product.product_id,
        "product_os": product.os,
        "product_release": product.release,
        "product_release_title": product.release_title,
        "product_arch": product.arch,
        "product_variant": product.variant,
        "product_aliases": ",".join(listed.aliases),
        "product_timeadd": seconds(product.created_ts),
        "versions": versions,
    }
    return resource(KIND, product.product_id, attributes)


def _file(product: Any, version: Version, file: Any) -> dict[str, Any]:
    path = f"images/{product.product_id}/{version.serial}/{file.name}"
    return {"path": path, "ftype": file.ftype, "size": file.size, "sha256": file.sha256}


def images() -> list[Document]:
    """All files that are listed, in a read unit."""
    return [
        resource("simplestream-image", file.pk, _file(listed.product, version, file))
        for listed in catalogue()
        for version in listed.versions
        for file in version.files
    ]


def index() -> Stream:
    """`streams/v1/index.json`, in a read unit."""
    found = catalogue()
    updated = _updated(found)
    names = [listed.product.product_id for listed in found if listed.versions]
    entry = {
        "datatype": "image-downloads",
        "format": "products:1.0",
        "path": IMAGES_PATH,
        "updated": format_datetime(updated),
        "products": names,
    }
    return _json(
        {"format": "index:1.0", "updated": format_datetime(updated), "index": {"images": entry}},
        updated,
    )


def stream() -> Stream:
    """`streams/v1/images.json`, in a read unit."""
    found = catalogue()
    updated = _updated(found)
    document = {
        "format": "products:1.0",
        "content_id": "images",
        "datatype": "image-downloads",
        "updated": format_datetime(updated),
        "products": {listed.product.product_id: _product(listed) for listed in found if listed.versions},
    }
    return _json(document, updated)


def _updated(found: Sequence[Listed]) -> datetime:
    """When what is listed changed last; whole seconds."""
    latest: datetime = max((listed.product.changed_ts for listed in found if listed.versions), default=clock.EPOCH)
    return latest.replace(microsecond=0)


def _product(listed: Listed) -> dict[str, Any]:
    product = listed.product
    return {
        "aliases": ",".join(listed.aliases),
        "arch": product.arch,
        "os": product.os,
        "release": product.release,
        "release_title": product.release_title,
        "variant": product.variant,
        "versions": {version.serial: {"items": _items(product, version)} for version in listed.versions},
    }


def _items(product: Any, version: Version) -> dict[str, Any]:
    combined = {name: file.combined_sha256 for file in version.files for name in COMBINED.get(file.ftype, ())}
    return {
        file.name: _file(product, version, file) | (combined if file.ftype == META else {}) for file in version.files
    }


def _json(document: dict[str, Any], updated: datetime) -> Stream:
    raw = orjson.dumps(document)

    def read(offset: int, length: int) -> Iterator[bytes]:
        yield raw[offset : offset + length]

    etag = f'"{sha256(raw).hexdigest()}"'
    return Stream(read=read, size=len(raw), media_type="application/json", etag=etag, modified=updated)


def open_file(product_id: str, serial: str, name: str) -> Stream:
    """A listed file, for download. Opens its own unit; raises NotFound."""
    with db.read():
        rows = ImageFile.select().join(ImageVersion).join(Product)
        files = list(rows.where(Product.product_id == product_id, ImageVersion.serial == serial))
    for file in listed_files(files):
        if file.name == name:
            return Stream(
                read=storage.reader(file.object_key),
                size=file.size,
                media_type=FILE_MEDIA_TYPE,
                etag=f'"{file.sha256}"',
                modified=file.created_ts,
            )
    raise NotFound("file not found")
