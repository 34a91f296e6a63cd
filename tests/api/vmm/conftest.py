"""The ui-vmm system with registration and mail, and callers of it."""

from collections.abc import Iterator

import pytest

from app.core import mail
from app.vmm import accounts, events, image_servers, outbound
from tests.support.lxd import Lxd, furnish, lxd
from tests.support.mailbox import Mailbox, mailbox
from tests.support.vmm import ORIGIN, Panel, host, make_user, trusted


@pytest.fixture(scope="session")
def _post() -> Iterator[Mailbox]:
    with mailbox() as box:
        yield box


@pytest.fixture(autouse=True)
def box(_post: Mailbox) -> Iterator[Mailbox]:
    """Where mails arrive."""
    _post.mails.clear()
    mail.configure(mail.Mail(f"smtp://127.0.0.1:{_post.port}", "flotilla@example.com", ORIGIN))
    accounts.configure(registration=True)
    outbound.configure(["127.0.0.1"])
    image_servers.configure(["https://images.example.com"], None, None)
    yield _post
    mail.configure(mail.Mail(None, "", ""))
    accounts.configure(registration=False)
    outbound.configure([])


@pytest.fixture(autouse=True)
def _streams(request) -> Iterator[None]:
    """No stream looks into a database that is gone."""
    if "http" in request.fixturenames:
        request.getfixturevalue("database")
    yield
    events.stop()
    events.configure(auth_seconds=10)


@pytest.fixture(scope="session")
def daemon() -> Iterator[Lxd]:
    """A genuine LXD with something on it; tests that use it are of the group `lxd`, so that there is one."""
    with lxd() as started:
        furnish(started)
        yield started


@pytest.fixture
def nobody(http) -> Panel:
    """Somebody without a token."""
    return Panel(http)


@pytest.fixture
def ada(nobody) -> Panel:
    """A user with a session; `ada@example.com` is the address."""
    make_user("ada")
    return nobody.log_in("ada")


@pytest.fixture
def eve(nobody) -> Panel:
    """Another user."""
    make_user("eve")
    return nobody.log_in("eve")


@pytest.fixture
def number(daemon, ada) -> Iterator[int]:
    """The number of the host, added by ada; at the end the host does not trust us any more."""
    before = trusted(daemon)
    added = ada.done("server.add", host(daemon))
    yield int(added["id"])
    for fingerprint in set(trusted(daemon)) - set(before):
        daemon.lxc("config", "trust", "remove", fingerprint)
