"""schemathesis against the running server, authenticated as user and as device (design section 7).

It runs for operations of every system; FLOTILLA_FUZZ_EXAMPLES sets the number of examples (30 by default).
"""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support import server as servers

pytestmark = [pytest.mark.fuzz]

GUEST = "guest@example.com"
HERE = Path(__file__).parent
SHARE_ANSWERED = 0.95
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,positive_data_acceptance,missing_required_header,"
    "unsupported_method,allow_header_conformance,use_after_free,ensure_resource_availability,ignored_auth"
)
# Proved elsewhere, by a fault of the server that a fuzzer cannot bring about.
SERVER_SIDE = {500, 502, 503, 504, 507, 101}
NEVER_SEEN = HERE / "never_seen.txt"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = servers.start(tmp_path_factory.mktemp("fuzz") / "data", CHECK_ANSWERS="true", LOG_LEVEL="warning")
    started.create_admin(GUEST)
    yield started
    assert started.stop() == 0


def documented(system: str) -> dict[str, set[int]]:
    """operationId -> statuses that its spec names."""
    from app.http import specs

    found = next(entry for entry in specs.load_systems(specs.root()) if entry.name == system)
    document = specs.document(specs.root(), found, "public")
    return {
        operation["operationId"]: {int(code) for code in operation["responses"]}
        for _, _, operation in specs.operations(document)
    }


@pytest.mark.parametrize("system", ["mender", "flotilla"])
@pytest.mark.xdist_group("fuzz")
def test_fuzz(system, server, tmp_path):
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
    command += ["--checks", CHECKS, "--max-examples", os.environ.get("FLOTILLA_FUZZ_EXAMPLES", "30")]
    command += ["--seed", os.environ.get("FLOTILLA_FUZZ_SEED", "20261125"), "--no-shrink", "--warnings", "off"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    report = "\n".join(line[:300] for line in done.stdout.splitlines())
    print(report, done.stderr[-5_000:])
    assert done.returncode == 0, "schemathesis found failures, see its report above"

    seen = Counter()
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        seen[entry["operation"], entry["status"]] += 1
    wanted = documented(system)
    answered = {operation for operation, status in seen if 200 <= status < 300}
    print(f"{sum(seen.values())} answers, {len(answered)} of {len(wanted)} operations answered a 2xx")
    assert len(answered) >= SHARE_ANSWERED * len(wanted), f"never a 2xx: {sorted(wanted.keys() - answered)}"
    never = sorted(
        f"{operation} {status}"
        for operation, statuses in wanted.items()
        for status in statuses - SERVER_SIDE
        if not seen[operation, status]
    )
    print("documented but not seen in this run:", *never, sep="\n  ")
