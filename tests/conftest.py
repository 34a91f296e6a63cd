"""What all tests share: both databases, a clean state for each test, a clock to hold, and the count per database."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from app.core import clock, db, log, passwords, secrets, storage, threads
from app.core.local_store import LocalStore
from tests.support import server, statuses
from tests.support.databases import Cluster
from tests.support.prepared import Prepared
from tests.support.state import State

KINDS = ("sqlite", "postgres")

settings.register_profile(
    "flotilla",
    deadline=None,
    derandomize=True,
    max_examples=60,
    # A function-scoped database is meant to be shared by the examples of a test.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("full", settings.get_profile("flotilla"), derandomize=False, max_examples=1000)


@dataclass(frozen=True)
class Run:
    """The folder that all processes of a test run share, and the process that removes it."""

    folder: Path
    owner: int
    worker: str


RUN = pytest.StashKey[Run]()


def pytest_configure(config: pytest.Config) -> None:
    log.configure("error")
    settings.load_profile("full" if os.environ.get("FLOTILLA_FULL") else "flotilla")
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    if given is not None:
        config.stash[RUN] = Run(Path(given["flotilla_folder"]), given["flotilla_owner"], given["workerid"])
    else:
        config.stash[RUN] = Run(Path(tempfile.mkdtemp(prefix="flotilla-test-")), os.getpid(), "main")
    run = config.stash[RUN]
    server.furnish = Prepared(run.folder, Cluster(run.folder, run.owner)).furnish


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take minutes begin before the others, so that none of them is alone at the end."""
    items.sort(key=lambda item: [item.get_closest_marker(name) is None for name in ("longest", "long")])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    run = node.config.stash[RUN]
    node.workerinput |= {"flotilla_folder": str(run.folder), "flotilla_owner": run.owner}


def pytest_unconfigure(config: pytest.Config) -> None:
    run = config.stash.get(RUN, None)
    if run is not None:
        db.close()
        if run.owner == os.getpid():
            Cluster(run.folder, run.owner).stop()


@pytest.fixture(scope="session")
def run(request: pytest.FixtureRequest) -> Run:
    return request.config.stash[RUN]


@pytest.fixture(scope="session")
def cluster(run: Run) -> Cluster:
    """The PostgreSQL of this run; started when a URL is asked for."""
    return Cluster(run.folder, run.owner)


@pytest.fixture(scope="session")
def _state(run: Run, cluster: Cluster) -> State:
    return State(run.folder, run.worker, cluster)


@dataclass(frozen=True)
class Database:
    """The database a test works on: bound to app.core.db, its tables there and empty."""

    kind: str
    url: str
    folder: Path


@contextmanager
def _bound(state: State, kind: str, folder: Path) -> Iterator[Database]:
    """Everything a rule needs: clean tables, keys, an empty storage, cheap passwords."""
    secrets.configure(state.key_file)
    storage.configure(LocalStore(folder / "objects"), folder / "spool")
    passwords.configure(fast=True)
    url = state.url(kind)
    db.configure(url, lock_dir=folder)
    state.clean()
    try:
        yield Database(kind, url, folder)
    finally:
        threads.settle()
        db.close()


@pytest.fixture(params=KINDS)
def database(
    request: pytest.FixtureRequest, _state: State, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Database]:
    """What a rule works on, on each kind of database in turn."""
    record_property("database", request.param)
    with _bound(_state, request.param, tmp_path) as bound:
        yield bound


@pytest.fixture
def sqlite(_state: State, tmp_path: Path) -> Iterator[Database]:
    """The same on SQLite alone, for what PostgreSQL does not have."""
    with _bound(_state, "sqlite", tmp_path) as bound:
        yield bound


@pytest.fixture
def postgres(_state: State, tmp_path: Path) -> Iterator[Database]:
    """The same on PostgreSQL alone, for what SQLite does not have."""
    with _bound(_state, "postgres", tmp_path) as bound:
        yield bound


@pytest.fixture(params=KINDS)
def empty_database(
    request: pytest.FixtureRequest, _state: State, tmp_path: Path, record_property: Callable[[str, object], None]
) -> Iterator[Database]:
    """A database of its own for one test, without tables, not bound to app.core.db."""
    kind: str = request.param
    record_property("database", kind)
    with _state.empty(kind, tmp_path) as url:
        try:
            yield Database(kind, url, tmp_path)
        finally:
            db.close()


@pytest.fixture
def frozen() -> Callable[[datetime], AbstractContextManager[None]]:
    """Hold the clock: `with frozen(moment): ...`"""
    return clock.freeze


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    # Skipped tests count where the skip is decided; each test once.
    if report.when == "call" or (report.when == "setup" and report.skipped):
        for name, value in report.user_properties:
            if name == "database":
                _counts[str(value)] += 1


_counts: Counter[str] = Counter()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for line in _judge_statuses(config).splitlines():
        terminalreporter.write_line(line, red=True)
    if _counts:
        each = ", ".join(f"{kind} {_counts[kind]}" for kind in KINDS)
        terminalreporter.write_line(f"tests per database: {each}", green=_even(), red=not _even())


def _judge_statuses(config: pytest.Config) -> str:
    """What the documented statuses of a whole run come to; empty for a part of the tests. Raises nothing."""
    folder = config.stash[RUN].folder
    names = {file.name for file in folder.glob("statuses-*.txt")}
    fuzzed = {name for name in names if name.startswith(("statuses-fuzz-", "statuses-stateful-"))}
    if "statuses-fuzz-mender.txt" not in fuzzed or names == fuzzed:
        return ""
    never, known = set(statuses.never_seen(folder)), statuses.accepted()
    lines = [f"documented but never seen, without a reason: {pair}" for pair in sorted(never - known)]
    lines += [f"seen now, take it off tests/contract/never_seen.txt: {pair}" for pair in sorted(known - never)]
    return "\n".join(lines)


def _even() -> bool:
    return len({_counts[kind] for kind in KINDS}) == 1


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A whole run fails when tests differ between the databases, or a documented status was never seen."""
    options = session.config.option
    narrowed = options.keyword or options.markexpr or any("::" in argument for argument in session.config.args)
    alone = not hasattr(session.config, "workerinput")
    faulty = not _even() or (alone and _judge_statuses(session.config) != "")
    if faulty and not narrowed and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
