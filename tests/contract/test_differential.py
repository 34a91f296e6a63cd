"""The compiled pipeline against connexion's own, request by request: the same, or different on purpose (design 3).

The corpus (tests/support/corpus.py) is sent to both from the same state; answers and what they changed are compared.
"""

import re
from pathlib import Path

import httpx
import pytest
import yaml

from app.main import create_app
from app.settings import Settings
from app.vmm import events
from tests.support.corpus import SYSTEMS, Recorded, examples, load
from tests.support.edges import edges
from tests.support.live import live
from tests.support.replay import Outcome, World

FILE = Path(__file__).parents[1] / "reference" / "intended_differences.yaml"
DIFFERENCES = yaml.safe_load(FILE.read_text("utf-8"))
INTENDED = {
    system: [entry for entry in DIFFERENCES if system in entry.get("systems", ["mender"])] for system in SYSTEMS
}
MOST = 25


@pytest.fixture
def pipelines(tmp_path, system):
    """Both over real HTTP, with the one system: of several at one base path connexion serves the first."""
    settings = Settings(data_dir=tmp_path / "both", log_level="error", systems=[system])
    settings.spool.mkdir(parents=True)
    events.configure(auth_seconds=0)
    with (
        live(create_app(settings, "public")) as ours,
        live(create_app(settings, "public", pipeline="stock")) as stock,
        httpx.Client(base_url=ours, timeout=60, verify=False) as our_client,
        httpx.Client(base_url=stock, timeout=60, verify=False) as stock_client,
    ):
        yield our_client, stock_client
    events.stop()
    events.configure(auth_seconds=10)


def shown(request: Recorded) -> str:
    """A request as the patterns of intended differences see it."""
    lines = [f"{request.method} {request.target}", *(f"{name}: {value}" for name, value in request.headers), "", ""]
    return "\n".join(lines) + request.content.decode("latin-1")


def explains(entry: dict, request: Recorded, ours: Outcome, stock: Outcome) -> bool:
    if ours.status >= 400 and stock.status >= 400 and ours.changes != stock.changes:
        return False
    if entry["ours"] == "same":
        return ours.status == stock.status and stock.is_problem
    if ours.status not in entry["ours"] or stock.status not in entry["stock"]:
        return False
    return re.search(entry["request"], shown(request)) is not None


@pytest.mark.long
@pytest.mark.parametrize(("system", "least"), [("mender", 900), ("nebula", 1400), ("vmm", 500), ("ngenea", 300)])
def test_the_same_or_different_on_purpose(pipelines, database, system, least):
    world = World(system, pipelines[0])
    used, unexplained, compared = set(), [], 0
    shown_by_specs = examples(system)
    for request in [*shown_by_specs, *edges(shown_by_specs), *load(system)]:
        ours, stock = (world.outcome(client, request) for client in pipelines)
        compared += 1
        if ours == stock:
            continue
        found = [entry["name"] for entry in INTENDED[system] if explains(entry, request, ours, stock)]
        used.update(found)
        if not found:
            unexplained.append(f"{shown(request)[:300]}\n  ours: {ours}\n  stock: {stock}")
    print(f"{compared} requests compared")
    assert not unexplained, f"{len(unexplained)}:\n" + "\n\n".join(unexplained[:5])
    assert {entry["name"] for entry in INTENDED[system]} - used == set(), "no request shows these differences any more"
    assert compared > least


def test_the_list_of_differences_is_short_and_gives_reasons():
    assert len(DIFFERENCES) < MOST
    assert all(len(entry["why"]) > 40 for entry in DIFFERENCES)
