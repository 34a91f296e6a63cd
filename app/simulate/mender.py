"""A fleet of simulated Mender devices against a running server."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

import httpx

from app.simulate.mender_device import Device, Fleet
from app.simulate.pace import Pace
from app.simulate.traffic import SimulationError, client, live

LOGIN: Final = "/api/management/v1/useradm/auth/login"
BULK: Final = "/api/management/v2/devauth/devices/bulk"
ITEMS: Final = 500


@dataclass(frozen=True)
class Plan:
    """What to simulate. `rate` is requests a second of all devices, 0 for as fast as they can; `duration` in seconds,
    0 until interrupted. With `email` and `password` the devices are let in; else they wait until somebody does."""

    url: str
    devices: int
    rate: float
    duration: float
    seed: str
    device_type: str = "simulated"
    failing: float = 0.0
    email: str | None = None
    password: str = ""
    verify: bool = True


def run(plan: Plan, progress: Callable[[Fleet, float], None]) -> dict[str, Any]:
    """Simulate until the end or an interrupt; what came of it. `progress` is called each second with the seconds gone.

    Raises SimulationError when the server does not answer, or does not know the user.
    """
    return asyncio.run(_run(plan, progress))


async def _run(plan: Plan, progress: Callable[[Fleet, float], None]) -> dict[str, Any]:
    async with client(plan.url, verify=plan.verify) as http:
        fleet = Fleet(http, Pace(plan.rate), plan.device_type, plan.failing, sha256(plan.seed.encode()).hexdigest()[:8])
        devices = [Device(fleet, plan.seed, number) for number in range(plan.devices)]
        await _begin(http, plan, devices)
        seconds = await live([device.live() for device in devices], plan.duration, partial(progress, fleet))
    return {
        "devices": plan.devices,
        "accepted": len(fleet.accepted),
        "updates": fleet.ended,
        "downloaded_bytes": fleet.downloaded,
        **fleet.summary(seconds),
    }


async def _begin(http: httpx.AsyncClient, plan: Plan, devices: list[Device]) -> None:
    try:
        (await http.get("/readyz")).raise_for_status()
        if plan.email is not None:
            await _let_in(http, plan.email, plan.password, devices)
    except httpx.HTTPStatusError as exc:
        answer = exc.response
        raise SimulationError(f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:200]}") from exc
    except httpx.HTTPError as exc:
        raise SimulationError(f"{plan.url} does not answer: {exc}") from exc


async def _let_in(http: httpx.AsyncClient, email: str, password: str, devices: list[Device]) -> None:
    """Preauthorise the devices; those that are known already are accepted."""
    login = (await http.post(LOGIN, auth=(email, password))).raise_for_status()
    headers = {"Authorization": f"Bearer {login.text}"}
    for start in range(0, len(devices), ITEMS):
        part = devices[start : start + ITEMS]
        items = [{"identity_data": device.identity, "pubkey": device.public_key} for device in part]
        results = (await http.post(BULK, json={"preauthorize": items}, headers=headers)).raise_for_status().json()
        known = [{"device_id": result["device_id"]} for result in results if result["status"] == 409]
        if known:
            (await http.post(BULK, json={"accept": known}, headers=headers)).raise_for_status()
