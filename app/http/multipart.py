"""Multipart bodies, parsed once while they arrive: files straight into the spool, fields into memory.

Peak memory does not depend on the size of the body. One sink serves one request; it is fed in worker threads.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from app.core import failpoints
from app.core.calls import StagedFile
from app.core.errors import BadRequest, InsufficientStorage, PayloadTooLarge, Problem, UnsupportedMediaType
from app.core.ids import uuid
from app.http.bodies import MultipartForm
from app.http.params import CASTS
from app.http.schemas import Errors

MAX_FIELD_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 100
NO_SPACE: Final = (28, 122)  # ENOSPC, EDQUOT


@dataclass
class _File:
    """A file part while it arrives."""

    path: Path
    descriptor: int
    filename: str
    media_type: str
    size: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class MultipartSink:
    """Takes the bytes of one multipart body. Always end it with `close()`: it drops what no rule has moved away."""

    def __init__(self, form: MultipartForm, content_type: tuple[str, str] | None, spool: Path, max_body: int) -> None:
        """content_type: what `media_type` gave. Raises UnsupportedMediaType or BadRequest (no boundary)."""
        if content_type is None or content_type[0] != "multipart/form-data":
            raise UnsupportedMediaType("the body must be multipart/form-data")
        _, options = parse_options_header(content_type[1])
        if not options.get("boundary"):
            raise BadRequest("Content-Type names no multipart boundary")
        self._form, self._spool, self._max_body = form, spool, max_body
        self._received = 0
        self._field_bytes = 0
        self._part: MultipartSegment | None = None
        self._file: _File | None = None
        self._buffer = bytearray()
        self._fields: dict[str, str] = {}
        self._files: dict[str, StagedFile] = {}
        self._seen: set[str] = set()
        self._staged: list[Path] = []
        try:
            self._parser = PushMultipartParser(options["boundary"], max_segment_count=MAX_PARTS, strict=True)
        except (MultipartError, UnicodeError) as exc:
            raise BadRequest(f"multipart boundary: {exc}") from None

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises PayloadTooLarge, BadRequest, InsufficientStorage."""
        self._received += len(data)
        if self._received > self._max_body:
            raise PayloadTooLarge("the body is too large")
        try:
            for event in self._parser.parse(data):
                self._event(event)
        except MultipartError as exc:
            raise _refusal(exc) from None
        except OSError as exc:
            if exc.errno in NO_SPACE:
                raise InsufficientStorage("no space left for the upload") from exc
            raise

    def finish(self) -> tuple[dict[str, Any], Errors]:
        """All parts by name, fields cast and files as StagedFile, and the faults. Raises BadRequest when cut off."""
        try:
            self._parser.close()
        except MultipartError as exc:
            raise _refusal(exc) from None
        values, errors = self._cast()
        missing = sorted(self._form.required - self._files.keys())
        errors += [("", f'"{name}" is a required property') for name in missing]
        if not errors:
            errors = self._form.schema.errors(values)
        return {**values, **self._files}, errors

    def close(self) -> None:
        """Remove what is left in the spool."""
        if self._file is not None:
            os.close(self._file.descriptor)
            self._file = None
        for path in self._staged:
            path.unlink(missing_ok=True)

    def _event(self, event: Any) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._file is not None:
            self._write(self._file, event)
        else:
            self._field_bytes += len(event)
            if self._field_bytes > MAX_FIELD_BYTES:
                raise PayloadTooLarge("the fields of the body are too large")
            if self._part is not None and self._part.name in self._form.types:
                self._buffer += event

    def _begin(self, part: MultipartSegment) -> None:
        self._part = part
        name = part.name or ""
        if "\0" in name or "\0" in (part.filename or ""):
            raise BadRequest("a part's name or filename holds a NUL character")
        if name in self._form.files or name in self._form.types:
            if name in self._seen:
                raise BadRequest(f"two parts are called {name}")
            self._seen.add(name)
        if name in self._form.files:
            path = self._spool / f"upload-{uuid()}"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            self._staged.append(path)
            failpoints.hit("spool.created")
            media = part.content_type or "application/octet-stream"
            self._file = _File(path, descriptor, part.filename or "", media)

    def _write(self, file: _File, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(file.descriptor, view) :]
        file.digest.update(data)
        file.size += len(data)

    def _end(self) -> None:
        assert self._part is not None
        name = self._part.name or ""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                os.fsync(file.descriptor)
                failpoints.hit("spool.synced")
            finally:
                os.close(file.descriptor)
            self._files[name] = StagedFile(
                file.path, file.size, file.digest.hexdigest(), file.filename, file.media_type
            )
        elif name in self._form.types:
            try:
                self._fields[name] = self._buffer.decode()
            except UnicodeDecodeError:
                raise BadRequest(f"part {name} is not valid UTF-8") from None
        self._buffer = bytearray()
        self._part = None

    def _cast(self) -> tuple[dict[str, Any], Errors]:
        values: dict[str, Any] = {}
        errors: Errors = []
        for name, text in self._fields.items():
            kind = self._form.types[name]
            try:
                values[name] = CASTS[kind](text) if kind in CASTS else orjson.loads(text)
            except ValueError as exc:
                errors.append((f"/{name}", str(exc) if kind in CASTS else "not valid JSON"))
                continue
            if "\0" in text:
                errors.append((f"/{name}", "holds a NUL character"))
        return values, errors


def _refusal(exc: MultipartError) -> Problem:
    if isinstance(exc, ParserLimitReached):
        return PayloadTooLarge("the multipart body has too many or too large parts")
    return BadRequest(f"the multipart body is broken: {exc}")
