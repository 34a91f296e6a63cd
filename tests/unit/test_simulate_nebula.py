"""Simulated Nebula workers: what they do with what they are told (nebula 9), and against a running server."""

import asyncio
import json
import subprocess
from collections import Counter

import httpx
import pytest

from app.simulate.nebula import Containers, Fleet, Plan, Simulated
from app.simulate.nebula_worker import Host, Worker, WorkerEnds
from app.simulate.pace import Pace
from tests.support import server as servers
from tests.support.nebula import Manager
from tests.support.server import free_port
from tests.support.waiting import eventually

pytestmark = pytest.mark.xdist_group("simulated-nebula")


def app(name: str, number: int = 1, **fields) -> dict:
    return {
        "app_name": name,
        "app_id": number,
        "docker_image": "nginx",
        "running": True,
        "rolling_restart": False,
        "containers_per": {"server": 1},
        "starting_ports": [],
        "networks": ["nebula"],
        "volumes": [],
        **fields,
    }


def job(name: str, number: int = 1, running: bool = True) -> dict:
    return {"cron_job_name": name, "cron_job_id": number, "running": running}


def told(*apps: dict, jobs: tuple[dict, ...] = (), group: int = 1, prune: int = 1) -> dict:
    return {
        "apps": list(apps),
        "apps_list": [one["app_name"] for one in apps],
        "cron_jobs": list(jobs),
        "cron_jobs_list": [one["cron_job_name"] for one in jobs],
        "device_group_id": group,
        "prune_id": prune,
    }


class Docker(Containers):
    """One that also writes down what it was told."""

    def __init__(self) -> None:
        super().__init__(Counter())
        self.log: list[str] = []

    def run(self, app, name, document, ports) -> None:
        super().run(app, name, document, ports)
        self.log.append(f"run {name} {document['docker_image']} {ports}")

    def stop(self, name) -> None:
        super().stop(name)
        self.log.append(f"stop {name}")

    def schedule(self, cron_job, document) -> None:
        super().schedule(cron_job, document)
        self.log.append(f"schedule {cron_job}")

    def unschedule(self, cron_job) -> None:
        super().unschedule(cron_job)
        self.log.append(f"unschedule {cron_job}")

    def prune(self) -> None:
        super().prune()
        self.log.append("prune")

    def said(self) -> list[str]:
        log, self.log = self.log, []
        return log


@pytest.fixture
def docker() -> Docker:
    return Docker()


@pytest.mark.rule("nebula 9")
def test_what_a_worker_does(docker):
    """Each step of its loop, and nothing where no id has grown."""
    worker = Worker(docker)
    docker.running["left-1"] = "left"
    worker.begin(
        told(
            app("web", starting_ports=[80, {"8443": "443"}]),
            app("off", running=False),
            jobs=(job("j"), job("k", running=False)),
        )
    )
    assert docker.said() == ["stop left-1", "run web-1 nginx {80: 80, 443: 8443}", "schedule j"]
    worker.follow(told(app("web", docker_image="other"), app("off", running=False), jobs=(job("j"),)))
    assert (docker.said(), worker.updated) == ([], False)
    worker.follow(told(app("web", 2, containers_per={"server": 2}), app("off", 1, running=False), jobs=(job("j", 2),)))
    assert docker.said() == ["stop web-1", "run web-1 nginx {}", "run web-2 nginx {}", "unschedule j", "schedule j"]
    assert worker.updated
    worker.follow(told(app("web", 3, rolling_restart=True), app("new", 7), jobs=(job("j", 3, running=False),), group=2))
    said = docker.said()
    assert said == ["stop web-1", "run web-1 nginx {}", "stop web-2", "run new-1 nginx {}", "unschedule j"]
    worker.follow(
        told(app("web", 4, running=False), app("new", 7), jobs=(job("j", 3, running=False),), group=2, prune=2)
    )
    assert docker.said() == ["stop web-1", "prune"]
    worker.follow(told(app("web", 4, running=False), group=2, prune=2))
    assert docker.said() == [], "what is listed no more goes when the group's id grows, not before"
    worker.follow(told(group=3, prune=2))
    assert docker.said() == ["stop new-1", "unschedule j"]
    with pytest.raises(WorkerEnds):
        worker.follow({"device_group_exists": False})


@pytest.mark.rule("nebula 9")
@pytest.mark.parametrize(
    ("per", "count"),
    [({"server": 3}, 3), ({"instance": 0}, 0), ({"cpu": 1.5}, 6), ({"memory": 512}, 4), ({"mem": 600}, 3)],
)
def test_how_many_containers(docker, per, count):
    assert Worker(docker, Host(4, 2048)).containers(app("web", containers_per=per)) == count


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        ({"containers_per": {}}, WorkerEnds),
        ({"containers_per": {"gpu": 1}}, WorkerEnds),
        ({"containers_per": {"memory": 0}}, ZeroDivisionError),
        ({"networks": []}, IndexError),
        ({"volumes": ["/srv"]}, IndexError),
        ({"starting_ports": [None]}, TypeError),
    ],
    ids=str,
)
def test_what_ends_it(docker, shape, error):
    """What the server therefore refuses: see tests/api/nebula/test_apps.py."""
    with pytest.raises(error):
        Worker(docker).begin(told(app("web", **shape)))


