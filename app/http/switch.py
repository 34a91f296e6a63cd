"""The outermost ASGI app: pages for people under /ui, everything else to connexion, aliases of paths resolved."""

import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, cast

import orjson
import structlog
from a2wsgi import WSGIMiddleware

from app.core.calls import Audience
from app.http.pages import create_pages
from app.http.request import request_id
from app.http.systems import System

UI: Final = "/ui"
PAGE_WORKERS: Final = 4

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

log = structlog.get_logger("flotilla.request")


class Switch:
    """Chooses by scope type and path; websockets are refused, but where a system has some (`sockets`)."""

    def __init__(self, inner: Any, audience: Audience, systems: Sequence[System]) -> None:
        self._inner = inner
        self._aliases = [alias for system in systems for alias in system.aliases.get(audience, {}).items()]
        self._sockets = {path for system in systems for path in system.sockets.get(audience, ())}
        self._pages: Any = None
        if audience == "public":
            self._pages = WSGIMiddleware(cast(Any, create_pages(systems)), workers=PAGE_WORKERS)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        scope = self._resolved(scope)
        if scope["type"] == "websocket" and scope["path"] not in self._sockets:
            await _refuse_websocket(scope, receive, send)
        elif scope["type"] == "http" and self._pages is not None and _is_page(scope["path"]):
            await self._page(scope, receive, send)
        else:
            await self._inner(scope, receive, send)

    def _resolved(self, scope: Any) -> Any:
        """The scope under the path that its path stands for, where it is an alias (`aliases` in systems.yaml)."""
        if scope["type"] in ("http", "websocket"):
            for alias, prefix in self._aliases:
                if scope["path"].startswith(alias + "/"):
                    return {**scope, "path": prefix + scope["path"].removeprefix(alias)}
        return scope

    async def _page(self, scope: Any, receive: Receive, send: Send) -> None:
        """A page of the WSGI app, with the request id and the log line that the pipeline gives all else."""
        started = time.perf_counter()
        identifier = request_id(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=identifier)
        status = 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", identifier.encode())]
            await send(message)

        if scope["path"] == UI:
            await _to_start(answer)
        else:
            await self._pages({**scope, "root_path": scope.get("root_path", "") + UI}, receive, answer)
        ms = round((time.perf_counter() - started) * 1000, 2)
        log.info("request", method=scope["method"], path=scope["path"], status=status, operation=None, ms=ms)


def _is_page(path: str) -> bool:
    return path == UI or path.startswith(UI + "/")


async def _to_start(send: Send) -> None:
    """Flask's redirect would repeat the Host header and the scheme of a proxy; this one is relative."""
    headers = [(b"location", b"ui/"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 308, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse_websocket(scope: Any, receive: Receive, send: Send) -> None:
    """404 where the server can answer a handshake with more than its own 403."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1000, "reason": "no websocket here"})
        return
    identifier = request_id(scope["headers"])
    body = orjson.dumps({"error": "not found", "request_id": identifier})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-request-id", identifier.encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": 404, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
