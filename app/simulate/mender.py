"""A fleet of simulated Mender devices against a running server."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import httpx

from app.simulate.mender_device import CONNECTIONS, Device, Fleet
from app.simulate.pace import Pace

LOGIN: Final = "/api/management/v1/useradm/auth/login"
BULK: Final = "/api/management/v2/devauth/devices/bulk"
ITEMS: Final = 500
PATIENCE: Final = 30.0
IDLE: Final = 2.0


class SimulationError(Exception):
    """The simulation cannot begin."""


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
    # Servers close what has been idle for some seconds; a request that meets this would count as a fault.
    limits = httpx.Limits(max_connections=CONNECTIONS, keepalive_expiry=IDLE)
    async with httpx.AsyncClient(base_url=plan.url, limits=limits, timeout=PATIENCE, verify=plan.verify) as http:
        fleet = Fleet(http, Pace(plan.rate), plan.device_type, plan.failing, sha256(plan.seed.encode()).hexdigest()[:8])
        devices = [Device(fleet, plan.seed, number) for number in range(plan.devices)]
        await _begin(http, plan, devices)
        started = time.perf_counter()
        await _live(devices, fleet, plan.duration, progress)
        seconds = time.perf_counter() - started
    return {
        "devices": plan.devices,
        "accepted": len(fleet.accepted),
        "updates": fleet.ended,
        "downloaded_bytes": fleet.downloaded,
        "seconds": round(seconds, 1),
        "requests": fleet.latencies.requests,
        "rate": round(fleet.latencies.requests / seconds, 1) if seconds else 0.0,
        "faults": {f"{operation}: {what}": count for (operation, what), count in fleet.latencies.faults.items()},
        "latency_ms": fleet.latencies.summary(),
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


async def _live(devices: list[Device], fleet: Fleet, duration: float, progress: Callable[[Fleet, float], None]) -> None:
    """Let the devices live until the end of the time, or SIGINT or SIGTERM."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    started = time.perf_counter()
    tasks = [asyncio.create_task(device.live()) for device in devices]
    try:
        while not stopped.is_set() and (not duration or time.perf_counter() - started < duration):
            left = duration - (time.perf_counter() - started) if duration else 1.0
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopped.wait(), min(1.0, max(left, 0.01)))
            for task in tasks:
                if task.done():
                    task.result()
            progress(fleet, time.perf_counter() - started)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
