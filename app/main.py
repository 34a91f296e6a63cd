"""Put the parts together: what a process holds (database, keys, storage) and the ASGI app of each listener."""

import os
import secrets as random
import signal
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

import orjson
import structlog
from connexion import AsyncApp
from connexion.middleware.lifespan import LifespanMiddleware

from app.core import (
    db,
    documents,
    failpoints,
    feeds,
    limits,
    mail,
    migrate,
    secrets,
    storage,
    threads,
    tokens,
    work,
    worker,
)
from app.core.calls import Audience
from app.core.errors import NotFound
from app.core.log import configure as configure_log
from app.core.storage_url import open_store
from app.http import specs
from app.http.envelopes import Envelopes
from app.http.middleware import Pipeline, Surroundings
from app.http.origin import Origin
from app.http.resolver import HandlerResolver
from app.http.stock import create_stock_app
from app.http.switch import Switch
from app.mender import audit as mender_audit
from app.mender import limits as mender_limits
from app.mender import useradm
from app.nebula import auth as nebula_auth
from app.nebula import info as nebula_info
from app.nebula import reports as nebula_reports
from app.nebula import rights as nebula_rights
from app.nebula import users as nebula_users
from app.settings import Settings
from app.vmm import accounts as vmm_accounts
from app.vmm import events as vmm_events
from app.vmm import image_servers as vmm_image_servers
from app.vmm import outbound as vmm_outbound
from app.vmm import users as vmm_users

log = structlog.get_logger("flotilla")

# Where each system's functions for work in the background are; importing a module makes them known.
WORK_MODULES = {
    "mender": ("app.mender.artifacts", "app.mender.audit", "app.mender.password_reset", "app.mender.useradm"),
    "nebula": ("app.nebula.reports",),
    "vmm": ("app.vmm.codes", "app.vmm.cleaning", "app.vmm.tasks", "app.vmm.image_uploads"),
}
TOKEN_KINDS = {"mender": ("user", "device"), "vmm": ("user",)}
AUDIENCES: tuple[Audience, ...] = ("public", "internal")
FIRST_ADMIN = "admin@localhost.localdomain"

_worker: worker.Worker | None = None


def open_process(settings: Settings) -> None:
    """Open what a process owns: log, keys, database, storage. Migrates nothing."""
    configure_log(settings.log_level, settings.log_format)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    secrets.configure(settings.key_file)
    db.configure(settings.database_url, lock_dir=settings.data_dir)
    store = open_store(settings.storage_url, settings.ca_file)
    storage.configure(store, settings.spool, signed_downloads=settings.storage_signed_downloads)
    failpoints.configure(settings.failpoints)
    limits.configure(settings.login_limit)
    mail.configure(mail.Mail(settings.smtp_url, settings.sender, settings.base_url, settings.ca_file))
    mender_audit.configure(settings.mender_audit_days)
    _open_nebula(settings)
    vmm_accounts.configure(registration=settings.vmm_registration)
    vmm_events.configure(settings.vmm_stream_auth_seconds)
    vmm_outbound.configure(settings.vmm_allowed_hosts)
    vmm_image_servers.configure(settings.vmm_image_servers, settings.public_url, settings.ca_file, settings.tls_cert)


def _open_nebula(settings: Settings) -> None:
    password, token = settings.nebula_basic_auth_password, settings.nebula_auth_token
    nebula_auth.configure(
        nebula_auth.Local(settings.nebula_basic_auth_user, password.get_secret_value(), token.get_secret_value())
    )
    nebula_rights.configure(enforced=settings.nebula_auth_enabled)
    nebula_info.configure(settings.nebula_cache_time)
    nebula_reports.configure(timedelta(seconds=settings.nebula_report_ttl))


def begin_stop() -> None:
    """The process is told to end: its work in the background takes nothing new, and open connections are closed."""
    feeds.close_all()
    if _worker is not None:
        _worker.begin_stop()


def close_process() -> None:
    """Give back what `open_process` opened, leases of work included."""
    vmm_events.stop()
    if _worker is not None:
        _worker.stop()
    if not threads.shutdown():
        # A thread is stuck in something: it holds a connection that must not be closed under it.
        os._exit(1)
    db.close()


def prepare_process(settings: Settings) -> None:
    """What one process does before any serves: migrate, make signing keys and, at first start, an administrator."""
    _prepare(settings)
    if settings.smtp_url is not None and settings.public_url is None:
        log.warning("links in mail lead to the public listener: set PUBLIC_URL", url=settings.base_url)
    if not settings.nebula_auth_enabled and "nebula" in [system.name for system in systems(settings)]:
        log.warning("NEBULA_AUTH_ENABLED is false: whoever reaches the Nebula manager may do everything with it")
    _ensure_first_admins(settings)
    if settings.workers > 1:
        close_process()


