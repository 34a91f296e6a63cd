"""Reports of workers, and the devices that they are about (nebula 3, 7)."""

from datetime import timedelta

import pytest

from app.core import clock, db, work
from app.nebula import devices, reports
from tests.support.nebula import REPORT


@pytest.fixture
def fleet(boss):
    boss.app("web")
    boss.cron_job("backup")
    boss.group("stores", "web", cron_jobs=("backup",))
    return boss


def send(manager, **changes):
    return manager.done("POST", "/reports", {**REPORT, **changes})["_id"]["$oid"]


def ids(manager, **query):
    answer = manager.get("/reports", params=query)
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert answer.json()["last_id"] == (None if data is None else data[-1]["_id"])
    return None if data is None else [report["_id"]["$oid"] for report in data]


@pytest.mark.rule("nebula 3")
def test_a_report_is_kept_as_it_was_sent(boss):
    strange = {**REPORT, "device_group": "not there", "anything": {"else": [1, 2.5, None, "ü"]}, "updated": True}
    sent = boss.post("/reports", strange)
    assert sent.status_code == 201
    (kept,) = boss.done("GET", "/reports")["data"]
    assert kept.pop("_id") == sent.json()["_id"]
    assert isinstance(kept.pop("report_insert_date")["$date"], int)
    assert kept == strange


@pytest.mark.rule("nebula 7")
def test_pages(boss):
    sent = [send(boss, hostname=f"store-{number}") for number in range(25)]
    assert sent == sorted(sent)
    assert ids(boss) == sent[:10]
    assert ids(boss, last_id=sent[9]) == sent[10:20]
    assert ids(boss, last_id=sent[9].upper()) == sent[10:20]
    assert ids(boss, last_id=sent[19]) == sent[20:]
    assert boss.get("/reports", params={"last_id": sent[-1]}).json() == {"data": None, "last_id": None}
    assert ids(boss, page_size=1000) == sent
    assert ids(boss, page_size=3, last_id="0" * 24) == sent[:3]
    assert ids(boss, last_id="f" * 24) is None


@pytest.mark.rule("nebula 7")
def test_filters(boss):
    first = send(boss, hostname="a", report_creation_time=100, updated=True)
    second = send(boss, hostname="b", report_creation_time=200, device_group="kiosks")
    third = send(boss, hostname="a", report_creation_time=300)
    assert ids(boss, hostname="a") == [first, third]
    assert ids(boss, hostname="A") is None
    assert ids(boss, device_group="kiosks") == [second]
    assert ids(boss, hostname="a", device_group="kiosks") is None
    for word, wanted in {
        "eq": [second],
        "ne": [first, third],
        "gt": [third],
        "gte": [second, third],
        "lt": [first],
        "lte": [first, second],
    }.items():
        assert ids(boss, report_creation_time=200, report_creation_time_filter=word) == wanted, word
    assert ids(boss, report_creation_time=200) == [second]
    assert ids(boss, report_creation_time_filter="gt") == [first, second, third], "nothing to compare with"
    for text in ("True", "true", "TRUE"):
        assert ids(boss, updated=text) == [first]
    for text in ("False", "false"):
        assert ids(boss, updated=text) == [second, third]


@pytest.mark.rule("nebula 7")
@pytest.mark.parametrize(
    "query",
    [
        {"page_size": "0"},
        {"page_size": "1001"},
        {"page_size": "-1"},
        {"page_size": "ten"},
        {"report_creation_time": "now"},
        {"report_creation_time": "1.5"},
        {"report_creation_time_filter": "like"},
        {"last_id": "abc"},
        {"last_id": "g" * 24},
        {"updated": "yes"},
        {"updated": ""},
    ],
    ids=str,
)
def test_bad_parameters(boss, query):
    answer = boss.get("/reports", params=query)
    assert answer.status_code == 400
    assert answer.json().keys() == query.keys()


