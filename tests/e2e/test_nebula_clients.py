"""The genuine NebulaPythonSDK against a running server, and a worker that asks through it (nebula 2, 9)."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from uuid import uuid4

import httpx
import psycopg
import pytest
from NebulaPythonSDK import Nebula

from app.simulate.nebula import Containers
from app.simulate.nebula_worker import Worker, WorkerEnds
from tests.support import server as servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.e2e

USER, PASSWORD = "nebula", "00123"


@pytest.fixture
def server(empty_database, tmp_path) -> Iterator[servers.Server]:
    local = {"NEBULA_BASIC_AUTH_USER": USER, "NEBULA_BASIC_AUTH_PASSWORD": PASSWORD}
    started = servers.start(tmp_path / "data", empty_database.url, LOG_LEVEL="warning", CHECK_ANSWERS="true", **local)
    yield started
    assert started.stop() == 0


def sdk(server: servers.Server, **credential: str) -> Nebula:
    port = int(server.url.rpartition(":")[2])
    return Nebula(**credential, host="127.0.0.1", port=port)


@pytest.fixture
def boss(server) -> Nebula:
    print("genuine NebulaPythonSDK", version("NebulaPythonSDK"))
    return sdk(server, username=USER, password=PASSWORD)


def ok(reply: dict, status: int = 200):
    assert reply["status_code"] == status, reply
    return reply["reply"]


APP = {
    "starting_ports": [80],
    "containers_per": {"server": 1},
    "env_vars": {"MODE": "try"},
    "docker_image": "nginx",
    "running": True,
    "volumes": [],
    "networks": ["nebula", "bridge"],
    "devices": [],
    "privileged": False,
    "rolling_restart": False,
}


@pytest.mark.rule("nebula 2")
def test_the_sdk_walks_the_whole_api(boss, server):
    """Every method of the SDK, with what its users get."""
    called = Counter()
    for name in dir(Nebula):
        if not name.startswith("_"):
            genuine = getattr(boss, name)

            def counted(*args, genuine=genuine, name=name, **options):
                called[name] += 1
                return genuine(*args, **options)

            setattr(boss, name, counted)

    assert ok(boss.check_api()) == {"api_available": True}

    assert ok(boss.delete_app("web"), 403) == {"app_exists": False}
    made = ok(boss.create_app("web", APP))
    assert made == {**APP, "app_id": 1, "app_name": "web"}
    assert ok(boss.create_app("web", APP), 403) == {"app_exists": True}
    assert ok(boss.create_app("empty", {}), 400) == {"missing_parameters": ["docker_image"]}
    assert ok(boss.list_app_info("web")) == made
    assert ok(boss.list_apps()) == {"apps": ["web"]}
    assert (ok(boss.stop_app("web"), 202)["app_id"], ok(boss.start_app("web"), 202)["app_id"]) == (2, 3)
    assert ok(boss.restart_app("web"), 202)["app_id"] == 4
    changed = ok(boss.update_app("web", {"docker_image": "httpd:alpine"}), 202)
    assert (changed["app_id"], changed["docker_image"], changed["env_vars"]) == (5, "httpd:alpine", {"MODE": "try"})
    replaced = ok(boss.update_app("web", {"docker_image": "nginx"}, force_all=True), 202)
    assert (replaced["app_id"], replaced["env_vars"], replaced["starting_ports"]) == (6, [], [])

    cron_job = {"docker_image": "backup", "schedule": "0 3 * * *", "env_vars": {"A": "1"}}
    assert ok(boss.create_cron_job("backup", cron_job))["cron_job_id"] == 1
    assert ok(boss.list_cron_jobs()) == {"cron_jobs": ["backup"]}
    assert ok(boss.update_cron_job("backup", {"running": False}), 202)["cron_job_id"] == 2
    assert ok(boss.update_cron_job("backup", cron_job, force_all=True), 202)["running"] is True
    assert ok(boss.list_cron_job_info("backup"))["cron_job_id"] == 3

    group = ok(boss.create_device_group("stores", {"apps": ["web"], "cron_jobs": ["backup"]}))
    assert group == {
        "device_group": "stores",
        "device_group_id": 1,
        "prune_id": 1,
        "apps": ["web"],
        "cron_jobs": ["backup"],
    }
    assert ok(boss.list_device_groups()) == {"device_groups": ["stores"]}
    assert ok(boss.list_device_group("stores")) == group
    told = ok(boss.list_device_group_info("stores"))
    assert (told["apps_list"], told["cron_jobs_list"]) == (["web"], ["backup"])
    assert ok(boss.prune__device_group_images("stores"), 202)["prune_id"] == 2
    assert ok(boss.prune_images(), 202) == {"prune_ids": {"stores": 3}}
    assert ok(boss.update_device_group("stores", {"apps": []}), 202)["device_group_id"] == 2
    assert ok(boss.delete_device_group("stores")) == {}

    user = ok(boss.create_user("ada", {"password": "ada's", "token": "ada-token"}))
    assert (user["user_name"], "ada" in user["password"], "ada" in user["token"]) == ("ada", False, False)
    assert ok(boss.list_users()) == {"users": ["admin", "ada"]}, "one was made by the command line"
    assert ok(boss.list_user("ada")) == user
    assert ok(boss.create_user_group("crew", {"group_members": ["ada"], "apps": {"web": "ro"}}))["apps"] == {
        "web": "ro"
    }
    assert ok(boss.list_user_groups()) == {"user_groups": ["admins", "crew"]}
    ada = sdk(server, username="ada", password="ada's")
    assert ok(ada.list_app_info("web"))["app_name"] == "web"
    assert ok(ada.stop_app("web"), 403) == {"access_allowed": False}
    assert ok(boss.update_user_group("crew", {"apps": {"web": "rw"}}))["apps"] == {"web": "rw"}
    assert ok(sdk(server, token="ada-token").stop_app("web"), 202)["running"] is False
    token = ok(boss.refresh_user_token("ada"))["token"]
    assert ok(sdk(server, token="ada-token").check_api(), 401) == {"unauthorized": True}
    assert ok(sdk(server, token=token).check_api()) == {"api_available": True}
    assert ok(boss.update_user("ada", {"password": "other"}))["user_name"] == "ada"
    assert ok(ada.check_api(), 401) == {"unauthorized": True}
    assert ok(boss.list_user_group("crew"))["group_members"] == ["ada"]

    assert ok(boss.list_reports()) == {"data": None, "last_id": None}
    report = {"hostname": "store-1", "device_group": "stores", "report_creation_time": 100, "updated": True}
    for number in range(3):
        body = {**report, "report_creation_time": 100 + number}
        assert httpx.post(f"{server.url}/api/v2/reports", json=body, auth=(USER, PASSWORD)).status_code == 201
    page = ok(
        boss.list_reports(page_size=2, report_creation_time=100, report_creation_time_filter="gte", updated="True")
    )
    assert [one["report_creation_time"] for one in page["data"]] == [100, 101]
    rest = ok(
        boss.list_reports(page_size=2, last_id=page["last_id"]["$oid"], hostname="store-1", device_group="stores")
    )
    assert [one["report_creation_time"] for one in rest["data"]] == [102]
    assert ok(boss.list_reports(last_id=rest["last_id"]["$oid"])) == {"data": None, "last_id": None}

    assert ok(boss.delete_cron_job("backup")) == {}
    assert ok(boss.delete_user_group("crew")) == {}
    assert ok(boss.delete_user("ada")) == {}
    assert ok(boss.delete_app("web")) == {}
    assert called.keys() == {name for name in dir(Nebula) if not name.startswith("_")}


def test_a_prefix_for_the_sdk(tmp_path):
    started = servers.start(tmp_path / "data", NEBULA_PREFIX="/fleet", NEBULA_AUTH_TOKEN="t", LOG_LEVEL="warning")
    try:
        nebula = Nebula(token="t", host_uri=f"{started.url}/fleet")
        assert ok(nebula.check_api()) == {"api_available": True}
        assert ok(nebula.create_app("web", APP))["app_name"] == "web"
    finally:
        assert started.stop() == 0


class Recorder(Containers):
    """A Docker that writes down what it is told, in order."""

    def __init__(self) -> None:
        super().__init__(Counter())
        self.log: list[str] = []
        self.pruned = 0

    def run(self, app, name, document, ports) -> None:
        super().run(app, name, document, ports)
        self.log.append(f"run {name} of {document['docker_image']}")

    def stop(self, name) -> None:
        super().stop(name)
        self.log.append(f"stop {name}")

    def schedule(self, cron_job, document) -> None:
        super().schedule(cron_job, document)
        self.log.append(f"schedule {cron_job} {document['schedule']}")

    def unschedule(self, cron_job) -> None:
        super().unschedule(cron_job)
        self.log.append(f"unschedule {cron_job}")

    def prune(self) -> None:
        self.log.append("prune")


class Loop:
    """The worker's loop in a thread, as fast as it can; it asks through the SDK. `failure` is what ended it."""

    def __init__(self, nebula: Nebula, group: str) -> None:
        self.docker = Recorder()
        self.failure: Exception | None = None
        self.asked = 0
        self.restarting = threading.Event()
        self._nebula, self._group = nebula, group
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live)
        self._thread.start()

    def _live(self) -> None:
        worker = Worker(self.docker)
        try:
            check = self._nebula.check_api()
            if check["status_code"] != 200 or check["reply"]["api_available"] is not True:
                raise WorkerEnds("no manager")
            told = self._ask()
            while told["status_code"] == 403 and told["reply"]["device_group_exists"] is False:
                if self._stop.is_set():
                    return
                told = self._ask()
            worker.begin(told["reply"])
            while not self._stop.is_set():
                worker.follow(self._ask()["reply"])
        except Exception as exc:
            self.failure = exc

    def _ask(self) -> dict:
        """Ten tries, whatever went wrong; the status is not looked at (nebula 9).

        Those of the time in which the server restarts count as none: how long that takes is the machine's affair.
        """
        failed = 0
        while True:
            try:
                answer = self._nebula.list_device_group_info(self._group)
                self.asked += 1
                return answer
            except Exception:
                failed += not self.restarting.is_set()
                if failed == 10:
                    raise
                time.sleep(min(1.0, 0.2 * 2**failed))

    def said(self, *wanted: str) -> None:
        """Exactly this is done, in this order, and then nothing for several rounds."""
        eventually(lambda: self.failure or len(self.docker.log) >= len(wanted))
        assert self.failure is None, self.failure
        self.rounds(3)
        assert self.docker.log == list(wanted)
        self.docker.log.clear()

    def rounds(self, count: int) -> None:
        """Wait until it has asked so many times more."""
        before = self.asked
        eventually(lambda: self.failure or self.asked >= before + count)
        assert self.failure is None, self.failure

    def end(self) -> None:
        self._stop.set()
        self._thread.join(60)


