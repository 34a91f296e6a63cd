"""A Flotilla server as a process of its own, as users run it: for genuine clients, fuzzer and benchmarks."""

import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

EMAIL = "admin@example.com"
PASSWORD = "correct horse battery"
COMMAND = [str(Path(sys.executable).parent / "flotilla")]


# Below what the kernel gives to connections going out (32768 and up), which would take the port of a server that
# restarts; each worker of pytest has its own.
WORKERS = 16
PORTS = range(10_000 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS, 32_000, WORKERS)
_turns = itertools.count(random.randrange(len(PORTS)))


def free_port() -> int:
    """A loopback port that nothing listens on, and that this process does not name again soon."""
    for turn in _turns:
        port = PORTS[turn % len(PORTS)]
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("unreachable")


@dataclass
class Server:
    """A running server; `stop()` ends it by SIGTERM and says how it ended."""

    process: subprocess.Popen[bytes]
    url: str
    internal_url: str
    data: Path
    log: Path
    environment: dict[str, str]
    user_id: str = ""

    def stop(self, within: float = 30) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def start_again(self) -> None:
        """Start it once more after it was stopped: on the same ports, with the same data."""
        self.process = _launch(self.environment, self.data, self.log)
        _wait_ready(self.process, self.url, self.log)

    def create_admin(self, email: str) -> str:
        """Make an administrator by the command line, while the server runs; the new user's id."""
        created = self.command("admin", "create", "--email", email, "--password", PASSWORD)
        assert created.returncode == 0, created.stderr
        return created.stdout.strip().splitlines()[-1]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `flotilla` with the server's settings."""
        return subprocess.run(
            [*COMMAND, *arguments], env=self.environment, cwd=self.data, capture_output=True, text=True, timeout=120
        )

    def worker(self, *options: str) -> subprocess.Popen[bytes]:
        """Start `flotilla worker` with the server's settings; it says `working` in the log when it has begun."""
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*COMMAND, "worker", *options], env=self.environment, cwd=self.data, stdout=output, stderr=output
            )

    def site_worker(self, site: str, root: Path, *options: str) -> subprocess.Popen[bytes]:
        """Start `flotilla ngenea-worker` with the server's settings."""
        command = [*COMMAND, "ngenea-worker", "--site", site, "--root", str(root), *options]
        with self.log.open("ab") as output:
            return subprocess.Popen(command, env=self.environment, cwd=self.data, stdout=output, stderr=output)

    def login(self, email: str = EMAIL, password: str = PASSWORD) -> str:
        answer = httpx.post(f"{self.url}/api/management/v1/useradm/auth/login", auth=(email, password), timeout=30)
        answer.raise_for_status()
        return answer.text


# Puts what a first start makes, an administrator too, into a data directory and database; set for runs of pytest.
furnish: Callable[[Path, str | None], str] | None = None


def start(
    data: Path, database_url: str | None = None, *, admin: bool = True, prepared: bool = True, **environment: str
) -> Server:
    """Start a server on free loopback ports, wait until it is ready, and make an administrator unless there is one.

    With TLS_CERT and TLS_KEY it is reached, and calls itself, by https. Not `prepared`: it really starts for the first
    time.
    """
    data.mkdir(parents=True, exist_ok=True)
    user_id = furnish(data, database_url) if admin and prepared and furnish is not None else ""
    port, internal = free_port(), free_port()
    env = {key: value for key, value in os.environ.items() if not key.startswith("FLOTILLA_")}
    env |= {f"FLOTILLA_{key}": value for key, value in environment.items()}
    env |= {"FLOTILLA_PORT": str(port), "FLOTILLA_INTERNAL_PORT": str(internal), "FLOTILLA_DATA_DIR": str(data)}
    if database_url:
        env["FLOTILLA_DATABASE_URL"] = database_url
    log = data / "server.log"
    url = f"http://127.0.0.1:{port}"
    if "TLS_CERT" in environment:
        url = url.replace("http", "https")
        env.setdefault("FLOTILLA_PUBLIC_URL", url)
    process = _launch(env, data, log)
    _wait_ready(process, url, log)
    server = Server(process, url, f"http://127.0.0.1:{internal}", data, log, env, user_id)
    if admin and not user_id:
        server.user_id = server.create_admin(EMAIL)
    return server


def _launch(environment: dict[str, str], data: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen([*COMMAND, "serve"], env=environment, cwd=data, stdout=output, stderr=output)


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        try:
            if httpx.get(f"{url}/readyz", timeout=5, verify=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    raise AssertionError(f"the server was not ready in {seconds:.0f} s:\n{log.read_text()[-4000:]}")
