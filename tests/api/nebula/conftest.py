"""The Nebula manager with a local administrator, as each of its callers sees it."""

from collections.abc import Iterator

import pytest

from app.nebula import auth, info, reports, rights
from tests.support.nebula import LOCAL, Manager


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:
    auth.configure(LOCAL)
    yield
    auth.configure(auth.Local())
    rights.configure(enforced=True)
    info.configure(10)
    reports.configure(reports.LIFETIME)


@pytest.fixture
def boss(http) -> Manager:
    """The local administrator."""
    return Manager(http, auth=(LOCAL.user, LOCAL.password))


@pytest.fixture
def stranger(http) -> Manager:
    """Somebody without a credential."""
    return Manager(http)