class Strangers:
    """Threads that ask for the same all the time, without a credential or with one that will not do."""

    def __init__(self, url: str, *credentials: str | None) -> None:
        self.codes: Counter[int] = Counter()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._poll, args=(url, one)) for one in credentials]
        for thread in self._threads:
            thread.start()

    def _poll(self, url: str, credential: str | None) -> None:
        headers = {} if credential is None else {"Authorization": credential}
        with httpx.Client(headers=headers, timeout=60) as http:
            while not self._stop.is_set():
                try:
                    self.codes[http.get(url).status_code] += 1
                except httpx.TransportError:
                    time.sleep(0.1)
                time.sleep(0.01)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@pytest.mark.rule("nebula 9")
@pytest.mark.long
def test_a_worker_through_its_whole_life(boss, server):
    """It waits, starts, updates, rolls, stops, prunes, removes; the server restarts under it, strangers ask too."""
    ok(boss.create_user("worker", {"password": "worker's"}))
    ok(boss.create_user("outsider", {"token": "outsider-token"}))
    ok(boss.create_user_group("workers", {"group_members": ["worker"], "device_groups": {"stores": "ro"}}))
    info = f"{server.url}/api/v2/device_groups/stores/info"
    strangers = Strangers(info, None, "Bearer nonsense", "Bearer outsider-token", "Basic d29ya2VyOndyb25n")
    worker = Loop(sdk(server, username="worker", password="worker's"), "stores")
    try:
        follow(boss, server, worker)
        assert strangers.codes.keys() <= {401, 403}
        assert strangers.codes[401] > 10
        assert strangers.codes[403] > 10
    finally:
        worker.end()
        strangers.end()
    assert worker.failure is None


