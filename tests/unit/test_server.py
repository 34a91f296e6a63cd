"""The server as a process: two listeners, signals, deadlines, TLS, workers (design sections 3 and 6)."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from app.http.server import Listener, bind
from tests.support import certificates
from tests.support.waiting import PATIENCE, eventually


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


class Running:
    """The tiny server; ports are free ones, chosen by the kernel where the server says what it got."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self._log = folder / "log"
        given = {"folder": str(folder), "ports": [0, 0], **options}
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.unit.tiny", json.dumps(given)], stderr=output, stdout=output
            )

    @property
    def log(self) -> str:
        return self._log.read_text()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    def urls(self) -> tuple[str, str]:
        """Waits until it serves."""

        def said() -> Any:
            assert self.process.poll() is None, self.log
            return next((event for event in self.events() if event["event"] == "serving"), None)

        event = eventually(said)
        return event["public"], event["internal"]

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(**options: Any) -> Running:
        started.append(Running(tmp_path, **options))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()


def test_each_audience_has_its_listener(run):
    server = run()
    public, internal = server.urls()
    answer = httpx.get(public)
    assert answer.json()["audience"] == "public"
    assert httpx.get(internal).json()["audience"] == "internal"
    assert "server" not in answer.headers
    assert "date" in answer.headers
    assert server.end() == 0
    assert (server.folder / "public-ended").exists()
    assert (server.folder / "internal-ended").exists()


def test_nobody_is_believed_who_he_forwards_for(run):
    headers = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https"}
    said = httpx.get(run().urls()[0], headers=headers).json()
    assert (said["client"], said["scheme"]) == ("127.0.0.1", "http")


def test_requests_are_not_logged_twice(run):
    server = run()
    httpx.get(server.urls()[0])
    server.end()
    assert [event["event"] for event in server.events()] == ["serving"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_and_nothing_new_is_taken(run, number):
    server = run(seconds={"GRACE_SECONDS": PATIENCE, "DEADLINE_SECONDS": PATIENCE})
    public, _ = server.urls()
    host, port = public.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually((server.folder / "begun").exists)
        server.process.send_signal(number)

        def refused() -> bool:
            try:
                socket.create_connection((host, int(port))).close()
            except ConnectionRefusedError:
                return True
            return False

        eventually(refused)
        (server.folder / "go").touch()
        assert connection.makefile("rb").read().startswith(b"HTTP/1.1 200")
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stuck_thread_does_not_hold_the_end_up(run, workers):
    server = run(workers=workers, seconds={"GRACE_SECONDS": 0.1, "DEADLINE_SECONDS": 0.5})
    public, _ = server.urls()
    host, port = public.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
        eventually((server.folder / "begun").exists)
        assert server.end() == 0


def test_connections_have_what_their_listener_has():
    """They notice that a peer has gone, and send at once what they have, acknowledged or not."""
    with bind(Listener("public", "127.0.0.1", 0)) as bound, socket.create_connection(bound.getsockname()):
        accepted, _ = bound.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_that_is_taken_is_one_clear_line(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = run(ports=[0, port])
        assert server.process.wait(PATIENCE) == 1
        assert server.log == f"refused: cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert not (server.folder / "prepared").exists()  # found out before anything is done


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_one_clear_line(run, host):
    server = run(host=host)
    assert server.process.wait(PATIENCE) == 1
    assert server.log.startswith(f"refused: cannot listen on {host}:0: ")
    assert len(server.log.splitlines()) == 1


@pytest.mark.parametrize("host", ["localhost", "::1"])
def test_names_and_ipv6(run, host):
    if host == "::1" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    public, _ = run(host=host).urls()
    assert httpx.get(public).status_code == 200


def test_a_lifespan_that_fails_ends_the_server(run):
    server = run(fault="lifespan")
    assert server.process.wait(PATIENCE) == 3
    assert "the lifespan fails" in server.log
    assert "serving" not in server.log


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cert.pem and key.pem of localhost, other.pem of another key, locked.pem with a passphrase."""
    folder = tmp_path_factory.mktemp("tls")
    key = certificates.self_signed(folder)
    certificates.write_key(folder / "other.pem", ec.generate_private_key(ec.SECP256R1()))
    certificates.write_key(folder / "locked.pem", key, b"passphrase")
    return folder


class TestTls:
    def test_the_public_listener_alone_speaks_it(self, run, files):
        server = run(host="localhost", cert=str(files / "cert.pem"), key=str(files / "key.pem"))
        public, internal = server.urls()
        assert public.startswith("https://localhost:")
        assert internal.startswith("http://")
        trusted = ssl.create_default_context(cafile=files / "cert.pem")
        assert httpx.get(public, verify=trusted).json()["scheme"] == "https"
        assert httpx.get(internal).json()["scheme"] == "http"
        assert server.end() == 0

    @pytest.mark.parametrize("key", ["other.pem", "locked.pem", "missing.pem", "cert.pem"])
    def test_a_key_that_cannot_be_used_is_one_clear_line(self, run, files, key):
        server = run(cert=str(files / "cert.pem"), key=str(files / key))
        assert server.process.wait(PATIENCE) == 1
        assert server.log.startswith("refused: cannot use certificate and key in ")
        assert key in server.log
        assert len(server.log.splitlines()) == 1
        assert not (server.folder / "prepared").exists()


class TestWorkers:
    @staticmethod
    def pids(url: str, count: int) -> set[int]:
        """The processes that answer, once there are `count` of them."""
        found: set[int] = set()

        def enough() -> bool:
            found.add(httpx.get(url).json()["pid"])
            return len(found) >= count

        eventually(enough)
        return found

    def test_all_serve_both_listeners_and_the_parent_only_watches(self, run):
        server = run(workers=2)
        public, internal = server.urls()
        pids = self.pids(public, 2)
        assert self.pids(internal, 2) == pids
        parent = server.process.pid
        assert parent not in pids
        assert len(list(Path(f"/proc/{parent}/task").iterdir())) == 1
        (prepared,) = (server.folder / "prepared").read_text().split()
        assert int(prepared) not in {parent, *pids}
        assert server.end() == 0
        assert all(map(gone, pids))

    def test_one_that_dies_is_replaced(self, run):
        server = run(workers=2)
        public, _ = server.urls()
        before = self.pids(public, 2)
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: f"worker {victim} ended with -9" in server.log)

        def replaced() -> bool:
            try:
                return httpx.get(public).json()["pid"] not in before
            except httpx.TransportError:  # it was asked when the other was killed
                return False

        eventually(replaced)
        assert server.end() == 0

    def test_none_outlives_its_parent(self, run):
        server = run(workers=2)
        pids = self.pids(server.urls()[0], 2)
        server.process.kill()
        eventually(lambda: all(map(gone, pids)))

    @pytest.mark.parametrize("fault", ["apps", "lifespan"])
    def test_when_none_can_start_the_server_ends(self, run, fault):
        server = run(workers=2, fault=fault)
        assert server.process.wait(PATIENCE) == 3
        assert f"the {fault} fail" in server.log

    def test_a_preparation_that_fails_is_one_clear_line(self, run):
        server = run(workers=2, fault="prepare")
        assert server.process.wait(PATIENCE) == 1
        assert server.log == "refused: the preparation fails\n"

    def test_told_to_stop_at_once(self, run):
        server = run(workers=3)
        eventually((server.folder / "prepared").exists)
        server.process.terminate()
        assert server.process.wait(PATIENCE) in (0, -signal.SIGTERM)
