"""One compiled plan per operation: everything that a request needs is made at start, a request only runs it.

Stands in for connexion's RequestValidationMiddleware, decorators and jsonifier, which rebuild parsers, validators and
signatures at every request (performance.md section 1; docs/adr/0002). Connexion keeps the specification, the
operation and the resolver.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from app.core import db, failpoints
from app.core.calls import Caller, Request, on_behalf
from app.core.errors import BadRequest, NotFound, Problem
from app.http.answers import Answer, Answers, compile_answers
from app.http.bodies import Body, check_storable, compile_body
from app.http.params import Parameters, compile_parameters
from app.http.schemas import Schemas
from app.http.security import Scheme, Security

Mode = Literal["read", "write", "none"]
Errors = list[tuple[str, str]]
# What the Content-Type header says, or the refusal that waits for its turn.
Media = tuple[str, str] | Problem | None
# (operationId, caller, parameters) -> nothing; raises Forbidden. A system's own rule of who may do what.
Authorise = Callable[[str, Caller, Mapping[str, Any]], None]
# request -> nothing; raises NotAcceptable or UnsupportedMediaType. A system's own rule of media types.
Negotiate = Callable[[Request], None]

DEFAULT_MAX_BODY: Final = 1024 * 1024
UNWELCOME: Final = (429, 500, 503, 507)  # what an operation may say that it never answers
OWN_ARGUMENTS: Final = frozenset({"body", "caller", "request"})


class PlanError(Exception):
    """An operation that cannot be served; names it and says why."""


@dataclass(slots=True)
class Arguments:
    """The cast parameters of one request, with the errors that wait for their turn in the order of refusal."""

    values: dict[str, Any]
    errors: Errors
    refused: Problem | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What one operation does with a request. `run` is called in a worker thread, `arguments` on the event loop."""

    operation_id: str
    system: str
    method: str
    path: str
    mode: Mode
    parameters: Parameters
    bad_path: int
    body: Body | None
    max_body: int
    security: Security
    handler: Callable[..., Any]
    wanted: frozenset[str]
    unwanted: tuple[str, ...]
    answers: Answers
    authorise: Authorise | None
    negotiate: Negotiate | None
    # Errors that it never answers (`x-no-503`): its last good answer, or none at all, is better for its clients.
    never: frozenset[int]

    def arguments(self, path: Mapping[str, str], request: Request, refused: Problem | None) -> Arguments:
        """Cast the parameters. A bad path parameter is NotFound at once, or waits with the 400s (`x-bad-path: 400`)."""
        values, bad_path, errors = self.parameters.cast(path, request.query, request.headers)
        if bad_path and self.bad_path == 404:
            raise NotFound("not found")
        return Arguments(values, [*bad_path, *errors], refused)

    def fits(self, path: Mapping[str, str]) -> bool:
        """Whether a path is one of this operation's, or a 404 for its parameters' sake."""
        return self.bad_path != 404 or self.takes(path)

    def takes(self, path: Mapping[str, str]) -> bool:
        """Whether the path parameters are what the spec says of them."""
        return not self.parameters.cast(path, (), {})[1]

    def run(self, request: Request, arguments: Arguments, media: Media) -> Answer:
        """Security, then 415, then 400, then the unit of work with the handler, then the answer's bytes."""
        if self.mode == "read":
            with db.read():
                caller = self.admit(request, arguments)
                result = self._call(request, caller, arguments, self._load(request, arguments, media))
        else:
            caller = self.admit(request, arguments)
            result = self._work(request, caller, arguments, self._load(request, arguments, media))
        return self.answers.render(result)

    def admit(self, request: Request, arguments: Arguments) -> Caller:
        """Who calls; raises Unauthorized for nobody known, Forbidden for somebody who may not, or for media types."""
        caller = self.security.check(request)
        if self.authorise is not None:
            self.authorise(self.operation_id, caller, arguments.values)
        if self.negotiate is not None:
            self.negotiate(request)
        return caller

    def run_staged(self, request: Request, caller: Caller, arguments: Arguments, body: Any, errors: Errors) -> Answer:
        """The second hop of a streamed operation: the body is on disk, validate its fields and call the handler."""
        refuse([*arguments.errors, *errors])
        return self.answers.render(self._work(request, caller, arguments, body))

    def _load(self, request: Request, arguments: Arguments, media: Media) -> Any:
        value: Any = None
        errors: Errors = []
        if self.body is not None:
            if isinstance(media, Problem):
                raise media
            value, errors = self.body.load(request.body, media)
        if arguments.refused is not None:
            raise arguments.refused
        refuse([*arguments.errors, *errors])
        if value is None or "body" not in self.wanted:
            return None
        # Members that the schema does not name are gone by now: what nobody will see is not looked at.
        check_storable(request.body, value)
        return value

    def _work(self, request: Request, caller: Caller, arguments: Arguments, body: Any) -> Any:
        if self.mode == "none":
            return self._call(request, caller, arguments, body)
        with db.write():
            return self._call(request, caller, arguments, body)

    def _call(self, request: Request, caller: Caller, arguments: Arguments, body: Any) -> Any:
        values = arguments.values
        for name in self.unwanted:
            del values[name]
        if "body" in self.wanted:
            values["body"] = body
        if "caller" in self.wanted:
            values["caller"] = caller
        if "request" in self.wanted:
            values["request"] = request
        failpoints.hit("handler")
        with on_behalf(caller, request.request_id):
            return self.handler(**values)


