"""A small load client: keep-alive connections, prepared requests, a thread per connection."""

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Load:
    """What one turn came to: wall seconds, CPU seconds of the server, and answers by status."""

    wall: float
    cpu: float
    statuses: dict[int, int]
    count: int


def prepare(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection:
    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb", buffering=65536)

    def send(self, request: bytes) -> tuple[int, bytes]:
        """(status, body) of one exchange."""
        self._socket.sendall(request)
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return status, self._file.read(length) if length and status not in (204, 304) else b""

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def run(port: int, pid: int, requests: Sequence[bytes], clients: int) -> Load:
    """Send all requests over `clients` connections; each takes every n-th."""
    statuses: dict[int, int] = {}
    lock = threading.Lock()

    def work(part: Sequence[bytes]) -> None:
        connection = Connection(port)
        own: dict[int, int] = {}
        for request in part:
            status, _ = connection.send(request)
            own[status] = own.get(status, 0) + 1
        connection.close()
        with lock:
            for status, count in own.items():
                statuses[status] = statuses.get(status, 0) + count

    threads = [threading.Thread(target=work, args=(requests[start::clients],)) for start in range(clients)]
    cpu, started = cpu_seconds(pid), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(time.perf_counter() - started, cpu_seconds(pid) - cpu, statuses, len(requests))
