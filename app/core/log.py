"""Structured logs: one event a line, text for people or JSON for machines, the request id on every line."""

import io
import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

Format = Literal["text", "json"]


def configure(level: str = "info", style: Format = "text") -> None:
    """Send structlog's and the standard library's events to stderr in one style. Levels as in `logging`, lower case.

    Of other libraries (uvicorn among them) only warnings and worse are logged.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any]
    if style == "json":
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        colors = sys.stderr.isatty()
        renderer = [_printable, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=_plain)]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_foreign(renderer)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(number, logging.WARNING))


def _foreign(renderer: list[Any]) -> list[Any]:
    return [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer]


def _printable(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Show control characters instead of sending them: what a client wrote must not drive the reader's terminal."""
    for key, value in event.items():
        if isinstance(value, str) and not value.isprintable():
            event[key] = _escaped(value.rstrip("\n"))
    return event


def _escaped(text: str, keep: str = "") -> str:
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode() for char in text
    )


def _plain(stream: Any, exc_info: Any) -> None:
    """A plain traceback: the rich one prints local variables, and those may hold secrets."""
    text = io.StringIO()
    structlog.dev.plain_traceback(text, exc_info)
    stream.write(_escaped(text.getvalue(), keep="\n\t"))