@pytest.mark.rule("nebula 7")
@pytest.mark.parametrize("missing", ["hostname", "device_group", "report_creation_time"])
def test_what_a_report_must_say(boss, missing):
    report = {name: value for name, value in REPORT.items() if name != missing}
    assert boss.post("/reports", report).status_code == 400
    assert boss.post("/reports", {**report, missing: [1]}).json().keys() == {missing}
    assert boss.done("GET", "/reports")["data"] is None


@pytest.mark.rule("nebula 7")
def test_who_may_report_and_who_sees_what(boss):
    worker = boss.user("worker", device_groups={"stores": "ro"})
    operator = boss.user("operator", device_groups={"stores": "rw", "kiosks": "ro"})
    chief = boss.user("chief", admin=True)
    other = boss.user("other", device_groups={"elsewhere": "ro"}, apps={"stores": "rw"}, pruning_allowed=True)
    nobody = boss.user("nobody")
    mine = send(worker)
    assert worker.post("/reports", {**REPORT, "device_group": "kiosks"}).json() == {"access_allowed": False}
    theirs = send(operator, device_group="kiosks")
    unknown = send(chief, device_group="not there")
    for refused in (other, nobody):
        assert refused.post("/reports", REPORT).status_code == 403
        assert ids(refused) is None
    assert ids(worker) == [mine]
    assert ids(worker, device_group="kiosks") is None
    assert ids(operator) == [mine, theirs]
    assert ids(chief) == ids(boss) == [mine, theirs, unknown]


@pytest.mark.rule("nebula 7")
def test_a_report_lives_as_long_as_is_set(boss, frozen):
    start = clock.now()
    with frozen(start - timedelta(minutes=61)):
        send(boss)
    with frozen(start - timedelta(minutes=59)):
        young = send(boss, report_creation_time=1)
    with frozen(start):
        assert ids(boss) == [young]
        reports.configure(timedelta(minutes=10))
        assert ids(boss) is None
        reports.configure(timedelta(hours=2))
        assert len(ids(boss)) == 2, "another setting holds for reports that are there"
        reports.configure(timedelta(minutes=60))
        forget()
        assert rows("nebula_report") == 1
        reports.configure(timedelta(0))
        forget()
        assert ids(boss) == [young]


def forget() -> None:
    reports.forget(work.Unit(1, "nebula.forget_reports", "tick", None, 1, "claim"))


def rows(table: str) -> int:
    with db.read():
        return db.row(f"SELECT COUNT(*) FROM {table}")[0]


def test_many_old_reports_are_removed_some_at_a_time(boss, frozen, monkeypatch):
    monkeypatch.setattr(reports, "BATCH", 3)
    monkeypatch.setattr(work.Unit, "check", lambda _: None)
    with frozen(clock.now() - timedelta(hours=2)):
        for _ in range(7):
            send(boss)
    forget()
    assert rows("nebula_report") == 0


def config(fleet):
    """The configuration as the SDK wraps it, which is what a worker reports (nebula 3)."""
    return {"status_code": 200, "reply": fleet.info("stores")}


@pytest.mark.rule("nebula 11")
def test_whether_devices_run_what_they_should(fleet):
    send(fleet, hostname="store-1", current_device_group_config=config(fleet))
    fleet.done("PUT", "/apps/web/update", {"docker_image": "nginx:2"})
    send(fleet, hostname="store-2", current_device_group_config=config(fleet))
    send(fleet, hostname="store-3")
    send(fleet, hostname="elsewhere", device_group="kiosks")
    listed = fleet.done("GET", "/device_groups/stores/devices")
    assert listed["last_hostname"] is None
    old, new, silent = listed["devices"]
    assert old == {
        "hostname": "store-1",
        "last_seen": old["last_seen"],
        "report_creation_time": REPORT["report_creation_time"],
        "up_to_date": False,
        "device_group_id": 1,
        "prune_id": 1,
        "apps": {"web": 1},
        "cron_jobs": {"backup": 1},
    }
    assert (new["hostname"], new["apps"], new["up_to_date"]) == ("store-2", {"web": 2}, True)
    assert (silent["device_group_id"], silent["apps"], silent["up_to_date"]) == (None, {}, False)
    send(fleet, hostname="store-1", current_device_group_config=config(fleet))
    assert [device["up_to_date"] for device in fleet.done("GET", "/device_groups/stores/devices")["devices"]] == [
        True,
        True,
        False,
    ]
    for change in (
        ("POST", "/device_groups/stores/prune", None),
        ("PUT", "/device_groups/stores/update", {"apps": []}),
    ):
        fleet.done(*change)
        assert not any(device["up_to_date"] for device in fleet.done("GET", "/device_groups/stores/devices")["devices"])


