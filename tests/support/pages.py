"""A small https server of fixed pages, for what this server reads from others."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.support.certificates import self_signed


class Pages(dict[str, bytes | str]):
    """What stands at each path, whatever is done there, and at all others (None: nothing); a text is where it sends to.

    `certificate` is what it is known by.
    """

    default: bytes | str | None = None

    def __init__(self, port: int, certificate: Path) -> None:
        super().__init__()
        self.port = port
        self.certificate = certificate
        self.address = f"https://localhost:{port}"


@contextmanager
def pages(folder: Path) -> Iterator[Pages]:
    """A running server, empty at first."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = served.get(self.path, served.default)
            self.send_response(404 if found is None else 302 if isinstance(found, str) else 200)
            if isinstance(found, str):
                self.send_header("Location", found)
            body = found if isinstance(found, bytes) else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET

        def log_message(self, *_: object) -> None:
            pass

    self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = HTTPServer(("127.0.0.1", 0), Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    served = Pages(server.server_port, folder / "cert.pem")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
