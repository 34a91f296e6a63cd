"""What workers ask for all the time: cheap, never stale, never an error that stops their containers (nebula 5, 9)."""

import http.client
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from app.core import db, threads
from app.core.errors import Unavailable
from app.http import middleware
from app.nebula import auth, info
from tests.support.nebula import API, APP, LOCAL, Manager

INFO = "/device_groups/stores/info"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    """A request that cannot be answered is not held."""
    monkeypatch.setattr(middleware, "HOLD_SECONDS", 0.0)


@pytest.fixture
def fleet(boss):
    boss.app("web")
    boss.app("shop")
    boss.cron_job("backup")
    boss.group("stores", "web", cron_jobs=("backup",))
    return boss


@pytest.fixture
def worker(fleet) -> Manager:
    """A worker of the group, which may read it and no more."""
    return fleet.user("worker", device_groups={"stores": "ro"})


def etag(manager: Manager) -> str:
    return manager.get(INFO).headers["ETag"]


def test_who_has_the_body_is_not_sent_it_again(worker):
    tag = etag(worker)
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = worker.get(INFO, headers={"If-None-Match": said})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag), said
    for said in ('"other"', "", "nonsense"):
        answer = worker.get(INFO, headers={"If-None-Match": said})
        assert (answer.status_code, answer.headers["ETag"]) == (200, tag), said
    head = worker.call("HEAD", INFO)
    assert (head.status_code, head.headers["ETag"], head.content) == (200, tag, b"")


@pytest.mark.rule("nebula 5")
def test_a_change_shows_at_once(fleet, worker):
    """Every change of what the group is made of, and none of anything else."""
    changes = [
        ("PUT", "/apps/web/update", {"docker_image": "other"}),
        ("POST", "/apps/web/stop", None),
        ("POST", "/apps/web/start", None),
        ("POST", "/apps/web/restart", None),
        ("POST", "/apps/web/update", APP),
        ("PUT", "/cron_jobs/backup/update", {"running": False}),
        ("POST", "/device_groups/stores/prune", None),
        ("POST", "/prune", None),
        ("PUT", "/device_groups/stores/update", {"apps": ["web", "shop"]}),
        ("DELETE", "/apps/shop", None),
        ("POST", "/apps/shop", APP),
        ("DELETE", "/cron_jobs/backup", None),
        ("POST", "/cron_jobs/backup", {**APP, "schedule": "@daily"}),
    ]
    before = etag(worker)
    for method, path, body in changes:
        fleet.done(method, path, body)
        after = etag(worker)
        assert after != before, (method, path)
        info.forget()
        assert etag(worker) == after, "the body that was kept is what is made anew"
        before = after
    fleet.app("elsewhere")
    fleet.group("kiosks", "elsewhere")
    fleet.done("POST", "/apps/elsewhere/stop")
    assert etag(worker) == before


def test_a_body_is_made_once_for_all_workers(fleet, worker):
    worker.get(INFO)
    with db.count_queries() as queries:
        assert all(worker.get(INFO).status_code == 200 for _ in range(3))
    assert queries.count == 9, "for each request the user, the rights, and the revision"
    with db.count_queries() as queries:
        assert fleet.get(INFO).status_code == 200
    assert queries.count == 1, "the local administrator is known without a query"
    fleet.done("POST", "/apps/web/stop")
    with db.count_queries() as queries:
        worker.get(INFO)
    assert queries.count == 5, "the apps and the cron jobs as well"


def test_bodies_that_nobody_asks_for_are_not_kept(fleet, monkeypatch):
    monkeypatch.setattr(info, "MAX_GROUPS", 2)
    for name in ("a", "b", "c"):
        fleet.group(name)
        fleet.info(name)
    assert list(info._kept) == ["b", "c"]
    fleet.info("b")
    fleet.info("a")
    assert list(info._kept) == ["b", "a"]
    monkeypatch.setattr(info, "_keep", -1.0)
    fleet.info("c")
    assert list(info._kept) == []
    info.configure(0)
    fleet.info("c")
    assert list(info._kept) == []


@pytest.mark.rule("nebula 11")
def test_strangers_get_nothing_and_spoil_nothing(fleet, worker, stranger):
    outsider = fleet.user("outsider", device_groups={"other": "rw"})
    assert worker.get(INFO).status_code == 200
    for _ in range(3):
        assert stranger.get(INFO).status_code == 401
        assert outsider.get(INFO).json() == {"access_allowed": False}
        assert worker.get(INFO).status_code == 200
    tag = etag(worker)
    assert stranger.get(INFO, headers={"If-None-Match": tag}).status_code == 401
    assert outsider.get(INFO, headers={"If-None-Match": tag}).status_code == 403


def hang_up(manager: Manager, path: str = INFO) -> None:
    """The connection is closed without a word: what a client takes for trouble on the way, and tries again."""
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        manager.get(path)


def fail_reads(monkeypatch, exc: Exception) -> None:
    def broken(*_: object) -> None:
        raise exc

    for module in (info.db, auth.db):
        monkeypatch.setattr(module, "row", broken)


