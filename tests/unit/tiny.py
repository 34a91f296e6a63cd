"""A tiny ASGI app under the real server, as a process of its own: `python -m tests.unit.tiny '{"workers": 2, ...}'`.

Keys: folder (where notes are left), workers, ports, cert and key, seconds ({constant of the server: value}), and
`fault`: prepare, apps or lifespan.
"""

import asyncio
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from app.core import log
from app.http import server

_threads = ThreadPoolExecutor(2)


class App:
    """Says who answers. /slow takes until FOLDER/go exists, /stuck until the thread that it uses comes back: never."""

    def __init__(self, audience: str, folder: Path, fault: str | None) -> None:
        self._audience, self._folder, self._fault = audience, folder, fault

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["path"] == "/slow":
            (self._folder / "begun").touch()
            while not (self._folder / "go").exists():
                await asyncio.sleep(0.01)
        if scope["path"] == "/stuck":
            (self._folder / "begun").touch()
            await asyncio.get_running_loop().run_in_executor(_threads, threading.Event().wait)
        said = {"audience": self._audience, "pid": os.getpid(), "scheme": scope["scheme"], "client": scope["client"][0]}
        body = json.dumps(said).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _lifespan(self, receive: Any, send: Any) -> None:
        await receive()
        if self._fault == "lifespan":
            await send({"type": "lifespan.startup.failed", "message": "the lifespan fails"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        (self._folder / f"{self._audience}-ended").touch()
        await send({"type": "lifespan.shutdown.complete"})


def main(options: dict[str, Any]) -> int:
    folder, fault = Path(options["folder"]), options.get("fault")
    for name, value in options.get("seconds", {}).items():
        setattr(server, name, value)
    log.configure("info", "json")

    def prepare() -> None:
        if fault == "prepare":
            raise RuntimeError("the preparation fails\nfor a reason")
        with (folder / "prepared").open("a") as note:
            note.write(f"{os.getpid()}\n")

    def apps() -> list[App]:
        if fault == "apps":
            raise RuntimeError("the apps fail")
        return [App(audience, folder, fault) for audience in ("public", "internal")]

    public, internal = options["ports"]
    cert, key = (Path(options[name]) if name in options else None for name in ("cert", "key"))
    listeners = [
        server.Listener("public", options.get("host", "127.0.0.1"), public, cert, key),
        server.Listener("internal", "127.0.0.1", internal),
    ]
    try:
        return server.serve(listeners, options.get("workers", 1), prepare, apps)
    except server.ServeError as exc:
        print(f"refused: {exc}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
