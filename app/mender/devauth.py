"""Devices: authentication requests, and what users decide about them (mender 2)."""

from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

import peewee
import structlog

from app.core import clock, db, ids, tokens
from app.core.errors import BadRequest, NotFound, Unauthorized, Unprocessable
from app.mender import attributes, audit, counters, deployments, device_lists, inventory, limits
from app.mender.auth_sets import DISPLACED, Outcome, Status, device_status, requested, step
from app.mender.identity import Identity, canonical_identity, parse_identity, parse_public_key, verify_signature
from models.base import scoped, scoped_delete, scoped_update
from models.mender.devauth import AuthSet, Device, DeviceToken

log = structlog.get_logger("flotilla.devauth")

LIFETIME: Final = timedelta(weeks=1)
ACTIONS: Final = {Status.ACCEPTED: "accept", Status.REJECTED: "reject", Status.PENDING: "set_pending"}
REFUSED: Final = "dev auth: unauthorized"

KNOWN: Final = (
    "SELECT a.pk, a.id, a.status, d.id, d.decommissioning FROM mender_device d JOIN mender_auth_set a"
    " ON a.device_id = d.pk AND a.pubkey_hash = ? WHERE d.tenant_id = ? AND d.identity_hash = ?"
)


def authenticate(tenant: str, raw: bytes, body: dict[str, Any], signature: str) -> str:
    """The token of an accepted device (mender 2.1). Opens its own units; a poll that changes nothing writes nothing.

    Raises BadRequest for a body that names no device, Unauthorized for a bad signature or a device not accepted.
    """
    identity = parse_identity(body["id_data"])
    key, pem = parse_public_key(body["pubkey"])
    verify_signature(key, signature, raw)
    digest = sha256(pem.encode()).hexdigest()
    with db.read():
        known = db.row(KNOWN, digest, tenant, identity.digest)
    if known is None or known[2] == Status.PREAUTHORIZED:
        attributes.intern(tenant, inventory.identity_attributes(identity.data))
        try:
            with db.write():
                known = _record(tenant, identity, pem, digest)
        except peewee.IntegrityError:
            # Another first request of this device came at once and was recorded; it may have held another key.
            with db.write():
                known = _record(tenant, identity, pem, digest)
    _, auth_set_id, status, device_id, decommissioning = known
    if status != Status.ACCEPTED or decommissioning:
        # Devices are told no more than that they may not; who runs them needs the reason (mender 9.4).
        log.info("device not let in", device=device_id, auth_set=auth_set_id, status=status)
        raise Unauthorized(REFUSED)
    return _issue(tenant, known)


def _record(tenant: str, identity: Identity, pem: str, digest: str) -> tuple[Any, ...]:
    """Note a request of a device or key that is new, or let a preauthorised one in; the row of KNOWN afterwards."""
    device = _by_identity(tenant, identity) or _new_device(tenant, identity, Status.PENDING)
    auth_set = _sets(device).where(AuthSet.pubkey_hash == digest).get_or_none()
    if auth_set is None:
        _new_set(device, pem, digest, Status.PENDING)
    elif auth_set.status == Status.PREAUTHORIZED and not device.decommissioning and _fits(device):
        _accept(device, auth_set)
    _recompute(device)
    known = db.row(KNOWN, digest, tenant, identity.digest)
    assert known is not None
    return known


def _by_identity(tenant: str, identity: Identity) -> Device | None:
    """The device of an identity, held until the unit ends."""
    found: Device | None = db.for_update(
        scoped(Device, tenant).where(Device.identity_hash == identity.digest)
    ).get_or_none()
    return found


def _new_device(tenant: str, identity: Identity, status: Status) -> Device:
    """A device that has no set yet, and its inventory. The identity's names are interned already."""
    now = clock.now()
    device = Device.create(
        tenant_id=tenant,
        id=ids.uuid(),
        identity_hash=identity.digest,
        identity_data=identity.text,
        status=status,
        created_ts=now,
        updated_ts=now,
    )
    counters.bump(tenant, {("device", status): 1})
    inventory.provision(tenant, device.id, identity.data, status, device.revision)
    return device


def _new_set(device: Device, pem: str, digest: str, status: Status) -> None:
    AuthSet.create(
        tenant_id=device.tenant_id,
        id=ids.uuid(),
        device=device,
        pubkey=pem,
        pubkey_hash=digest,
        status=status,
        ts=clock.now(),
    )


