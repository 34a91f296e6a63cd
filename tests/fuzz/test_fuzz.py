"""schemathesis against the running server, authenticated as user and as device (design section 7).

It runs for operations of every system: with 30 examples each for those that the issue at hand brings, with 5 for the
rest, and for those again as a user who may only read; FLOTILLA_FUZZ_EXAMPLES sets another number for all.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.http import specs, systems
from tests.api.nebula.test_every_operation import ALLOWED
from tests.fuzz.checks import UNUSED
from tests.fuzz.served import environment, fuzzed
from tests.support.lxd import furnish, lxd
from tests.support.statuses import Seen

pytestmark = [pytest.mark.fuzz, pytest.mark.long]

HERE = Path(__file__).parent
SHARE_ANSWERED = 0.95
SHORT = {"reader", "alone"}
# What cannot succeed without an LXD.
ON_HOSTS = {
    "verify_server", "add_server", "get_server", "list_certificates", "list_pools", "list_networks", "list_volumes",
    "list_profiles", "list_images", "get_instance", "revoke_certificate", "update_profile", "delete_profile",
    "delete_image", "add_instance", "act_on_instance",
}  # fmt: skip
UNDER_WORK = {"ngenea"}  # what has changed since the last issue that is finished


@pytest.fixture
def daemon(system, role):
    """An LXD for ui-vmm to manage, unless it is to be alone; None where there is none to be had."""
    if system != "vmm" or role == "alone" or shutil.which("lxd") is None:
        yield None
        return
    with lxd() as started:
        furnish(started)
        yield started


@pytest.fixture
def server(system, daemon, tmp_path):
    with fuzzed(system, tmp_path) as started:
        yield started


def operations(system: str) -> set[str]:
    """The operationIds of a system."""
    found = next(entry for entry in systems.load_systems(systems.root()) if entry.name == system)
    document = specs.document(systems.root(), found, "public")
    return {operation["operationId"] for _, _, operation in specs.operations(document)}


def wanted(system: str, role: str, hosts: bool) -> set[str]:
    """The operations that must succeed at least once: those that a role may call, and that need no missing host."""
    if role == "reader":
        return {name for name, who in ALLOWED.items() if "ro" in who}
    return operations(system) - (set() if hosts or system != "vmm" else ON_HOSTS)


@pytest.mark.parametrize(
    ("system", "role"),
    [
        ("mender", ""),
        ("nebula", "admin"),
        ("nebula", "reader"),
        ("vmm", ""),
        ("vmm", "alone"),
        pytest.param("ngenea", "", marks=pytest.mark.longest),
        ("flotilla", ""),
    ],
)
def test_fuzz(system, role, server, daemon, tmp_path, run):
    log = tmp_path / "answers.jsonl"
    about = environment(system, server, tmp_path) | {
        "PYTHONPATH": str(HERE.parents[1]),
        "FLOTILLA_FUZZ_ROLE": role,
        "FLOTILLA_FUZZ_LOG": str(log),
        "FLOTILLA_FUZZ_LXD": "" if daemon is None else str(daemon.folder),
    }
    command = [str(Path(sys.executable).parent / "schemathesis")]
    command += ["--config-file", str(HERE / "schemathesis.toml"), "run", f"{server.url}/openapi/{system}.json"]
    examples = os.environ.get("FLOTILLA_FUZZ_EXAMPLES", "30" if system in UNDER_WORK and role not in SHORT else "5")
    command += ["--exclude-checks", ",".join(UNUSED), "--max-examples", examples]
    command += ["--seed", os.environ.get("FLOTILLA_FUZZ_SEED", "20261125"), "--no-shrink", "--warnings", "off"]
    # A busy machine is no fault of the server: neither how long an answer takes nor how long making cases does.
    command += ["--request-timeout", "120", "--suppress-health-check", "too_slow"]
    done = subprocess.run(command, env=about, cwd=tmp_path, capture_output=True, text=True)
    report = "\n".join(line if "curl" in line and len(line) < 3000 else line[:300] for line in done.stdout.splitlines())
    print(report, done.stderr[-5_000:])
    assert done.returncode == 0, "schemathesis found failures, see its report above"

    seen = Seen(run.folder / f"statuses-fuzz-{'-'.join(filter(None, (system, role)))}.txt")
    answered, count = set(), 0
    for line in log.read_text().splitlines():
        entry = json.loads(line)
        count += 1
        seen.pair(f"{system}.{entry['operation']}", entry["status"])
        if 200 <= entry["status"] < 300:
            answered.add(entry["operation"])
    meant = wanted(system, role, daemon is not None)
    print(f"{count} answers, {len(answered & meant)} of {len(meant)} operations answered a 2xx")
    assert len(answered & meant) >= SHARE_ANSWERED * len(meant), f"never a 2xx: {sorted(meant - answered)}"
    assert role != "reader" or answered <= meant, f"done by who may only read: {sorted(answered - meant)}"