def follow(boss: Nebula, server: servers.Server, worker: Loop) -> None:
    said: Callable[..., None] = worker.said
    said()
    assert worker.asked > 1, "it waits for its group"
    ok(boss.create_app("web", {**APP, "containers_per": {"server": 2}}))
    ok(boss.create_app("off", {**APP, "running": False}))
    ok(boss.create_cron_job("backup", {"docker_image": "backup", "schedule": "0 3 * * *"}))
    ok(boss.create_device_group("stores", {"apps": ["web", "off"], "cron_jobs": ["backup"]}))
    said("run web-1 of nginx", "run web-2 of nginx", "schedule backup 0 3 * * *")
    ok(boss.update_app("web", {"docker_image": "nginx:2"}), 202)
    said("stop web-1", "stop web-2", "run web-1 of nginx:2", "run web-2 of nginx:2")
    ok(boss.update_app("web", {"rolling_restart": True, "docker_image": "nginx:3"}), 202)
    said("stop web-1", "run web-1 of nginx:3", "stop web-2", "run web-2 of nginx:3")
    worker.restarting.set()
    assert server.stop() == 0
    server.start_again()  # while everybody goes on asking
    worker.restarting.clear()
    said()
    ok(boss.start_app("off"), 202)
    said("run off-1 of nginx")
    ok(boss.stop_app("off"), 202)
    said("stop off-1")
    ok(boss.update_cron_job("backup", {"schedule": "@daily"}), 202)
    said("unschedule backup", "schedule backup @daily")
    ok(boss.prune__device_group_images("stores"), 202)
    said("prune")
    ok(boss.prune_images(), 202)
    said("prune")
    ok(boss.create_app("new", APP))
    ok(boss.update_device_group("stores", {"apps": ["web", "off", "new"]}), 202)
    said("run new-1 of nginx")
    ok(boss.update_device_group("stores", {"apps": ["web", "new"], "cron_jobs": []}), 202)
    said("unschedule backup")
    ok(boss.update_user("worker", {"token": "a-token-that-it-does-not-use"}))
    said()
    ok(boss.delete_app("new"))
    said("stop new-1")
    ok(boss.update_device_group("stores", {"apps": []}), 202)
    said("stop web-1", "stop web-2")