def lived(answers: list[httpx.Response | Exception], steps: int, **plan) -> tuple[Fleet, list[httpx.Request]]:
    """A fleet of one worker that has lived until so many requests were made."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if request.method == "POST":
            return httpx.Response(201, json={})
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def live() -> Fleet:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="http://server") as http:
            fleet = Fleet(http, Pace(0), Plan("http://server", 1, 0, 0, "stores", **plan))
            fleet.workers = [Simulated(fleet, 1)]
            task = asyncio.create_task(fleet.workers[0].live())
            while len(asked) < steps and not task.done():
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return fleet

    return asyncio.run(live()), asked


def good(*apps: dict, **more) -> httpx.Response:
    return httpx.Response(200, json=told(*apps, **more), headers={"ETag": '"1"'})


def test_a_worker_waits_for_its_group_and_reports_what_it_goes_by():
    missing = httpx.Response(403, json={"device_group_exists": False})
    fleet, asked = lived([missing, missing, good(app("web")), good(app("web", 2))], 6)
    assert [request.method for request in asked[:6]] == ["GET", "GET", "GET", "POST", "GET", "POST"]
    reports = [json.loads(request.content) for request in asked if request.method == "POST"]
    assert [report["updated"] for report in reports[:2]] == [False, True]
    assert reports[1]["current_device_group_config"]["reply"]["apps"][0]["app_id"] == 2
    assert (fleet.running, fleet.waiting, fleet.done["ended"]) == (1, 0, 0)
    assert not fleet.latencies.faults


def test_a_worker_may_ask_by_its_etag():
    fleet, asked = lived([good(app("web")), httpx.Response(304)], 4, conditional=True, reports=False)
    assert [request.headers.get("If-None-Match") for request in asked[:3]] == [None, '"1"', '"1"']
    assert fleet.done["not modified"] >= 2
    assert fleet.running == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"unauthorized": True}),
        httpx.Response(503, json={"server_error": True}),
        httpx.Response(200, text="oops"),
    ],
)
def test_an_error_ends_a_worker_and_stops_its_containers(answer):
    fleet, _ = lived(
        [good(app("web")), answer, httpx.Response(403, json={"device_group_exists": False})], 4, reports=False
    )
    assert fleet.done["ended"] == 1
    assert fleet.waiting == 1


def test_a_closed_connection_is_asked_again(monkeypatch):
    monkeypatch.setattr("app.simulate.nebula.WAIT", (0.0, 0.0))
    closed = httpx.RemoteProtocolError("Server disconnected without sending a response.")
    fleet, _ = lived([good(app("web")), *[closed] * 9, good(app("web", 2))], 12, reports=False)
    assert (fleet.done["ended"], fleet.done["started"]) == (0, 2)
    fleet, _ = lived([good(app("web")), *[closed] * 10, good(app("web", 2))], 13, reports=False)
    assert fleet.done["ended"] == 1, "ten times in vain"


def run(url: str, *options: str, text: str = "") -> subprocess.CompletedProcess[str]:
    command = [*servers.COMMAND, "simulate", "nebula", "--url", url, *options]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {"NEBULA_AUTH_TOKEN": "local-token", "LOG_LEVEL": "warning", "CHECK_ANSWERS": "true"}
    started = servers.start(tmp_path_factory.mktemp("simulated") / "data", **settings)
    yield started
    assert started.stop() == 0


@pytest.fixture
def boss(server):
    with httpx.Client(base_url=server.url, timeout=60) as http:
        yield Manager(http, token="local-token")


def test_a_fleet_runs_what_it_is_told(server, boss):
    process = subprocess.Popen(
        [
            *servers.COMMAND,
            "simulate",
            "nebula",
            "--url",
            server.url,
            "--workers",
            "10",
            "--rate",
            "0",
            "--duration",
            "0",
        ]
        + ["--token", "local-token", "--group", "stores", "--json", "--conditional"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:

        def up_to_date() -> bool:
            answer = boss.get("/device_groups/stores/devices", params={"up_to_date": "true"})
            return len(answer.json().get("devices", [])) == 10

        boss.app("web", containers_per={"server": 2})
        boss.group("stores", "web")
        eventually(up_to_date)
        boss.done("PUT", "/apps/web/update", {"rolling_restart": True})
        boss.done("POST", "/device_groups/stores/prune")
        eventually(up_to_date)
        boss.app("shop")
        boss.done("PUT", "/device_groups/stores/update", {"apps": ["web", "shop"]})
        eventually(up_to_date)
        boss.done("DELETE", "/apps/shop")
        eventually(up_to_date)
    finally:
        process.terminate()
        output, said = process.communicate(timeout=60)
    assert process.returncode == 0, output + said
    found = json.loads(output)
    assert (found["workers"], found["waiting"], found["containers"]) == (10, 0, 20)
    assert (found["started"], found["stopped"], found["pruned"], found["ended"]) == (50, 30, 10, 0)
    assert found["not modified"] > 0
    assert found["faults"] == {}


def test_a_user_with_a_right_on_the_group(server, boss):
    boss.group("kiosks")
    boss.user("worker", "a good password", device_groups={"kiosks": "ro"})
    done = run(
        server.url,
        "--workers",
        "3",
        "--duration",
        "1",
        "--user",
        "worker",
        "--group",
        "kiosks",
        text="a good password\n",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 workers found their group; 0 containers run" in done.stdout
    assert "p99 ms" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--token", "wrong"], "/api/v2/status answered 401"),
        (["--url", f"http://127.0.0.1:{free_port()}"], "does not answer"),
    ],
)
def test_what_cannot_begin_is_one_line(server, options, message):
    done = run(server.url, *options)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("flotilla: ")
    assert message in last


def test_workers_that_may_not_see_their_group_end(server, boss):
    boss.user("outsider", "a good password", device_groups={"other": "ro"})
    done = run(server.url, "--workers", "1", "--duration", "1", "--user", "outsider", "--password", "a good password")
    assert done.returncode == 1
    assert "workers ended" in done.stdout
