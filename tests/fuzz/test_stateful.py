"""Sequences of requests along the links of the specs: what was deleted is gone, what was made is there (design 7).

They run on each database, as SHORT says, or LONG with FLOTILLA_FULL; FLOTILLA_FUZZ_SEQUENCES sets another number.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from app.http import specs, systems
from tests.fuzz.served import environment, fuzzed
from tests.support.statuses import Seen

pytestmark = [pytest.mark.fuzz, pytest.mark.long]

# system -> how many sequences, of how many steps, and the least share of the links of its specs that leads to a 2xx.
# The more operations could begin one, the longer a sequence has to be before links are most of its steps.
SHORT = {"mender": (16, 30, 0.6), "nebula": (16, 30, 0.6), "ngenea": (8, 100, 0.3)}
LONG = {"mender": (100, 30, 0.6), "nebula": (100, 30, 0.6), "ngenea": (40, 100, 0.6)}


@pytest.fixture(params=["sqlite", "postgres"])
def server(request, system, tmp_path, cluster):
    url = cluster.create(f"stateful_{uuid4().hex}") if request.param == "postgres" else None
    with fuzzed(system, tmp_path, url) as started:
        yield started


def links(system: str) -> set[tuple[str, str]]:
    """(operation, target) of each link of a system's specs."""
    found = next(entry for entry in systems.load_systems(systems.root()) if entry.name == system)
    document = specs.document(systems.root(), found, "public")
    return {
        (f"{method.upper()} {path}", link["operationId"])
        for path, method, operation in specs.operations(document)
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }


@pytest.mark.parametrize("system", list(SHORT))
def test_sequences(system, server, tmp_path, run):
    log = tmp_path / "steps.jsonl"
    sequences, length, least = (LONG if os.environ.get("FLOTILLA_FULL") else SHORT)[system]
    about = environment(system, server, tmp_path) | {
        "FLOTILLA_FUZZ_LOG": str(log),
        "FLOTILLA_FUZZ_SEED": os.environ.get("FLOTILLA_FUZZ_SEED", "20261125"),
        "FLOTILLA_FUZZ_SEQUENCES": os.environ.get("FLOTILLA_FUZZ_SEQUENCES", str(sequences)),
        "FLOTILLA_FUZZ_STEPS": str(length),
    }
    command = [sys.executable, "-m", "tests.fuzz.stateful", system]
    done = subprocess.run(command, env=about, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}"

    answers = [json.loads(line) for line in log.read_text().splitlines()]
    seen = Seen(run.folder / f"statuses-stateful-{system}.txt")
    for answer in answers:
        seen.pair(f"{system}.{answer['operation']}", answer["status"])
    steps = [answer for answer in answers if "from" in answer]
    good = {(step["from"], step["operation"]) for step in steps if 200 <= step["status"] < 300}
    followed = good & links(system)
    share = len(followed) / len(links(system))
    print(f"{len(steps)} steps, {len(followed)} of {len(links(system))} links followed to a 2xx; {done.stdout.strip()}")
    assert share > least, "\n".join(map(str, sorted(links(system) - followed)))