class Outage:
    """A PostgreSQL that lets nobody in: for as long as it is open, and for everybody who was in."""

    def __init__(self, cluster, name: str) -> None:
        self._cluster, self._name = cluster, name

    def __enter__(self) -> None:
        self._tell("false")

    def __exit__(self, *_: object) -> None:
        self._tell("true")

    def _tell(self, allowed: str) -> None:
        with psycopg.connect(self._cluster.url("postgres"), autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{self._name}" ALLOW_CONNECTIONS {allowed}')
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [self._name]
            )


@pytest.mark.rule("nebula 9")
@pytest.mark.long
def test_the_database_is_away_for_a_while(cluster, tmp_path):
    """Workers that were answered before go on as if nothing were; others are told nothing, and try again."""
    name = f"away_{uuid4().hex}"
    local = {"NEBULA_BASIC_AUTH_USER": USER, "NEBULA_BASIC_AUTH_PASSWORD": PASSWORD, "LOG_LEVEL": "error"}
    server = servers.start(tmp_path / "data", cluster.create(name), **local)
    boss = sdk(server, username=USER, password=PASSWORD)
    ok(boss.create_app("web", APP))
    ok(boss.create_device_group("stores", {"apps": ["web"]}))
    ok(boss.create_user("worker", {"password": "worker's"}))
    ok(boss.create_user_group("workers", {"group_members": ["worker"], "device_groups": {"stores": "ro"}}))
    worker = Loop(sdk(server, username="worker", password="worker's"), "stores")
    try:
        worker.said("run web-1 of nginx")
        with Outage(cluster, name):
            worker.rounds(20)
            assert httpx.get(f"{server.url}/api/v2/apps", auth=(USER, PASSWORD), timeout=60).status_code == 503
            for password in ("worker's", "wrong"):  # a user whom this process has not answered so far
                with pytest.raises(httpx.RemoteProtocolError, match="without sending"):
                    httpx.get(f"{server.url}/api/v2/device_groups/stores/info", auth=("eve", password), timeout=60)
        eventually(lambda: boss.check_api()["status_code"] == 200 and boss.list_apps()["status_code"] == 200)
        ok(boss.update_app("web", {"docker_image": "nginx:2"}), 202)
        worker.said("stop web-1", "run web-1 of nginx:2")
    finally:
        worker.end()
        assert server.stop() == 0


@pytest.mark.rule("nebula 5")
@pytest.mark.long
def test_a_change_shows_in_every_process_at_once(cluster, tmp_path):
    """Whichever process answers: what was acknowledged before is in it."""
    local = {"NEBULA_AUTH_TOKEN": "t", "LOG_LEVEL": "error", "WORKERS": "3"}
    server = servers.start(tmp_path / "data", cluster.create(f"many_{uuid4().hex}"), **local)
    headers = {"Authorization": "Bearer t"}
    url = f"{server.url}/api/v2"
    try:
        assert httpx.post(f"{url}/apps/web", json=APP, headers=headers).status_code == 200
        assert httpx.post(f"{url}/device_groups/stores", json={"apps": ["web"]}, headers=headers).status_code == 200
        readers = [httpx.Client(headers=headers, timeout=60) for _ in range(12)]  # each stays with a process
        for _ in range(20):
            made = httpx.post(f"{url}/apps/web/restart", headers=headers).json()["app_id"]
            seen = [one.get(f"{url}/device_groups/stores/info").json()["apps"][0]["app_id"] for one in readers]
            assert seen == [made] * len(readers)
        for one in readers:
            one.close()
    finally:
        assert server.stop() == 0
