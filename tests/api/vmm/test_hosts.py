"""LXD hosts, against a genuine LXD: how one comes to trust us, and what is on it, as it says itself (vmm 5, 8)."""

import json
import subprocess
from datetime import UTC, datetime

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from app.core import clock, db, limits, secrets, work
from app.vmm import outbound, servers
from app.vmm.cleaning import forget
from models.vmm.servers import Server
from tests.support.certificates import self_signed
from tests.support.lxd import SCRIPT, lxd
from tests.support.pages import pages
from tests.support.server import free_port
from tests.support.vmm import Panel, host, make_user, on, trusted

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]

READING = (
    "server.get", "certificate.list", "pool.list", "network.list", "volume.list", "profile.list", "image.list",
    "instance.list", "instance.get",
)  # fmt: skip

CHANGING = (
    "certificate.revoke", "profile.update", "profile.delete", "image.delete", "instance.add", "instance.action",
)  # fmt: skip
# What each method asks for beside the host.
MORE = {
    "certificate_fingerprint": "0", "profile_name": "net", "profile_body": "{}", "image_fingerprint": "0",
    "instance_id": 0, "instance_status": "stop", "instance_image": "tiny",
}  # fmt: skip


def kept():
    with db.read():
        return db.rows("SELECT * FROM vmm_server")


@pytest.mark.rule("vmm 5")
def test_verifying_leaves_nothing_behind(daemon, ada):
    before = trusted(daemon)
    found = ada.done("server.verify", host(daemon, server_port=str(daemon.port)))
    environment = daemon.query("/1.0")["environment"]
    assert found["attributes"] == {
        "response": True,
        "server_certificate_fingerprint": environment["certificate_fingerprint"],
        "server_server_version": environment["server_version"],
    }
    assert trusted(daemon) == before
    assert kept() == []


@pytest.mark.rule("vmm 5")
def test_a_host_is_added_once(daemon, ada, eve, number):
    (row,) = kept()
    told = repr(row)
    assert daemon.password not in told
    assert "PRIVATE KEY" not in told
    (mine,) = ada.done("server.list", on(0))
    assert mine["attributes"] == {
        "server_id": number,
        "user_id": mine["attributes"]["user_id"],
        "server_host": "127.0.0.1",
        "server_port": daemon.port,
        "server_protocol": "lxd",
        "provider": "lxd",
    }
    for caller in (ada, eve):
        assert caller.detail(409, "server.add", host(daemon)) == servers.ADDED
    assert len(kept()) == 1


@pytest.mark.rule("vmm 5")
def test_a_wrong_password_leaves_nothing_behind(daemon, ada):
    before = trusted(daemon)
    for method in ("server.verify", "server.add"):
        assert ada.detail(502, method, host(daemon, server_password="wrong")) == "password refused"
    assert trusted(daemon) == before
    assert kept() == []


@pytest.mark.rule("vmm 2")
def test_what_is_no_host(daemon, ada):
    assert ada.detail(422, "server.add", host(daemon, server_protocol="qemu+ssh")) == "protocol is not supported"
    assert ada.detail(422, "server.verify", host(daemon, server_protocol="simplestream")) == "protocol is not supported"
    for port in (0, 65536, "0", "08443", "", "x", 1.5, True, None):
        assert ada.refused(400, "server.add", host(daemon, server_port=port))
    for name in ("", "a b", "http://x", "a\nb"):
        assert ada.refused(400, "server.add", host(daemon, server_host=name))
    assert ada.detail(502, "server.add", host(daemon, server_port=free_port())) == "no connection"
    plain = int(str(ada.http.base_url.port))
    assert ada.detail(502, "server.add", host(daemon, server_port=plain)) == "no LXD"
    assert kept() == []


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize("body", [b"hello", b"[]", b'{"type": "sync", "metadata": {}}', b'{"type": "error"}'])
def test_a_web_server_is_no_lxd(daemon, ada, tmp_path, body):
    with pages(tmp_path) as served:
        served["/1.0"] = body
        assert ada.detail(502, "server.verify", host(daemon, server_port=served.port)) == "no LXD"


