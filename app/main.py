"""Put the parts together: what a process holds (database, keys, storage) and the ASGI app of each listener."""

import secrets as random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import structlog
from connexion import AsyncApp

from app.core import db, documents, migrate, passwords, secrets, storage, threads, tokens
from app.core.calls import Audience
from app.core.log import configure as configure_log
from app.http import specs
from app.http.envelopes import Envelopes
from app.http.middleware import Pipeline, Surroundings
from app.http.origin import Origin
from app.http.resolver import HandlerResolver
from app.http.switch import Switch
from app.settings import Settings

log = structlog.get_logger("flotilla")

TOKEN_KINDS = {"mender": ("user", "device")}


def open_process(settings: Settings, *, migrating: bool = True) -> None:
    """Open what the process owns: log, keys, database (migrated), storage, signing keys, a first administrator."""
    configure_log(settings.log_level, settings.log_format)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets.configure(settings.secret_key_file)
    db.configure(settings.database_url, lock_dir=settings.data_dir)
    storage.configure(settings.data_dir / "objects", settings.spool_dir)
    if migrating:
        migrate.up()
        prepare(settings)


def prepare(settings: Settings) -> None:
    """Make what a first start needs: signing keys and, where there is no administrator, one."""
    tokens.ensure_keys([(system, kind) for system, kinds in TOKEN_KINDS.items() for kind in kinds])
    from app.mender import useradm

    password = random.token_urlsafe(18)
    if useradm.ensure_first_admin("admin@localhost.localdomain", password):
        _hand_over(settings.data_dir / "admin-password", password)


def _hand_over(file: Path, password: str) -> None:
    file.touch(mode=0o600)
    file.write_text(password + "\n", encoding="utf-8")
    log.info("made the first administrator", email="admin@localhost.localdomain", password_file=file.name)
    if sys.stderr.isatty():
        print(f"First administrator: admin@localhost.localdomain, password {password}", file=sys.stderr)  # noqa: T201


def close_process() -> None:
    """Give back what `open_process` opened."""
    threads.shutdown()
    db.close()


def systems(settings: Settings) -> list[specs.System]:
    """The systems this server offers."""
    return specs.load_systems(specs.root(), settings.systems)


def bundles(settings: Settings, audience: Audience) -> list[tuple[specs.System, dict[str, Any]]]:
    """Each system that has operations on a listener, with its bundled and gated document."""
    return [
        (system, specs.document(specs.root(), system, audience))
        for system in systems(settings)
        if system.files[audience]
    ]


def published(settings: Settings, audience: Audience) -> dict[str, bytes]:
    """The documents of a listener as users get them: system -> JSON."""
    return {
        system.name: orjson.dumps(specs.published(document), option=orjson.OPT_INDENT_2) + b"\n"
        for system, document in bundles(settings, audience)
    }


def create_app(settings: Settings, audience: Audience, *, check_answers: bool = False) -> Any:
    """The ASGI app of one listener, its plans compiled. Raises SpecError, PlanError or ResolverError."""
    found = bundles(settings, audience)
    around = Surroundings(
        audience=audience,
        envelopes=Envelopes(
            (prefix, system.name, system.envelope) for system, _ in found for prefix in system.prefixes[audience]
        ),
        origin=Origin(settings.public_url, settings.trusted_proxies, settings.cors_origins),
        spool=settings.spool_dir,
        check_answers=check_answers,
    )
    connexion_app = AsyncApp("flotilla", middlewares=[partial(Pipeline, surroundings=around)], pythonic_params=True)
    resolvers = []
    for system, document in found:
        resolver = HandlerResolver(system.name)
        resolvers.append(resolver)
        connexion_app.add_api(
            document, base_path="", name=system.name, resolver=resolver, system=system.name, functions=system.security
        )
        body = orjson.dumps(specs.published(document), option=orjson.OPT_INDENT_2) + b"\n"
        documents.publish(audience, system.name, body)
    # Connexion builds its stack at the first message; a fault in a spec or handler must show before that.
    middleware = connexion_app.middleware
    middleware.app, middleware.middleware_stack = middleware._build_middleware_stack()
    surplus = [name for resolver in resolvers for name in resolver.unnamed()]
    if surplus:
        raise specs.SpecError(f"no operation names these handlers: {', '.join(surplus)}")
    return Switch(connexion_app, audience, [system for system, _ in found])
