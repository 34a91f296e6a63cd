"""The Ngenea system as it is after its first start, and callers of it."""

import pytest

from app.ngenea import here, install, tasks
from tests.support.ngenea import Hub, make_user
from tests.support.ngenea_jobs import TASKS, make_hall


@pytest.fixture(autouse=True)
def _installed(request) -> None:
    request.getfixturevalue("database")
    install.ensure()


@pytest.fixture
def nobody(http) -> Hub:
    """Somebody without a credential."""
    return Hub(http)


@pytest.fixture
def root(nobody) -> Hub:
    """A superuser."""
    make_user("root", might=True)
    return nobody.log_in("root")


@pytest.fixture
def ada(nobody) -> Hub:
    """A user without groups."""
    make_user("ada")
    return nobody.log_in("ada")


@pytest.fixture
def hall(database, tmp_path, monkeypatch):
    """The site `london` with the space `film`, whose work this process does, and tasks for tests."""
    monkeypatch.setattr(tasks, "TASKS", {**tasks.TASKS, **TASKS})
    yield make_hall(tmp_path / "site")
    here.forget()
