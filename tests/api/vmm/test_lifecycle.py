"""What happens on a genuine LXD without us is told to the owner who listens (vmm 5, 6)."""

import json
import queue
import time
from contextlib import nullcontext

import pytest

from app.vmm import lifecycle, lxd, servers
from tests.support.streams import Events
from tests.support.vmm import make_user, on
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(lifecycle, "PAUSES", (0.1,))


def watched(daemon, stream):
    """Until the host is watched: a change of the instance `runs`, made again and again until it is told."""
    for turn in range(5 * PATIENCE):  # a watch that failed is tried again after up to 30 seconds
        daemon.lxc("config", "set", "runs", f"user.turn={turn}")
        try:
            return stream.happened(timeout=1)
        except queue.Empty:
            continue
    pytest.fail("the host is not watched")


def until(stream, action):
    """What is told next of an action."""
    while (told := stream.happened())["attributes"]["lifecycle_action"] != action:
        pass
    return told


@pytest.mark.rule("vmm 6")
def test_what_happens_on_a_host(http, daemon, ada, number):
    known = ada.done("instance.list", on(number, instance_id=0))
    runs = next(int(one["id"]) for one in known if one["attributes"]["instance_name"] == "runs")
    with Events(http) as stream:
        stream.of(ada)
        told = watched(daemon, stream)
        assert told["type"] == "lifecycle"
        assert told["relationships"] == {"instance": {"data": {"type": "instance", "id": str(runs)}}}
        attributes = told["attributes"]
        assert abs(attributes.pop("lifecycle_time") - time.time()) < 60
        assert attributes == {
            "server_id": number, "lifecycle_action": "instance-updated", "lifecycle_source": "/1.0/instances/runs",
            "instance_id": runs, "instance_name": "runs",
        }  # fmt: skip
        for command, action, status in [
            ("pause", "instance-paused", "frozen"), ("start", "instance-resumed", "running"),
        ]:  # fmt: skip
            daemon.lxc(command, "runs")
            attributes = until(stream, action)["attributes"]
            assert (attributes["instance_id"], attributes["instance_status"]) == (runs, status)
        daemon.lxc("profile", "create", "made-there")
        told = until(stream, "profile-created")
        assert told["attributes"]["lifecycle_source"] == "/1.0/profiles/made-there"
        assert "relationships" not in told and "instance_id" not in told["attributes"]
        daemon.lxc("profile", "delete", "made-there")


@pytest.mark.rule("vmm 3")
def test_nobody_else_hears_of_it(http, daemon, ada, eve, nobody, number):
    make_user("root", group=1)
    root = nobody.log_in("root")
    with Events(http) as stream, Events(http) as others, Events(http) as roots:
        others.of(eve)
        roots.of(root)
        time.sleep(1)
        assert not lifecycle._watches, "the owner does not listen"
        stream.of(ada)
        watched(daemon, stream)
        for unheard in (others, roots):
            with pytest.raises(queue.Empty):
                unheard.happened(timeout=0.5)


@pytest.mark.rule("vmm 6")
def test_a_host_is_watched_again_when_it_comes_back(http, daemon, ada, number, monkeypatch):
    genuine, broken = lxd.listening, []

    def breaking(target, kind):
        if len(broken) < 3:
            broken.append(target.port)
            raise OSError("the network is gone")
        return genuine(target, kind)

    monkeypatch.setattr(lxd, "listening", breaking)
    with Events(http) as stream:
        stream.of(ada)
        watched(daemon, stream)
        assert broken == [daemon.port] * 3


@pytest.mark.rule("vmm 6")
def test_it_is_watched_only_while_the_owner_listens(http, daemon, ada, number):
    def connections():
        return sum(watch.is_alive() for watch in lifecycle._watches.values())

    with Events(http) as stream:
        time.sleep(0.6)
        assert connections() == 0, "nobody has said whose the stream is"
        stream.of(ada)
        watched(daemon, stream)
        assert connections() == 1
        ada.done("user.logout")
        assert stream.closed() == 4401
    for _ in range(200):
        if not connections():
            return
        time.sleep(0.05)
    pytest.fail("the host is still watched")


def test_the_number_of_watched_hosts_is_limited(monkeypatch, database):
    monkeypatch.setattr(lifecycle, "MAX_WATCHED", 2)
    monkeypatch.setattr(servers, "target", lambda row: pytest.fail("not asked for"))
    started = []
    monkeypatch.setattr(lifecycle._Watch, "start", lambda watch: started.append(watch._row.pk))
    monkeypatch.setattr(lifecycle._Watch, "join", lambda watch, within: None)
    rows = [row(pk) for pk in range(4)]
    lifecycle.follow(rows, lambda owner, told: None)
    assert sorted(started) == [0, 1]
    lifecycle.follow(rows[2:], lambda owner, told: None)
    assert sorted(started) == [0, 1, 2, 3]
    lifecycle.stop(0)
    assert not lifecycle._watches


def test_another_host_of_the_same_number_is_watched_too(monkeypatch, database):
    started = []
    monkeypatch.setattr(lifecycle._Watch, "start", lambda watch: started.append(watch._row.client_certificate))
    for ours in ("first", "first", "second"):
        lifecycle.follow([row(1, ours)], lambda owner, told: None)
    assert started == ["first", "second"]
    monkeypatch.setattr(lifecycle._Watch, "join", lambda watch, within: None)
    lifecycle.stop(0)


def test_only_what_happens_is_told(monkeypatch, database):
    """Not the operations that a host may tell of as well; and what happens to a part of an instance is not its own."""
    connected, told, said = (
        [],
        [],
        [
            {"type": "operation", "metadata": {"id": "1"}},
            event("backup-created", "/1.0/instances/runs/backups/b"),
        ],
    )
    watch = lifecycle._Watch(row(1), lambda owner, document: told.append((owner, document["data"])))

    class Said:
        def recv(self, timeout):
            if not said:
                watch.end()
                raise TimeoutError
            return json.dumps(said.pop(0))

    monkeypatch.setattr(servers, "target", lambda row: None)
    monkeypatch.setattr(lxd, "listening", lambda target, kind: connected.append(kind) or nullcontext(Said()))
    watch.run()
    ((owner, data),) = told
    assert connected == ["lifecycle"]
    assert owner == 1 and "relationships" not in data
    assert data["attributes"] == {
        "server_id": 1, "lifecycle_action": "backup-created", "lifecycle_time": 1700000000,
        "lifecycle_source": "/1.0/instances/runs/backups/b",
    }  # fmt: skip


def event(action, source):
    """What LXD says."""
    metadata = {"action": action, "source": source, "context": {}}
    return {"type": "lifecycle", "timestamp": "2023-11-14T22:13:20.123456789Z", "metadata": metadata}


def row(pk, ours="a certificate"):
    return type("Row", (), {"pk": pk, "user_id": 1, "client_certificate": ours})
