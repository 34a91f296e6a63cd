"""Deployments over HTTP, as users and devices see them (mender 4.3, 4.6 to 4.10; mender-clients)."""

import threading
from datetime import timedelta

import pytest

from app.core import clock, db
from tests.support.mender import DEPLOYMENTS, DEVICES, NEXT, NEXT_V2, Device

LIST = f"{DEPLOYMENTS}/deployments"
PROVIDES = {"device_type": "board", "artifact_name": "base"}
FINALS = ("success", "failure", "noartifact", "already-installed", "aborted", "decommissioned")


@pytest.fixture
def device(http, user) -> Device:
    return user.accepted(Device(http))


def ask(device: Device, **provides: str):
    return device.call("POST", NEXT, json=PROVIDES | provides)


def report(device: Device, deployment: str, status: str, **more: str):
    path = f"{DEVICES}/deployments/device/deployments/{deployment}/status"
    return device.call("PUT", path, json={"status": status, **more})


def statistics(user, deployment: str) -> dict[str, int]:
    found = user.get(f"{LIST}/{deployment}/statistics").json()
    assert set(found) == {"pending", "downloading", "installing", "rebooting", *FINALS}
    return {status: count for status, count in found.items() if count}


def shown(user, deployment: str) -> dict:
    return user.get(f"{LIST}/{deployment}").json()


def part(user, deployment: str, device: Device) -> dict:
    listed = user.get(f"{LIST}/{deployment}/devices").json()
    return next(entry for entry in listed if entry["id"] == device.id)


@pytest.mark.rule("mender 4.6")
def test_a_deployment_from_end_to_end(http, user, device):
    artifact = user.uploaded(name="release-1")
    deployment = user.deployed("release-1", device.id)
    assert (shown(user, deployment)["status"], statistics(user, deployment)) == ("pending", {"pending": 1})
    assert user.get(f"{LIST}/{deployment}/devices").json() == []
    offer = ask(device)
    assert offer.status_code == 200
    assert offer.json()["id"] == deployment
    assert offer.json()["artifact"]["artifact_name"] == "release-1"
    assert offer.json()["artifact"]["device_types_compatible"] == ["board"]
    assert http.get(offer.json()["artifact"]["source"]["uri"]).status_code == 200
    assert (shown(user, deployment)["status"], part(user, deployment, device)["status"]) == ("pending", "pending")
    for status in ("downloading", "downloading", "installing", "installing", "rebooting", "downloading"):
        answer = report(device, deployment, status, substate=f"in {status}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert (shown(user, deployment)["status"], statistics(user, deployment)) == ("inprogress", {status: 1})
        assert ask(device).json()["artifact"]["id"] == artifact
    assert report(device, deployment, "success").status_code == 204
    found = part(user, deployment, device)
    assert (found["status"], found["state"], found["substate"]) == ("success", "success", "in downloading")
    assert found["created"] <= found["started"] <= found["finished"]
    after = shown(user, deployment)
    assert (after["status"], statistics(user, deployment)) == ("finished", {"success": 1})
    assert after["finished"] >= after["created"]
    assert ask(device, artifact_name="release-1").status_code == 204
    assert ask(device).status_code == 204


@pytest.mark.rule("mender 4.6")
@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", f"{NEXT}?artifact_name=base&device_type=board", {}),
        ("POST", NEXT, {"json": PROVIDES}),
        ("POST", NEXT, {"json": {"artifact_provides": PROVIDES}}),
        ("POST", NEXT, {"json": {"device_type": "board", "artifact_provides": {"artifact_name": "base"}}}),
        ("POST", NEXT_V2, {"json": {"device_provides": PROVIDES, "update_control_map": True}}),
        ("POST", NEXT_V2, {"json": {"device_provides": PROVIDES, "odd": [1]}}),
    ],
)
def test_all_the_ways_to_ask(user, device, method, path, options):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    answer = device.call(method, path, **options)
    assert (answer.status_code, answer.json()["id"]) == (200, deployment)
    assert "update_control_map" not in answer.json()


@pytest.mark.rule("mender 4.6")
@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("GET", NEXT, {}),
        ("GET", f"{NEXT}?artifact_name=base", {}),
        ("GET", f"{NEXT}?artifact_name=&device_type=board", {}),
        ("POST", NEXT, {"json": {}}),
        ("POST", NEXT, {"json": {"device_type": "board"}}),
        ("POST", NEXT, {"json": {"device_type": "board", "artifact_name": 7}}),
        ("POST", NEXT, {"json": {"device_type": "", "artifact_name": "base"}}),
        ("POST", NEXT, {"json": []}),
        ("POST", NEXT_V2, {"json": PROVIDES}),
        ("POST", NEXT_V2, {"json": {"device_provides": {"device_type": "board"}}}),
    ],
)
def test_asking_wrongly(user, device, method, path, options):
    user.uploaded()
    user.deployed("release-1", device.id)
    assert device.call(method, path, **options).status_code == 400