@pytest.mark.rule("vmm 5")
def test_a_host_may_say_anything(ada, tmp_path):
    """Whoever added it may have put a program of their own there."""
    about = {"api_version": "1.0", "auth": "untrusted", "environment": {"server_version": "5.0"}}
    with pages(tmp_path) as served:
        served["/1.0"] = json.dumps({"type": "sync", "metadata": about}).encode()
        served["/1.0/certificates"] = b'{"type": "sync", "metadata": {}}'
        body = {
            "server_host": "127.0.0.1",
            "server_port": served.port,
            "server_password": "x",
            "server_protocol": "lxd",
        }
        number = int(ada.done("server.add", body)["id"])
        for said in (1, "x", [1], [{}], {}, {"a": 1}, [{"name": 1}], [None], {"status": [], "fingerprint": {}}):
            served.default = json.dumps({"type": "sync", "metadata": said}).encode()
            for method in (*READING, *CHANGING):
                status = ada.call(method, on(number, **MORE)).status_code
                assert status in (200, 404, 409, 422, 502), (method, said)
        assert ada.detail(502, "profile.list", on(number)) == "no LXD"


@pytest.mark.rule("vmm 8")
def test_where_we_may_be_sent(daemon, ada, number):
    for allowed in ([], ["10.0.0.0/8"], ["lxd.example.com"]):
        outbound.configure(allowed)
        for method in ("server.verify", "server.add"):
            body = host(daemon, server_port=free_port())
            assert ada.detail(403, method, body) == "this address is not allowed"
        for method in (*READING, *CHANGING):
            body = on(number, **MORE)
            assert ada.detail(403, method, body) == "this address is not allowed"
    for allowed in (["*"], ["127.0.0.0/8"], ["localhost"]):
        outbound.configure(allowed)
        name = "localhost" if allowed == ["localhost"] else "127.0.0.1"
        assert ada.done("server.verify", host(daemon, server_host=name))


@pytest.mark.rule("vmm 8")
def test_hosts_are_not_tried_without_end(daemon, ada, eve):
    port = free_port()
    for _ in range(limits.DEFAULT):
        ada.refused(502, "server.verify", host(daemon, server_port=port))
    for method in ("server.verify", "server.add"):
        assert ada.refused(429, method, host(daemon))
    assert eve.done("server.verify", host(daemon))


@pytest.mark.rule("vmm 3")
def test_a_host_belongs_to_who_added_it(daemon, nobody, ada, eve, number):
    make_user("admin", group=2)
    make_user("manager", group=3)
    admin, manager, ended = nobody.log_in("admin"), nobody.log_in("manager"), nobody.log_in("ada")
    program = Panel(nobody.http, ada.done("token.create", {"token_lifetime": 60})["attributes"]["token"])
    ended.done("user.logout")
    for unknown in (nobody, ended):
        for method in ("server.list", *READING, *CHANGING):
            assert unknown.refused(401, method, on(number, **MORE))
    for stranger in (eve, manager):
        assert stranger.done("server.list", on(0)) == []
        assert stranger.done("instance.list", on(0)) == []
        for method in ("server.list", *READING, *CHANGING):
            assert stranger.detail(404, method, on(number, **MORE)) == "server not found"
    for caller in (ada, admin, program):
        assert [one["id"] for one in caller.done("server.list", on(0))] == [str(number)]
        for method in READING:
            assert caller.done(method, on(number))


@pytest.mark.rule("vmm 2")
def test_providers(ada, number):
    for method in ("server.list", "image.serverList", *READING, *CHANGING):
        assert ada.detail(400, method, on(number, **MORE, provider="vmware")) == "unknown provider"
        assert ada.detail(409, method, on(number, **MORE, provider="qemu")) == "the server has another provider"
    assert ada.done("server.list", on(0, provider="qemu")) == []


def attributes(found):
    """Attributes by name of each, without numbers."""
    (kind,) = {one["type"] for one in found}
    told = [{k.removeprefix(f"{kind}_"): v for k, v in one["attributes"].items()} for one in found]
    assert {one["id"] for one in told} == {int(one["id"]) for one in found}
    return told