def _fits(device: Device) -> bool:
    """Whether the limit lets the device be accepted; one that is accepted may change its key (mender 2.6)."""
    return device.status == Status.ACCEPTED or limits.device_fits(device.tenant_id)


def _issue(tenant: str, known: tuple[Any, ...]) -> str:
    """Sign a token for an accepted set and put its row. The set may have been rejected meanwhile: Unauthorized.

    A row that is there stays, so that earlier tokens of the set stay good; a new one voids all that were signed before
    it, so that a revoked token never comes back to life, although the set's tokens share one jti (mender 1.3).
    """
    now = clock.now()
    auth_set_pk, auth_set_id, _, device_id, _ = known
    claims: dict[str, Any] = {
        "jti": auth_set_id,
        "sub": device_id,
        "iss": "Mender",
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "mender.device": True,
        "mender.plan": "enterprise",
        "mender.trial": False,
        "mender.addons": [],
    }
    if tenant:
        claims["mender.tenant"] = tenant
    token = tokens.sign("mender", "device", claims)
    with db.write():
        # Whoever rejects the set at this moment holds the device's row: wait, then look.
        db.for_update(scoped(Device, tenant, Device.pk).where(Device.id == device_id)).get_or_none()
        written = db.execute(
            "INSERT INTO mender_device_token (tenant_id, jti, auth_set_id, issued_ts, expires_ts)"
            " SELECT tenant_id, id, pk, ?, ? FROM mender_auth_set WHERE pk = ? AND status = 'accepted'"
            " ON CONFLICT (jti) DO UPDATE SET expires_ts = excluded.expires_ts",
            clock.micros(now),
            clock.micros(now + LIFETIME),
            auth_set_pk,
        )
    if not written:
        raise Unauthorized(REFUSED)
    return token


def _locked(tenant: str, device_id: str) -> Device:
    """The device's row, held until the unit ends: whoever changes its sets takes this first."""
    device = db.for_update(scoped(Device, tenant).where(Device.id == device_id)).get_or_none()
    if device is None:
        raise NotFound("there is no such device")
    return device


def preauthorize(tenant: str, data: dict[str, Any], pubkey: str, *, force: bool) -> tuple[str, dict[str, Any] | None]:
    """Let a device in before it asks: its id, and None; or the device as it is when it is known already (mender 2.5).

    With `force` a known device gets the key as well: it becomes its one preauthorised set, an earlier one is rejected,
    a key that is accepted stays so. Opens its own units. Raises BadRequest for a bad identity or key.
    """
    identity = canonical_identity(data, "identity_data")
    _, pem = parse_public_key(pubkey)
    digest = sha256(pem.encode()).hexdigest()
    attributes.intern(tenant, inventory.identity_attributes(identity.data))
    try:
        with db.write():
            return _preauthorize(tenant, identity, pem, digest, force)
    except peewee.IntegrityError:
        # The device has asked, or was preauthorised, at the same moment: now it is known.
        with db.write():
            return _preauthorize(tenant, identity, pem, digest, force)


def _preauthorize(
    tenant: str, identity: Identity, pem: str, digest: str, force: bool
) -> tuple[str, dict[str, Any] | None]:
    device = _by_identity(tenant, identity)
    if device is None:
        device = _new_device(tenant, identity, Status.PREAUTHORIZED)
        _new_set(device, pem, digest, Status.PREAUTHORIZED)
        audit.note(tenant, "preauthorize", "device", device.id, identity.text)
        return device.id, None
    if not force or device.decommissioning:
        return device.id, device_lists.get_device(tenant, device.id)
    auth_set = _sets(device).where(AuthSet.pubkey_hash == digest).get_or_none()
    if auth_set is None or auth_set.status not in DISPLACED:
        for other in _sets(device).where(AuthSet.status == Status.PREAUTHORIZED):
            _change(other, Status.REJECTED, expel=False)
        if auth_set is None:
            _new_set(device, pem, digest, Status.PREAUTHORIZED)
        else:
            _change(auth_set, Status.PREAUTHORIZED, expel=False)
        _recompute(device)
    audit.note(tenant, "preauthorize", "device", device.id, identity.text, {"force": True})
    return device.id, None


def auth_set_status(tenant: str, device_id: str, auth_set_id: str) -> str:
    """The status of a device's authentication set; raises NotFound, also for a set of another device."""
    device = device_lists.find(tenant, device_id)
    auth_set = _sets(device).where(AuthSet.id == auth_set_id).get_or_none()
    if auth_set is None:
        raise NotFound("there is no such authentication set")
    return str(auth_set.status)


