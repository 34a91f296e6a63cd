"""The outermost ASGI app: pages for people under /ui, everything else to connexion."""

from collections.abc import Sequence
from typing import Any, cast

from a2wsgi import WSGIMiddleware

from app.core.calls import Audience
from app.http.pages import create_pages
from app.http.specs import System

UI = "/ui"
PAGE_WORKERS = 4


class Switch:
    """Chooses by scope type and path; websockets are refused, since no operation uses one yet."""

    def __init__(self, inner: Any, audience: Audience, systems: Sequence[System]) -> None:
        self._inner = inner
        self._pages: Any = None
        if audience == "public":
            self._pages = WSGIMiddleware(cast(Any, create_pages(systems)), workers=PAGE_WORKERS)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000, "reason": "no websocket here"})
        elif scope["type"] == "http" and self._pages is not None and _is_page(scope["path"]):
            await self._pages({**scope, "root_path": scope.get("root_path", "") + UI}, receive, send)
        else:
            await self._inner(scope, receive, send)


def _is_page(path: str) -> bool:
    return path == UI or path.startswith(UI + "/")
