"""docs/guides/rollout.md as it stands: a simulated fleet gets an update from a pasted terminal."""

import json
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.support import server as servers
from tests.support.mender import DEPLOYMENTS, INVENTORY
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "rollout.md"
FLEET, *TERMINAL = re.findall(r"```sh\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def server(tmp_path):
    started = servers.start(tmp_path / "data", LOG_LEVEL="warning")
    yield started
    assert started.stop() == 0


@pytest.fixture
def fleet(server, tmp_path):
    """The first block, in a terminal of its own."""
    text = FLEET.replace(".venv/bin/flotilla", servers.COMMAND[0]).replace(
        " --devices", f" --url {server.url} --devices"
    )
    process = subprocess.Popen(["sh", "-c", f"exec {text}"], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    yield process
    process.terminate()
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "20 of 20 devices let in" in output


def test_the_guide_works_as_it_stands(server, fleet, tmp_path):
    user = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.login()}"})
    eventually(lambda: user.get(f"{INVENTORY}/devices", params={"site": "site-0"}).json())
    eventually(lambda: len(user.get(f"{INVENTORY}/devices", params={"device_type": "simulated"}).json()) == 20)
    script = "\n".join(TERMINAL).replace("http://127.0.0.1:8080", server.url).replace("sleep 15", "sleep 1")
    done = subprocess.run(["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"updated_count":10,"matched_count":10}' in done.stdout
    (deployment,) = user.get(f"{DEPLOYMENTS}/deployments").json()
    eventually(lambda: user.get(f"{DEPLOYMENTS}/deployments/{deployment['id']}/statistics").json()["success"] == 10)
    assert len(user.get(f"{INVENTORY}/devices", params={"artifact_name": "motd-2"}).json()) <= 10
    explanation = json.loads(done.stdout[done.stdout.index('{\n    "gets"') :].partition("\n}")[0] + "}")
    assert [rule["rule"] for rule in explanation["rules"]][0] == "device-accepted"
    assert (tmp_path / "audit-log.csv").read_bytes().count(b"\r\n") > 5
