"""A TCP relay that breaks one download off: what a flaky network does to a device, made repeatable."""

import contextlib
import re
import socket
import threading


class BreakingProxy:
    """Relays to 127.0.0.1:target; cuts the first answer of an artifact download after `limit` bytes."""

    def __init__(self, target: int, limit: int) -> None:
        self._target, self._limit = target, limit
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.broken = 0
        self.ranges: list[str] = []
        self.answers: list[str] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        downloading = threading.Event()
        threading.Thread(target=self._answers, args=(server, client, downloading), daemon=True).start()
        try:
            while data := client.recv(65536):
                if b"/download/artifacts/" in data:
                    downloading.set()
                    self.ranges += re.findall(r"(?im)^range: (\S+)", data.decode("latin-1"))
                server.sendall(data)
        except OSError:
            pass
        finally:
            _shut(server)

    def _answers(self, server: socket.socket, client: socket.socket, downloading: threading.Event) -> None:
        passed, seen = 0, False
        try:
            while data := server.recv(16384):
                if downloading.is_set() and not seen:
                    seen = True
                    self.answers.append(data.decode("latin-1").partition("\r\n\r\n")[0])
                passed += len(data) if downloading.is_set() else 0
                if passed > self._limit and not self.broken:
                    self.broken = passed
                    break
                client.sendall(data)
        except OSError:
            pass
        finally:
            _shut(server)
            _shut(client)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
