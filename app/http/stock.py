"""The same specs, resolver and handlers through connexion's own pipeline: validation, security, decorators, jsonifier.

For comparison only (a differential test, the benchmarks): `create_app(..., pipeline="stock")`. Adapters give the
handlers their `caller`, `request` and unit of work, and the schemes their functions; all else is connexion's.
"""

import copy
import inspect
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import connexion
from connexion import AsyncApp
from connexion.exceptions import OAuthProblem
from connexion.resolver import Resolution
from connexion.security import ApiKeySecurityHandler, BasicSecurityHandler, BearerSecurityHandler
from starlette.responses import Response, StreamingResponse

from app.core import db, ids, threads
from app.core.calls import Caller, Request, StagedFile, on_behalf
from app.core.errors import Problem
from app.http.answers import Answer, compile_answers, stream_headers
from app.http.envelopes import Envelopes
from app.http.middleware import Surroundings
from app.http.pushing import events
from app.http.ranges import select
from app.http.request import build, request_id, with_body
from app.http.resolver import HandlerResolver
from app.http.schemas import Schemas
from app.http.security import load_function
from app.http.specs import operations
from app.http.systems import System

RAW_BODY = "flotilla.body"
FUNCTION = "x-function"  # put into our copy of a security scheme, names the function of systems.yaml
UNITS: dict[str, Callable[[], Any]] = {"read": db.read, "write": db.write, "none": nullcontext}


def _view(around: Surroundings, scope: Any) -> Request:
    return build(scope, request_id(scope["headers"]), around.audience, around.origin)[0]


def _handlers(around: Surroundings) -> dict[str, type]:
    """Connexion's security handlers with our scheme functions, called in a worker thread."""

    def verifier(scheme: dict[str, Any]) -> Callable[..., Any]:
        function = load_function(scheme[FUNCTION])

        async def verify(credential: str, request: Any = None, required_scopes: Any = None) -> dict[str, Any] | None:
            caller = await threads.run("read", partial(function, credential, _view(around, request.scope)))
            return {"sub": caller.id, "caller": caller} if isinstance(caller, Caller) else None

        return verify

    class Bearer(BearerSecurityHandler):
        def _resolve_func(self, security_scheme: Any) -> Any:
            return verifier(security_scheme)

    class ApiKey(ApiKeySecurityHandler):
        def _resolve_func(self, security_scheme: Any) -> Any:
            return verifier(security_scheme)

    class Basic(BasicSecurityHandler):
        def get_fn(self, security_scheme: Any, required_scopes: Any) -> Any:
            check = self._generic_check(verifier(security_scheme), "Provided authorization is not valid")

            def wrapper(request: Any) -> Any:
                kind, credential = self.get_auth_header_value(request)
                if kind != "basic":
                    raise OAuthProblem(detail="Invalid authorization header")
                return check(request, credential)

            return wrapper

    return {"bearer": Bearer, "apiKey": ApiKey, "basic": Basic}


class StockResolver(HandlerResolver):
    """Wraps each handler into what connexion can call."""

    def __init__(self, system: System, document: dict[str, Any], around: Surroundings) -> None:
        super().__init__(system.name)
        self._schemas = Schemas(document)
        self._around = around
        self._authorise = load_function(system.authorise) if system.authorise else None

    def name(self, operation: Any) -> str:
        return super().name(operation).rpartition(".")[2]

    def resolve(self, operation: Any) -> Resolution:
        resolution = super().resolve(operation)
        name = resolution.operation_id
        adapted = _adapt(resolution.function, name, operation, self._schemas, self._around, self._authorise)
        return Resolution(adapted, f"{self.system}.{name}")


def _adapt(
    handler: Callable[..., Any], name: str, operation: Any, schemas: Schemas, around: Surroundings, authorise: Any
) -> Callable[..., Any]:
    wanted = inspect.signature(handler).parameters
    written: dict[str, Any] = operation._operation
    mode: Any = written.get("x-transaction", "read" if operation._method == "get" else "write")
    answers = compile_answers(written, schemas, lambda node: node)

    async def call(**given: Any) -> Response:
        request = connexion.request
        view = with_body(_view(around, request.scope), request.scope.get(RAW_BODY, b""), name)
        values = {name: given.get(name) for name in wanted}
        values |= {name: request.headers.get(header) for name, header in _header_names(operation.parameters).items()}
        caller = given.get("token_info", {}).get("caller") or Caller("", "anonymous", "")
        if "request" in wanted:
            values["request"] = view
        if "caller" in wanted:
            values["caller"] = caller
        if "body" in wanted:
            values["body"] = await _with_files(given.get("body"), given, around.spool)

        def run() -> Answer:
            with UNITS[mode](), on_behalf(caller, view.request_id):
                if authorise is not None:
                    authorise(name, caller, given)
                result = handler(**values)
            return answers.render(result)

        return _response(await threads.run(mode, run))

    return call


