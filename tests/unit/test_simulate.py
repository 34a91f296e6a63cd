"""Simulated fleets: against a running server, and their parts alone."""

import asyncio
import json
import subprocess
from collections.abc import Callable

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.simulate.latency import Latencies, quantile
from app.simulate.mender_device import Device, Fleet
from app.simulate.pace import Pace
from tests.support import server as servers
from tests.support.artifacts import Payload, build
from tests.support.mender import DEPLOYMENTS, DEVAUTH, INVENTORY
from tests.support.server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("simulated-mender")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = servers.start(tmp_path_factory.mktemp("simulated") / "data", LOG_LEVEL="warning")
    yield started
    assert started.stop() == 0


@pytest.fixture
def user(server):
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.login()}"}, timeout=60) as http:
        yield http


def command(server, *options: str) -> list[str]:
    return [*servers.COMMAND, "simulate", "mender", "--url", server.url, *options]


def simulate(server, *options: str) -> subprocess.CompletedProcess[str]:
    text = f"{servers.PASSWORD}\n"
    return subprocess.run(command(server, *options), input=text, capture_output=True, text=True, timeout=120)


def simulated(server, reached: Callable[[], bool], *options: str) -> dict:
    """The summary of a simulation that is ended once something is reached."""
    process = subprocess.Popen(
        command(server, "--json", "--duration", "0", *options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(f"{servers.PASSWORD}\n")
    process.stdin.flush()
    try:
        eventually(reached)
    finally:
        process.terminate()
        output, said = process.communicate(timeout=60)
    assert process.returncode == 0, output + said
    return json.loads(output)


def deployed(user, name: str, device_type: str, devices: list[str]) -> str:
    content = build(name=name, device_types=[device_type], payloads=[Payload(files={"file": b"x" * 5000})])
    assert user.post(f"{DEPLOYMENTS}/artifacts", files={"artifact": ("a", content)}).status_code == 201
    body = {"name": name, "artifact_name": name, "devices": devices}
    answer = user.post(f"{DEPLOYMENTS}/deployments", json=body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def installed(user, name: str) -> list[dict]:
    return user.get(f"{INVENTORY}/devices", params={"artifact_name": name, "per_page": 500}).json()


def of_type(user, device_type: str) -> list[dict]:
    return user.get(f"{INVENTORY}/devices", params={"device_type": device_type, "per_page": 500}).json()


def test_a_fleet_is_let_in_and_updates(server, user):
    options = ["--devices", "20", "--rate", "0", "--device-type", "kettle", "--seed", "tea", "--email", servers.EMAIL]
    first = simulated(server, lambda: len(of_type(user, "kettle")) == 20, *options)
    assert (first["devices"], first["accepted"], first["faults"]) == (20, 20, {})
    assert {row["operation"] for row in first["latency_ms"]} <= {"authenticate", "inventory", "poll"}
    devices = of_type(user, "kettle")

    deployment = deployed(user, "hotter", "kettle", [device["id"] for device in devices])

    def statistics() -> dict[str, int]:
        counted = user.get(f"{DEPLOYMENTS}/deployments/{deployment}/statistics").json()
        return {name: count for name, count in counted.items() if count}

    def ended() -> bool:
        failed = user.get(f"{DEPLOYMENTS}/deployments/{deployment}/devices").json()
        logs = sum(device["log"] for device in failed)
        counts = statistics()
        done = counts.get("success", 0) + counts.get("failure", 0) == 20
        return done and logs == counts.get("failure", 0) and len(installed(user, "hotter")) == counts.get("success", 0)

    second = simulated(server, ended, *options, "--failing", "0.3")
    # The same seed is the same devices with the same keys.
    assert len(of_type(user, "kettle")) == 20
    updates = second["updates"]
    assert updates["success"] + updates["failure"] == 20
    assert 0 < updates["failure"] < 20
    assert statistics() == {name: count for name, count in updates.items() if count}
    assert second["downloaded_bytes"] > 20 * 5000


def test_devices_wait_until_somebody_lets_them_in(server, user):
    def waiting() -> bool:
        return user.get(f"{DEVAUTH}/devices/count", params={"status": "pending"}).json() == {"count": 5}

    done = simulated(server, waiting, "--devices", "5", "--rate", "20", "--device-type", "lamp")
    assert (done["accepted"], done["faults"]) == (0, {})
    assert done["requests"] <= 20 * done["seconds"] + 1


def test_a_summary_for_people(server):
    done = simulate(server, "--devices", "3", "--duration", "1")
    assert "3 devices of type simulated, seed " in done.stderr
    assert "0 of 3 devices let in" in done.stdout
    assert "p99 ms" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--email", servers.EMAIL, "--password", "wrong"], "/auth/login answered 401"),
        (["--url", f"http://127.0.0.1:{free_port()}"], "does not answer"),
    ],
)
def test_what_cannot_begin_is_one_line(server, options, message):
    done = simulate(server, *options)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("flotilla: ")
    assert message in last
    assert "Traceback" not in done.stderr


def test_a_fault_is_told_and_the_exit_code_says_so(server):
    """A server that is no Flotilla: /readyz answers, all else is 404."""
    done = simulate(server, "--devices", "2", "--duration", "1", "--url", server.internal_url)
    assert done.returncode == 1
    assert "fault: authenticate: 404" in done.stdout


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_the_least_value_that_its_share_does_not_exceed(values, share):
    at = quantile(sorted(values), share)
    assert sum(value <= at for value in values) >= share * len(values)
    assert sum(value < at for value in values) < share * len(values)


def test_a_summary():
    latencies = Latencies()
    for milliseconds in range(1, 101):
        latencies.add("poll", milliseconds / 1000)
    latencies.fault("poll", "503")
    latencies.fault("report", "ReadError")
    assert latencies.requests == 100
    assert latencies.summary() == [
        {"operation": "poll", "requests": 100, "faults": 1, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0},
        {"operation": "report", "requests": 0, "faults": 1, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0},
    ]


def test_turns_come_at_the_rate_and_in_order():
    """Each has its moment, an interval after the one before; counted on the loop's own clock, which stands still."""
    moments: list[float] = []

    async def take(pace: Pace) -> None:
        loop = asyncio.get_running_loop()
        now = 1000.0
        loop.time, slept = lambda: now, []  # type: ignore[method-assign]

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        original, asyncio.sleep = asyncio.sleep, sleep
        try:
            for _ in range(4):
                await pace.turn()
            now += 10
            await pace.turn()
        finally:
            asyncio.sleep = original
            del loop.time
        moments.extend(slept)

    asyncio.run(take(Pace(2)))
    assert moments == [0.0, 0.5, 1.0, 1.5, 0.0]


def test_a_seed_makes_a_device_and_no_device_tells_it():
    fleet = Fleet(None, Pace(0), "board", 0.0, "name")  # type: ignore[arg-type]
    same, again, other = Device(fleet, "s3ed", 1), Device(fleet, "s3ed", 1), Device(fleet, "s3ed", 2)
    assert (same.identity, same.public_key) == (again.identity, again.public_key)
    assert same.identity != other.identity
    assert same.public_key != other.public_key
    assert "s3ed" not in str(same.identity)


class Script:
    """A server that answers each path by a list of answers, the last one again and again, and keeps what was asked."""

    def __init__(self, answers: dict[str, list[httpx.Response]]) -> None:
        self.asked: list[str] = []
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.rpartition("/")[2]
        self.asked.append(path)
        found = self._answers[path]
        return found.pop(0) if len(found) > 1 else found[0]


def lived(script: Script, steps: int) -> Fleet:
    """A fleet of one device that has lived until so many requests were made."""

    async def live() -> Fleet:
        async with httpx.AsyncClient(transport=httpx.MockTransport(script), base_url="http://server") as http:
            fleet = Fleet(http, Pace(0), "board", 0.0, "name")
            task = asyncio.create_task(Device(fleet, "seed", 1).live())
            while len(script.asked) < steps and not task.done():
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return fleet

    return asyncio.run(live())


OFFER = {
    "id": "d1",
    "artifact": {"artifact_name": "new", "source": {"uri": "http://server/file"}, "device_types_compatible": ["board"]},
}


def test_a_device_that_is_told_of_an_abort_gives_up():
    script = Script(
        {
            "auth_requests": [httpx.Response(200, text="token")],
            "attributes": [httpx.Response(200)],
            "next": [httpx.Response(200, json=OFFER), httpx.Response(204)],
            "status": [httpx.Response(204), httpx.Response(409)],
            "file": [httpx.Response(200, content=b"x" * 1000)],
        }
    )
    fleet = lived(script, 8)
    assert script.asked[:7] == ["auth_requests", "attributes", "next", "status", "file", "status", "next"]
    assert fleet.ended == {"success": 0, "failure": 0, "aborted": 1}
    assert fleet.downloaded == 1000
    assert not fleet.latencies.faults


def test_a_device_whose_token_is_void_asks_again():
    script = Script(
        {
            "auth_requests": [httpx.Response(401), httpx.Response(200, text="token")],
            "attributes": [httpx.Response(200)],
            "next": [httpx.Response(204), httpx.Response(401), httpx.Response(500), httpx.Response(204)],
        }
    )
    fleet = lived(script, 10)
    wanted = ["auth_requests", "auth_requests", "attributes", "next", "next", "auth_requests", "attributes", "next"]
    assert script.asked[:8] == wanted
    assert fleet.accepted == {1}
    assert dict(fleet.latencies.faults) == {("poll", "500"): 1}
