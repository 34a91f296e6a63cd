"""Objects in a bucket of S3, and of what speaks as S3 does (ngenea 5 and 8), by obstore (docs/adr/0008)."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError
from obstore.store import S3Store

from app.core import db
from app.ngenea import endpoints
from app.ngenea.objects import (
    OWN,
    Altered,
    Exists,
    Listed,
    Metadata,
    Missing,
    Source,
    Stored,
    StoreError,
    unseal_secrets,
)
from app.ngenea.s3_errors import in_one_line, told

PART: Final = 5 * 1024 * 1024  # the least that S3 takes; larger files go in parts
MAX_PARTS: Final = 9_000
PARTS_AT_ONCE: Final = 2
RANGE: Final = 4 * 1024 * 1024  # bytes asked for at once
PREFIX: Final = "flotilla-"
MAX_XATTRS: Final = 1000  # bytes; S3 takes 2 KiB of metadata in all
PATIENCE: Final = {"connect_timeout": "3s", "read_timeout": "10s", "timeout": "5m"}
RETRIES: Final[Any] = {"max_retries": 3, "retry_timeout": timedelta(seconds=20)}


class S3Objects:
    """The objects in the bucket that `backend` speaks to."""

    at_once = 4

    def __init__(self, backend: S3Store, keys: Iterable[str] = ()) -> None:
        self._backend = backend
        self._keys = tuple(keys)

    def _told(self, key: str) -> AbstractContextManager[None]:
        return told(key, self._keys)

    @classmethod
    def of_bucket(cls, bucket: Any) -> "S3Objects":
        """By the row of a bucket. Without credentials requests are not signed. Raises StoreError."""
        known = unseal_secrets(bucket.secrets)
        scheme = bucket.scheme or "https"
        config: Any = {"region": bucket.region or "us-east-1", "virtual_hosted_style_request": "false"}
        if known.get("access_key_id"):
            config |= {name: known[name] for name in ("access_key_id", "secret_access_key")}
        else:
            config["skip_signature"] = "true"
        client: Any = {**PATIENCE, "allow_http": scheme == "http", "allow_invalid_certificates": not bucket.ssl_verify}
        try:
            if bucket.endpoint:
                config["endpoint"] = endpoints.address(scheme, bucket.endpoint, bucket.port)
            backend = S3Store(bucket.name, config=config, client_options=client, retry_config=RETRIES)
        except (BaseError, ValueError) as exc:
            raise StoreError(f"the bucket's settings cannot be used: {in_one_line(exc, known.values())}") from exc
        return cls(backend, known.values())

    def put(self, key: str, source: Source, metadata: Metadata, *, replace: bool) -> Stored:
        """See ObjectStore. A file of several parts is read twice, since its hash goes before it."""
        db.outside("an upload")
        if source.size > PART:
            return self._put_parts(key, source, metadata, replace=replace)
        content = b"".join(source.filled())
        metadata = metadata.hashed(hashlib.sha256(content).hexdigest())
        with self._told(key):
            try:
                self._send(key, content, metadata, replace=replace)
            except AlreadyExistsError as exc:
                raise Exists(key, metadata.sha256) from exc
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self._check(key, metadata, md5)

    def _send(self, key: str, content: bytes, metadata: Metadata, *, replace: bool) -> None:
        attributes: Any = _attributes(metadata)
        if replace:
            obstore.put(self._backend, key, content, attributes=attributes, use_multipart=False)
            return
        try:
            obstore.put(self._backend, key, content, attributes=attributes, mode="create")
        except NotSupportedError:
            self._refuse_existing(key, metadata.sha256)
            obstore.put(self._backend, key, content, attributes=attributes, use_multipart=False)

    def _refuse_existing(self, key: str, sha256: str) -> None:
        try:
            self.head(key)
        except Missing:
            return
        raise Exists(key, sha256)

    def _put_parts(self, key: str, source: Source, metadata: Metadata, *, replace: bool) -> Stored:
        metadata = metadata.hashed(source.sha256())
        if not replace:
            self._refuse_existing(key, metadata.sha256)
        part = max(PART, -(-source.size // MAX_PARTS))
        with self._told(key):
            obstore.put(
                self._backend,
                key,
                source.filled(),
                attributes=_attributes(metadata),
                use_multipart=True,
                chunk_size=part,
                max_concurrency=PARTS_AT_ONCE,
            )
        return self._check(key, metadata, "")

    def _check(self, key: str, metadata: Metadata, md5: str) -> Stored:
        """What is in the bucket now, which must be what was sent.

        An etag that is no MD5 (it depends on how the bucket encrypts) tells nothing: then a small object is read back.
        """
        found = self.head(key)
        if found.size != metadata.size or found.metadata is None or found.metadata.sha256 != metadata.sha256:
            raise StoreError("the bucket has kept something else than was sent")
        if md5 and found.etag != md5:
            digest = hashlib.sha256(b"".join(data for _, data in self.read(key, found.size)))
            if digest.hexdigest() != metadata.sha256:
                raise StoreError("the bucket has kept other bytes than were sent")
        return found

    def head(self, key: str) -> Stored:
        """See ObjectStore."""
        with self._told(key):
            got = obstore.get(self._backend, key, options={"head": True})
        return _stored(got)

    def read(self, key: str, size: int) -> Iterator[tuple[int, bytes]]:
        """See ObjectStore. By ranges: no connection waits for a slow disk, and each part is tried again by itself."""
        if (found := self.head(key).size) != size:
            raise Altered(f"the object has {found} bytes instead of {size}")
        for at in range(0, size, RANGE):
            with self._told(key):
                data = bytes(obstore.get_range(self._backend, key, start=at, end=min(at + RANGE, size)))
            yield at, data

    def delete(self, key: str) -> None:
        """See ObjectStore."""
        try:
            with self._told(key):
                obstore.delete(self._backend, key)
        except Missing:
            return

    def listing(self, prefix: str) -> Iterator[list[Listed]]:
        """See ObjectStore."""
        with self._told(prefix):
            for page in obstore.list(self._backend, prefix.rstrip("/"), chunk_size=500):
                yield [Listed(one["path"], one["size"], one["last_modified"]) for one in page]

    def sync(self) -> None:
        """See ObjectStore. What S3 has acknowledged is durable."""

    def prepare(self, *, wholly: bool = True) -> None:
        """See ObjectStore. Buckets are their owner's to make."""

    def _begin(self, key: str, content: bytes) -> None:
        try:
            obstore.put(self._backend, key, content)
        except FileNotFoundError as exc:
            raise StoreError("there is no such bucket") from exc

    def probe(self) -> datetime:
        """See ObjectStore."""
        key, content = f"{OWN}probe-{uuid.uuid4()}", uuid.uuid4().bytes
        with self._told("the object just written"):
            self._begin(key, content)
            got = obstore.get(self._backend, key)
            moment = got.meta["last_modified"]
            same = bytes(got.bytes()) == content
            obstore.delete(self._backend, key)
        if not same:
            raise StoreError("the bucket gives back something else than was written")
        return moment

    def sweep(self, before: datetime, is_live: Callable[[list[str]], set[str]]) -> int:
        """See ObjectStore. Parts of uploads that broke off are the bucket's lifecycle rule's to remove."""
        old = [one.key for page in self.listing(OWN) for one in page if one.modified < before]
        for key in old:
            self.delete(key)
        return len(old)


def _attributes(metadata: Metadata) -> Any:
    texts = {PREFIX + name.replace("_", "-"): value for name, value in metadata.to_text().items()}
    xattrs = base64.b64encode(json.dumps(metadata.xattrs).encode()).decode() if metadata.xattrs else ""
    return {**texts, f"{PREFIX}xattrs": xattrs} if 0 < len(xattrs) <= MAX_XATTRS else texts


def _stored(got: Any) -> Stored:
    texts = {
        name.lower().removeprefix(PREFIX).replace("-", "_"): value
        for name, value in got.attributes.items()
        if name.lower().startswith(PREFIX)
    }
    try:
        xattrs = dict(json.loads(base64.b64decode(texts.pop("xattrs", "e30="))))
    except (ValueError, TypeError):
        xattrs = {}
    meta = got.meta
    etag = (meta["e_tag"] or "").strip('"')
    return Stored(meta["size"], etag, meta["last_modified"], Metadata.from_text(texts, xattrs))
