"""The real apps behind a real server, one pair per test process; each test binds the database it works on."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.support.corpus import record
from tests.support.live import live
from tests.support.mender import User
from tests.support.statuses import Seen


@dataclass(frozen=True)
class Servers:
    public: str
    internal: str


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[Servers]:
    """Both listeners, every answer held against its spec."""
    folder = tmp_path_factory.mktemp("server")
    settings = Settings(data_dir=folder, check_answers=True, log_level="error")
    settings.spool.mkdir()
    with live(create_app(settings, "public")) as public, live(create_app(settings, "internal")) as internal:
        yield Servers(public, internal)


@pytest.fixture(scope="session")
def seen(run) -> Seen:
    """Where the statuses that this process gets are noted."""
    return Seen(run.folder / f"statuses-{run.worker}.txt")


@pytest.fixture
def http(servers, database, seen) -> Iterator[httpx.Client]:
    """A client of the public listener, on each database in turn."""

    def note(answer: httpx.Response) -> None:
        request = answer.request
        seen.answer(request.method, request.url.path, answer.status_code)
        if "FLOTILLA_RECORD" in os.environ:
            record("api", request.method, str(request.url), request.headers.items(), request.read(), answer.status_code)

    # There is no TLS here, and the authorities of the system take long to load.
    with httpx.Client(base_url=servers.public, timeout=60, verify=False, event_hooks={"response": [note]}) as client:
        yield client


@pytest.fixture
def user(http) -> User:
    """A user who is logged in."""
    return User(http)
