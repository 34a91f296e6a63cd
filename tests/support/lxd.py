"""A genuine LXD for tests (tests/e2e/lxd_up.sh): started once, with a container, an image, a volume and profiles."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import free_port

SCRIPT = Path(__file__).parents[1] / "e2e" / "lxd_up.sh"


@dataclass(frozen=True)
class Lxd:
    """A running daemon: where it listens, its trust password, and its own command line."""

    folder: Path
    settings: dict[str, str]

    @property
    def port(self) -> int:
        return int(self.settings["LXD_PORT"])

    @property
    def password(self) -> str:
        return self.settings["LXD_TRUST_PASSWORD"]

    @property
    def images(self) -> Path:
        return Path(_script("image", self.folder))

    def lxc(self, *arguments: str) -> str:
        """What `lxc` prints."""
        environment = os.environ | self.settings
        done = subprocess.run(
            ["lxc", *arguments], env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def query(self, path: str) -> Any:
        """What LXD's own REST API says."""
        return json.loads(self.lxc("query", path))


def _script(verb: str, folder: Path, *options: str) -> str:
    done = subprocess.run(
        ["bash", str(SCRIPT), verb, str(folder), *options], capture_output=True, text=True, timeout=300
    )
    if done.returncode == 3:
        if os.environ.get("FLOTILLA_E2E") == "require":
            pytest.fail(done.stdout)
        pytest.skip(done.stdout.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def found(folder: Path) -> Lxd:
    """The daemon of a folder, started by somebody else."""
    return Lxd(folder, _pairs((folder / "lxd.env").read_text()))


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


@contextmanager
def lxd() -> Iterator[Lxd]:
    """A daemon, ended with all that belongs to it. Skips where there can be none, fails where FLOTILLA_E2E=require."""
    if shutil.which("lxd") is None and os.environ.get("FLOTILLA_E2E") != "require":
        pytest.skip("LXD is not installed")
    # Unix sockets have short names.
    folder = Path(tempfile.mkdtemp(prefix="flotilla-lxd-"))
    try:
        started = Lxd(folder, _pairs(_script("start", folder, str(free_port()))))
        print(f"genuine lxd {started.query('/1.0')['environment']['server_version']}")
        yield started
    finally:
        _script("stop", folder)
        shutil.rmtree(folder, ignore_errors=True)


def furnish(daemon: Lxd) -> None:
    """A container that runs, one that does not, its image, a volume, a network and a profile."""
    daemon.lxc("image", "import", str(daemon.images / "unified.tar.gz"), "--alias", "tiny")
    daemon.lxc("launch", "tiny", "runs", "-c", "limits.memory=64MiB", "-c", "limits.cpu=1")
    daemon.lxc("init", "tiny", "stopped")
    daemon.lxc("storage", "volume", "create", "default", "spare")
    daemon.lxc("profile", "create", "net")
    daemon.lxc("profile", "set", "net", "user.note", "größer")