@pytest.mark.rule("vmm 5")
def test_every_list_is_what_lxd_says(daemon, ada, number):
    told = attributes(ada.done("certificate.list", on(number)))
    said = daemon.query("/1.0/certificates?recursion=1")
    assert [(one["fingerprint"], one["name"], one["type"]) for one in told] == [
        (one["fingerprint"], one["name"], one["type"]) for one in said
    ]
    (pool,) = attributes(ada.done("pool.list", on(number)))
    (said,) = daemon.query("/1.0/storage-pools?recursion=1")
    resources = daemon.query("/1.0/storage-pools/default/resources")
    assert (pool["name"], pool["driver"], pool["source"], pool["status"]) == (
        "default", "dir", said["config"]["source"], "created",
    )  # fmt: skip
    assert pool["space_total"] == resources["space"]["total"] > pool["space_used"] > 0
    assert pool["inodes_total"] == resources["inodes"]["total"] > pool["inodes_used"] > 0

    (network,) = attributes(ada.done("network.list", on(number)))
    assert (network["name"], network["type"], network["addr"]) == (daemon.settings["LXD_BRIDGE"], "bridge", "none")

    answer = ada.call("volume.list", on(number)).json()
    found = {one["attributes"]["volume_name"]: one for one in answer["data"]}
    said = daemon.query("/1.0/storage-pools/default/volumes?recursion=1")
    assert {name: one["attributes"]["volume_type"] for name, one in found.items()} == {
        one["name"]: one["type"] for one in said
    }
    assert found["runs"]["attributes"]["volume_used_by"] == "/1.0/instances/runs"
    assert found["spare"]["attributes"]["volume_used_by"] == ""
    (included,) = answer["included"]
    assert {str(one["relationships"]["pool"]["data"]) for one in answer["data"]} == {
        str({"type": "pool", "id": included["id"]})
    }

    told = {one["name"]: yaml.safe_load(one["body"]) for one in attributes(ada.done("profile.list", on(number)))}
    said = daemon.query("/1.0/profiles?recursion=1")
    assert told == {one["name"]: one for one in said}
    assert told["net"]["config"] == {"user.note": "größer"}

    (image,) = attributes(ada.done("image.list", on(number)))
    (said,) = daemon.query("/1.0/images?recursion=1")
    used = datetime.fromisoformat(said["last_used_at"]).astimezone(UTC).timestamp()
    assert image == {
        "id": image["id"], "server_id": number, "fingerprint": said["fingerprint"],
        "description": "Tiny test image (20231114)", "architecture": "x86_64", "instance_type": "container",
        "cached": False, "expires_at": 0, "last_used_at": int(used), "aliases": ["tiny"], "os": "tiny",
        "release": "1.0", "size": said["size"],
    }  # fmt: skip

    told = {one["name"]: one for one in attributes(ada.done("instance.list", on(number)))}
    assert {name: one["status"] for name, one in told.items()} == {"runs": "running", "stopped": "stopped"}
    assert told["runs"] | {"id": 0, "server_id": 0} == {
        "id": 0, "server_id": 0, "name": "runs", "type": "container", "arch": "x86_64", "status": "running",
        "image_os": "tiny", "image_version": "1.0",
    }  # fmt: skip


@pytest.mark.rule("vmm 5")
def test_one_instance(daemon, ada, number):
    (listed,) = [one for one in ada.done("instance.list", on(number)) if one["attributes"]["instance_name"] == "runs"]
    found = ada.done("instance.get", on(number))
    assert found["id"] == listed["id"]
    assert found["attributes"].items() >= listed["attributes"].items()
    said = daemon.query("/1.0/instances/runs")
    assert found["attributes"]["instance_profiles"] == "default"
    assert found["attributes"]["instance_devices"] == said["expanded_devices"]
    assert (found["attributes"]["instance_memory"], found["attributes"]["instance_cpu"]) == ("64MiB", "1")
    assert found["attributes"]["instance_pid"] == daemon.query("/1.0/instances/runs/state")["pid"]
    for name in ("none", "", "..", "../profiles", "a/b", "runs/state", "-x", "ä"):
        assert ada.detail(404, "instance.get", on(number, instance_name=name)) == "instance not found"
    one = ada.done("instance.list", on(number, instance_id=int(listed["id"])))
    assert one == [listed]
    assert ada.done("instance.list", on(number, instance_id=999_999)) == []