def test_pages_of_devices(fleet):
    for number in range(7):
        extra = {"current_device_group_config": config(fleet)} if number % 2 else {}
        send(fleet, hostname=f"store-{number}", **extra)

    def page(**query):
        answer = fleet.get("/device_groups/stores/devices", params=query).json()
        return [device["hostname"][-1] for device in answer["devices"]], answer["last_hostname"]

    assert page(page_size=3) == (["0", "1", "2"], "store-2")
    assert page(page_size=3, last_hostname="store-2") == (["3", "4", "5"], "store-5")
    assert page(page_size=3, last_hostname="store-5") == (["6"], None)
    assert page(up_to_date="true") == (["1", "3", "5"], None)
    assert page(up_to_date="false", page_size=2) == (["0", "2"], "store-2")
    for wrong in ({"page_size": 0}, {"page_size": 1001}, {"up_to_date": "maybe"}, {"last_hostname": "x" * 256}):
        assert fleet.get("/device_groups/stores/devices", params=wrong).status_code == 400


@pytest.mark.parametrize(
    "strange",
    [
        None,
        {"reply": None},
        {"reply": {"apps": None, "prune_id": "1", "device_group_id": True}},
        {"reply": {"apps": [None, 5, {}, {"app_name": 5, "app_id": 1}, {"app_name": "web", "app_id": "1"}]}},
        {"reply": {"apps": {"web": 1}, "cron_jobs": "backup"}},
    ],
    ids=str,
)
def test_a_report_may_hold_any_configuration(fleet, strange):
    extra = {} if strange is None else {"current_device_group_config": strange}
    send(fleet, **extra)
    (device,) = fleet.done("GET", "/device_groups/stores/devices")["devices"]
    assert (device["apps"], device["cron_jobs"], device["up_to_date"]) == ({}, {}, False)


def test_devices_that_were_not_seen_for_long(fleet, frozen):
    with frozen(clock.now() - devices.KEPT - timedelta(seconds=1)):
        send(fleet, hostname="gone")
    send(fleet, hostname="here")
    forget()
    assert [device["hostname"] for device in fleet.done("GET", "/device_groups/stores/devices")["devices"]] == ["here"]
    fleet.done("DELETE", "/device_groups/stores")
    assert rows("nebula_device") == 0


def test_lists_are_found_by_an_index(fleet):
    send(fleet)
    plans = {
        "SELECT 1 FROM nebula_report WHERE inserted_ts > 5 ORDER BY inserted_ts, pk LIMIT 10": (
            "nebula_report_inserted_ts_pk"
        ),
        "SELECT 1 FROM nebula_report WHERE hostname = 'a' AND inserted_ts > 5 ORDER BY inserted_ts, pk LIMIT 10": (
            "nebula_report_hostname_inserted_ts_pk"
        ),
        "SELECT 1 FROM nebula_device WHERE device_group = 'a' AND hostname > '' ORDER BY hostname LIMIT 10": (
            "nebula_device_device_group_hostname"
        ),
    }
    with db.write():
        if db.is_postgres():
            db.execute("SET LOCAL enable_seqscan = off")
            db.execute("SET LOCAL enable_sort = off")
        for statement, index in plans.items():
            explain = "EXPLAIN " if db.is_postgres() else "EXPLAIN QUERY PLAN "
            assert index in str(db.rows(explain + statement)), statement
