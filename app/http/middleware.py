"""The pipeline: one SpecMiddleware in place of all of connexion's but Lifespan (docs/adr/0002).

Order of refusal: 404 path, 405, bad path parameter, 413, 401, 403, 415, 400, then what the rule says. Buffered bodies
are read here and handed to one worker-thread hop; streamed ones take two (security first, then bytes, then handler).
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from connexion.middleware.abstract import SpecMiddleware
from connexion.resolver import Resolver
from connexion.spec import Specification
from peewee import DoesNotExist

from app.core import failpoints, metrics, threads
from app.core.calls import Audience, Request
from app.core.errors import InsufficientStorage, MethodNotAllowed, NotFound, Problem, Unavailable, is_disk_full
from app.http.answers import Answer, encode, send_answer
from app.http.bodies import media_type
from app.http.envelopes import Envelopes
from app.http.last_good import LastGood
from app.http.multipart import open_sink
from app.http.origin import Origin
from app.http.patience import patient
from app.http.plan import Arguments, Media, Plan, compile_plan, refuse
from app.http.protocol import hang_up
from app.http.pushing import first_frame, push_events, push_frames, refuse_socket
from app.http.receiving import Disconnected, Receive, declared_length, lumps, whole
from app.http.request import build, request_id, with_body
from app.http.routing import Router
from app.http.schemas import Schemas
from app.http.security import compile_schemes, load_function
from app.http.staging import check_space

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Statuses that any operation may answer and no spec lists: routing's own, and what the server itself lacks.
UNDECLARED: Final = frozenset({405, 408})
HOLD_SECONDS = 5.0  # that a request is held, and tried again, before its connection is closed
PAUSE: Final = (0.2, 0.6)
log = structlog.get_logger("flotilla.request")


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
        self._last_good = LastGood()
        self.plans: list[Plan] = []

    def add_api(
        self,
        specification: Specification,
        *,
        system: str,
        functions: dict[str, str],
        resolver: Resolver,
        challenge: str = "",
        authorise: str = "",
        negotiate: str = "",
        **_: Any,
    ) -> None:
        """Compile every operation of one bundled document. Raises PlanError or ResolverError."""
        document = specification.raw
        schemas = Schemas(document)
        schemes = compile_schemes(document.get("components", {}).get("securitySchemes", {}), functions)
        judge = load_function(authorise) if authorise else None
        negotiator = load_function(negotiate) if negotiate else None
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
                    challenge=challenge,
                    authorise=judge,
                    negotiate=negotiator,
                )
                self._router.add(method.upper(), path, plan)
                self.plans.append(plan)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        identifier = request_id(scope["headers"])
        structlog.contextvars.bind_contextvars(request_id=identifier)
        exchange = _Exchange(identifier)
        if scope["type"] == "websocket":
            await self._socket(exchange, scope, receive, send)
            return
        with metrics.current().under_way.track_inprogress():
            await self._exchange(exchange, scope, receive, send, started)

    async def _exchange(
        self, exchange: "_Exchange", scope: Scope, receive: Receive, send: Send, started: float
    ) -> None:
        """Answer one request, and note that it was."""
        identifier = exchange.identifier
        try:
            answer = await self._judged(exchange, scope, receive)
        except Disconnected:
            return
        if answer is None:
            await hang_up(scope, receive)
            return
        request = exchange.request
        extra = [(b"x-request-id", identifier.encode()), (b"x-men-requestid", identifier.encode())]
        extra += self._around.origin.answer_headers(request.headers) if request is not None else []
        failpoints.hit("answer")
        plan, method = exchange.plan, scope["method"]
        system = plan.system if plan else self._around.envelopes.system(scope["path"])
        if answer.feed is None:
            await send_answer(answer, request, extra, receive, send, system)
        seconds = time.perf_counter() - started
        operation = plan.operation_id if plan else "none"
        metrics.current().observe(system, operation, method if method in METHODS else "other", answer.status, seconds)
        log.info(
            "request",
            method=method,
            path=scope["path"],
            status=answer.status,
            operation=plan.operation_id if plan else None,
            ms=round(seconds * 1000, 2),
        )
        if answer.feed is not None:
            await push_events(answer.feed, [*answer.headers, *extra], receive, send)

    async def _judged(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> Answer | None:
        """The answer to one request, whatever goes wrong; None where no answer is better. Raises Disconnected."""
        try:
            return await self._answer(exchange, scope, receive)
        except Disconnected:
            raise
        except Problem as problem:
            return self._problem(problem, scope["path"], exchange)
        except DoesNotExist:
            # It was there when the caller's rights were looked at: another request was faster.
            log.warning("row gone", path=scope["path"], exc_info=True)
            return self._problem(NotFound("Not found."), scope["path"], exchange)
        except Exception as exc:
            log.exception("request failed", method=scope["method"], path=scope["path"])
            lack = InsufficientStorage("no space left") if is_disk_full(exc) else Problem("internal error")
            return self._problem(lack, scope["path"], exchange)

    async def _socket(self, exchange: "_Exchange", scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a handshake as the GET that it is; what would be sent as events is then sent as frames."""
        started = time.perf_counter()
        await receive()
        asked = {**scope, "type": "http", "method": "GET", "scheme": scope["scheme"].replace("ws", "http", 1)}
        found = self._router.match("GET", scope["path"])
        opened = found is not None and found[0].answers.opens_sockets and not scope["query_string"]
        if opened:
            await send({"type": "websocket.accept"})
            asked["query_string"] = await first_frame(receive) or b""
        answer = await self._judged(exchange, asked, _no_body)
        assert answer is not None
        ms = round((time.perf_counter() - started) * 1000, 2)
        status = answer.status if answer.feed is None else 101
        operation = exchange.plan.operation_id if exchange.plan else None
        log.info("request", method="GET", path=scope["path"], status=status, operation=operation, ms=ms)
        if answer.feed is None:
            await refuse_socket(answer, [(b"x-request-id", exchange.identifier.encode())], scope, opened, send)
            return
        if not opened:
            await send({"type": "websocket.accept"})
        await push_frames(answer.feed, receive, send)

    async def _answer(self, exchange: "_Exchange", scope: Scope, receive: Receive) -> Answer:
        request, refused = build(scope, exchange.identifier, self._around.audience, self._around.origin)
        exchange.request = request
        found = None if "\0" in request.path else self._router.match(request.method, request.path)
        if found is None:
            return self._no_operation(request)
        plan, values = found
        if values and self._router.is_literal(request.path) and not plan.takes(values):
            return self._no_operation(request, matched=True)
        try:
            arguments = plan.arguments(values, request, refused)
        except NotFound:
            # Not one of this operation's paths; a more literal one may have it, with other methods.
            return self._no_operation(request, matched=True)
        exchange.plan = plan
        receive = patient(receive)
        media = _media(scope)
        if plan.body is not None and plan.body.is_streamed(media):
            request = exchange.request = with_body(request, b"", plan.operation_id)
            answer = await self._streamed(plan, request, arguments, media, receive)
        else:
            body = await whole(receive, request, plan.max_body) if plan.max_body else b""
            metrics.current().received.inc(len(body))
            request = exchange.request = with_body(request, body, plan.operation_id)
            answer = await self._run(plan, request, arguments, media)
        if self._around.check_answers:
            _check(plan, answer, request)
        if plan.never:
            self._last_good.note(request, answer)
        return answer

    async def _run(self, plan: Plan, request: Request, arguments: Arguments, media: Media) -> Answer:
        """One hop to a thread. What never answers 503 is tried again for a while, where nothing good is remembered."""
        steady, loop = 503 in plan.never, asyncio.get_running_loop()
        until = loop.time() + HOLD_SECONDS
        while True:
            given = Arguments(dict(arguments.values), arguments.errors, arguments.refused) if steady else arguments
            try:
                run = partial(plan.run, request, given, media)
                return await threads.run(plan.mode, run, plan.system, unlimited=steady)
            except Unavailable:
                if not steady or loop.time() > until or self._last_good.get(request) is not None:
                    raise
            await asyncio.sleep(random.uniform(*PAUSE))  # noqa: S311

    def _no_operation(self, request: Request, *, matched: bool = False) -> Answer:
        """OPTIONS of a known path, else 405 with a complete Allow, else 404."""
        # A literal path beside a template: what the template does not take is none of its paths, whatever it answers.
        fits = Plan.takes if self._router.is_literal(request.path) else Plan.fits
        allowed = self._router.allowed(request.path, fits)
        if not allowed and not matched:
            allowed = self._router.allowed(request.path)
        if not allowed or "\0" in request.path:
            raise NotFound("not found")
        if request.method != "OPTIONS":
            raise MethodNotAllowed("method not allowed", headers={"Allow": ", ".join(allowed)})
        headers = encode({"Allow": ", ".join(allowed)})
        return Answer(204, None, b"", headers + self._around.origin.preflight_headers(request.headers, allowed))

    async def _streamed(
        self, plan: Plan, request: Request, arguments: Arguments, media: Media, receive: Receive
    ) -> Answer:
        """Security first, then the bytes into the spool, then the handler: a stranger fills no disk."""
        declared = declared_length(request, plan.max_body)
        caller = await threads.run("read", partial(plan.admit, request, arguments), plan.system)
        if isinstance(media, Problem):
            raise media
        assert plan.body is not None
        sink = open_sink(plan.body, media, self._around.spool, plan.max_body)
        try:
            if arguments.refused is not None:
                raise arguments.refused
            refuse(arguments.errors)
            check_space(self._around.spool, declared)
            async for lump in lumps(receive):
                await threads.run("none", partial(sink.feed, lump), plan.system)
                metrics.current().received.inc(len(lump))
            body, errors = await threads.run("none", sink.finish, plan.system)
            run = partial(plan.run_staged, request, caller, arguments, body, errors)
            return await threads.run("none", run, plan.system)
        finally:
            sink.close()

    def _problem(self, problem: Problem, path: str, exchange: "_Exchange") -> Answer | None:
        """The error in the envelope of the path's system; a 401 says which credentials would do.

        An operation that never answers such an error gives its last good answer; None when there was none.
        """
        if exchange.plan is not None and exchange.request is not None and exchange.plan.never:
            if problem.status in exchange.plan.never:
                return self._instead(problem, exchange.plan, exchange.request)
            answer = self._refusal(problem, path, exchange)
            self._last_good.note(exchange.request, answer)
            return answer
        return self._refusal(problem, path, exchange)

    def _instead(self, problem: Problem, plan: Plan, request: Request) -> Answer | None:
        found = self._last_good.get(request)
        done = "the connection is closed" if found is None else "the last good answer is given"
        log.warning(
            "request failed", operation=plan.operation_id, status=problem.status, error=problem.detail, done=done
        )
        return found

    def _refusal(self, problem: Problem, path: str, exchange: "_Exchange") -> Answer:
        headers = dict(problem.headers)
        if problem.status == 401 and exchange.plan is not None and exchange.plan.security.challenge:
            headers.setdefault("WWW-Authenticate", exchange.plan.security.challenge)
        operation = exchange.plan.operation_id if exchange.plan is not None else ""
        media, body = self._around.envelopes.render(problem, path, exchange.identifier, operation)
        answer = Answer(problem.status, media, body, encode(headers))
        if self._around.check_answers and exchange.plan is not None and problem.status not in UNDECLARED:
            try:
                _check(exchange.plan, answer, exchange.request)
            except CheckFailed:
                log.exception("answer fails its spec")
                return Answer(500, media, body, encode({"X-Check-Failed": exchange.plan.operation_id}))
        return answer


class _Exchange:
    """What is known of a request so far, for whoever has to answer when something is refused midway."""

    def __init__(self, identifier: str) -> None:
        self.identifier = identifier
        self.request: Request | None = None
        self.plan: Plan | None = None


async def _no_body() -> MutableMapping[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def _media(scope: Scope) -> Media:
    try:
        return media_type(scope["headers"])
    except Problem as problem:
        return problem


def _check(plan: Plan, answer: Answer, request: Request | None) -> None:
    faults = plan.answers.check(answer, request)
    if faults:
        raise CheckFailed(f"{plan.operation_id} {answer.status}: {faults[:3]}")
