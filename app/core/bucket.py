"""Objects in a bucket of S3 (and what speaks as S3 does) or in a container of Azure, by obstore (docs/adr/0008)."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import quote

import obstore
import structlog
from obstore.exceptions import BaseError
from obstore.store import AzureStore, S3Store

from app.core import failpoints
from app.core.errors import NotFound, Unavailable
from app.core.local_store import CHUNK

log = structlog.get_logger("flotilla.storage")

PART: Final = 5 * 1024 * 1024  # the least that S3 takes
MAX_PARTS: Final = 10_000
UPLOADS_AT_ONCE: Final = 2  # parts of one file, in memory
OWNER: Final = "flotilla-owner"

Backend = S3Store | AzureStore


class Bucket:
    """Objects in `backend`; `signer` makes addresses (the same place, by the name that clients know it by)."""

    def __init__(self, backend: Backend, signer: Backend) -> None:
        self._backend = backend
        self._signer = signer

    def claim(self, owner: str) -> None:
        """Write down whose place this is. Raises ValueError when it cannot be used or is another owner's."""
        try:
            with _failing_as_unavailable():
                found = self._owner() or self._take(owner)
        except (NotFound, Unavailable) as exc:
            raise ValueError(f"the bucket of STORAGE_URL cannot be used: {_in_one_line(exc.__cause__)}") from exc
        if found != owner:
            raise ValueError("STORAGE_URL is the place of another Flotilla (another secret.key); give it a prefix")

    def _owner(self) -> str | None:
        try:
            return bytes(obstore.get(self._backend, OWNER).bytes()).decode(errors="replace")
        except FileNotFoundError:
            return None

    def _take(self, owner: str) -> str:
        obstore.put(self._backend, OWNER, owner.encode())
        return owner

    def adopt(self, staged: Path, key: str, media_type: str, filename: str) -> None:
        """Send a file in parts; it is there when the last one has come, and its staged copy goes."""
        failpoints.hit("storage.synced")
        part = max(PART, -(-staged.stat().st_size // MAX_PARTS))
        attributes = {"Content-Type": media_type}
        if filename:
            attributes["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(filename, safe='')}"
        with _failing_as_unavailable():
            obstore.put(
                self._backend,
                key,
                staged,
                attributes=attributes,
                chunk_size=part,
                max_concurrency=UPLOADS_AT_ONCE,
            )
        failpoints.hit("storage.renamed")
        staged.unlink()

    def size(self, key: str) -> int:
        """Bytes of an object; raises NotFound."""
        with _failing_as_unavailable():
            return obstore.head(self._backend, key)["size"]

    def read(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """Fetch part by part: no connection waits for a slow client, and each part is tried again by itself."""
        for start in range(offset, offset + length, PART):
            end = min(start + PART, offset + length)
            with _failing_as_unavailable():
                part = memoryview(obstore.get_range(self._backend, key, start=start, end=end))
            for at in range(0, len(part), CHUNK):
                yield bytes(part[at : at + CHUNK])

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            with _failing_as_unavailable():
                obstore.delete(self._backend, key)
        except NotFound:
            return

    def older(self, prefix: str, age: timedelta) -> Iterator[str]:
        """Keys beneath `prefix` (all for "") of what was written longer ago than `age`, by the bucket's clock."""
        cutoff = datetime.now(UTC) - age
        with _failing_as_unavailable():
            for page in obstore.list(self._backend, prefix or None, chunk_size=1000):
                yield from (one["path"] for one in page if one["last_modified"] < cutoff and one["path"] != OWNER)

    def signed_url(self, key: str, lifetime: timedelta) -> str:
        """An address that gives the object to anyone until it ends."""
        with _failing_as_unavailable():
            return obstore.sign(self._signer, "GET", key, lifetime)


def _in_one_line(exc: BaseException | None) -> str:
    """What obstore says of an error, without how Rust prints it."""
    return " ".join(str(exc).partition("Debug source:")[0].split())[:1000]


@contextmanager
def _failing_as_unavailable() -> Iterator[None]:
    """NotFound for a missing object, Unavailable for all else; what it was goes to the log alone."""
    try:
        yield
    except FileNotFoundError as exc:
        raise NotFound("the file is not in the store") from exc
    except (BaseError, OSError, TimeoutError) as exc:
        log.error("the bucket failed", error=_in_one_line(exc))
        log.debug("the bucket failed", error=str(exc))
        raise Unavailable("the file store does not answer", headers={"Retry-After": "5"}) from exc