def _header_names(parameters: list[dict[str, Any]]) -> dict[str, str]:
    """The handler's name -> the header's name."""
    found = [parameter["name"] for parameter in parameters if parameter["in"] == "header"]
    return {name.lower().replace("-", "_"): name for name in found}


class _RawBody:
    """Keeps the bytes of a body that is not multipart, which connexion reads and then has no more."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        media = dict(scope.get("headers", [])).get(b"content-type", b"")
        if scope["type"] != "http" or media.startswith(b"multipart/"):
            await self._app(scope, receive, send)
            return
        parts, more = [], True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
        scope[RAW_BODY] = b"".join(parts)
        replayed = iter([{"type": "http.request", "body": scope[RAW_BODY], "more_body": False}])

        async def replay() -> Any:
            return next(replayed, None) or await receive()

        await self._app(scope, replay, send)


async def _with_files(body: Any, given: dict[str, Any], spool: Path) -> Any:
    """The body with its files staged, as the compiled pipeline hands them over."""
    for name, value in given.items():
        if hasattr(value, "read") and hasattr(value, "filename"):
            content = await value.read()
            path = spool / f"upload-{ids.uuid()}"
            path.write_bytes(content)
            staged = StagedFile(path, len(content), sha256(content).hexdigest(), value.filename or "", "")
            body = {**(body or {}), name: staged}
    return body


def _response(answer: Answer) -> Response:
    response: Response
    if answer.feed is not None:
        response = StreamingResponse(events(answer.feed), answer.status, {"content-type": str(answer.media)})
    elif answer.chunks is not None:
        response = StreamingResponse(answer.chunks.parts, answer.status, {"content-type": str(answer.media)})
    elif answer.stream is not None:
        chosen = select("GET", {}, answer.stream)
        headers = {name.decode(): value.decode() for name, value in stream_headers(answer.stream, chosen)}
        response = StreamingResponse(answer.stream.read(0, answer.stream.size), chosen.status, headers)
    else:
        response = Response(answer.body, answer.status, media_type=answer.media)
    for name, value in answer.headers:
        response.headers.append(name.decode(), value.decode("latin-1"))
    return response


def create_stock_app(documents: list[tuple[System, dict[str, Any]]], around: Surroundings) -> Any:
    """An AsyncApp with connexion's default middlewares, of systems with their documents."""
    app = AsyncApp("flotilla", pythonic_params=True)
    for system, original in documents:
        document = copy.deepcopy(original)
        for name, scheme in document["components"].get("securitySchemes", {}).items():
            scheme[FUNCTION] = system.security[name]
        # Connexion takes two operations of one name for one, also when they are of two systems.
        for _, _, operation in operations(document):
            operation["operationId"] = f"{system.name}.{operation['operationId']}"
        # Connexion routes in the order of the document: literal paths first.
        document["paths"] = dict(sorted(document["paths"].items(), key=lambda entry: entry[0].replace("{", "\x7f")))
        app.add_api(
            document,
            base_path="",
            name=system.name,
            resolver=StockResolver(system, original, around),
            security_map=_handlers(around),
            swagger_ui_options=connexion.options.SwaggerUIOptions(swagger_ui=False),
        )
    app.add_error_handler(Problem, partial(_refused, around.envelopes))
    return _RawBody(app)


def _refused(envelopes: Envelopes, request: Any, problem: Exception) -> Any:
    assert isinstance(problem, Problem)
    media, body = envelopes.render(problem, request.scope["path"], request_id(request.scope["headers"]), "")
    return connexion.lifecycle.ConnexionResponse(
        status_code=problem.status, content_type=media, body=body, headers=dict(problem.headers)
    )
