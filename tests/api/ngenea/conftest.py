"""The Ngenea system as it is after its first start, and callers of it."""

from collections.abc import Iterator

import pytest

from app.ngenea import here, install, tasks
from tests.support import buckets
from tests.support.ngenea import Hub, make_user
from tests.support.ngenea_jobs import TASKS, make_hall
from tests.support.sites import Place, make_site, site_worker


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
def london(root, tmp_path) -> Iterator[Place]:
    """A site with a worker."""
    number = make_site(root, "london")
    with site_worker("london", tmp_path / "london"):
        yield Place("london", number, tmp_path / "london")


@pytest.fixture(scope="session")
def s3(tmp_path_factory) -> Iterator[str]:
    """The endpoint of an S3."""
    with buckets.s3(tmp_path_factory.mktemp("moto")) as endpoint:
        yield endpoint


@pytest.fixture
def hall(database, tmp_path, monkeypatch):
    """The site `london` with the space `film`, whose work this process does, and tasks for tests."""
    monkeypatch.setattr(tasks, "TASKS", {**tasks.TASKS, **TASKS})
    yield make_hall(tmp_path / "site")
    here.forget()