@pytest.mark.rule("nebula 9")
@pytest.mark.parametrize(
    "exc", [Unavailable("the database does not answer"), RuntimeError("a bug"), OSError(28, "full")]
)
def test_in_trouble_a_worker_gets_what_it_got_last(fleet, worker, monkeypatch, exc):
    good = worker.get(INFO)
    fleet.group("kiosks")
    with monkeypatch.context() as patch:
        fail_reads(patch, exc)
        for _ in range(3):
            again = worker.get(INFO)
            assert (again.status_code, again.content, again.headers["ETag"]) == (
                200,
                good.content,
                good.headers["ETag"],
            )
        hang_up(Manager(worker.http, auth=("worker", "a wrong password")))
        hang_up(Manager(worker.http, token="another"))
        hang_up(fleet, "/device_groups/kiosks/info")  # never asked for
        assert worker.get("/status").status_code >= 500, "other operations say what is wrong"
    assert worker.get(INFO).content == good.content


def test_what_was_refused_since_is_not_given(fleet, worker, monkeypatch):
    assert worker.get(INFO).status_code == 200
    fleet.done("PUT", "/user_groups/worker/update", {"device_groups": {}})
    assert worker.get(INFO).status_code == 403
    fail_reads(monkeypatch, Unavailable("no"))
    hang_up(worker)


def test_of_the_same_condition(worker, monkeypatch):
    tag = etag(worker)
    condition = {"If-None-Match": tag}
    assert worker.get(INFO, headers=condition).status_code == 304
    fail_reads(monkeypatch, Unavailable("no"))
    assert worker.get(INFO, headers=condition).status_code == 304
    assert worker.get(INFO).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        worker.get(INFO, headers={"If-None-Match": '"another"'})


def test_the_next_connection_is_served(fleet, worker, monkeypatch):
    """Only the one connection is closed; what other clients have open goes on."""
    address = urlsplit(str(worker.http.base_url))
    other = http.client.HTTPConnection(address.hostname, address.port)
    other.request("GET", f"{API}/ping")
    assert other.getresponse().read()
    with monkeypatch.context() as patch:
        fail_reads(patch, Unavailable("no"))
        hang_up(worker)
    other.request("GET", f"{API}/ping")
    assert other.getresponse().status == 200
    other.close()
    assert worker.get(INFO).status_code == 200


@pytest.mark.rule("nebula 9")
def test_a_worker_waits_for_its_turn_where_others_are_refused(worker, monkeypatch):
    """More requests wait than may: 503 for others, patience for workers."""
    monkeypatch.setattr(threads, "MAX_WAITING", 0)
    release, began = threading.Event(), threading.Semaphore(0)
    genuine = info.get

    def slow(name: str) -> info.Info:
        began.release()
        assert release.wait(60)
        return genuine(name)

    monkeypatch.setattr(info, "get", slow)
    answers: list[int] = []
    workers = [threading.Thread(target=lambda: answers.append(worker.get(INFO).status_code)) for _ in range(20)]
    for thread in workers:
        thread.start()
    for _ in range(threads.SHARES["read"]):
        assert began.acquire(timeout=60)
    refused = worker.get("/status")
    assert (refused.status_code, refused.json()) == (503, {"server_error": True})
    release.set()
    for thread in workers:
        thread.join(60)
    assert answers == [200] * 20


@pytest.mark.rule("nebula 9")
def test_a_worker_is_never_told_that_there_were_too_many_tries(fleet, worker):
    wrong = Manager(worker.http, auth=("worker", "wrong"))
    codes = [wrong.get("/status").status_code for _ in range(60)]
    assert codes[0] == 401
    assert codes[-1] == 429
    auth._forget()
    assert worker.get("/status").status_code == 429, "not even the right password is looked at"
    assert worker.get(INFO).status_code == 200
    assert wrong.get(INFO).status_code == 401
    assert worker.get("/status").status_code == 200, "what is known to be right costs nothing"


def test_the_local_administrator_needs_no_database(fleet, monkeypatch):
    good = fleet.get(INFO).content
    fail_reads(monkeypatch, Unavailable("no"))
    assert fleet.get(INFO).content == good
    assert Manager(fleet.http, token=LOCAL.token).get("/status").status_code == 200


def test_passwords_keep_no_thread_from_those_who_are_known(fleet, worker, http, monkeypatch):
    """Twelve are verified at once; the next is told to come again, a worker is held until it is its turn."""
    assert worker.get(INFO).status_code == 200
    others = [Manager(http, auth=(f"guest-{number}", "wrong")) for number in range(14)]
    newcomer = fleet.user("newcomer", device_groups={"stores": "ro"})
    release, began = threading.Event(), threading.Semaphore(0)

    def slow(*_: object) -> bool:
        began.release()
        return not release.wait(60)

    monkeypatch.setattr(auth, "_is_nobodys", slow)
    monkeypatch.setattr(middleware, "HOLD_SECONDS", 60.0)
    codes: list[int] = []
    threads_ = [threading.Thread(target=lambda m=m: codes.append(m.get("/status").status_code)) for m in others[:12]]
    for thread in threads_:
        thread.start()
    for _ in others[:12]:
        assert began.acquire(timeout=60)
    refused = others[12].get("/status")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert worker.get(INFO).status_code == 200
    assert fleet.get("/status").status_code == 200
    held: list[int] = []
    waiting = threading.Thread(target=lambda: held.append(newcomer.get(INFO).status_code))
    waiting.start()
    waiting.join(1)
    assert not held
    release.set()
    for thread in [*threads_, waiting]:
        thread.join(60)
    assert codes == [401] * 12
    assert held == [200]
