"""Many at once: no id is given twice, no name, no change is lost or hidden (nebula 4)."""

import httpx
import pytest

from app.core import db
from tests.support.nebula import APP, CRON_JOB, LOCAL, Manager
from tests.support.racing import race

MANY = 50


@pytest.fixture
def many(servers, database) -> list[Manager]:
    """So many administrators, each with a connection of its own."""
    clients = [httpx.Client(base_url=servers.public, timeout=120) for _ in range(MANY)]
    yield [Manager(client, token=LOCAL.token) for client in clients]
    for client in clients:
        client.close()


@pytest.mark.rule("nebula 4")
def test_fifty_restarts_give_fifty_ids(boss, many):
    boss.app("web")
    boss.group("stores", "web")
    found = race(*(lambda m=m: m.done("POST", "/apps/web/restart")["app_id"] for m in many))
    assert sorted(found) == list(range(2, MANY + 2))
    assert boss.info("stores")["apps"][0]["app_id"] == MANY + 1


@pytest.mark.rule("nebula 4")
def test_every_kind_of_change_at_once(boss, many):
    """Apps, cron jobs and groups refer to each other every way; none of it ends in a deadlock, none is lost."""
    apps, jobs, groups = (("a", "b"), ("c", "d"), ("g", "h"))
    for name in apps:
        boss.app(name)
    for name in jobs:
        boss.cron_job(name)
    for name in groups:
        boss.group(name, *apps, cron_jobs=jobs)
    calls = []
    for number, m in enumerate(many):
        one, two = number % 2, (number // 2) % 2
        calls.append(
            [
                lambda m=m, one=one: m.post(f"/apps/{apps[one]}/restart"),
                lambda m=m, one=one: m.put(f"/cron_jobs/{jobs[one]}/update", {"running": True}),
                lambda m=m, one=one, two=two: m.put(
                    f"/device_groups/{groups[one]}/update", {"apps": [apps[two], apps[1 - two]]}
                ),
                lambda m=m, one=one: m.post(f"/device_groups/{groups[one]}/prune"),
                lambda m=m: m.post("/prune"),
            ][number % 5]
        )
    assert {answer.status_code for answer in race(*calls)} == {202}
    told = [boss.info(name) for name in groups]
    assert sum(app["app_id"] - 1 for app in told[0]["apps"]) == 10
    assert sum(job["cron_job_id"] - 1 for job in told[0]["cron_jobs"]) == 10
    assert sum(group["device_group_id"] - 1 for group in told) == 10
    assert sum(group["prune_id"] - 1 for group in told) == 10 + 2 * 10


@pytest.mark.rule("nebula 2")
@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("/apps/web", APP, {"app_exists": True}),
        ("/cron_jobs/backup", CRON_JOB, {"cron_job_exists": True}),
        ("/device_groups/stores", {}, {"device_group_exists": True}),
        ("/users/ada", {}, {"user_exists": True}),
        ("/user_groups/crew", {"group_members": ["ada"]}, {"user_group_exists": True}),
    ],
)
def test_of_those_who_take_a_name_one_gets_it(boss, many, path, body, refused):
    answers = race(*(lambda m=m: m.post(path, body) for m in many[:20]))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 19
    assert [answer.json() for answer in answers if answer.status_code == 403] == [refused] * 19


def test_of_those_who_take_a_token_one_gets_it(boss, many):
    answers = race(*(lambda m=m, n=n: m.post(f"/users/u{n}", {"token": "same"}) for n, m in enumerate(many[:10])))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 9


def test_an_app_is_deleted_while_groups_take_it_up(boss, many):
    """Whoever came first: a group that was made either shows it deleted, or was told so."""
    boss.app("web")
    calls = [lambda m=m, n=n: m.post(f"/device_groups/g{n}", {"apps": ["web"]}) for n, m in enumerate(many[1:21])]
    polls = [lambda m=m, n=n: m.get(f"/device_groups/g{n}/info") for n, m in enumerate(many[21:41])]
    race(lambda: many[0].delete("/apps/web"), *calls, *polls)
    for name in boss.done("GET", "/device_groups")["device_groups"]:
        assert boss.info(name)["apps"] == [], "no body that was made before is kept"


def test_members_and_rights_are_replaced_at_once(boss, many):
    boss.done("POST", "/user_groups/crew", {})
    bodies = [
        {"group_members": ["ada", "eve"], "apps": {"web": "rw"}},
        {"group_members": ["eve"], "apps": {"web": "ro"}},
    ]
    answers = race(
        *(lambda m=m, n=n: m.put("/user_groups/crew/update", bodies[n % 2]) for n, m in enumerate(many[:20]))
    )
    assert {answer.status_code for answer in answers} == {200}
    left = boss.done("GET", "/user_groups/crew")
    assert {name: left[name] for name in bodies[0]} in bodies


def test_a_change_is_seen_by_every_reader_at_once(boss, many):
    """What was acknowledged is in the next answer, whoever asks."""
    boss.app("web")
    boss.group("stores", "web")
    boss.info("stores")

    def change_and_look(m: Manager) -> bool:
        made = m.done("POST", "/apps/web/restart")["app_id"]
        return m.info("stores")["apps"][0]["app_id"] >= made

    assert all(race(*(lambda m=m: change_and_look(m) for m in many[:20])))


def test_reports_of_one_device_at_once(boss, many):
    report = {"hostname": "store-001", "device_group": "stores", "report_creation_time": 1}
    race(*(lambda m=m: m.done("POST", "/reports", report) for m in many[:20]))
    with db.read():
        assert db.row("SELECT COUNT(*) FROM nebula_report") == (20,)
        assert db.row("SELECT COUNT(*) FROM nebula_device") == (1,)
