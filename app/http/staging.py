"""Bodies that go to the spool while they arrive: hashed, synced at the end, removed unless a rule moved them.

Peak memory does not depend on the size of a body. One sink serves one request; it is fed in worker threads.
"""

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core import failpoints
from app.core.calls import StagedFile
from app.core.errors import BadRequest, InsufficientStorage, PayloadTooLarge, UnsupportedMediaType, is_disk_full
from app.core.ids import uuid
from app.http.bodies import Body
from app.http.schemas import Errors


def check_space(spool: Path, declared: int) -> None:
    """Refuse a body of `declared` bytes for which the spool has no room. Raises InsufficientStorage."""
    if declared > shutil.disk_usage(spool).free:
        raise InsufficientStorage("no space left for the upload")


@contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if is_disk_full(exc):
            raise InsufficientStorage("no space left for the upload") from exc
        raise


class SpoolFile:
    """A file of the spool while it is written."""

    def __init__(self, spool: Path) -> None:
        self.path = spool / f"upload-{uuid()}"
        self._size = 0
        self._digest = hashlib.sha256()
        with _writing():
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with _writing():
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._digest.update(data)
        self._size += len(data)

    def finish(self, filename: str, media_type: str) -> StagedFile:
        """Everything on disk, and closed."""
        with _writing():
            os.fsync(self._descriptor)
            failpoints.hit("spool.synced")
        self._close()
        return StagedFile(self.path, self._size, self._digest.hexdigest(), filename, media_type)

    def drop(self) -> None:
        """Remove the file, if it is still there."""
        self._close()
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Sink(ABC):
    """Takes the bytes of one body. Always end it with `close()`."""

    def __init__(self, spool: Path, max_body: int) -> None:
        self._spool, self._max_body = spool, max_body
        self._received = 0
        self._staged: list[SpoolFile] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises PayloadTooLarge, BadRequest, InsufficientStorage."""
        self._received += len(data)
        if self._received > self._max_body:
            raise PayloadTooLarge("the body is too large")
        self._take(data)

    @abstractmethod
    def _take(self, data: bytes) -> None: ...

    @abstractmethod
    def finish(self) -> tuple[Any, Errors]:
        """The body's value, its files as StagedFile, and the faults. Raises BadRequest, InsufficientStorage."""

    def close(self) -> None:
        """Remove what is left in the spool."""
        for file in self._staged:
            file.drop()

    def _open(self) -> SpoolFile:
        file = SpoolFile(self._spool)
        self._staged.append(file)
        with _writing():
            failpoints.hit("spool.created")
        return file


class RawSink(Sink):
    """A body that is one file, as it comes (`application/octet-stream`, or any media type of format `binary`)."""

    def __init__(self, body: Body, media: tuple[str, str] | None, spool: Path, max_body: int) -> None:
        super().__init__(spool, max_body)
        self._body, self._media_type = body, media[0] if media is not None else ""
        self._file: SpoolFile | None = None

    def _take(self, data: bytes) -> None:
        if not data:
            return
        if self._media_type not in self._body.binary:
            raise UnsupportedMediaType(f"the body must be {self._body.accepted}")
        if self._file is None:
            self._file = self._open()
        self._file.write(data)

    def finish(self) -> tuple[StagedFile | None, Errors]:
        """The file; None for an empty body where none is required."""
        if self._file is not None:
            return self._file.finish("", self._media_type), []
        if self._body.required:
            raise BadRequest("the request body is required")
        return None, []
