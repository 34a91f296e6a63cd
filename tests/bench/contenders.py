"""The servers that are compared: `python -m tests.bench.contenders NAME PORT` with the environment of the bench.

All answer the same five requests on the same database, with the same rows written:

    flotilla, again   this server (twice: an A/A control)
    stock             the same specs and handlers through connexion's own pipeline
    fastapi_tuned     FastAPI around the same rules, raw answers
    fastapi_orm       FastAPI + SQLAlchemy + pydantic, as their guides teach
    raw               one ASGI function on uvicorn around the same rules: the floor
"""

import sys
from pathlib import Path
from typing import Any

import orjson
import uvicorn

from app import main, process
from app.core import clock, db, threads
from app.core.calls import Request
from app.core.errors import Problem
from app.mender import assignment, auth, devauth, inventory, inventory_query
from app.settings import Settings

LIST = "/api/management/v1/inventory/devices"
PATCH = "/api/devices/v1/inventory/device/attributes"
NEXT = "/api/devices/v1/deployments/device/deployments/next"
AUTH = "/api/devices/v1/authentication/auth_requests"


def view(headers: dict[str, str], query: tuple[tuple[str, str], ...] = (), body: bytes = b"") -> Request:
    return Request("GET", "/", query, headers, body, "127.0.0.1", "http://127.0.0.1", "bench", "public")


def bearer(headers: dict[str, str]) -> str:
    return headers.get("authorization", "").removeprefix("Bearer ")


def raw() -> Any:
    """The floor: no framework, no validation."""

    def listed(headers: dict[str, str], query: str, body: bytes) -> tuple[int, bytes]:
        page = int(dict(pair.split("=") for pair in query.split("&"))["page"])
        with db.read():
            if auth.management_jwt(bearer(headers), view(headers)) is None:
                return 401, b""
            return 200, inventory_query.list_devices("", (), None, None, None, page, 20).body

    def device(headers: dict[str, str]) -> Any:
        with db.read():
            return auth.device_jwt(bearer(headers), view(headers))

    def patch(headers: dict[str, str], query: str, body: bytes) -> tuple[int, bytes]:
        caller = device(headers)
        inventory.report("", caller.id, orjson.loads(body), replace=False)
        return 200, b""

    def following(headers: dict[str, str], query: str, body: bytes) -> tuple[int, bytes]:
        caller = device(headers)
        found = assignment.next_deployment("", caller.id, orjson.loads(body), "http://x", use_depends=True)
        return (204, b"") if found is None else (200, orjson.dumps(found))

    def authenticate(headers: dict[str, str], query: str, body: bytes) -> tuple[int, bytes]:
        return 200, devauth.authenticate("", body, orjson.loads(body), headers["x-men-signature"]).encode()

    routes = {("GET", LIST): listed, ("PATCH", PATCH): patch, ("POST", NEXT): following, ("POST", AUTH): authenticate}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        body = (await receive())["body"]
        function = routes[scope["method"], scope["path"]]
        query = scope["query_string"].decode()
        mode: Any = "read" if scope["method"] == "GET" else "none"
        status, content = await threads.run(mode, lambda: function(headers, query, body))
        lines = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": lines})
        await send({"type": "http.response.body", "body": content})

    return app


def fastapi_tuned() -> Any:
    """FastAPI with the same rules and raw answers; bodies validated by pydantic."""
    from fastapi import Body, Depends, FastAPI, Header, HTTPException, Query, Response
    from fastapi import Request as Incoming
    from pydantic import BaseModel, Field

    class Attribute(BaseModel):
        name: str = Field(min_length=1, max_length=1024)
        value: str | int | float | list[str] | list[int | float]
        description: str | None = None

    app = FastAPI()

    def user(authorization: str = Header()) -> str:
        with db.read():
            caller = auth.management_jwt(authorization.removeprefix("Bearer "), view({}))
        if caller is None or not hasattr(caller, "id"):
            raise HTTPException(401)
        return caller.id

    def device(authorization: str = Header()) -> str:
        with db.read():
            caller = auth.device_jwt(authorization.removeprefix("Bearer "), view({}))
        if caller is None:
            raise HTTPException(401)
        return caller.id

    @app.get(LIST)
    def listed(page: int = Query(1, ge=1), per_page: int = Query(20, ge=1, le=500), _: str = Depends(user)) -> Response:
        with db.read():
            found = inventory_query.list_devices("", (), None, None, None, page, per_page)
        return Response(found.body, media_type="application/json", headers={"X-Total-Count": str(found.total)})

    @app.patch(PATCH)
    def patch(attributes: list[Attribute], caller: str = Depends(device)) -> Response:
        inventory.report("", caller, [entry.model_dump(exclude_none=True) for entry in attributes], replace=False)
        return Response()

    @app.post(NEXT)
    def following(provides: dict[str, str] = Body(), caller: str = Depends(device)) -> Response:
        found = assignment.next_deployment("", caller, provides, "http://x", use_depends=True)
        return Response(status_code=204) if found is None else Response(orjson.dumps(found))

    @app.post(AUTH)
    async def authenticate(request: Incoming, x_men_signature: str = Header()) -> Response:
        body = await request.body()

        def run() -> str:
            return devauth.authenticate("", body, orjson.loads(body), x_men_signature)

        try:
            return Response(await threads.run("none", run), media_type="application/jwt")
        except Problem as problem:
            raise HTTPException(problem.status) from problem

    return app


def application(name: str, settings: Settings) -> Any:
    if name in ("flotilla", "again"):
        return main.create_app(settings, "public")
    if name == "stock":
        return main.create_app(settings, "public", pipeline="stock")
    if name == "fastapi_orm":
        from tests.bench.orm import create

        return create(settings.database_url)
    return {"raw": raw, "fastapi_tuned": fastapi_tuned}[name]()


if __name__ == "__main__":
    settings = Settings(log_level="warning")
    process.open_process(settings)
    assert Path(settings.data_dir).is_dir() and clock.now()
    uvicorn.run(
        application(sys.argv[1], settings),
        host="127.0.0.1",
        port=int(sys.argv[2]),
        http="httptools",
        loop="uvloop",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )
