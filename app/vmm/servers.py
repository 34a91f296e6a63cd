"""LXD hosts: which there are, whose they are, and how one comes to trust us (vmm 3, 5, 8)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import peewee
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.core import clock, db, failpoints, limits, secrets
from app.core.calls import Caller
from app.core.errors import BadGateway, BadRequest, Conflict, NotFound, Problem, Unprocessable
from app.vmm import lxd, outbound
from app.vmm.documents import Document, resource
from app.vmm.lxd import Host, Target
from models.vmm.servers import Server

PROVIDER: Final = "lxd"
PROVIDERS: Final = ("lxd", "qemu", "ldap", "internal")
PROTOCOL: Final = "lxd"
ADDED: Final = "server with this host and port already added"
PASSWORD: Final = "password refused"  # noqa: S105
NOT_FOUND: Final = "server not found"
OURS: Final = "flotilla"
LIFETIME: Final = timedelta(days=3650)
ADDING: Final = timedelta(minutes=5)  # longer than adding a host can take

Given = dict[str, Any]

log = structlog.get_logger("flotilla.vmm.servers")


def sees_all(caller: Caller) -> bool:
    """Whether a caller sees the hosts of all users (root and administrators)."""
    return bool({"group 1", "group 2"} & caller.rights)


def find(caller: Caller, number: int, provider: str) -> Any:
    """The row of a host that a caller may see. Raises BadRequest, NotFound, Conflict for another provider's."""
    if provider not in PROVIDERS:
        raise BadRequest("unknown provider", errors=[("/provider", "unknown provider")])
    with db.read():
        row = _visible(caller).where(Server.pk == number).first()
    if row is None:
        raise NotFound(NOT_FOUND, errors=[("/server_id", NOT_FOUND)])
    if provider != PROVIDER:
        raise Conflict("the server has another provider", errors=[("/provider", "the server has another provider")])
    return row


def owned(users: Iterable[int]) -> list[Any]:
    """The rows of all hosts that belong to users. In a unit."""
    rows = Server.select().where(Server.trusted_ts.is_null(False), Server.user.in_(list(users)))
    return list(rows.order_by(Server.pk))


def _visible(caller: Caller) -> Any:
    rows = Server.select().where(Server.trusted_ts.is_null(False))
    return rows if sees_all(caller) else rows.where(Server.user == int(caller.id))


def visible(caller: Caller, number: int, provider: str) -> list[Any]:
    """The rows of one host, or for 0 of all that a caller may see. Raises as `find`."""
    if number:
        return [find(caller, number, provider)]
    if provider not in PROVIDERS:
        raise BadRequest("unknown provider", errors=[("/provider", "unknown provider")])
    with db.read():
        return list(_visible(caller).order_by(Server.pk)) if provider == PROVIDER else []


def describe(row: Any) -> Document:
    """A host as lists have it."""
    return resource("server", row.pk, attributes(row))


def attributes(row: Any) -> Document:
    """What is known of a host without asking it."""
    return {
        "server_id": row.pk,
        "user_id": row.user_id,
        "server_host": row.host,
        "server_port": row.port,
        "server_protocol": PROTOCOL,
        "provider": PROVIDER,
    }


@contextmanager
def connected(row: Any) -> Iterator[Host]:
    """A host that trusts us, to be asked, in a turn. Raises BadGateway, GatewayTimeout, Forbidden, Unprocessable."""
    try:
        with Host(target(row)) as host:
            yield host
    except lxd.Refused as exc:
        raise refusal(exc) from None
    except (AttributeError, KeyError, TypeError, ValueError):
        # Whoever added it may have put anything there.
        log.warning("a host does not answer as LXD does", server=row.pk, exc_info=True)
        raise BadGateway(lxd.NO_LXD) from None


def target(row: Any) -> Target:
    """Where a host is and what it is shown. Raises Forbidden, BadGateway."""
    key = secrets.unseal(row.client_key, _purpose(row.host, row.port)).decode()
    address = outbound.resolve(row.host, row.port)
    return Target(row.host, address, row.port, row.path, row.certificate, row.client_certificate, key)


def refusal(exc: lxd.Refused) -> Problem:
    """What LXD's refusal is to our clients: never a fault of this server."""
    if exc.status == 404:
        return NotFound(exc.words.lower())
    return BadGateway("the server refuses us" if exc.status in (401, 403) else f"the server says: {exc.words}")


def _purpose(host: str, port: int) -> str:
    return f"client key of {host}:{port}"


def verify(caller: Caller, given: Given, address: str) -> Document:
    """Whether a host would trust us; leaves nothing behind there. Opens its own units.

    Raises Forbidden, Unprocessable, BadGateway, GatewayTimeout, TooManyRequests, Unavailable.
    """
    with lxd.turn():
        target = _reached(caller, given, address)
        with Host(target) as host:
            environment = _join(host, given["server_password"])
            _leave(host, target)
    return {
        "response": True,
        "server_certificate_fingerprint": fingerprint(target.certificate),
        "server_server_version": environment.get("server_version", ""),
    }


