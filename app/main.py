"""Put the parts together: the ASGI app of each listener, and the documents that it serves."""

from functools import partial
from typing import Any, Literal

import orjson
from connexion import AsyncApp
from connexion.middleware.lifespan import LifespanMiddleware

from app import process
from app.core import documents
from app.core.calls import Audience
from app.http import specs
from app.http.envelopes import Envelopes
from app.http.middleware import Pipeline, Surroundings
from app.http.origin import Origin
from app.http.resolver import HandlerResolver
from app.http.switch import Switch
from app.http.systems import SpecError, System, root
from app.settings import Settings

AUDIENCES: tuple[Audience, ...] = ("public", "internal")


def open_apps(settings: Settings) -> list[Any]:
    """The public and the internal app of a process that serves, its work in the background begun."""
    if settings.workers > 1:
        process.open_process(settings)
    process.start_worker(settings, settings.worker_threads)
    process.start_site_worker(settings)
    return [create_app(settings, audience) for audience in AUDIENCES]


def routes(settings: Settings) -> list[tuple[str, str, str, str, str]]:
    """(listener, system, method, path, operation id) of every operation."""
    return [
        (audience, system.name, method.upper(), path, operation["operationId"])
        for audience in AUDIENCES
        for system, document in bundles(settings, audience)
        for path, method, operation in specs.operations(document)
    ]


def check_specs(settings: Settings) -> int:
    """Compile both apps as the server does; how many operations there are. Raises what is wrong with one."""
    for audience in AUDIENCES:
        create_app(settings, audience)
    return len(routes(settings))


def bundles(settings: Settings, audience: Audience) -> list[tuple[System, dict[str, Any]]]:
    """Each system that has operations on a listener, with its bundled and gated document."""
    return [
        (system, specs.document(root(), system, audience))
        for system in process.offered(settings)
        if system.files[audience]
    ]


def published(settings: Settings, audience: Audience) -> dict[str, bytes]:
    """The documents of a listener as users get them: system -> JSON."""
    return {
        system.name: orjson.dumps(specs.published(document), option=orjson.OPT_INDENT_2) + b"\n"
        for system, document in bundles(settings, audience)
    }


def create_app(settings: Settings, audience: Audience, pipeline: Literal["compiled", "stock"] = "compiled") -> Any:
    """The ASGI app of one listener, its plans compiled. Raises SpecError, PlanError or ResolverError.

    `pipeline="stock"` serves the same specs and handlers through connexion's own middlewares, for comparison.
    """
    found = bundles(settings, audience)
    around = Surroundings(
        audience=audience,
        envelopes=Envelopes((system for system, _ in found), audience),
        origin=Origin(settings.public_url, settings.trusted_proxies, settings.cors_origins),
        spool=settings.spool,
        check_answers=settings.check_answers,
    )
    for system, document in found:
        body = orjson.dumps(specs.published(document), option=orjson.OPT_INDENT_2) + b"\n"
        documents.publish(audience, system.name, body)
    offered = [system for system, _ in found]
    if pipeline == "stock":
        from app.http.stock import create_stock_app  # not what a server needs

        return Switch(create_stock_app(found, around), audience, offered)
    return Switch(_compiled_app(found, around), audience, offered)


def _compiled_app(found: list[tuple[System, dict[str, Any]]], around: Surroundings) -> AsyncApp:
    """Connexion with our pipeline in place of its middlewares (docs/adr/0001)."""
    middlewares: list[Any] = [partial(Pipeline, surroundings=around), LifespanMiddleware]
    app = AsyncApp("flotilla", middlewares=middlewares, pythonic_params=True)
    resolvers = [HandlerResolver(system.name) for system, _ in found]
    for (system, document), resolver in zip(found, resolvers, strict=True):
        app.add_api(
            document,
            base_path="",
            name=system.name,
            resolver=resolver,
            system=system.name,
            functions=system.security,
            challenge=system.challenge,
            authorise=system.authorise,
            negotiate=system.negotiate,
        )
    # Connexion builds its stack at the first message; a fault in a spec or handler must show before that.
    app.middleware.app, app.middleware.middleware_stack = app.middleware._build_middleware_stack()
    surplus = [name for resolver in resolvers for name in resolver.unnamed()]
    if surplus:
        raise SpecError(f"no operation names these handlers: {', '.join(surplus)}")
    return app