@pytest.mark.rule("vmm 5")
def test_a_host_with_what_is_on_it(daemon, ada, number):
    answer = ada.call("server.get", on(number)).json()
    told, said = answer["data"]["attributes"], daemon.query("/1.0")["environment"]
    machine = daemon.query("/1.0/resources")
    for name in ("driver", "driver_version", "server", "server_version", "storage", "kernel_version"):
        assert told[f"server_{name}"] == said[name]
    assert told["server_addresses"] == f"127.0.0.1:{daemon.port}"
    assert told["server_certificate_fingerprint"] == said["certificate_fingerprint"]
    assert told["server_supported_instance_types"] == "container"
    assert told["server_cpu_threads"] == machine["cpu"]["total"] >= told["server_cpu_cores"] > 0
    assert told["server_memory_total"] == machine["memory"]["total"] // 2**20
    included = {(one["type"], one["id"]): one for one in answer["included"]}
    assert len(included) == len(answer["included"])
    linked = {(one["type"], one["id"]) for part in answer["data"]["relationships"].values() for one in part["data"]}
    assert linked == set(included)
    assert {kind for kind, _ in linked} == {"certificate", "instance", "profile", "pool", "volume"}
    assert "meta" not in answer


@pytest.mark.rule("vmm 2")
def test_numbers_are_for_ever(daemon, ada, number):
    before = {one["attributes"]["profile_name"]: one["id"] for one in ada.done("profile.list", on(number))}
    daemon.lxc("profile", "create", "passing")
    (passing,) = [one for one in ada.done("profile.list", on(number)) if one["attributes"]["profile_name"] == "passing"]
    daemon.lxc("profile", "delete", "passing")
    assert {one["attributes"]["profile_name"]: one["id"] for one in ada.done("profile.list", on(number))} == before
    daemon.lxc("profile", "create", "another")
    (another,) = [one for one in ada.done("profile.list", on(number)) if one["attributes"]["profile_name"] == "another"]
    daemon.lxc("profile", "delete", "another")
    assert another["id"] not in {passing["id"], *before.values()}


@pytest.mark.rule("vmm 5")
def test_a_host_that_cannot_be_reached_spoils_no_list_of_all(daemon, ada, number):
    with db.write():
        row, port = Server.get_by_id(number).__data__, free_port()
        key = secrets.unseal(row["client_key"], f"client key of 127.0.0.1:{daemon.port}")
        sealed = secrets.seal(key, f"client key of 127.0.0.1:{port}")
        Server.insert(**{**row, "pk": number + 1, "port": port, "client_key": sealed}).execute()
    answer = ada.call("instance.list", on(0)).json()
    assert {one["attributes"]["instance_name"] for one in answer["data"]} == {"runs", "stopped"}
    (error,) = answer["meta"]["errors"]
    assert error["source"] == {"type": "server", "id": str(number + 1)}
    assert ada.refused(502, "instance.list", on(number + 1))


@pytest.mark.rule("vmm 5")
def test_another_certificate_is_refused(daemon, ada, number, tmp_path):
    self_signed(tmp_path)
    with db.write():
        Server.update(certificate=(tmp_path / "cert.pem").read_text()).where(Server.pk == number).execute()
    for method in READING:
        assert ada.detail(502, method, on(number)) == "certificate of the server has changed"


@pytest.mark.rule("vmm 5")
def test_a_host_that_trusts_us_no_more(daemon, ada, number):
    with db.read():
        pem = Server.get_by_id(number).client_certificate
    ours = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA256()).hex()
    daemon.lxc("config", "trust", "remove", ours)
    assert ada.detail(502, "pool.list", on(number)) == "the server refuses us"


@pytest.mark.rule("vmm 5")
def test_lxd_goes_away_and_comes_back(ada):
    with lxd() as own:
        number = int(ada.done("server.add", host(own))["id"])
        assert ada.done("profile.list", on(number))
        port = own.port
        subprocess.run(["bash", str(SCRIPT), "stop", str(own.folder)], check=True, capture_output=True, timeout=120)
        assert ada.detail(502, "profile.list", on(number)) == "no connection"
        assert ada.done("server.list", on(0))
        start = ["bash", str(SCRIPT), "start", str(own.folder), str(port)]
        subprocess.run(start, check=True, capture_output=True, timeout=120)
        assert ada.done("profile.list", on(number))


@pytest.mark.rule("vmm 8")
def test_what_a_crash_left_half_added_is_taken_back(daemon, ada, number):
    before = trusted(daemon)
    with db.write():
        old = clock.now() - servers.ADDING * 2
        Server.update(trusted_ts=None, created_ts=old).where(Server.pk == number).execute()
    assert ada.done("server.list", on(0)) == []
    forget(work.Unit(0, "vmm.forget", "tick", None, 1, ""))
    assert kept() == []
    assert len(trusted(daemon)) == len(before) - 1
    assert ada.done("server.add", host(daemon))
