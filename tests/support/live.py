"""An ASGI app behind a real uvicorn in a thread of the test process, on a free loopback port."""

import asyncio
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from app.http.server import Listener, Protocol, bind


@contextmanager
def live(app: Any) -> Iterator[str]:
    """Serve `app` while open; gives its base URL."""
    bound = bind(Listener("public", "127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="wsproto",
            lifespan="on",
            proxy_headers=False,
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=5,
        )
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.01)
        assert thread.is_alive(), "the server did not start"
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), f"the server did not end:\n{_stack(thread)}"


def _stack(thread: threading.Thread) -> str:
    """Where a thread is."""
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)) if frame is not None else "it has ended just now"


def raw(url: str, request: bytes, *, timeout: float = 10) -> bytes:
    """Send bytes as they are and give everything that comes back until the peer closes or falls silent."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        connection.sendall(request)
        received = b""
        try:
            while data := connection.recv(65536):
                received += data
                head, found, body = received.partition(b"\r\n\r\n")
                length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                if found and length and len(body) >= int(length[0].partition(b":")[2]):
                    break
        except TimeoutError:
            pass
    return received
