"""schemathesis against the running server, authenticated as user and as device (design section 7).

It runs for operations of every system; FLOTILLA_FUZZ_EXAMPLES sets the number of examples (30 by default).
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.http import specs
from tests.fuzz.checks import UNUSED
from tests.support import server as servers
from tests.support.mailbox import mailbox
from tests.support.statuses import Seen

pytestmark = [pytest.mark.fuzz, pytest.mark.long]

GUEST = "guest@example.com"
HERE = Path(__file__).parent
SHARE_ANSWERED = 0.95


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with mailbox() as box:
        settings = {"CHECK_ANSWERS": "true", "LOG_LEVEL": "warning", "SMTP_URL": f"smtp://127.0.0.1:{box.port}"}
        started = servers.start(tmp_path_factory.mktemp("fuzz") / "data", **settings)
        started.create_admin(GUEST)
        yield started
        assert started.stop() == 0


def operations(system: str) -> set[str]:
    """The operationIds of a system."""
    found = next(entry for entry in specs.load_systems(specs.root()) if entry.name == system)
    document = specs.document(specs.root(), found, "public")
    return {operation["operationId"] for _, _, operation in specs.operations(document)}


@pytest.mark.parametrize("system", ["mender", "flotilla"])
@pytest.mark.xdist_group("fuzz")
def test_fuzz(system, server, tmp_path, run):
    log = tmp_path / "answers.jsonl"
    environment = {
        **os.environ,
        "PYTHONPATH": str(HERE.parents[1]),
        "FLOTILLA_FUZZ_URL": server.url,
        "FLOTILLA_FUZZ_EMAIL": servers.EMAIL,
        "FLOTILLA_FUZZ_GUEST": GUEST,
        "FLOTILLA_FUZZ_PASSWORD": servers.PASSWORD,
        "FLOTILLA_FUZZ_LOG": str(log),
    }
    command = [str(Path(sys.executable).parent / "schemathesis")]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.url}/openapi/{system}.json"]
    command += ["--exclude-checks", ",".join(UNUSED), "--max-examples", os.environ.get("FLOTILLA_FUZZ_EXAMPLES", "30")]
    command += ["--seed", os.environ.get("FLOTILLA_FUZZ_SEED", "20261125"), "--no-shrink", "--warnings", "off"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    report = "\n".join(line if "curl" in line and len(line) < 3000 else line[:300] for line in done.stdout.splitlines())
    print(report, done.stderr[-5_000:])
    assert done.returncode == 0, "schemathesis found failures, see its report above"

    seen = Seen(run.folder / f"statuses-fuzz-{system}.txt")
    answered, count = set(), 0
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        count += 1
        seen.pair(entry["operation"], entry["status"])
        if 200 <= entry["status"] < 300:
            answered.add(entry["operation"])
    wanted = operations(system)
    print(f"{count} answers, {len(answered)} of {len(wanted)} operations answered a 2xx")
    assert len(answered) >= SHARE_ANSWERED * len(wanted), f"never a 2xx: {sorted(wanted - answered)}"
