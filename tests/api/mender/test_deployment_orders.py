"""Deployments to groups and to all, retries, a start of their own, history, explanations (mender 4.3 to 4.8, 10)."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest

from app.core import clock, db
from tests.support.artifacts import Payload
from tests.support.mender import DEPLOYMENTS, DEVICE_INVENTORY, DEVICES, INVENTORY, NEXT, Device, User
from tests.support.racing import race

LIST = f"{DEPLOYMENTS}/deployments"


def order(user: User, **body):
    return user.call("POST", LIST, json={"name": "try", "artifact_name": "release", **body})


def ordered(user: User, **body) -> str:
    answer = order(user, **body)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def get(user: User, deployment: str) -> dict:
    return user.get(f"{LIST}/{deployment}").json()


def ask(device: Device, installed: str = "base") -> str | None:
    """The deployment a device gets."""
    answer = device.call("POST", NEXT, json={"device_type": "board", "artifact_name": installed})
    assert answer.status_code in (200, 204)
    return answer.json()["id"] if answer.status_code == 200 else None


def report(device: Device, deployment: str, status: str) -> int:
    path = f"{DEVICES}/deployments/device/deployments/{deployment}/status"
    return device.call("PUT", path, json={"status": status}).status_code


def statistics(user: User, deployment: str) -> dict[str, int]:
    return {k: v for k, v in user.get(f"{LIST}/{deployment}/statistics").json().items() if v}


@pytest.fixture
def fleet(http, user) -> list[Device]:
    """Three accepted devices, one pending, and an artifact."""
    devices = [user.accepted(Device(http)) for _ in range(3)]
    Device(http).request()
    user.uploaded(name="release", device_types=["board"])
    return devices


@pytest.mark.rule("mender 4.3")
def test_to_all_devices_that_are_accepted_now(http, user, fleet):
    deployment = ordered(user, all_devices=True)
    assert (get(user, deployment)["max_devices"], statistics(user, deployment)) == (3, {"pending": 3})
    assert user.get(f"{LIST}/{deployment}/device_list").json() == sorted(device.id for device in fleet)
    assert ask(fleet[0]) == deployment
    late = user.accepted(Device(http))
    assert ask(late) is None


@pytest.mark.rule("mender 4.3")
def test_to_a_group(user, fleet):
    pending = user.devices(status="pending")[0]["id"]
    user.call("PATCH", f"{INVENTORY}/groups/lab/devices", json=[fleet[0].id, fleet[1].id, pending])
    answer = user.call("POST", f"{LIST}/group/lab", json={"name": "try", "artifact_name": "release"})
    assert answer.status_code == 201
    deployment = answer.headers["Location"].rpartition("/")[2]
    assert user.get(f"{LIST}/{deployment}/device_list").json() == sorted([fleet[0].id, fleet[1].id])
    assert get(user, deployment)["groups"] == ["lab"]
    assert ask(fleet[2]) is None


@pytest.mark.rule("mender 4.3")
def test_orders_that_are_refused(user, fleet):
    one = [fleet[0].id]
    for body in (
        {},
        {"devices": []},
        {"devices": one, "all_devices": True},
        {"all_devices": False},
        {"devices": one, "retries": -1},
        {"devices": one, "retries": 101},
        {"devices": one, "phases": []},
        {"devices": one, "phases": [{}, {}]},
        {"devices": one, "phases": [{"batch_size": 50}]},
        {"devices": one, "phases": [{"start_ts": "tomorrow"}]},
        {"devices": one, "phases": [{"start_ts": "2020-01-01T00:00:00Z"}]},
        {"devices": one, "phases": [{"start_ts": "2036-12-31T23:59:60Z"}]},
        {"devices": one, "max_devices": 1},
        {"filter_id": str(uuid4())},
    ):
        assert order(user, **body).status_code == 400, body
    assert order(user, all_devices=True, artifact_name="unheard").status_code == 422
    group = partial(user.call, "POST", f"{LIST}/group/nobody")
    assert group(json={"name": "try", "artifact_name": "release"}).status_code == 400
    assert group(json={"name": "try", "artifact_name": "release", "devices": one}).status_code == 400
    assert group(json={"name": "try"}).status_code == 400
    assert user.call("POST", f"{LIST}/group/a.b", json={"name": "t", "artifact_name": "release"}).status_code == 400
    assert user.get(LIST).json() == []


@pytest.mark.rule("mender 4.3")
def test_to_all_when_there_is_nobody(user):
    user.uploaded(name="release")
    assert order(user, all_devices=True).status_code == 400
    assert user.get(LIST).json() == []


def test_an_order_to_many_takes_few_statements(http, user, database):
    user.uploaded(name="release")
    with db.write():
        for number in range(300):
            db.execute(
                "INSERT INTO mender_device (tenant_id, id, identity_hash, identity_data, status, decommissioning,"
                " revision, created_ts, updated_ts) VALUES ('', ?, ?, '{}', 'accepted', ?, 1, 0, 0)",
                f"d{number}",
                f"{number:064d}",
                False,
            )
    with db.count_queries() as counted:
        deployment = ordered(user, all_devices=True)
    assert counted.count <= 6, counted.statements
    assert statistics(user, deployment) == {"pending": 300}


@pytest.mark.rule("mender 4.3")
def test_a_start_of_its_own(user, fleet, frozen):
    now = clock.now()
    start = now + timedelta(hours=2)
    device = fleet[0]
    with frozen(now):
        later = ordered(user, devices=[device.id], phases=[{"start_ts": clock.rfc3339(start)}])
        shown = get(user, later)
        (phase,) = shown["phases"]
        assert (shown["status"], phase["start_ts"], phase["device_count"]) == ("scheduled", clock.rfc3339(start), 0)
        assert [entry["id"] for entry in user.get(LIST, params={"status": "scheduled"}).json()] == [later]
        assert user.get(LIST, params={"status": "pending"}).json() == []
        assert ask(device) is None
        assert user.get(f"{LIST}/{later}/devices").json() == []
        sooner = ordered(user, devices=[device.id])
    with frozen(now + timedelta(hours=1)):
        assert ask(device) == sooner
        assert report(device, sooner, "success") == 204
        assert ask(device) is None
    with frozen(start):
        assert get(user, later)["status"] == "pending"
        assert [entry["id"] for entry in user.get(LIST, params={"status": "pending"}).json()] == [later]
        assert ask(device) == later
        assert report(device, later, "downloading") == 204
        shown = get(user, later)
        assert (shown["status"], shown["phases"][0]["device_count"]) == ("inprogress", 1)


@pytest.mark.rule("mender 4.5")
@pytest.mark.parametrize("taken_out", [False, True])
def test_what_was_aborted_before_its_start_holds_nothing_up(user, fleet, frozen, taken_out):
    """It never concerned the device, so it is none that the device has ended: neither before its start nor after."""
    device, now = fleet[0], clock.now()
    start = now + timedelta(hours=1)
    later = ordered(user, devices=[device.id], phases=[{"start_ts": clock.rfc3339(start)}])
    if taken_out:
        assert user.call("DELETE", f"{DEPLOYMENTS}/deployments/devices/{device.id}").status_code == 204
    else:
        assert (
            user.call("PUT", f"{DEPLOYMENTS}/deployments/{later}/status", json={"status": "aborted"}).status_code == 204
        )
    wanted = ordered(user, devices=[device.id])
    assert explained(user, wanted, device.id)[0] is not False
    with frozen(start + timedelta(hours=1)):
        assert explained(user, wanted, device.id)[0] is not False
        assert ask(device) == wanted
    assert ask(device) == wanted


@pytest.mark.rule("mender 4.4")
def test_one_empty_phase_is_a_normal_deployment(user, fleet):
    deployment = ordered(user, devices=[fleet[0].id], phases=[{}])
    shown = get(user, deployment)
    assert (shown["status"], shown["phases"][0]["batch_size"]) == ("pending", 100)
    assert "phases" not in get(user, ordered(user, devices=[fleet[1].id]))
    assert ask(fleet[0]) == deployment


@pytest.mark.rule("mender 4.7")
def test_a_device_that_fails_gets_it_again(user, fleet):
    device = fleet[0]
    deployment = ordered(user, devices=[device.id, fleet[1].id], retries=2)
    assert get(user, deployment)["retries"] == 2
    for _ in range(2):
        assert ask(device) == deployment
        for status in ("downloading", "installing", "failure"):
            assert report(device, deployment, status) == 204
        # Said again for want of an answer: it is no second failure.
        assert report(device, deployment, "failure") == 204
        assert statistics(user, deployment) == {"pending": 2}
        assert get(user, deployment)["status"] == "inprogress"
    assert ask(device) == deployment
    assert report(device, deployment, "failure") == 204
    assert statistics(user, deployment) == {"pending": 1, "failure": 1}
    assert (ask(device), report(device, deployment, "success")) == (None, 409)


@pytest.mark.rule("mender 4.7")
def test_a_retry_may_succeed(user, fleet):
    device = fleet[0]
    deployment = ordered(user, devices=[device.id], retries=1)
    ask(device)
    report(device, deployment, "failure")
    log = {"messages": [{"timestamp": "2026-11-25T05:33:12Z", "level": "error", "message": "no"}]}
    path = f"{DEVICES}/deployments/device/deployments/{deployment}/log"
    assert device.call("PUT", path, json=log).status_code == 204
    assert ask(device) == deployment
    assert report(device, deployment, "success") == 204
    assert (statistics(user, deployment), get(user, deployment)["status"]) == ({"success": 1}, "finished")


@pytest.mark.rule("mender 4.6")
def test_forced_installation(user, fleet):
    device = fleet[0]
    first = ordered(user, devices=[device.id])
    assert ask(device, "release") is None
    assert statistics(user, first) == {"already-installed": 1}
    forced = ordered(user, devices=[device.id], force_installation=True)
    assert get(user, forced)["force_installation"] is True
    assert ask(device, "release") == forced


@pytest.mark.rule("mender 4.8")
def test_taking_a_device_out_of_all_deployments(user, fleet):
    device, other = fleet[:2]
    first, second = (ordered(user, devices=[device.id, other.id]) for _ in range(2))
    assert ask(device) == first
    assert report(device, first, "downloading") == 204
    path = f"{LIST}/devices/{device.id}"
    assert user.call("DELETE", path).status_code == 204
    assert (report(device, first, "installing"), ask(device)) == (409, None)
    for deployment in (first, second):
        assert statistics(user, deployment) == {"pending": 1, "aborted": 1}
    assert ask(other) == first
    assert user.call("DELETE", path).status_code == 204
    assert user.call("DELETE", f"{LIST}/devices/unheard").status_code == 204
    assert user.call("DELETE", f"{LIST}/devices/{'x' * 257}").status_code == 400


@pytest.mark.rule("mender 4.7")
def test_pages_of_the_devices_of_a_deployment(user, fleet):
    deployment = ordered(user, all_devices=True)
    path = f"{LIST}/{deployment}/devices/list"
    assert user.get(path).json() == []
    for device in fleet:
        ask(device)
    report(fleet[0], deployment, "success")
    ids = sorted(device.id for device in fleet)
    answer = user.get(path, params={"per_page": 2, "page": 2})
    assert ([entry["id"] for entry in answer.json()], answer.headers["X-Total-Count"]) == (ids[2:], "3")
    assert [link.rpartition("rel=")[2] for link in answer.headers.get_list("Link")] == ['"first"', '"prev"']
    for status, count in {"active": 2, "finished": 1, "pending": 2, "success": 1, "failure": 0}.items():
        answer = user.get(path, params={"status": status})
        assert (len(answer.json()), answer.headers["X-Total-Count"]) == (count, str(count))
    assert user.get(path, params={"status": "unheard"}).status_code == 400
    assert user.get(f"{LIST}/{uuid4()}/devices/list").status_code == 404
    assert user.get(f"{LIST}/nonsense/devices/list").status_code == 400


@pytest.mark.rule("mender 4.7")
def test_the_deployments_of_a_device(http, user, fleet):
    device = fleet[0]
    made = [ordered(user, devices=[device.id], name=f"n{number}") for number in range(3)]
    assert ask(device) == made[0]
    report(device, made[0], "success")
    path = f"{LIST}/devices/{device.id}"
    answer = user.get(path)
    assert [entry["deployment"]["id"] for entry in answer.json()] == made[::-1]
    assert [entry["device"]["status"] for entry in answer.json()] == ["pending", "pending", "success"]
    assert answer.json()[0]["deployment"] == get(user, made[2])
    assert answer.headers["X-Total-Count"] == "3"
    finished = user.get(path, params={"status": "finished"}).json()
    assert [entry["deployment"]["id"] for entry in finished] == [made[0]]
    assert user.get(path, params={"per_page": 1, "page": 2}).json() == answer.json()[1:2]
    assert user.get(f"{LIST}/devices/unheard").json() == []
    with db.count_queries() as counted:
        user.get(path)
    assert counted.count <= 6, counted.statements
    stranger = User(http, tenant="0123456789abcdef01234567", email="eve@example.com")
    assert stranger.get(path).json() == []


@pytest.mark.rule("mender 4.7")
def test_statistics_of_several(user, fleet):
    made = [ordered(user, devices=[device.id]) for device in fleet]
    ask(fleet[1])
    report(fleet[1], made[1], "success")
    path = f"{LIST}/statistics/list"
    answer = user.call("POST", path, json={"deployment_ids": [made[1], str(uuid4()), made[0], made[1].upper()]})
    assert [(entry["id"], entry["stats"]["success"]) for entry in answer.json()] == [(made[1], 1), (made[0], 0)]
    assert answer.json()[0]["stats"] == user.get(f"{LIST}/{made[1]}/statistics").json()
    for bad in ({}, {"deployment_ids": []}, {"deployment_ids": ["x"]}, {"deployment_ids": [made[0]] * 101}):
        assert user.call("POST", path, json=bad).status_code == 400


def explained(user: User, deployment: str, device_id: str) -> tuple[bool | None, str]:
    """What follows, and the last rule that was judged."""
    answer = user.get(f"{LIST}/{deployment}/devices/{device_id}/explain")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert all(rule["met"] is not False for rule in told["rules"][:-1])
    assert told["reason"]
    return told["gets"], told["rules"][-1]["rule"]


def test_explanations(http, user, fleet, frozen):
    device, other, third = fleet

    def say(*, kind: str = "board", installed: str = "base", **more: str) -> None:
        values = {"device_type": kind, "artifact_name": installed, **more}
        body = [{"name": name, "value": value} for name, value in values.items()]
        assert device.call("PUT", DEVICE_INVENTORY, json=body).status_code == 200

    deployment = ordered(user, devices=[device.id, user.devices(status="pending")[0]["id"], "unheard"])
    assert explained(user, deployment, "unheard") == (False, "device-accepted")
    assert explained(user, deployment, user.devices(status="pending")[0]["id"]) == (False, "device-accepted")
    assert explained(user, deployment, other.id) == (False, "device-targeted")
    assert explained(user, deployment, device.id) == (None, "device-type")
    say()
    assert explained(user, deployment, device.id) == (True, "not-installed")
    say(installed="release")
    assert explained(user, deployment, device.id) == (False, "not-installed")
    say(kind="other board")
    assert explained(user, deployment, device.id) == (False, "device-type")
    say()
    second = ordered(user, devices=[device.id], force_installation=True)
    assert explained(user, second, device.id) == (False, "first-in-line")
    with frozen(clock.now() + timedelta(seconds=1)):
        assert ask(device) == deployment
        report(device, deployment, "success")
    assert explained(user, deployment, device.id) == (False, "part-open")
    say(installed="release")
    assert explained(user, second, device.id) == (True, "not-installed")
    user.uploaded(name="delta", payloads=[Payload(depends={"rootfs": ["1", "2"]})], device_types=["board"])
    delta = ordered(user, devices=[third.id], artifact_name="delta")
    assert explained(user, delta, third.id) == (None, "device-type")
    device, third = third, device
    say()
    assert explained(user, delta, device.id) == (None, "not-installed")
    say(rootfs="3")
    assert explained(user, delta, device.id) == (False, "depends")
    say(rootfs="2")
    assert explained(user, delta, device.id) == (True, "not-installed")
    late = ordered(user, devices=[other.id], phases=[{"start_ts": "2036-01-01T00:00:00Z"}])
    assert explained(user, late, other.id) == (False, "deployment-started")
    user.call("PUT", f"{LIST}/{late}/status", json={"status": "aborted"})
    assert explained(user, late, other.id) == (False, "deployment-open")
    assert user.get(f"{LIST}/{uuid4()}/devices/{device.id}/explain").status_code == 404
    assert user.get(f"{LIST}/nonsense/devices/{device.id}/explain").status_code == 400


def test_an_explanation_says_what_asking_brings(user, fleet):
    """Where it is sure, the device gets what it says."""
    device = fleet[0]
    body = [{"name": "device_type", "value": "board"}, {"name": "artifact_name", "value": "base"}]
    device.call("PUT", DEVICE_INVENTORY, json=body)
    made = [ordered(user, devices=[device.id]) for _ in range(3)]
    for _ in made:
        promised = [one for one in made if explained(user, one, device.id)[0]]
        offered = ask(device)
        assert promised == [offered]
        report(device, offered, "failure")
    assert [explained(user, one, device.id)[0] for one in made] == [False] * 3


def test_polling_while_it_is_aborted(http, user):
    """Whoever was told of it learns at the next report; nobody gets it afterwards; the counts are the rows."""
    devices = [user.accepted(Device(http)) for _ in range(12)]
    user.uploaded(name="release", device_types=["board"])
    deployment = ordered(user, all_devices=True, retries=1)

    def work(device: Device) -> list[int]:
        if ask(device) is None:
            return []
        return [report(device, deployment, status) for status in ("downloading", "failure", "installing")]

    abort = partial(user.call, "PUT", f"{LIST}/{deployment}/status", json={"status": "aborted"})
    answers = race(*[partial(work, device) for device in devices], abort)
    assert answers[-1].status_code in (204, 422)
    assert {status for reports in answers[:-1] for status in reports} <= {204, 409}
    assert all(ask(device) is None for device in devices)
    counted = statistics(user, deployment)
    assert sum(counted.values()) == 12
    listed = [entry["status"] for entry in user.get(f"{LIST}/{deployment}/devices").json()]
    assert all(counted[status] >= listed.count(status) for status in set(listed))
    assert set(counted) <= {"aborted", "failure"}
    assert get(user, deployment)["status"] == "finished"
