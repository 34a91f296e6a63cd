"""Failpoints: off unless a file says otherwise; armed while the process runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.core import failpoints
from app.core.errors import Unavailable


@pytest.fixture
def orders(tmp_path, monkeypatch):
    file = tmp_path / "failpoints"
    monkeypatch.setattr(failpoints, "_hits", type(failpoints._hits)())
    failpoints.configure(file)
    yield file
    failpoints.configure(None)


def test_without_a_file_nothing_happens():
    failpoints.hit("handler")
    failpoints.hit("no such step")  # not even looked at


def test_a_step_that_nobody_ordered_passes(orders):
    failpoints.hit("handler")
    orders.write_text("answer error\n")
    failpoints.hit("handler")
    assert not orders.with_name("failpoints.hit").exists()


@pytest.mark.parametrize(
    ("action", "expected"), [("error", failpoints.Failure), ("full", OSError), ("busy", Unavailable)]
)
def test_a_step_fails_as_ordered_and_is_noted(orders, action, expected):
    orders.write_text(f"handler {action}\n")
    with pytest.raises(expected):
        failpoints.hit("handler")
    assert orders.with_name("failpoints.hit").read_text().startswith(f"handler {action} ")


def test_the_nth_time(orders):
    orders.write_text("handler error@3\n")
    failpoints.hit("handler")
    failpoints.hit("handler")
    with pytest.raises(failpoints.Failure):
        failpoints.hit("handler")


def test_a_misspelt_step_or_action_is_a_bug_of_the_test(orders):
    with pytest.raises(RuntimeError, match="no failpoint"):
        failpoints.hit("handlr")
    orders.write_text("handler explode\n")
    with pytest.raises(RuntimeError, match="no action"):
        failpoints.hit("handler")


def test_kill_leaves_no_time_for_anything(tmp_path):
    file = tmp_path / "failpoints"
    file.write_text("handler kill\n")
    code = (
        "import pathlib, sys; from app.core import failpoints; failpoints.configure(pathlib.Path(sys.argv[1]))\n"
        "try: failpoints.hit('handler')\nfinally: print('cleaned up')"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True)
    assert (done.returncode, done.stdout) == (-9, b"")


def test_stop_stops_all_threads_until_somebody_has_them_go_on(tmp_path):
    """At each step once: what was stopped does not run on to the next one."""
    file = tmp_path / "failpoints"
    file.write_text("handler stop\n")
    code = (
        "import pathlib, sys; from app.core import failpoints; failpoints.configure(pathlib.Path(sys.argv[1]))\n"
        "for step in range(3): failpoints.hit('handler')"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(file)]) as process:
        for step in range(1, 4):
            assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
            assert len(file.with_name("failpoints.hit").read_text().splitlines()) == step
            process.send_signal(signal.SIGCONT)
        assert process.wait(60) == 0


def test_every_step_is_somewhere_in_the_code():
    """A name that no code reaches would make a kill test wait for nothing."""
    root = Path(__file__).parents[3]
    text = "".join(file.read_text() for folder in ("app", "handlers") for file in (root / folder).rglob("*.py"))
    assert [name for name in failpoints.STEPS if f'hit("{name}")' not in text] == []