def set_status(tenant: str, device_id: str, auth_set_id: str, wanted: str) -> None:
    """Accept, reject or set back an authentication set (mender 2.3).

    Raises BadRequest for a status that nobody may ask for, then NotFound for an unknown device or set, then BadRequest
    for a set of another device or a step that is not allowed, Unprocessable when the limit of accepted devices is met.
    """
    status = requested(wanted)
    device = _locked(tenant, device_id)
    auth_set = scoped(AuthSet, tenant).where(AuthSet.id == auth_set_id).get_or_none()
    if auth_set is None:
        raise NotFound("there is no such authentication set")
    if auth_set.device_id != device.pk:
        raise BadRequest("the authentication set belongs to another device")
    outcome = step(Status(auth_set.status), status)
    if outcome is Outcome.NOTHING:
        return
    if outcome is Outcome.ADMIT:
        if not _fits(device):
            raise Unprocessable("the limit of accepted devices is reached")
        _accept(device, auth_set)
    else:
        _change(auth_set, status, expel=outcome is Outcome.EXPEL)
    _recompute(device)
    audit.note(tenant, ACTIONS[status], "device", device.id, device.identity_data, {"auth_set_id": auth_set.id})


def _sets(device: Device, *selection: Any) -> Any:
    return scoped(AuthSet, device.tenant_id, *selection).where(AuthSet.device == device)


def _accept(device: Device, auth_set: AuthSet) -> None:
    """Accept one set of a device and reject those it displaces."""
    for other in _sets(device).where(AuthSet.status.in_(DISPLACED), AuthSet.pk != auth_set.pk):
        _change(other, Status.REJECTED, expel=other.status == Status.ACCEPTED)
    _change(auth_set, Status.ACCEPTED, expel=False)


def _change(auth_set: AuthSet, status: Status, *, expel: bool) -> None:
    if expel:
        scoped_delete(DeviceToken, auth_set.tenant_id).where(DeviceToken.auth_set == auth_set).execute()
    scoped_update(AuthSet, auth_set.tenant_id, status=status).where(AuthSet.pk == auth_set.pk).execute()


def _recompute(device: Device) -> None:
    """Bring the device's status in line with its sets and tell the inventory."""
    status = device_status(status for (status,) in _sets(device, AuthSet.status).tuples())
    if status == device.status:
        return
    counters.bump(device.tenant_id, {("device", device.status): -1, ("device", status): 1})
    device.status, device.revision, device.updated_ts = status, device.revision + 1, clock.now()
    device.save(only=[Device.status, Device.revision, Device.updated_ts])
    inventory.set_status(device.tenant_id, device.id, status, device.revision)


def delete_auth_set(tenant: str, device_id: str, auth_set_id: str) -> None:
    """Remove a set and its token (mender 2.4). A device whose last set was preauthorised goes too. Raises NotFound."""
    device = _locked(tenant, device_id)
    auth_set = _sets(device).where(AuthSet.id == auth_set_id).get_or_none()
    if auth_set is None:
        raise NotFound("there is no such authentication set")
    auth_set.delete_instance()
    audit.note(tenant, "dismiss", "device", device.id, device.identity_data, {"auth_set_id": auth_set.id})
    last = not _sets(device).exists()
    if last and auth_set.status == Status.PREAUTHORIZED:
        _remove(tenant, device)
    else:
        _recompute(device)


def decommission(tenant: str, device_id: str) -> None:
    """Remove a device with all it has: sets, tokens, inventory, open deployments (mender 2.4). Raises NotFound."""
    device = _locked(tenant, device_id)
    deployments.device_gone(tenant, device.id)
    _remove(tenant, device)
    audit.note(tenant, "decommission", "device", device.id, device.identity_data)


def _remove(tenant: str, device: Device) -> None:
    counters.bump(tenant, {("device", device.status): -1})
    inventory.remove(tenant, device.id)
    device.delete_instance()


def revoke_token(tenant: str, token_id: str) -> None:
    """Void a device's token by its jti; the device stays accepted (mender 2.4). Raises NotFound."""
    if not scoped_delete(DeviceToken, tenant).where(DeviceToken.jti == token_id).execute():
        raise NotFound("there is no such token")
    audit.note(tenant, "revoke", "token", token_id)