def test_a_poll_for_nothing_is_one_query_and_writes_nothing(user, device):
    with db.count_queries() as counted:
        assert ask(device).status_code == 204
    assert counted.count == 2  # the token's row, and the look for a deployment


@pytest.mark.rule("mender 4.6")
def test_no_artifact_for_the_type_ends_as_noartifact(user, device):
    user.uploaded(device_types=["other"])
    deployment = user.deployed("release-1", device.id)
    assert ask(device).status_code == 204
    assert (shown(user, deployment)["status"], statistics(user, deployment)) == ("finished", {"noartifact": 1})
    assert part(user, deployment, device)["status"] == "noartifact"
    assert report(device, deployment, "success").status_code == 409


@pytest.mark.rule("mender 4.6")
def test_the_installed_artifact_ends_as_already_installed(user, device):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    assert ask(device, artifact_name="release-1").status_code == 204
    assert (shown(user, deployment)["status"], statistics(user, deployment)) == ("finished", {"already-installed": 1})


@pytest.mark.rule("mender 4.6")
def test_already_installed_counts_only_before_the_first_report(user, device):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    ask(device)
    report(device, deployment, "installing")
    assert ask(device, artifact_name="release-1").status_code == 200


@pytest.mark.rule("mender 4.6")
def test_depends_choose_the_artifact_and_the_smallest_wins(user, device):
    big = user.uploaded(files={"file": b"x" * 90_000}, suffix="")
    small = user.uploaded(depends={"rootfs": ["1", "2"]})

    def chosen(**provides: str) -> str:
        deployment = user.deployed("release-1", device.id)
        answer = ask(device, **provides)
        report(device, deployment, "failure")
        return answer.json()["artifact"]["id"]

    assert chosen() == big
    assert chosen(rootfs="2") == small
    assert chosen(rootfs="3") == big
    deployment = user.deployed("release-1", device.id)
    answer = device.call("GET", f"{NEXT}?artifact_name=base&device_type=board")
    assert answer.json()["artifact"]["id"] == small
    assert ask(device, rootfs="3").json()["artifact"]["id"] == small, "the choice is kept until the end"
    report(device, deployment, "success")


@pytest.mark.rule("mender 4.3")
def test_an_artifact_uploaded_later_joins(user, device):
    user.uploaded(device_types=["other"])
    deployment = user.deployed("release-1", device.id)
    later = user.uploaded()
    assert shown(user, deployment)["artifacts"].count(later) == 1
    assert ask(device).json()["artifact"]["id"] == later


@pytest.mark.rule("mender 4.5")
def test_oldest_first_and_never_one_older_than_what_was_finished(user, device):
    for name in ("one", "two", "three"):
        user.uploaded(name=name)
    one, two = user.deployed("one", device.id), user.deployed("two", "somebody")
    three = user.deployed("three", device.id)
    assert ask(device).json()["id"] == one
    report(device, one, "failure")
    assert ask(device).json()["id"] == three
    report(device, three, "success")
    assert ask(device).status_code == 204
    assert statistics(user, two) == {"pending": 1}
    assert report(device, two, "success").status_code == 404


@pytest.mark.rule("mender 4.7")
@pytest.mark.parametrize("final", ["success", "failure", "already-installed"])
def test_a_final_status_is_final(user, device, final):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    ask(device)
    assert report(device, deployment, final).status_code == 204
    assert report(device, deployment, final).status_code == 204
    for other in ("downloading", "installing", "rebooting", "success", "failure", "already-installed"):
        if other != final:
            assert report(device, deployment, other).status_code == 409
    assert statistics(user, deployment) == {final: 1}


@pytest.mark.rule("mender 4.7")
def test_reports_that_are_refused(user, device):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    assert report(device, deployment, "success").status_code == 404, "it has not asked yet"
    ask(device)
    for status in ("pending", "aborted", "noartifact", "decommissioned", "odd", ""):
        assert report(device, deployment, status).status_code == 400
    assert report(device, deployment, "installing", substate="x" * 201).status_code == 400
    assert report(device, deployment, "installing", substate="x" * 200).status_code == 204
    assert report(device, "00000000-0000-4000-8000-000000000000", "success").status_code == 404
    assert report(device, "nonsense", "success").status_code == 400
    assert report(device, deployment.upper(), "rebooting").status_code == 204


