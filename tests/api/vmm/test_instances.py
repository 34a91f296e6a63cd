"""Instances, made and changed on a genuine LXD, each step told of by an event; and what a crash leaves (vmm 5, 6)."""

import time

import pytest
import yaml

from app.core import clock, db, failpoints, work
from app.vmm import lxd, servers, tasks
from models.vmm.events import Task
from tests.support.streams import Events
from tests.support.vmm import on

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]


@pytest.fixture
def stream(http, ada, number, daemon):
    """What ada is told; at the end no instance is left that a test has made."""
    with Events(http) as opened:
        yield opened.of(ada)
    for one in daemon.query("/1.0/instances?recursion=1"):
        if one["name"] not in ("runs", "stopped"):
            daemon.lxc("delete", "--force", one["name"])


def finish():
    """Do what is queued until no task is open."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with db.read():
            if db.row("SELECT 1 FROM vmm_task WHERE ended_ts IS NULL") is None:
                return
        unit = work.claim()
        if unit is None:
            time.sleep(0.05)
        else:
            work.run(unit)
    pytest.fail("a task did not end")


def made(number, name="web", **more):
    body = on(number, instance_id=0, instance_image="tiny", image_server_host="")
    return {**body, "instance_name": name, **more}


def add(ada, stream, number, name="web", **more):
    """A new instance; its number."""
    data = ada.done("instance.add", made(number, name, **more))
    assert data["attributes"]["instance_status"] == "operation created"
    finish()
    event = stream.next()
    assert (event["type"], event["request_id"]) == ("instance.add", data["attributes"]["request_id"])
    assert event["body"]["data"]["id"] == data["id"]
    return int(data["id"])


def act(ada, stream, action, number, **more):
    """The event of an action on an instance, by its number."""
    body = {"instance_id": number, "instance_status": action, "provider": "lxd", "request_id": f"{action} it", **more}
    assert ada.done("instance.action", body)["attributes"]["request_id"] == f"{action} it"
    finish()
    event = stream.next()
    assert (event["type"], event["request_id"]) == ("instance.action", f"{action} it")
    return event["body"]


def status(daemon, name="web"):
    return daemon.query(f"/1.0/instances/{name}/state")["status"]


@pytest.mark.rule("vmm 5")
def test_an_instance_through_its_whole_life(daemon, ada, number, stream):
    instance = add(ada, stream, number)
    assert status(daemon) == "Stopped"
    for action, then in [
        ("start", "Running"), ("freeze", "Frozen"), ("unfreeze", "Running"), ("restart", "Running"),
        ("restart-force", "Running"), ("stop", "Stopped"), ("start", "Running"), ("stop-force", "Stopped"),
    ]:  # fmt: skip
        pid = daemon.query("/1.0/instances/web/state")["pid"]
        told = act(ada, stream, action, instance)["data"]
        assert told["attributes"]["instance_status"] == then.lower(), action
        assert (status(daemon), told["id"]) == (then, str(instance)), action
        if action.startswith("restart"):
            assert daemon.query("/1.0/instances/web/state")["pid"] != pid
    told = act(ada, stream, "delete", instance)["data"]
    assert told["attributes"] == {
        "instance_id": instance, "server_id": number, "instance_name": "web", "instance_status": "deleted",
    }  # fmt: skip
    assert "web" not in {one["name"] for one in daemon.query("/1.0/instances?recursion=1")}


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize("before", ["Running", "Frozen", "Stopped"])
def test_an_instance_is_deleted_however_it_is(daemon, ada, number, stream, before):
    instance = add(ada, stream, number)
    if before != "Stopped":
        act(ada, stream, "start", instance)
        (error,) = act(ada, stream, "delete", instance)["errors"]
        assert (error["status"], error["detail"]) == ("409", "the instance is running")
    if before == "Frozen":
        act(ada, stream, "freeze", instance)
    assert act(ada, stream, "delete-force", instance)["data"]["attributes"]["instance_status"] == "deleted"
    assert "web" not in {one["name"] for one in daemon.query("/1.0/instances?recursion=1")}


@pytest.mark.rule("vmm 5")
def test_what_cannot_be_done_with_an_instance_as_it_is(daemon, ada, number, stream):
    instance = add(ada, stream, number)
    for action, detail in [
        ("stop", "the instance is already stopped"), ("stop-force", "the instance is already stopped"),
        ("restart", "the instance is not running"), ("freeze", "the instance is not running"),
        ("unfreeze", "the instance is not running"),
    ]:  # fmt: skip
        (error,) = act(ada, stream, action, instance)["errors"]
        assert (error["status"], error["detail"]) == ("409", detail), action
    act(ada, stream, "start", instance)
    for action, detail in [("start", "the instance is already running"), ("unfreeze", "the instance is not frozen")]:
        assert act(ada, stream, action, instance)["errors"][0]["detail"] == detail
    body = {"instance_id": instance, "instance_status": "stop-force", "provider": "lxd"}
    ada.done("instance.action", body)
    daemon.lxc("delete", "--force", "web")
    finish()
    assert stream.next()["body"]["errors"][0]["status"] == "404"
    assert ada.detail(404, "instance.action", body) == "instance not found"


@pytest.mark.rule("vmm 5")
def test_what_is_made_is_what_was_asked_for(daemon, ada, number, stream):
    line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBRRMKiK5g1RYMhzOZvAZgPjI5HDyD7IlVbDHiyeFlf9"
    ada.done("ssh-key.add", {"key_name": "k", "key_public": line})
    add(
        ada, stream, number, instance_memory="64", instance_cpu=1, instance_profiles="default, net",
        instance_command="echo größer", instance_interface="eth0", instance_network="10.0.0.7/24",
        instance_nameserver="10.0.0.1", instance_type="container", instance_dhcp=False,
    )  # fmt: skip
    said = daemon.query("/1.0/instances/web")
    assert said["profiles"] == ["default", "net"]
    assert (said["config"]["limits.memory"], said["config"]["limits.cpu"]) == ("64MiB", "1")
    first, _, rest = said["config"]["cloud-init.user-data"].partition("\n")
    assert (first, yaml.safe_load(rest)) == (
        "#cloud-config", {"ssh_authorized_keys": [line], "runcmd": ["echo größer"]},
    )  # fmt: skip
    assert yaml.safe_load(said["config"]["cloud-init.network-config"])["config"] == [
        {
            "type": "physical", "name": "eth0",
            "subnets": [{"type": "static", "address": "10.0.0.7/24", "dns_nameservers": ["10.0.0.1"]}],
        }
    ]  # fmt: skip
    with db.read():
        assert {task.payload for task in Task.select()} == {""}
    fingerprint = daemon.query("/1.0/images/aliases/tiny")["target"]
    add(ada, stream, number, "by-fingerprint", instance_image=fingerprint[:12])
    assert set(daemon.query("/1.0/instances/by-fingerprint")["config"]) >= {"image.os"}


@pytest.mark.rule("vmm 5")
def test_what_can_be_known_is_checked_before(daemon, ada, eve, number):
    for name in ("", "1a", "a-", "-a", "a" * 64, "a b", "a_b", "ä", "a/b", ".."):
        assert ada.detail(400, "instance.add", made(number, name)) == "instance name is not valid"
    assert ada.detail(400, "instance.add", made(number, instance_type="vm")) == "unknown instance type"
    assert ada.detail(409, "instance.add", made(number, "runs")) == "instance name is taken"
    for image in ("none", "", "0" * 64, "..", "../profiles/net"):
        assert ada.detail(404, "instance.add", made(number, instance_image=image)) == "image not found"
    for profiles in ("default,none", "..", "a/b"):
        assert ada.detail(422, "instance.add", made(number, instance_profiles=profiles)) == "profile not found"
    total = daemon.query("/1.0/resources")["memory"]["total"] // 2**20
    (error,) = ada.refused(422, "instance.add", made(number, instance_memory=str(total)))
    assert error["source"] == {"pointer": "/instance_memory"}
    for memory in ("-1", "1e9", "a", " 1", "1234567890", 1.5, True):
        assert ada.refused(400, "instance.add", made(number, instance_memory=memory))
    assert eve.detail(404, "instance.add", made(number)) == "server not found"
    with db.read():
        assert db.rows("SELECT 1 FROM vmm_task") == []


@pytest.mark.rule("vmm 3")
def test_an_instance_of_somebody_else(ada, eve, number):
    (runs,) = [one for one in ada.done("instance.list", on(number)) if one["attributes"]["instance_name"] == "runs"]
    by_number = {"instance_id": int(runs["id"]), "instance_status": "stop", "provider": "lxd"}
    by_name = on(number, instance_id=0, instance_status="stop")
    assert eve.refused(404, "instance.action", by_number)
    assert eve.refused(404, "instance.action", by_name)
    for body in (
        {**by_number, "instance_id": 999_999},
        on(number, instance_id=0, instance_status="stop", instance_name="none"),
    ):
        assert ada.detail(404, "instance.action", body) == "instance not found"
    for action in ("", "none", "START", "add"):
        assert ada.detail(400, "instance.action", {**by_number, "instance_status": action}) == "unknown action"


class Crash(BaseException):
    """Stands for the end of the process."""


def crash_at(monkeypatch, point):
    hit = failpoints.hit

    def crash(name):
        if name == point:
            monkeypatch.setattr(failpoints, "hit", hit)
            raise Crash
        hit(name)

    monkeypatch.setattr(failpoints, "hit", crash)
    with pytest.raises(Crash):
        finish()
    with db.write():
        # The lease of a process that died ends.
        db.execute("UPDATE core_work SET lease_ts = ? WHERE state = 'running'", clock.micros(clock.now()) - 1)
    assert work.sweep() == 1


POINTS = ("work.claimed", "vmm.task.begun", "vmm.task.asked", "vmm.task.noted")


@pytest.mark.rule("vmm 6")
@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("action", ["add", "start", "restart-force", "delete-force"])
def test_a_crash_between_acknowledgement_and_result(daemon, ada, number, stream, monkeypatch, action, point):
    if action == "add":
        ada.done("instance.add", made(number))
    else:
        instance = add(ada, stream, number)
        if action != "start":
            act(ada, stream, "start", instance)
        pid = daemon.query("/1.0/instances/web/state")["pid"]
        ada.done("instance.action", {"instance_id": instance, "instance_status": action, "provider": "lxd"})
    crash_at(monkeypatch, point)
    # LXD goes on meanwhile, and may have forgotten what it did.
    if point in ("vmm.task.asked", "vmm.task.noted"):
        time.sleep(7)
    finish()
    told = stream.next()["body"]["data"]["attributes"]
    assert stream.silent(0.7)
    if action == "delete-force":
        assert told["instance_status"] == "deleted"
        assert "web" not in {one["name"] for one in daemon.query("/1.0/instances?recursion=1")}
        return
    assert told["instance_status"] == status(daemon).lower() == ("stopped" if action == "add" else "running")
    if action == "restart-force":
        assert daemon.query("/1.0/instances/web/state")["pid"] != pid


@pytest.mark.rule("vmm 6")
def test_an_operation_that_was_lost_on_the_way_is_a_failure(daemon, ada, number, stream):
    instance = add(ada, stream, number)
    ada.done("instance.action", {"instance_id": instance, "instance_status": "start", "provider": "lxd"})
    with db.write():
        Task.update(state=tasks.WATCHED, operation="0" * 8 + "-0000-4000-8000-" + "0" * 12).where(
            Task.ended_ts.is_null()
        ).execute()
    finish()
    (error,) = stream.next()["body"]["errors"]
    assert (error["status"], error["detail"]) == (
        "409", "the server has lost the operation; the instance is stopped",
    )  # fmt: skip


@pytest.mark.rule("vmm 6")
def test_a_host_that_is_away_is_waited_for_but_not_for_ever(daemon, ada, number, stream, monkeypatch):
    instance = add(ada, stream, number)
    ada.done("instance.action", {"instance_id": instance, "instance_status": "start", "provider": "lxd"})
    resolve = servers.outbound.resolve
    away = lxd.BadGateway("no connection")

    def refuse(*_):
        raise away

    monkeypatch.setattr(servers.outbound, "resolve", refuse)
    for attempt in range(work.MAX_ATTEMPTS):
        with db.write():
            db.execute("UPDATE core_work SET due_ts = 0")
        work.run(work.claim())
        assert stream.silent(0.1) or attempt == work.MAX_ATTEMPTS - 1
    with db.read():
        assert db.row("SELECT state FROM vmm_task ORDER BY pk DESC LIMIT 1") == (tasks.FAILED,)
    monkeypatch.setattr(servers.outbound, "resolve", resolve)
    assert status(daemon) == "Stopped"
