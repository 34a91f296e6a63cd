"""Many decisions about devices in one request, each answered on its own (beyond upstream; mender 9.7)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.core import db
from app.core.errors import BadRequest, Conflict, NotFound, Problem
from app.mender import devauth, device_lists
from app.mender.auth_sets import Status
from models.base import scoped
from models.mender.devauth import AuthSet

MAX_ITEMS: Final = 500

Item = dict[str, Any]


def change(tenant: str, actions: Mapping[str, list[Item]]) -> list[dict[str, Any]]:
    """Carry out `actions` (decommission, reject, accept, preauthorize: their items); what each item came to.

    In this order, so that places become free before they are taken. Each item has a unit of work of its own: what one
    is refused for changes nothing for the others. Raises BadRequest for none or more than 500 items.
    """
    if not 1 <= sum(map(len, actions.values())) <= MAX_ITEMS:
        raise BadRequest(f"from 1 to {MAX_ITEMS} items, all lists together")
    return [
        {"action": action, "index": index, **_attempt(perform, tenant, item)}
        for action, perform in ACTIONS.items()
        for index, item in enumerate(actions.get(action, []))
    ]


def _attempt(perform: Callable[[str, Item], dict[str, Any]], tenant: str, item: Item) -> dict[str, Any]:
    known = {"device_id": item["device_id"]} if "device_id" in item else {}
    try:
        return known | perform(tenant, item)
    except Problem as problem:
        if problem.status >= 500:
            raise
        return known | {"status": problem.status, "error": problem.detail}


def _decommission(tenant: str, item: Item) -> dict[str, Any]:
    with db.write():
        devauth.decommission(tenant, item["device_id"])
    return {"status": 204}


def _reject(tenant: str, item: Item) -> dict[str, Any]:
    with db.write():
        wanted = item.get("auth_set_id")
        sets = [wanted] if wanted else _sets(tenant, item["device_id"], *set(Status) - {Status.REJECTED})
        for auth_set in sets:
            devauth.set_status(tenant, item["device_id"], auth_set, Status.REJECTED)
    return {"status": 204}


def _accept(tenant: str, item: Item) -> dict[str, Any]:
    with db.write():
        chosen = item.get("auth_set_id") or _waiting(tenant, item["device_id"])
        if chosen is not None:
            devauth.set_status(tenant, item["device_id"], chosen, Status.ACCEPTED)
    return {"status": 204}


def _waiting(tenant: str, device_id: str) -> str | None:
    """The one set of a device that waits for a decision; None when there is none and another is accepted."""
    waiting = _sets(tenant, device_id, Status.PENDING)
    if len(waiting) > 1:
        raise Conflict("several authentication sets are pending: say which one by auth_set_id")
    if not waiting and not _sets(tenant, device_id, Status.ACCEPTED):
        raise NotFound("no authentication set of the device is pending")
    return waiting[0] if waiting else None


def _sets(tenant: str, device_id: str, *statuses: Status) -> list[str]:
    device = device_lists.find(tenant, device_id)
    found = scoped(AuthSet, tenant, AuthSet.id).where(AuthSet.device == device, AuthSet.status.in_(statuses))
    return [auth_set_id for (auth_set_id,) in found.order_by(AuthSet.ts, AuthSet.pk).tuples()]


def _preauthorize(tenant: str, item: Item) -> dict[str, Any]:
    force = item.get("force", False)
    device_id, existing = devauth.preauthorize(tenant, item["identity_data"], item["pubkey"], force=force)
    if existing is not None:
        return {"device_id": device_id, "status": 409, "error": "a device with this identity exists"}
    return {"device_id": device_id, "status": 201}


ACTIONS: Final[Mapping[str, Callable[[str, Item], dict[str, Any]]]] = {
    "decommission": _decommission,
    "reject": _reject,
    "accept": _accept,
    "preauthorize": _preauthorize,
}