def _ensure_first_admins(settings: Settings) -> None:
    """An administrator in each system that has none, all with the one password that the owner finds in a file."""
    file = settings.data_dir / "admin-password"
    found = file.read_text("utf-8").strip() if file.exists() else ""
    password = found or random.token_urlsafe(18)
    made = useradm.ensure_first_admin(FIRST_ADMIN, password)
    if not nebula_users.exist() and not nebula_auth.has_local_admin():
        nebula_users.make_admin(FIRST_ADMIN.partition("@")[0], password)
        made = True
    if not vmm_users.exist():
        vmm_users.make_root(FIRST_ADMIN.partition("@")[0], FIRST_ADMIN, password)
        made = True
    if made:
        _hand_over(file, password)


def _prepare(settings: Settings) -> None:
    open_process(settings)
    storage.claim(secrets.derive("owner of the storage").hex())
    migrate.up()
    worker.prepare(settings.postgres_url)
    tokens.ensure_keys([(system, kind) for system, kinds in TOKEN_KINDS.items() for kind in kinds])


def _hand_over(file: Path, password: str) -> None:
    """Leave the first password in a file for the owner alone, and on a terminal; never in a log."""
    file.touch(mode=0o600)
    file.write_text(password + "\n", encoding="utf-8")
    log.info("made the first administrator", email=FIRST_ADMIN, password_file=file.name)
    if sys.stderr.isatty():
        print(f"First administrator: {FIRST_ADMIN}, password {password}", file=sys.stderr)  # noqa: T201


def open_apps(settings: Settings) -> list[Any]:
    """The public and the internal app of a process that serves, its work in the background begun."""
    if settings.workers > 1:
        open_process(settings)
    _start_worker(settings, settings.worker_threads)
    return [create_app(settings, audience) for audience in AUDIENCES]


def _start_worker(settings: Settings, count: int) -> None:
    global _worker
    for system in systems(settings):
        for module in WORK_MODULES.get(system.name, ()):
            import_module(module)
    _worker = worker.Worker(count, postgres_url=settings.postgres_url)
    _worker.start()


def run_worker(settings: Settings, count: int) -> None:
    """Do work in the background, in `count` threads, until SIGTERM or SIGINT."""
    _prepare(settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _start_worker(settings, count)
    log.info("working", threads=count)
    stop.wait()
    close_process()


def failed_work(settings: Settings) -> list[work.Failed]:
    """The units of work that failed for good."""
    open_process(settings)
    migrate.up()
    return work.failed()


def retry_work(settings: Settings, pk: int) -> None:
    """Queue a unit that failed for good once more; raises NotFound."""
    open_process(settings)
    migrate.up()
    if not work.retry(pk):
        raise NotFound(f"there is no failed unit {pk}")


def migrate_database(settings: Settings) -> list[str]:
    """Bring the database to this release's schema; the names of the migrations applied."""
    open_process(settings)
    return migrate.up()


def create_admin(
    settings: Settings, email: str, password: str, *, username: str | None, system: str | None, tenant: str
) -> str:
    """Make an administrator in one system or all; the new user's id. Migrates first, so that no server need run."""
    known = [entry.name for entry in systems(settings) if entry.name != "flotilla"]
    if system is not None and system not in known:
        raise NotFound(f"there is no system {system}; there are: {', '.join(sorted(known))}")
    open_process(settings)
    migrate.up()
    name = username or email.partition("@")[0]
    made = name
    wanted = known if system is None else [system]
    for chosen in wanted:
        if chosen == "mender":
            made = useradm.create_user(email, password, tenant)
        if chosen == "nebula":
            nebula_users.make_admin(name, password)
        if chosen == "vmm":
            number = str(vmm_users.make_root(name, email, password))
            made = made if "mender" in wanted else number
    return made


def mender_limit(settings: Settings, tenant: str, name: mender_limits.Name, value: int | None) -> int:
    """A limit of the Mender system, after it was set to `value` if that is given (mender 2.6, 4.2)."""
    open_process(settings)
    migrate.up()
    if value is not None:
        with db.write():
            mender_limits.put(tenant, name, value)
    with db.read():
        return mender_limits.get(tenant, name)


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


def systems(settings: Settings) -> list[specs.System]:
    """The systems this server offers, as the settings want them."""
    return [_as_set(system, settings) for system in specs.load_systems(specs.root(), settings.systems)]


def _as_set(system: specs.System, settings: Settings) -> specs.System:
    if system.name != "nebula":
        return system
    return replace(specs.mounted(system, settings.nebula_prefix), is_open=not settings.nebula_auth_enabled)


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
        return Switch(create_stock_app(found, around), audience, offered)
    return Switch(_compiled_app(found, around), audience, offered)


def _compiled_app(found: list[tuple[specs.System, dict[str, Any]]], around: Surroundings) -> AsyncApp:
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
        raise specs.SpecError(f"no operation names these handlers: {', '.join(surplus)}")
    return app
