"""Run the listeners: sockets bound first, two uvicorn servers in one loop, signals, pre-fork.

Two audiences are two servers on two sockets, so that the internal listener never shares TLS or limits with the public
one. uvicorn's own supervisor takes no such pair, hence the small pre-fork here (pipeline.md h).
"""

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

import structlog
import uvicorn
import uvloop

from app.http.protocol import Protocol

BACKLOG: Final = 2048
GRACE_SECONDS: Final = 8  # requests under way may finish
DEADLINE_SECONDS: Final = 12  # then even a stuck thread cannot hold the exit up
RESPAWN_SECONDS: Final = 1
CANNOT_START: Final = 3
MAX_FRAME: Final = 64 * 1024  # bytes that a websocket's client may say at once
PING_SECONDS: Final = 1.0
STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
# A device that lost its network says no goodbye: ask after a minute of silence, give up after two.
KEEPALIVE: Final = {socket.TCP_KEEPIDLE: 60, socket.TCP_KEEPINTVL: 15, socket.TCP_KEEPCNT: 4}
# Connections have what their listener has; without the last, the body of an answer may wait 40 ms for its head.
TCP_OPTIONS: Final = KEEPALIVE | {socket.TCP_NODELAY: 1}

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
        """What to type into a browser on this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{bound.getsockname()[1]}"


class _Server(uvicorn.Server):
    """A server that leaves the signals to us: two of them would fight over the handlers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(listener: Listener) -> socket.socket:
    """The listening socket; raises ServeError when the address is taken or not ours."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in TCP_OPTIONS.items():
                bound.setsockopt(socket.IPPROTO_TCP, option, value)
            bound.bind(address)
            bound.listen(BACKLOG)
        except OSError:
            bound.close()
            raise
    except OSError as exc:
        raise ServeError(f"cannot listen on {listener.host}:{listener.port}: {exc.strerror}") from exc
    return bound


def _check_tls(listener: Listener) -> None:
    """Raises ServeError when certificate and key cannot be used; uvicorn would say less, and later."""
    if listener.tls_cert is None:
        return
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(listener.tls_cert, listener.tls_key, password=lambda: "")
    except OSError as exc:
        files = f"{listener.tls_cert} and {listener.tls_key}"
        raise ServeError(f"cannot use certificate and key in {files}: {exc.strerror or exc}") from exc


def serve(
    listeners: Sequence[Listener],
    workers: int,
    prepare: Callable[[], None],
    apps: Callable[[], Sequence[Any]],
    begin_stop: Callable[[], None] = lambda: None,
    close: Callable[[], None] = lambda: None,
) -> int:
    """Serve until SIGTERM or SIGINT; the exit code.

    `prepare` runs once, before any worker (migrations, first keys); `apps` opens the process and makes the app of each
    listener; `begin_stop` is called when a process is told to end, `close` when it has answered its last request.
    With several workers all of them run in children only: the parent keeps no thread, loop or connection.
    Raises ServeError when a socket, a certificate or the preparation fails.
    """
    for listener in listeners:
        _check_tls(listener)
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(bind(listener)) for listener in listeners]
        run = partial(_run, listeners, sockets, apps, begin_stop, close)
        if workers == 1:
            prepare()
            return run()
        _in_child(prepare)
        return _supervise(workers, run, stack.close)


def _run(
    listeners: Sequence[Listener],
    sockets: Sequence[socket.socket],
    apps: Callable[[], Sequence[Any]],
    begin_stop: Callable[[], None],
    close: Callable[[], None],
    parent: socket.socket | None = None,
) -> int:
    servers = [_Server(_configuration(app, listener)) for app, listener in zip(apps(), listeners, strict=True)]
    urls = {listener.audience: listener.url(bound) for listener, bound in zip(listeners, sockets, strict=True)}
    uvloop.run(_serve(servers, sockets, urls, begin_stop, parent))
    close()
    return 0


def _configuration(app: Any, listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="wsproto",
        ws_max_size=MAX_FRAME,
        ws_ping_interval=PING_SECONDS,
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=listener.tls_cert,
        ssl_keyfile=listener.tls_key,
    )


async def _serve(
    servers: Sequence[_Server],
    sockets: Sequence[socket.socket],
    urls: dict[str, str],
    begin_stop: Callable[[], None],
    parent: socket.socket | None,
) -> None:
    def stop() -> None:
        begin_stop()
        if parent is not None:
            loop.remove_reader(parent)
        for server in servers:
            server.should_exit = True
        timer = threading.Timer(DEADLINE_SECONDS, os._exit, (0,))
        timer.daemon = True
        timer.start()

    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)
    tasks = [asyncio.create_task(server.serve(sockets=[bound])) for server, bound in zip(servers, sockets, strict=True)]
    # uvicorn says that it started by a flag, not by an event.
    while not (all(server.started for server in servers) or any(task.done() for task in tasks)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    if all(server.started for server in servers):
        log.info("serving", **urls)
        if parent is not None:
            parent.send(b".")
            loop.add_reader(parent, stop)  # readable when the parent is gone, however it ended
    await asyncio.gather(*tasks)


def _in_child(work: Callable[[], None]) -> None:
    """Run `work` in a forked child, so that this process keeps nothing of it; raises ServeError with its error."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as exc:
            os.write(writing, (str(exc) or type(exc).__name__).splitlines()[0].encode()[:4096])
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        error = said.read().decode(errors="replace")
    _, status = os.waitpid(child, 0)
    if status != 0:
        raise ServeError(error or f"preparing the database ended with {os.waitstatus_to_exitcode(status)}")


def _supervise(count: int, run: Callable[[socket.socket], int], stop_listening: Callable[[], None]) -> int:
    """Keep `count` children at work; a dead one is replaced, SIGTERM and SIGINT end them all. The exit code.

    When a child ends before any of them ever served, something is wrong that another child will not mend.
    """
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    children: dict[int, float] = {}
    stopping = served = False
    code = 0

    def stop(*_: Any) -> None:
        nonlocal stopping
        stopping = True
        stop_listening()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    while children or not stopping:
        while not stopping and len(children) < count:
            with _held_signals():
                child = os.fork()
                if child == 0:
                    ours.close()
                    _work(run, theirs)
                children[child] = time.monotonic()
        if not children:  # told to stop before the first one
            break
        ended, status = os.wait()
        age = time.monotonic() - children.pop(ended)
        served = served or _heard(ours)
        if stopping:
            continue
        print(f"flotilla: worker {ended} ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr)  # noqa: T201
        if not served:
            code = CANNOT_START
            stop()
        elif age < RESPAWN_SECONDS:
            time.sleep(RESPAWN_SECONDS)
    return code


def _work(run: Callable[[socket.socket], int], parent: socket.socket) -> NoReturn:
    """A child from its fork to its end; the stop signals are held when it begins."""
    code = CANNOT_START
    try:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        code = run(parent)
    except BaseException as exc:
        print(f"flotilla: worker {os.getpid()}: {exc!r}", file=sys.stderr)  # noqa: T201
    finally:
        os._exit(code)


def _heard(ours: socket.socket) -> bool:
    """Whether a child has ever said that it serves."""
    try:
        return bool(ours.recv(4096))
    except BlockingIOError:
        return False


@contextlib.contextmanager
def _held_signals() -> Iterator[None]:
    """Stop signals wait: one that came between a fork and its note would miss that child."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