@pytest.mark.rule("mender 4.8")
def test_aborting(http, user, device):
    user.uploaded()
    other, third = user.accepted(Device(http)), user.accepted(Device(http))
    deployment = user.deployed("release-1", device.id, other.id, third.id)
    ask(device), ask(other)
    report(device, deployment, "installing")
    report(other, deployment, "success")
    status = f"{LIST}/{deployment}/status"
    assert user.call("PUT", status, json={"status": "finished"}).status_code == 400
    assert user.call("PUT", status, json={"status": "aborted"}).status_code == 204
    assert shown(user, deployment)["status"] == "finished"
    assert statistics(user, deployment) == {"success": 1, "aborted": 2}
    assert ask(third).status_code == 204
    for reported in ("installing", "failure", "success"):
        assert report(device, deployment, reported).status_code == 409
    assert statistics(user, deployment) == {"success": 1, "aborted": 2}
    assert user.call("PUT", status, json={"status": "aborted"}).status_code == 422
    unknown = f"{LIST}/00000000-0000-4000-8000-000000000000/status"
    assert user.call("PUT", unknown, json={"status": "aborted"}).status_code == 404


@pytest.mark.rule("mender 4.9")
def test_logs(user, device):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    path = f"{DEVICES}/deployments/device/deployments/{deployment}/log"
    shown_path = f"{LIST}/{deployment}/devices/{device.id}/log"
    lines = [
        {"timestamp": "2016-03-11T13:03:17.063493443Z", "level": "INFO", "message": "OK"},
        {"timestamp": "2016-03-11T15:03:18+02:00", "level": "error", "message": "zwei\nZeilen ü"},
        {"timestamp": "2016-12-31T23:59:60Z", "level": "warning", "message": "a leap second"},
        {"timestamp": "0001-01-01T00:00:00+23:59", "level": "warning", "message": "before time"},
    ]
    assert device.call("PUT", path, json={"messages": lines}).status_code == 404, "it has not asked yet"
    ask(device)
    assert user.get(shown_path).status_code == 404
    assert part(user, deployment, device)["log"] is False
    report(device, deployment, "failure")
    assert device.call("PUT", path, json={"messages": lines[1:]}).status_code == 204
    assert device.call("PUT", path, json={"messages": lines}).status_code == 204
    answer = user.get(shown_path)
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.text == (
        "2016-03-11 13:03:17.063493443 +0000 UTC INFO: OK\n2016-03-11 13:03:18 +0000 UTC error: zwei\nZeilen ü\n"
        "2016-12-31T23:59:60Z warning: a leap second\n0001-01-01T00:00:00+23:59 warning: before time\n"
    )
    assert part(user, deployment, device)["log"] is True
    for bad in ([], [{}], [{**lines[0], "timestamp": "yesterday"}], [{"level": "x", "message": "y"}], "text"):
        assert device.call("PUT", path, json={"messages": bad}).status_code == 400
    assert user.get(f"{LIST}/{deployment}/devices/nobody/log").status_code == 404


@pytest.mark.rule("mender 4.3")
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 201),
        ({"name": ""}, 400),
        ({"name": "x" * 257}, 400),
        ({"name": "x" * 256}, 201),
        ({"artifact_name": ""}, 400),
        ({"artifact_name": "unknown"}, 422),
        ({"devices": []}, 400),
        ({"devices": [""]}, 400),
        ({"devices": [7]}, 400),
        ({"devices": None}, 400),
        ({"devices": ["not a uuid", "ü"]}, 201),
        ({"phases": []}, 400),
        ({"retries": 101}, 400),
        ({"other": "kept open"}, 201),
    ],
)
def test_creating(user, changes, status):
    user.uploaded()
    body = {"name": "production", "artifact_name": "release-1", "devices": ["one"]} | changes
    answer = user.call("POST", LIST, json=body)
    assert answer.status_code == status, answer.text
    if status == 201:
        location = answer.headers["Location"]
        assert location.startswith("./management/v1/deployments/deployments/")
        assert user.get(f"{LIST}/{location.rpartition('/')[2]}").json()["name"] == body["name"]
    elif status == 400 and changes.keys() & {"phases", "retries"}:
        assert next(iter(changes)) in answer.json()["error"]


@pytest.mark.rule("mender 4.3")
def test_a_device_that_stands_twice_counts_once(user):
    user.uploaded()
    deployment = user.deployed("release-1", "b", "a", "b")
    assert user.get(f"{LIST}/{deployment}/device_list").json() == ["a", "b"]
    found = shown(user, deployment)
    assert (found["device_count"], found["max_devices"], statistics(user, deployment)) == (2, 2, {"pending": 2})


def test_many_devices(user):
    user.uploaded()
    deployment = user.deployed("release-1", *[f"device-{number}" for number in range(3000)])
    assert len(user.get(f"{LIST}/{deployment}/device_list").json()) == 3000


