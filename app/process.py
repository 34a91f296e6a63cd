"""What a process holds (log, keys, database, storage, work in the background), and what commands do with it.

It imports no web framework: commands that serve nothing begin at once.
"""

import os
import secrets as random
import signal
import socket
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

import structlog

from app.core import (
    db,
    failed_units,
    failpoints,
    feeds,
    limits,
    mail,
    migrate,
    secrets,
    storage,
    threads,
    tokens,
    worker,
)
from app.core.errors import NotFound
from app.core.log import configure as configure_log
from app.core.storage_url import open_store
from app.http.systems import System, load_systems, mounted, root
from app.mender import audit as mender_audit
from app.mender import limits as mender_limits
from app.mender import useradm
from app.nebula import auth as nebula_auth
from app.nebula import info as nebula_info
from app.nebula import reports as nebula_reports
from app.nebula import rights as nebula_rights
from app.nebula import users as nebula_users
from app.ngenea import auth as ngenea_auth
from app.ngenea import here as ngenea_here
from app.ngenea import install as ngenea_install
from app.ngenea import reconciling as ngenea_reconciling
from app.ngenea import sites as ngenea_sites
from app.ngenea import users as ngenea_users
from app.ngenea import worker as ngenea_worker
from app.ngenea.reconcile import Report
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
    "ngenea": (
        "app.ngenea.buckets",
        "app.ngenea.folders",
        "app.ngenea.job_removal",
        "app.ngenea.looking",
        "app.ngenea.probes",
        "app.ngenea.reconciling",
        "app.ngenea.run_tasks",
    ),
}
TOKEN_KINDS = {"mender": ("user", "device"), "vmm": ("user",), "ngenea": ("user",)}
SITE_THREADS = 10  # of a site's queue in a server
FIRST_ADMIN = "admin@localhost.localdomain"

_worker: worker.Worker | None = None
_site_worker: ngenea_worker.SiteWorker | None = None


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
    ngenea_auth.configure(settings.ngenea_access_token_seconds, settings.ngenea_refresh_token_seconds)
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
    if _site_worker is not None:
        _site_worker.begin_stop()


def close_process() -> None:
    """Give back what `open_process` opened, leases of work included."""
    vmm_events.stop()
    if _site_worker is not None:
        _site_worker.stop()
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
    if not settings.nebula_auth_enabled and "nebula" in [system.name for system in offered(settings)]:
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
    if not ngenea_users.exist():
        ngenea_users.make_superuser(FIRST_ADMIN.partition("@")[0], FIRST_ADMIN, password)
        made = True
    if made:
        _hand_over(file, password)


def _prepare(settings: Settings) -> None:
    open_process(settings)
    storage.claim(secrets.derive("owner of the storage").hex())
    migrate.up()
    worker.prepare(settings.postgres_url)
    ngenea_install.ensure()
    tokens.ensure_keys([(system, kind) for system, kinds in TOKEN_KINDS.items() for kind in kinds])


def _hand_over(file: Path, password: str) -> None:
    """Leave the first password in a file for the owner alone, and on a terminal; never in a log."""
    file.touch(mode=0o600)
    file.write_text(password + "\n", encoding="utf-8")
    log.info("made the first administrator", email=FIRST_ADMIN, password_file=file.name)
    if sys.stderr.isatty():
        print(f"First administrator: {FIRST_ADMIN}, password {password}", file=sys.stderr)  # noqa: T201


def start_worker(settings: Settings, count: int) -> None:
    global _worker
    _import_work(settings)
    _worker = worker.Worker(count, postgres_url=settings.postgres_url)
    _worker.start()


def run_worker(settings: Settings, count: int) -> None:
    """Do work in the background, in `count` threads, until SIGTERM or SIGINT."""
    _prepare(settings)
    stop = _told_to_end()
    start_worker(settings, count)
    log.info("working", threads=count)
    _wait_for(stop)
    close_process()


def _told_to_end() -> threading.Event:
    """What SIGTERM and SIGINT set from now on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _wait_for(stop: threading.Event) -> None:
    """In the main thread, which runs what a signal calls, but is not woken by one that another thread takes."""
    while not stop.wait(1):
        pass


def _import_work(settings: Settings) -> None:
    for system in offered(settings):
        for module in WORK_MODULES.get(system.name, ()):
            import_module(module)


def start_site_worker(settings: Settings) -> None:
    """Work on the files of NGENEA_SITE in this server, when there is such a setting and it works at all."""
    if not settings.ngenea_site or settings.ngenea_root is None or settings.worker_threads == 0:
        return
    if "ngenea" in [system.name for system in offered(settings)]:
        ngenea_sites.ensure(settings.ngenea_site)
        _start_site_worker(settings.ngenea_site, settings.ngenea_root, {ngenea_sites.DEFAULT_QUEUE: SITE_THREADS}, "")


def _start_site_worker(site: str, folder: Path, queues: dict[str, int], node: str) -> None:
    global _site_worker
    _site_worker = ngenea_worker.SiteWorker(site, folder, queues, node or socket.gethostname())
    _site_worker.start()


def run_site_worker(settings: Settings, site: str, folder: Path, queues: dict[str, int], node: str) -> None:
    """Work on the files of a site, which lie beneath `folder`, until SIGTERM or SIGINT."""
    _prepare(settings)
    stop = _told_to_end()
    _import_work(settings)
    _start_site_worker(site, folder, queues, node)
    _wait_for(stop)
    close_process()


def reconcile_site(settings: Settings, site: str, folder: Path, older_than: timedelta) -> Report:
    """Look after a site once, whose files lie beneath `folder`. Raises NotFound, Unavailable."""
    _prepare(settings)
    number = ngenea_sites.named(site)
    ngenea_here.serve(number, folder)
    report = ngenea_reconciling.now(number, older_than)
    close_process()
    return report


def failed_work(settings: Settings) -> list[failed_units.Failed]:
    """The units of work that failed for good."""
    open_process(settings)
    migrate.up()
    return failed_units.oldest()


def retry_work(settings: Settings, pk: int) -> None:
    """Queue a unit that failed for good once more; raises NotFound."""
    open_process(settings)
    migrate.up()
    if not failed_units.retry(pk):
        raise NotFound(f"there is no failed unit {pk}")


def migrate_database(settings: Settings) -> list[str]:
    """Bring the database to this release's schema; the names of the migrations applied."""
    open_process(settings)
    return migrate.up()


def create_admin(
    settings: Settings, email: str, password: str, *, username: str | None, system: str | None, tenant: str
) -> str:
    """Make an administrator in one system or all; the new user's id. Migrates first, so that no server need run."""
    known = [entry.name for entry in offered(settings) if entry.name != "flotilla"]
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
        if chosen == "ngenea":
            ngenea_install.ensure()
            number = str(ngenea_users.make_superuser(name, email, password))
            made = made if {"mender", "vmm"} & set(wanted) else number
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


def offered(settings: Settings) -> list[System]:
    """The systems this server offers, as the settings want them."""
    return [_as_set(system, settings) for system in load_systems(root(), settings.systems)]


def _as_set(system: System, settings: Settings) -> System:
    if system.name != "nebula":
        return system
    return replace(mounted(system, settings.nebula_prefix), is_open=not settings.nebula_auth_enabled)
