"""Structured logs: one event a line, text for people or JSON for machines, the request id on every line."""

import logging
import sys
from typing import Any, Literal

import structlog

Format = Literal["text", "json"]


def configure(level: str = "info", style: Format = "text") -> None:
    """Send structlog's and the standard library's events to stderr in one style. Levels as in `logging`, lower case."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Any]
    if style == "json":
        renderer = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        renderer = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_plain)]
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


def _plain(stream: Any, exc_info: Any) -> None:
    """A plain traceback: the rich one prints local variables, and those may hold secrets."""
    structlog.dev.plain_traceback(stream, exc_info)
