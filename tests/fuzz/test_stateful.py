"""Sequences of requests along the links of the specs: what was deleted is gone, what was made is there (design 7).

There are 16 of 30 steps each, on each database, 100 with FLOTILLA_FULL; FLOTILLA_FUZZ_SEQUENCES sets another number.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from app.http import specs, systems
from tests.support import server as servers
from tests.support.mailbox import mailbox
from tests.support.statuses import Seen

pytestmark = [pytest.mark.fuzz, pytest.mark.long]

GUEST = "guest@example.com"
TOKEN = "the-token-of-the-local-administrator"
SHARE_FOLLOWED = 0.6  # of the links of the specs, each to a 2xx


@pytest.fixture(params=["sqlite", "postgres"])
def server(request, system, tmp_path, cluster):
    url = cluster.create(f"stateful_{uuid4().hex}") if request.param == "postgres" else None
    with mailbox() as box:
        settings = {"CHECK_ANSWERS": "true", "LOG_LEVEL": "warning", "SMTP_URL": f"smtp://127.0.0.1:{box.port}"}
        if system == "nebula":
            # The fuzzer shows one wrong password everywhere, and is to see that each operation refuses it.
            settings |= {"NEBULA_AUTH_TOKEN": TOKEN, "LOGIN_LIMIT": "0"}
        started = servers.start(tmp_path / "data", url, **settings)
        started.create_admin(GUEST)
        yield started
        assert started.stop() == 0


def sequences() -> str:
    if os.environ.get("FLOTILLA_FULL"):
        return "100"
    return "16"


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


@pytest.mark.parametrize("system", ["mender", "nebula"])
def test_sequences(system, server, tmp_path, run):
    log = tmp_path / "steps.jsonl"
    environment = {
        **os.environ,
        "FLOTILLA_FUZZ_URL": server.url,
        "FLOTILLA_FUZZ_EMAIL": servers.EMAIL,
        "FLOTILLA_FUZZ_GUEST": GUEST,
        "FLOTILLA_FUZZ_PASSWORD": servers.PASSWORD,
        "FLOTILLA_FUZZ_SYSTEM": system,
        "FLOTILLA_FUZZ_TOKEN": TOKEN,
        "FLOTILLA_FUZZ_LOG": str(log),
        "FLOTILLA_FUZZ_SEED": os.environ.get("FLOTILLA_FUZZ_SEED", "20261125"),
        "FLOTILLA_FUZZ_SEQUENCES": os.environ.get("FLOTILLA_FUZZ_SEQUENCES", sequences()),
    }
    command = [sys.executable, "-m", "tests.fuzz.stateful", system]
    done = subprocess.run(command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True)
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
    assert share > SHARE_FOLLOWED, "\n".join(map(str, sorted(links(system) - followed)))
