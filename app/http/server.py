"""Run the listeners: sockets bound first, two uvicorn servers in one loop, signals, pre-fork.

Two audiences are two servers on two sockets, so that the internal listener never shares TLS or limits with the public
one. uvicorn's own supervisor takes no such pair, hence the small pre-fork here (pipeline.md h).
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 8  # requests under way may finish
DEADLINE_SECONDS: Final = 12  # then even a stuck thread cannot hold the exit up
RESPAWN_SECONDS: Final = 1

log = structlog.get_logger("flotilla.server")


class ServeError(Exception):
    """Why the server cannot start, in one line."""


@dataclass(frozen=True)
class Listener:
    """Where one audience is served."""

    audience: str
    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def url(self, bound: socket.socket) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{bound.getsockname()[1]}"


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol with a neutral JSON refusal: what is no HTTP has no path, hence no system."""

    def send_400_response(self, msg: str) -> None:
        body = b'{"error":"invalid HTTP request"}'
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: two of them would fight over the handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(listener: Listener) -> socket.socket:
    """The listening socket; raises ServeError when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listener.host, listener.port))
        bound.listen(BACKLOG)
    except OSError as exc:
        bound.close()
        raise ServeError(f"cannot listen on {listener.host}:{listener.port}: {os.strerror(exc.errno or 0)}") from exc
    bound.set_inheritable(True)
    return bound


def serve(
    listeners: Sequence[Listener], workers: int, prepare: Callable[[], None], apps: Callable[[], Sequence[Any]]
) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    `prepare` runs once, before any worker (migrations, first keys); `apps` opens the process and makes the app of each
    listener. With several workers both run in children only: the parent keeps no thread, loop or connection.
    """
    sockets = [bind(listener) for listener in listeners]
    urls = [listener.url(bound) for listener, bound in zip(listeners, sockets, strict=True)]
    if workers == 1:
        prepare()
        return _run(listeners, sockets, apps, urls)
    _in_child(prepare)
    return _supervise(workers, lambda: _run(listeners, sockets, apps, urls))


def _run(
    listeners: Sequence[Listener],
    sockets: Sequence[socket.socket],
    apps: Callable[[], Sequence[Any]],
    urls: Sequence[str],
) -> int:
    servers = [_Server(_configuration(app, listener)) for app, listener in zip(apps(), listeners, strict=True)]
    uvloop.run(_serve(servers, sockets, urls))
    return 0


def _configuration(app: Any, listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="wsproto",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=listener.tls_cert,
        ssl_keyfile=listener.tls_key,
    )


async def _serve(servers: Sequence[_Server], sockets: Sequence[socket.socket], urls: Sequence[str]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True
        timer = threading.Timer(DEADLINE_SECONDS, os._exit, (0,))
        timer.daemon = True
        timer.start()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in zip(servers, sockets, strict=True)]
    # uvicorn says that it started by a flag, not by an event.
    while not (all(server.started for server in servers) or any(task.done() for task in tasks)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    log.info("serving", public=urls[0], internal=urls[-1])
    await asyncio.gather(*tasks)


def _in_child(work: Callable[[], None]) -> None:
    """Run `work` in a forked child, so that this process keeps nothing of it; raises ServeError when it fails."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException as exc:
            print(f"flotilla: {exc}", file=sys.stderr)  # noqa: T201
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise ServeError("the database could not be prepared")


def _supervise(count: int, work: Callable[[], int]) -> int:
    """Keep `count` children at work; a dead one is replaced, SIGTERM ends them all."""
    stopping = False
    children: dict[int, float] = {}

    def stop(number: int, _: Any) -> None:
        nonlocal stopping
        stopping = True
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    while True:
        while not stopping and len(children) < count:
            child = os.fork()
            if child == 0:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                code = 1
                try:
                    code = work()
                except BaseException as exc:
                    print(f"flotilla: worker: {exc}", file=sys.stderr)  # noqa: T201
                finally:
                    os._exit(code)
            children[child] = time.monotonic()
        try:
            ended, _ = os.wait()
        except InterruptedError:
            continue
        except ChildProcessError:
            return 0
        started = children.pop(ended, 0.0)
        if stopping and not children:
            return 0
        if not stopping and time.monotonic() - started < RESPAWN_SECONDS:
            time.sleep(RESPAWN_SECONDS)
