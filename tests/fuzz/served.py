"""The server under the fuzzer, set up so that every operation can be reached, and what the hooks are told of it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import server as servers
from tests.support.mailbox import mailbox

GUEST = "guest@example.com"
TOKEN = "the-token-of-the-local-administrator"


@contextmanager
def fuzzed(system: str, folder: Path, database: str | None = None) -> Iterator[servers.Server]:
    """A server while open; its data and its site lie in `folder`."""
    with mailbox() as box:
        settings = {"CHECK_ANSWERS": "true", "LOG_LEVEL": "warning", "SMTP_URL": f"smtp://127.0.0.1:{box.port}"}
        if system == "nebula":
            # The fuzzer shows one wrong password everywhere, and is to see that each operation refuses it.
            settings |= {"NEBULA_AUTH_TOKEN": TOKEN, "LOGIN_LIMIT": "0"}
        if system == "vmm":
            settings |= {"VMM_REGISTRATION": "true", "VMM_ALLOWED_HOSTS": "127.0.0.1,localhost"}
            # A stream that nobody says to be theirs is closed, which the fuzzer waits for.
            settings |= {"VMM_STREAM_AUTH_SECONDS": "0", "VMM_IMAGE_SERVERS": "https://localhost:1"}
        if system == "ngenea":
            _site(folder).mkdir()
            settings |= {"NGENEA_ACCESS_TOKEN_SECONDS": "86400", "NGENEA_SITE": "here"}
            settings |= {"NGENEA_ROOT": str(_site(folder))}
        started = servers.start(folder / "data", database, **settings)
        started.create_admin(GUEST)
        yield started
        assert started.stop() == 0


def environment(system: str, server: servers.Server, folder: Path) -> dict[str, str]:
    """What tests/fuzz/hooks.py and the module of the system read."""
    return {
        **os.environ,
        "FLOTILLA_FUZZ_SYSTEM": system,
        "FLOTILLA_FUZZ_URL": server.url,
        "FLOTILLA_FUZZ_EMAIL": servers.EMAIL,
        "FLOTILLA_FUZZ_GUEST": GUEST,
        "FLOTILLA_FUZZ_PASSWORD": servers.PASSWORD,
        "FLOTILLA_FUZZ_TOKEN": TOKEN,
        "FLOTILLA_FUZZ_ROOT": str(_site(folder)),
    }


def _site(folder: Path) -> Path:
    return folder / "site"
