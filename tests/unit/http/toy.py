"""A toy system behind the real pipeline: small operations that show every part of it without any product's rules.

As a process of its own: `python -m tests.unit.http.toy FOLDER` says its base URL and ends with its standard input.
"""

import sys
import types
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connexion import AsyncApp
from connexion.middleware.lifespan import LifespanMiddleware

from app.core.calls import NOT_MINE, Caller, StagedFile, Stream
from app.core.errors import Conflict, NotFound
from app.http.envelopes import Envelopes
from app.http.middleware import Pipeline, Surroundings
from app.http.origin import Origin
from app.http.resolver import HandlerResolver
from app.http.systems import System
from tests.support.live import live

BLOB = bytes(range(256)) * 5000

TEXT = {"type": "string"}
THING = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string", "minLength": 1}, "size": {"type": "integer"}, "note": TEXT},
}
ERROR = {
    "description": "refused",
    "content": {
        "application/json": {
            "schema": {"type": "object", "properties": {"error": TEXT, "request_id": TEXT}, "required": ["error"]}
        }
    },
}


def json_answer(schema: Any) -> dict[str, Any]:
    return {"description": "done", "content": {"application/json": {"schema": schema}}}


def operation(name: str, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    errors = dict.fromkeys(("400", "401", "403", "404", "409", "413", "415", "500", "507"), ERROR)
    return {"operationId": name, "tags": ["things"], "responses": {**errors, **answers}, **more}


def body(schema: Any, media: str = "application/json", required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {media: {"schema": schema}}}


BYTES = {
    "description": "bytes",
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
ID = {"name": "thing_id", "in": "path", "required": True, "schema": {"type": "integer", "minimum": 1}}
BEARER = [{"Token": []}]

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "toy", "version": "1"},
    "servers": [{"url": "/"}],
    "components": {
        "securitySchemes": {
            "Token": {"type": "http", "scheme": "bearer"},
            "Cookie": {"type": "apiKey", "in": "cookie", "name": "JWT"},
            "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        }
    },
    "paths": {
        "/toy/things": {
            "get": operation(
                "list_things",
                {"200": json_answer({"type": "object", "additionalProperties": True})},
                parameters=[
                    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}},
                    {"name": "tag", "in": "query", "schema": {"type": "array", "items": TEXT}},
                    {"name": "X-Trace-Level", "in": "header", "schema": TEXT},
                ],
                security=[{"Token": []}, {"Cookie": []}],
            ),
            "post": operation(
                "create_thing",
                {"201": json_answer(THING)},
                requestBody=body(THING),
                security=[{"Token": []}, {"Cookie": []}],
            ),
        },
        "/toy/things/{thing_id}": {
            "parameters": [ID],
            "get": operation("get_thing", {"200": json_answer(THING)}, security=BEARER),
            "put": operation("replace_thing", {"204": {"description": "done"}}, requestBody=body(THING)),
        },
        "/toy/optional": {
            "post": operation(
                "echo_optional",
                {"200": json_answer({"type": "object", "additionalProperties": True})},
                requestBody=body({"type": "object"}, required=False),
                security=[{"Key": []}, {}],
            ),
        },
        "/toy/both": {
            "get": operation(
                "need_both",
                {"200": json_answer({"type": "object", "additionalProperties": True})},
                security=[{"Token": [], "Key": []}],
            ),
        },
        "/toy/blob": {
            "get": operation(
                "get_blob",
                {
                    "200": BYTES,
                    "206": BYTES,
                    "304": {"description": "not modified"},
                    "416": {"description": "no such bytes"},
                },
                **{"x-transaction": "none"},
            ),
        },
        "/toy/files": {
            "post": operation(
                "upload_file",
                {"201": json_answer({"type": "object", "additionalProperties": True})},
                requestBody=body(
                    {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "size": {"type": "integer", "minimum": 0},
                            "note": {"type": "string", "maxLength": 10},
                            "meta": {"type": "object"},
                            "file": {"type": "string", "format": "binary"},
                        },
                    },
                    "multipart/form-data",
                ),
                security=BEARER,
                **{"x-transaction": "none", "x-max-body": 50_000_000},
            ),
        },
        "/toy/raw": {
            "put": operation(
                "put_raw",
                {"200": json_answer({"type": "object", "additionalProperties": True})},
                requestBody={"required": True, "content": {"application/octet-stream": BINARY, "image/png": BINARY}},
                security=BEARER,
                **{"x-transaction": "none", "x-max-body": 5_000_000_000},
            ),
            "post": operation(
                "post_raw_or_json",
                {"200": json_answer({"type": "object", "additionalProperties": True})},
                requestBody={
                    "required": False,
                    "content": {"application/octet-stream": BINARY, "application/json": {"schema": THING}},
                },
                security=BEARER,
                **{"x-transaction": "none", "x-max-body": 50_000_000},
            ),
        },
        "/toy/broken": {"get": operation("break_down", {"200": json_answer(THING)})},
        "/toy/liar": {"get": operation("lie", {"200": json_answer(THING)})},
    },
}