def refuse(errors: Errors) -> None:
    """Raise BadRequest naming the first of several faults, all of them in `errors`; nothing when there are none."""
    if errors:
        pointer, message = errors[0]
        raise BadRequest(f"{pointer.lstrip('/')}: {message}" if pointer.strip("/") else message, errors=errors)


def compile_plan(
    document: Mapping[str, Any],
    path: str,
    method: str,
    *,
    system: str,
    handler: Callable[..., Any],
    schemes: Mapping[str, Scheme],
    schemas: Schemas,
    challenge: str = "",
    authorise: Authorise | None = None,
    negotiate: Negotiate | None = None,
) -> Plan:
    """Compile one operation of a bundled document. Raises PlanError naming the operation."""
    operation = document["paths"][path][method]
    where = f"{operation['operationId']} ({method.upper()} {path})"
    try:
        parameters = compile_parameters(parameters_of(document, path, method), schemas)
        max_body = operation.get("x-max-body", DEFAULT_MAX_BODY)
        body = compile_body(follow(document, operation.get("requestBody")), schemas, partial(follow, document))
        mode: Mode = operation.get("x-transaction", "read" if method in ("get", "head") else "write")
        wanted = _signature(handler, parameters, body)
        plan = Plan(
            operation_id=operation["operationId"],
            system=system,
            method=method.upper(),
            path=path,
            mode=mode,
            parameters=parameters,
            bad_path=operation.get("x-bad-path", 404),
            body=body,
            max_body=max_body if body is not None else 0,
            security=Security(system, operation.get("security", []), schemes, challenge),
            handler=handler,
            wanted=wanted,
            unwanted=tuple(parameters.path_names - wanted),
            answers=compile_answers(operation, schemas, partial(follow, document)),
            authorise=authorise,
            negotiate=negotiate,
            never=frozenset(status for status in UNWELCOME if f"x-no-{status}" in operation),
        )
    except (ValueError, KeyError, TypeError) as exc:
        raise PlanError(f"{where}: {exc}") from exc
    if mode not in ("read", "write", "none") or plan.bad_path not in (400, 404):
        raise PlanError(f"{where}: x-transaction or x-bad-path has an unknown value")
    if body is not None and body.has_files and mode != "none":
        raise PlanError(f"{where}: a streamed body needs x-transaction: none")
    return plan


def follow(document: Mapping[str, Any], node: Any) -> Any:
    """What a node of a document is behind its $ref."""
    while isinstance(node, Mapping) and "$ref" in node:
        target: Any = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def parameters_of(document: Mapping[str, Any], path: str, method: str) -> list[Any]:
    """The resolved parameters of an operation, those of its path among them, each (in, name) once."""
    item = document["paths"][path]
    found = {}
    for parameter in [*item.get("parameters", []), *item[method].get("parameters", [])]:
        parameter = follow(document, parameter)
        found[parameter["in"], parameter["name"]] = parameter
    return list(found.values())


def _signature(handler: Callable[..., Any], parameters: Parameters, body: Body | None) -> frozenset[str]:
    """The arguments to pass: every query and header parameter; path ones, body, caller, request when wanted."""
    taken = inspect.signature(handler).parameters
    for name, parameter in taken.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ValueError(f"the handler may not take *{name}")
    missing = parameters.names - set(taken)
    surplus = set(taken) - parameters.names - parameters.path_names - OWN_ARGUMENTS
    if "body" in taken and body is None:
        surplus.add("body")
    if missing or surplus:
        raise ValueError(f"the handler lacks {sorted(missing)} and has too much {sorted(surplus)}")
    return frozenset(taken)
