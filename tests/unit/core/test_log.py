"""One event a line, in one style whoever logs, and nothing in it that drives a terminal or tells a secret."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.core import log


@pytest.fixture
def configure(capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    """Configure logging for this test, and as the other tests have it behind it."""
    yield log.configure
    structlog.contextvars.clear_contextvars()
    with capsys.disabled():
        log.configure("error")


def crash(secret: str) -> None:
    raise RuntimeError("it broke \x1b[31m")


def test_text_is_one_line_with_the_values(configure, capsys):
    configure("info", "text")
    structlog.get_logger().info("request", path="/a", status=200)
    (line,) = capsys.readouterr().err.splitlines()
    assert "request" in line
    assert "path=/a" in line
    assert "status=200" in line


@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("text", ["/a\x1b[31mred", "a\nfake=1", "\r\n", "\x9b", "\u2028", "\x07", "a\tb"])
def test_what_a_client_wrote_is_shown_not_obeyed(configure, capsys, style, text):
    configure("info", style)
    structlog.get_logger().info("request", path=text)
    logging.getLogger("uvicorn.error").warning("bad %s", text)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert written.replace("\n", "").isprintable()


def test_words_of_any_language_stay_readable(configure, capsys):
    configure("info", "text")
    structlog.get_logger().info("größe", name="日本")
    assert "größe" in (written := capsys.readouterr().err)
    assert "日本" in written


def test_json_has_one_object_a_line_whoever_logs(configure, capsys):
    configure("info", "json")
    structlog.contextvars.bind_contextvars(request_id="abc")
    structlog.get_logger().info("request", status=200)
    logging.getLogger("uvicorn.error").warning("lost %s", "it")
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ours["event"], ours["status"], ours["level"]) == ("request", 200, "info")
    assert (theirs["event"], theirs["level"]) == ("lost it", "warning")
    assert ours["request_id"] == theirs["request_id"] == "abc"
    assert ours["timestamp"].endswith("Z")


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_traceback_is_there_without_the_values_of_variables(configure, capsys, style):
    configure("info", style)
    for logger in (structlog.get_logger(), logging.getLogger("uvicorn.error")):
        try:
            crash("hunter" + "2")
        except RuntimeError:
            logger.exception("request failed")
        written = capsys.readouterr().err
        assert "in crash" in written
        assert "RuntimeError" in written
        assert "hunter2" not in written
        assert "\x1b" not in written


@pytest.mark.parametrize(("level", "lines"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(configure, capsys, level, lines):
    configure(level, "json")
    logger = structlog.get_logger()
    for name in ("debug", "info", "warning", "error"):
        getattr(logger, name)("x")
    assert len(capsys.readouterr().err.splitlines()) == lines


def test_of_other_libraries_only_warnings(configure, capsys):
    configure("debug", "json")
    other = logging.getLogger("peewee")
    other.debug("SELECT secret")
    other.info("x")
    other.warning("seen")
    assert [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()] == ["seen"]