def add(caller: Caller, given: Given, address: str) -> Document:
    """Have a host trust us from now on. Raises as `verify`, and Conflict for one that is known. Opens its own units."""
    with db.read():
        if Server.select().where(Server.host == host_of(given), Server.port == port_of(given)).exists():
            raise _added()
    with lxd.turn():
        return _add(caller, _reached(caller, given, address), given["server_password"])


def _add(caller: Caller, target: Target, password: str) -> Document:
    try:
        with db.write():
            # A key that the host is given is known here first: after a crash it can be taken back.
            row: Any = Server.create(
                user=int(caller.id),
                host=target.host,
                port=target.port,
                path=target.path,
                certificate=target.certificate,
                client_certificate=target.client_certificate,
                client_key=secrets.seal(target.key.encode(), _purpose(target.host, target.port)),
                created_ts=clock.now(),
                trusted_ts=None,
            )
    except peewee.IntegrityError:
        raise _added() from None
    try:
        with Host(target) as host:
            _join(host, password)
    except BaseException:
        _take_back(row)
        raise
    failpoints.hit("vmm.joined")
    with db.write():
        Server.update(trusted_ts=clock.now()).where(Server.pk == row.pk).execute()
    return describe(row)


def _take_back(row: Any) -> None:
    """Have a host that was not added forget us, as far as it can be reached, and forget it. Raises nothing."""
    with suppress(Problem), connected(row) as host:
        host.call("DELETE", ["certificates", fingerprint(row.client_certificate)])
    with db.write():
        row.delete_instance()


def forget_unfinished() -> None:
    """Take back what was begun by a process that ended before it was done. Opens its own units."""
    with db.read():
        begun = list(Server.select().where(Server.trusted_ts.is_null(), Server.created_ts < clock.now() - ADDING))
    for row in begun:
        _take_back(row)


def _added() -> Conflict:
    return Conflict(ADDED, errors=[("/server_host", ADDED)])


def host_of(given: Given) -> str:
    """The name or address, which is the same in capital letters."""
    return str(given["server_host"]).lower()


def port_of(given: Given) -> int:
    """The port, which may be given as text."""
    return int(given["server_port"])


def _reached(caller: Caller, given: Given, address: str) -> Target:
    """A host whose certificate we have seen, with a new key for it; tries are counted for the user and address."""
    if given["server_protocol"] != PROTOCOL:
        raise Unprocessable("protocol is not supported", errors=[("/server_protocol", "protocol is not supported")])
    path = (given.get("server_path") or "").strip("/")
    attempt = ("vmm server", caller.id, address)
    limits.check(*attempt)
    limits.failed(*attempt)
    host, port = host_of(given), port_of(given)
    found = outbound.resolve(host, port)
    certificate = lxd.certificate_of(found, port, host)
    target = Target(host, found, port, f"/{path}" if path else "", certificate)
    ours, key = _pair()
    return replace(target, client_certificate=ours, key=key)


def _pair() -> tuple[str, str]:
    """A new certificate of ours and its key (PEM)."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, OURS)])
    now = clock.now()
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + LIFETIME)
    pem = made.sign(key, hashes.SHA384()).public_bytes(Encoding.PEM).decode()
    return pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _join(host: Host, password: str) -> Document:
    """Have a host trust our certificate; what it says of itself. Raises BadGateway."""
    try:
        about = host.get()
        if about.get("api_version") != "1.0" or about.get("auth") != "untrusted":
            raise BadGateway(lxd.NO_LXD)
        host.call("POST", ["certificates"], {"type": "client", "name": OURS, "password": password})
        environment: Document = host.get()["environment"]
    except lxd.Refused as exc:
        raise BadGateway(PASSWORD if exc.status == 403 else lxd.NO_LXD) from None
    except (AttributeError, KeyError, TypeError):
        raise BadGateway(lxd.NO_LXD) from None
    return environment


def _leave(host: Host, target: Target) -> None:
    """Have a host trust our certificate no more."""
    try:
        host.call("DELETE", ["certificates", fingerprint(target.client_certificate)])
    except lxd.Refused as exc:
        raise refusal(exc) from None


def is_ours(pem: str) -> bool:
    """Whether a certificate is one by which some host knows us. Opens its own unit."""
    same = x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.PEM).decode()
    with db.read():
        return bool(Server.select().where(Server.client_certificate == same).exists())


def fingerprint(pem: str) -> str:
    """SHA-256 of a certificate, in hex, as LXD shows it."""
    return x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()
