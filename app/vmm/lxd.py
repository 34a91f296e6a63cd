"""A client of LXD's REST API, which knows the host by its certificate alone (vmm 5).

Small on purpose: pylxd neither pins certificates nor leaves the proxies of the environment alone.
"""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import orjson
from websockets.sync.client import ClientConnection, connect

from app.core import db, threads
from app.core.errors import BadGateway, GatewayTimeout, Problem, Unavailable

T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 10.0, 30.0
WAIT_SECONDS: Final = 8  # for what is done at once; less than READ_SECONDS
MAX_ANSWER: Final = 16 * 1024 * 1024
MAX_EVENT: Final = 1024 * 1024
AGENT: Final = "flotilla"
MAX_HOSTS: Final = 5  # requests of ours that may wait for hosts at a time; others go on meanwhile
UNNAMED: Final = ("", ".", "..")  # no name of anything, but another path
POOL: Final = "vmm hosts"  # threads that ask several things at once, for all requests

NO_CONNECTION: Final = "no connection"
NO_LXD: Final = "no LXD"
CHANGED: Final = "certificate of the server has changed"
TIMEOUT: Final = "the server does not answer in time"


class Refused(Exception):
    """What LXD says when it does not do something: its status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Reply:
    """What LXD answers, and the tag of the version of what was asked for."""

    metadata: Any
    tag: str


@dataclass(frozen=True, slots=True)
class Target:
    """A host: where it is, the certificate that it has, and what we show it. PEM throughout; `key` is in clear."""

    host: str
    address: str
    port: int
    path: str
    certificate: str
    client_certificate: str = ""
    key: str = ""


_turns = BoundedSemaphore(MAX_HOSTS)


@contextmanager
def turn() -> Iterator[None]:
    """One of the few requests that may wait for hosts. Raises Unavailable when there are too many."""
    db.outside("a call to another machine")
    if not _turns.acquire(blocking=False):
        raise Unavailable("too many requests wait for servers", headers={"Retry-After": "1"})
    try:
        yield
    finally:
        _turns.release()


def together(calls: Mapping[str, Callable[[], T]]) -> dict[str, T | Problem]:
    """What calls give that are made at once, or why one failed."""

    def tried(call: Callable[[], T]) -> T | Problem:
        try:
            return call()
        except Problem as problem:
            return problem

    return dict(zip(calls, threads.executor("file", POOL).map(tried, calls.values()), strict=True))


def certificate_of(address: str, port: int, host: str) -> str:
    """The certificate that a host shows (PEM). Raises BadGateway, GatewayTimeout."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is what we are about to learn
    try:
        with socket.create_connection((address, port), timeout=CONNECT_SECONDS) as connection:
            connection.settimeout(CONNECT_SECONDS)
            with context.wrap_socket(connection, server_hostname=host) as secured:
                shown = secured.getpeercert(binary_form=True)
    except TimeoutError:
        raise GatewayTimeout(TIMEOUT) from None
    except (ssl.SSLError, ConnectionResetError, EOFError):
        raise BadGateway(NO_LXD) from None
    except (OSError, ValueError):
        raise BadGateway(NO_CONNECTION) from None
    return ssl.DER_cert_to_PEM_cert(shown or b"")


def _context(target: Target) -> ssl.SSLContext:
    """TLS with exactly this host, showing our certificate if there is one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=target.certificate)
    if target.key:
        # Python reads keys from files only: this one is in memory, and nobody else's.
        file = os.memfd_create("key", os.MFD_CLOEXEC)
        try:
            os.write(file, (target.client_certificate + target.key).encode())
            context.load_cert_chain(f"/proc/self/fd/{file}")
        finally:
            os.close(file)
    return context


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextmanager
def listening(target: Target, kind: str) -> Iterator[ClientConnection]:
    """A connection on which LXD tells its events of a kind. Raises OSError, WebSocketException."""
    address = f"wss://{_bracketed(target.host)}:{target.port}{target.path}/1.0/events?type={quote(kind)}"
    with (
        socket.create_connection((target.address, target.port), timeout=CONNECT_SECONDS) as connection,
        connect(
            address,
            sock=connection,
            ssl=_context(target),
            proxy=None,
            compression=None,
            open_timeout=READ_SECONDS,
            close_timeout=1,
            max_size=MAX_EVENT,
            user_agent_header=AGENT,
        ) as said,
    ):
        yield said


class Host:
    """An LXD that can be asked. All calls raise BadGateway or GatewayTimeout, and Refused for what LXD refuses."""

    def __init__(self, target: Target) -> None:
        self._client = httpx.Client(
            base_url=f"https://{_bracketed(target.address)}:{target.port}{target.path}",
            headers={"Host": f"{_bracketed(target.host)}:{target.port}", "User-Agent": AGENT},
            verify=_context(target),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
        )

    def __enter__(self) -> "Host":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, *parts: str, **query: str) -> Any:
        """What stands at a path below /1.0."""
        return self.call("GET", parts, query=query).metadata

    def all(self, *parts: str) -> list[dict[str, Any]]:
        """What stands below a path, each with all that is known of it."""
        return self.get(*parts, recursion="1") or []

    def call(
        self,
        method: str,
        parts: Sequence[str],
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        tag: str = "",
    ) -> Reply:
        """The answer of a method at a path below /1.0; with `tag` only if the version there is still that one."""
        if any(part in UNNAMED for part in parts):
            raise Refused(404, "Not Found")
        path = "/".join(["/1.0", *(quote(part, safe="") for part in parts)])
        headers = {"If-Match": tag} if tag else {}
        content = None if body is None else orjson.dumps(body)
        try:
            with self._client.stream(method, path, params=query, content=content, headers=headers) as answer:
                return Reply(_metadata(answer), answer.headers.get("etag", ""))
        except httpx.TimeoutException:
            raise GatewayTimeout(TIMEOUT) from None
        except httpx.ConnectError as exc:
            changed = "CERTIFICATE_VERIFY_FAILED" in str(exc)
            raise BadGateway(CHANGED if changed else NO_CONNECTION) from None
        except (httpx.HTTPError, ssl.SSLError):
            raise BadGateway(NO_CONNECTION) from None

    def done(self, operation: Mapping[str, Any]) -> None:
        """Wait for an operation (the metadata of a 202) to end well; raises Refused with its words when it does not."""
        ended = self.get("operations", operation["id"], "wait", timeout=str(WAIT_SECONDS))
        if ended["status_code"] >= 400:
            raise Refused(ended["status_code"], str(ended["err"]))
        if ended["status"] != "Success":
            raise GatewayTimeout(TIMEOUT)


def _metadata(answer: httpx.Response) -> Any:
    until, whole = time.monotonic() + WHOLE_SECONDS, bytearray()
    for part in answer.iter_bytes():
        whole += part
        if len(whole) > MAX_ANSWER:
            raise BadGateway("the server answers too much")
        if time.monotonic() > until:
            raise GatewayTimeout(TIMEOUT)
    try:
        said = orjson.loads(whole)
        kind = said["type"]
    except (ValueError, KeyError, TypeError):
        raise BadGateway(NO_LXD) from None
    if kind == "error":
        raise Refused(int(said.get("error_code") or answer.status_code), str(said.get("error", "")))
    return said.get("metadata")
