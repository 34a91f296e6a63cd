"""docs/guides/nebula.md as it stands, pasted into a terminal."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support import server as servers

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "guides" / "nebula.md").read_text("utf-8"), re.DOTALL)


def test_the_guide_works_as_it_stands(tmp_path):
    server = servers.start(tmp_path / "data", LOG_LEVEL="warning", admin=False)
    try:
        script = "\n".join(BLOCKS).replace("http://127.0.0.1:8080", server.url)
        script = script.replace(".venv/bin/flotilla", servers.COMMAND[0]).replace(
            "--workers", f"--url {server.url} --workers"
        )
        done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=180)
    finally:
        assert server.stop() == 0
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"up_to_date": true') == 3
    assert '{"devices":[],"last_hostname":null}' in done.stdout
    assert "20 of 20 workers found their group; 20 containers run; 40 started, 20 stopped" in done.stdout
