"""Devices as users see them: one, pages of them, and how many there are (mender 2.5)."""

from typing import Any

import orjson

from app.core import clock
from app.core.errors import NotFound
from app.mender import counters
from models.base import scoped
from models.mender.devauth import AuthSet, Device


def list_devices(
    tenant: str, statuses: list[str] | None, wanted: list[str] | None, page: int, per_page: int
) -> tuple[list[dict[str, Any]], bool]:
    """One page of devices, oldest first, and whether there are more (mender 2.5). Two queries, whatever the page."""
    order = (Device.created_ts, Device.id)
    # The index alone finds the page; the rows of the pages before it are never read.
    chosen = scoped(Device, tenant, Device.id)
    if statuses is not None:
        chosen = chosen.where(Device.status.in_(statuses))
    if wanted is not None:
        chosen = chosen.where(Device.id.in_(wanted))
    chosen = chosen.order_by(*order).offset((page - 1) * per_page).limit(per_page + 1)
    found = list(scoped(Device, tenant).where(Device.id.in_(chosen)).order_by(*order))
    return _described(tenant, found[:per_page]), len(found) > per_page


def _described(tenant: str, devices: list[Device]) -> list[dict[str, Any]]:
    sets: dict[int, list[AuthSet]] = {device.pk: [] for device in devices}
    if devices:
        for auth_set in scoped(AuthSet, tenant).where(AuthSet.device.in_(list(sets))).order_by(AuthSet.ts, AuthSet.pk):
            sets[auth_set.device_id].append(auth_set)
    return [_describe(device, sets[device.pk]) for device in devices]


def _describe(device: Device, sets: list[AuthSet]) -> dict[str, Any]:
    identity = orjson.loads(device.identity_data)
    return {
        "id": device.id,
        "identity_data": identity,
        "status": device.status,
        "created_ts": clock.rfc3339(device.created_ts),
        "updated_ts": clock.rfc3339(device.updated_ts),
        "decommissioning": device.decommissioning,
        "auth_sets": [
            {
                "id": auth_set.id,
                "pubkey": auth_set.pubkey,
                "identity_data": identity,
                "status": auth_set.status,
                "ts": clock.rfc3339(auth_set.ts),
            }
            for auth_set in sets
        ],
    }


def get_device(tenant: str, device_id: str) -> dict[str, Any]:
    """One device with its sets; raises NotFound."""
    return _described(tenant, [find(tenant, device_id)])[0]


def count_devices(tenant: str, status: str | None) -> int:
    """How many devices there are, of one status or of all; from the counters."""
    return counters.total(tenant, "device", status or None)


def find(tenant: str, device_id: str) -> Device:
    """A device's row; raises NotFound."""
    device = scoped(Device, tenant).where(Device.id == device_id).get_or_none()
    if device is None:
        raise NotFound("there is no such device")
    return device
