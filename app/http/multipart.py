"""Multipart bodies, parsed once while they arrive: files straight into the spool, fields into memory."""

from pathlib import Path
from typing import Any, Final

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from app.core.calls import StagedFile
from app.core.errors import BadRequest, PayloadTooLarge, Problem, UnsupportedMediaType
from app.http.bodies import Body, MultipartForm, check_storable, parse_json
from app.http.params import CASTS
from app.http.schemas import Errors
from app.http.staging import RawSink, Sink, SpoolFile

MAX_FIELD_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 100


class MultipartSink(Sink):
    """The parts of one multipart body."""

    def __init__(self, form: MultipartForm, content_type: tuple[str, str], spool: Path, max_body: int) -> None:
        """content_type: what `media_type` gave. Raises BadRequest for one without a boundary."""
        super().__init__(spool, max_body)
        _, options = parse_options_header(content_type[1])
        if not options.get("boundary"):
            raise BadRequest("Content-Type names no multipart boundary")
        self._form = form
        self._field_bytes = 0
        self._part: MultipartSegment | None = None
        self._file: SpoolFile | None = None
        self._buffer = bytearray()
        self._fields: dict[str, str] = {}
        self._files: dict[str, StagedFile] = {}
        self._seen: set[str] = set()
        try:
            self._parser = PushMultipartParser(options["boundary"], max_segment_count=MAX_PARTS, strict=True)
        except (MultipartError, UnicodeError) as exc:
            raise BadRequest(f"multipart boundary: {exc}") from None

    def _take(self, data: bytes) -> None:
        try:
            for event in self._parser.parse(data):
                self._event(event)
        except MultipartError as exc:
            raise _refusal(exc) from None

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
        return {**self._form.schema.strip(values), **self._files}, errors

    def _event(self, event: Any) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._file is not None:
            self._file.write(event)
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
            self._file = self._open()

    def _end(self) -> None:
        assert self._part is not None
        name = self._part.name or ""
        if self._file is not None:
            media_type = self._part.content_type or "application/octet-stream"
            self._files[name] = self._file.finish(self._part.filename or "", media_type)
            self._file = None
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
                values[name] = CASTS[kind](text) if kind in CASTS else _document(text.encode())
            except (ValueError, BadRequest) as exc:
                errors.append((f"/{name}", str(exc)))
                continue
            if "\0" in text:
                errors.append((f"/{name}", "holds a NUL character"))
        return values, errors


def open_sink(body: Body, media: tuple[str, str] | None, spool: Path, max_body: int) -> Sink:
    """The sink of a streamed body of `media`, as `media_type` gave it. Raises UnsupportedMediaType, BadRequest."""
    if body.multipart is None:
        return RawSink(body, media, spool, max_body)
    if media is None and not body.required:
        raise BadRequest("the request body is required")
    if media is None or media[0] != "multipart/form-data":
        raise UnsupportedMediaType("the body must be multipart/form-data")
    return MultipartSink(body.multipart, media, spool, max_body)


def _document(raw: bytes) -> Any:
    value = parse_json(raw)
    check_storable(raw, value)
    return value


def _refusal(exc: MultipartError) -> Problem:
    if isinstance(exc, ParserLimitReached):
        return PayloadTooLarge("the multipart body has too many or too large parts")
    return BadRequest(f"the multipart body is broken: {exc}")