def handlers(moved: Path) -> dict[str, Any]:
    """The toy's handlers; an uploaded file is moved into `moved`."""

    def list_things(page, tag, x_trace_level, caller, request):
        return {"page": page, "tag": tag, "level": x_trace_level, "by": caller.id, "query": list(request.query)}

    def create_thing(body):
        if body["name"] == "taken":
            raise Conflict("the name is taken")
        return body, 201, {"Location": "things/1"}

    def get_thing(thing_id):
        if thing_id > 10:
            raise NotFound("no such thing")
        return {"name": f"thing {thing_id}"}

    def replace_thing(thing_id, body):
        return None, 204

    def echo_optional(body, caller):
        return {"body": body, "kind": caller.kind}

    def need_both(caller):
        return {"by": caller.id}

    def get_blob():
        return Stream(
            lambda offset, length: iter([BLOB[offset : offset + length]]),
            len(BLOB),
            "application/octet-stream",
            etag='"blob"',
        )

    def upload_file(body):
        staged = body.pop("file")
        staged.path.rename(moved / "kept")
        return {**body, "sha256": staged.sha256, "filename": staged.filename, "bytes": staged.size}, 201

    def put_raw(body):
        body.path.rename(moved / "kept")
        return {"sha256": body.sha256, "bytes": body.size, "media": body.media_type}

    def post_raw_or_json(body):
        return put_raw(body) if isinstance(body, StagedFile) else {"body": body}

    def break_down():
        raise RuntimeError("a secret detail")

    def lie():
        return {"title": "not what the spec says"}

    return {name: value for name, value in locals().items() if name != "moved"}


def token(credential, request):
    """`Bearer good` is a user; `Bearer not-mine` belongs to somebody else's scheme."""
    if credential == "not-mine":
        return NOT_MINE
    return Caller("toy", "user", "ada") if credential == "good" else None


FUNCTIONS = dict.fromkeys(("Token", "Cookie", "Key"), "tests.unit.http.toy:token")


def _system(prefix: str, name: str, envelope: str) -> System:
    return System(name, name, envelope, {"public": [], "internal": []}, {"public": [prefix], "internal": []})


@contextmanager
def serve(
    apis: list[tuple[str, dict[str, Any], dict[str, Any]]],
    spool: Path,
    prefixes: list[tuple[str, str, str]],
    *,
    cors: tuple[str, ...] = (),
    check: bool = True,
    functions: dict[str, str] | None = None,
):
    """(system, document, handlers) each over real HTTP; gives the base URL. All tags are `things`."""
    around = Surroundings(
        audience="public",
        envelopes=Envelopes([_system(*entry) for entry in prefixes], "public"),
        origin=Origin(None, [], list(cors)),
        spool=spool,
        check_answers=check,
    )

    def make(app: Any) -> Pipeline:
        return Pipeline(app, surroundings=around)

    app = AsyncApp("toy", middlewares=[make, LifespanMiddleware], pythonic_params=True)
    for system, document, functions_of_system in apis:
        module = types.ModuleType(f"handlers.{system}.things")
        vars(module).update(functions_of_system)
        sys.modules[f"handlers.{system}"] = types.ModuleType(f"handlers.{system}")
        sys.modules[f"handlers.{system}.things"] = module
        app.add_api(
            document, base_path="", resolver=HandlerResolver(system), system=system, functions=functions or FUNCTIONS
        )
    with live(app) as url:
        yield url


@contextmanager
def toy_server(folder: Path, *, cors: tuple[str, ...] = (), check: bool = True):
    """The toy system over real HTTP; gives (base URL, spool, folder of moved files)."""
    spool, moved = folder / "spool", folder / "moved"
    spool.mkdir()
    moved.mkdir()
    apis = [("toy", DOCUMENT, handlers(moved))]
    with serve(apis, spool, [("/toy", "toy", "mender")], cors=cors, check=check) as url:
        yield url, spool, moved


if __name__ == "__main__":
    with toy_server(Path(sys.argv[1])) as (url, _, _):
        print(url, flush=True)
        sys.stdin.read()