@pytest.mark.rule("mender 4.10")
def test_listing(user):
    now = clock.now()
    user.uploaded(name="release-1")
    user.uploaded(name="Hotfix 7")
    made = []
    for age, (name, artifact) in enumerate(
        [("Alpha stage", "release-1"), ("beta", "Hotfix 7"), ("gamma", "release-1")]
    ):
        with clock.freeze(now - timedelta(hours=3 - age)):
            made.append(user.deployed(artifact, "d", name=name))
    user.call("PUT", f"{LIST}/{made[0]}/status", json={"status": "aborted"})

    def listed(query: str = "") -> list[int]:
        answer = user.get(f"{LIST}?{query}")
        assert answer.status_code == 200, answer.text
        if "page" not in query:
            assert answer.headers["X-Total-Count"] == str(len(answer.json()))
        return [made.index(entry["id"]) for entry in answer.json()]

    second = int((now - timedelta(hours=2)).timestamp())
    assert listed() == [2, 1, 0]
    assert listed("status=pending") == [2, 1]
    assert listed("status=finished") == [0]
    assert listed("status=inprogress") == listed("status=scheduled") == []
    assert listed("search=alpha") == [0]
    assert listed("search=release") == [2, 0]
    assert listed("search=HOTFIX") == [1]
    assert listed("search=stage+alpha") == [0]
    assert listed("search=alph") == []
    assert listed("search=--") == []
    assert listed(f"created_before={second}") == [1, 0]
    assert listed(f"created_after={second}") == [2, 1]
    assert listed(f"created_after={second}&created_before={second}") == [1]
    assert listed("created_after=9007199254740991") == []
    assert listed("created_before=0") == []
    assert listed("per_page=2&page=2") == [0]
    first = user.get(f"{LIST}?per_page=2")
    assert first.headers["X-Total-Count"] == "3"
    assert 'rel="next"' in ",".join(first.headers.get_list("Link"))
    for bad in ("status=odd", "created_before=x", "page=0", "per_page=501", "created_after=1.5"):
        assert user.get(f"{LIST}?{bad}").status_code == 400


@pytest.mark.rule("mender 1.7")
def test_unknown_and_malformed_ids(user):
    for tail in ("", "/statistics", "/devices", "/device_list", "/devices/x/log"):
        assert user.get(f"{LIST}/nonsense{tail}").status_code == 400
        assert user.get(f"{LIST}/00000000-0000-4000-8000-000000000000{tail}").status_code == 404


@pytest.mark.parametrize("after", ["success", "failure"])
def test_the_last_devices_ending_at_once_finish_it_once(http, user, after):
    user.uploaded()
    devices = [user.accepted(Device(http)) for _ in range(6)]
    deployment = user.deployed("release-1", *[device.id for device in devices])
    for device in devices:
        ask(device)
    statuses = []
    threads = [
        threading.Thread(target=lambda d=device: statuses.append(report(d, deployment, after).status_code))
        for device in devices
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [204] * 6
    assert statistics(user, deployment) == {after: 6}
    assert shown(user, deployment)["status"] == "finished"


def test_abort_against_reports_and_polls(http, user):
    user.uploaded()
    devices = [user.accepted(Device(http)) for _ in range(6)]
    deployment = user.deployed("release-1", *[device.id for device in devices])
    for device in devices[:4]:
        ask(device)
    seen: dict[str, list[int]] = {device.id: [] for device in devices}

    def work(device: Device) -> None:
        seen[device.id].append(ask(device).status_code)
        for status in ("downloading", "installing", "success"):
            seen[device.id].append(report(device, deployment, status).status_code)

    threads = [threading.Thread(target=work, args=(device,)) for device in devices]
    threads.append(
        threading.Thread(target=lambda: user.call("PUT", f"{LIST}/{deployment}/status", json={"status": "aborted"}))
    )
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counts = statistics(user, deployment)
    assert sum(counts.values()) == 6
    assert set(counts) <= {"success", "aborted"}
    assert shown(user, deployment)["status"] == "finished"
    listed = {entry["id"]: entry["status"] for entry in user.get(f"{LIST}/{deployment}/devices").json()}
    for device in devices:
        if 409 in seen[device.id]:
            assert listed[device.id] == "aborted"
            assert seen[device.id][seen[device.id].index(409) :] == [409] * (4 - seen[device.id].index(409))
    assert sum(status == "success" for status in listed.values()) == counts.get("success", 0)


def test_parallel_polls_of_one_device_give_one_answer(http, user, device):
    user.uploaded()
    deployment = user.deployed("release-1", device.id)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(ask(device))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["artifact"]["id"] for answer in answers}) == 1
    assert statistics(user, deployment) == {"pending": 1}
