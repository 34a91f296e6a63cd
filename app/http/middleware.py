"""The pipeline: one SpecMiddleware in place of all of connexion's but Lifespan (docs/adr/0002).

Order of refusal: 404 path, 405, bad path parameter, 413, 401, 403, 415, 400, then what the rule says. Buffered bodies
are read here and handed to one worker-thread hop; streamed ones take two (security first, then bytes, then handler).
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from connexion.middleware.abstract import SpecMiddleware
from connexion.resolver import Resolver
from connexion.spec import Specification

from app.core import threads
from app.core.calls import Audience, Request
from app.core.errors import MethodNotAllowed, NotFound, PayloadTooLarge, Problem
from app.http.answers import Answer, send_answer
from app.http.bodies import media_type
from app.http.envelopes import Envelopes
from app.http.origin import Origin
from app.http.plan import Arguments, Plan, compile_plan
from app.http.request import build, request_id, with_body
from app.http.routing import Router
from app.http.schemas import Schemas
from app.http.security import compile_schemes

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LUMP = 1024 * 1024
log = structlog.get_logger("flotilla.request")


class Disconnected(Exception):
    """The client went away: nothing is left to answer."""


class CheckFailed(Exception):
    """An answer that its own spec refuses (check mode only)."""


@dataclass(frozen=True)
class Surroundings:
    """What a pipeline knows of the process it runs in."""

    audience: Audience
    envelopes: Envelopes
    origin: Origin
    spool: Path
    check_answers: bool = False


class Pipeline(SpecMiddleware):
    """Answers everything that the specs name; all but HTTP goes on to the next app (lifespan)."""

    def __init__(self, app: Any, *, surroundings: Surroundings) -> None:
        self._app = app
        self._around = surroundings
        self._router: Router[Plan] = Router()
        self.plans: list[Plan] = []

    def add_api(
        self,
        specification: Specification,
        *,
        system: str,
        functions: dict[str, str],
        resolver: Resolver,
        **_: Any,
    ) -> None:
        """Compile every operation of one bundled document. Raises PlanError or ResolverError."""
        document = specification.raw
        schemas = Schemas(document)
        schemes = compile_schemes(document.get("components", {}).get("securitySchemes", {}), functions)
        for path, item in document["paths"].items():
            for method in item.keys() & {"get", "post", "put", "patch", "delete", "head", "options"}:
                operation = specification.operation_cls.from_spec(
                    specification, path=path, method=method, resolver=resolver
                )
                plan = compile_plan(
                    document,
                    path,
                    method,
                    system=system,
                    handler=operation.function,
                    schemes=schemes,
                    schemas=schemas,
                )
                self._router.add(method.upper(), path, plan)
                self.plans.append(plan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        identifier = request_id(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=identifier)
        plan: Plan | None = None
        request: Request | None = None
        try:
            request, refused = build(scope, identifier, self._around.audience, self._around.origin)
            plan, values = self._route(request)
            answer = await self._answer(plan, values, request, refused, receive)
        except Disconnected:
            return
        except Problem as problem:
            answer = self._problem(problem, scope["path"], identifier, plan)
        except Exception:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            answer = self._problem(Problem("internal error"), scope["path"], identifier, plan)
        headers = [(b"x-request-id", identifier.encode()), (b"x-men-requestid", identifier.encode())]
        if request is not None:
            headers += self._around.origin.answer_headers(request.headers)
        await send_answer(answer, request, headers, receive, send)
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=answer.status,
            operation=plan.operation_id if plan else None,
            ms=round((time.perf_counter() - started) * 1000, 2),
        )

    def _route(self, request: Request) -> tuple[Plan, dict[str, str]]:
        found = None if "\0" in request.path else self._router.match(request.method, request.path)
        if found is None:
            allowed = self._router.allowed(request.path)
            if not allowed or "\0" in request.path:
                raise NotFound("not found")
            raise MethodNotAllowed("method not allowed", headers={"Allow": ", ".join(allowed)})
        return found

    async def _answer(
        self, plan: Plan, values: dict[str, str], request: Request, refused: Problem | None, receive: Receive
    ) -> Answer:
        arguments = plan.arguments(values, request, refused)
        if plan.body is not None and plan.body.streamed:
            answer = await self._streamed(plan, request, arguments, receive)
        else:
            answer = await self._buffered(plan, request, arguments, receive)
        if self._around.check_answers:
            self._check(plan, answer)
        return answer
