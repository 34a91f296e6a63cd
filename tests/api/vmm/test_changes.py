"""Changes of what is on a host, against a genuine LXD: certificates, profiles and images (vmm 5)."""

import pytest
import yaml

from app.core import db
from app.vmm import changes, lxd, outbound, servers
from models.vmm.servers import Server
from tests.support.certificates import self_signed
from tests.support.vmm import host, on, trusted

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("lxd")]


def profile(number, name="net", body="config: {}", **more):
    return on(number, profile_name=name, profile_body=body, **more)


def numbers(caller, number, kind):
    """The number of each of a kind, by name or fingerprint."""
    names = {"profile": "profile_name", "image": "image_fingerprint", "certificate": "certificate_fingerprint"}
    return {one["attributes"][names[kind]]: one["id"] for one in caller.done(f"{kind}.list", on(number))}


@pytest.fixture
def made(daemon):
    """A profile called `made`, which is gone at the end, whatever it is called then."""
    daemon.lxc("profile", "create", "made")
    yield "made"
    for one in daemon.query("/1.0/profiles?recursion=1"):
        if one["name"] not in ("default", "net"):
            for instance in one["used_by"]:
                daemon.lxc("profile", "remove", instance.rpartition("/")[2], one["name"])
            daemon.lxc("profile", "delete", one["name"])


@pytest.mark.rule("vmm 5")
def test_a_certificate_is_revoked_but_not_our_own(daemon, ada, eve, number, tmp_path):
    self_signed(tmp_path)
    daemon.lxc("config", "trust", "add", str(tmp_path / "cert.pem"))
    with db.read():
        ours = servers.fingerprint(Server.get_by_id(number).client_certificate)
    other = servers.fingerprint((tmp_path / "cert.pem").read_text())
    known = numbers(ada, number, "certificate")
    assert eve.detail(404, "certificate.revoke", on(number, certificate_fingerprint=other)) == "server not found"
    assert ada.detail(409, "certificate.revoke", on(number, certificate_fingerprint=ours.upper())) == changes.OURS
    # The same LXD under another name, by which another certificate of ours is known.
    outbound.configure(["127.0.0.1", "localhost"])
    second = int(ada.done("server.add", host(daemon, server_host="localhost"))["id"])
    assert ada.detail(409, "server.add", host(daemon, server_host="LOCALHOST")) == servers.ADDED
    assert ada.detail(409, "certificate.revoke", on(second, certificate_fingerprint=ours)) == changes.OURS
    for part in (ours[:12], other[:12], other[:-1]):
        body = on(number, certificate_fingerprint=part)
        assert ada.detail(404, "certificate.revoke", body) == changes.NO_CERTIFICATE
    assert {ours, other} <= set(trusted(daemon))
    assert ada.done("certificate.revoke", on(number, certificate_fingerprint=other))["id"] == known[other]
    assert other not in trusted(daemon)
    for missing in (other, "", "..", "0" * 64):
        assert (
            ada.detail(404, "certificate.revoke", on(number, certificate_fingerprint=missing))
            == "certificate not found"
        )


@pytest.mark.rule("vmm 5")
def test_a_profile_becomes_what_the_text_says(daemon, ada, number, made):
    body = {
        "config": {"limits.cpu": 2, "security.nesting": True, "user.note": "größer"},
        "description": "made here",
        "devices": {"root": {"type": "disk", "path": "/", "pool": "default", "boot.priority": 1}},
        "name": made,
        "used_by": ["/1.0/instances/none"],
    }
    before = numbers(ada, number, "profile")
    found = ada.done("profile.update", profile(number, made, yaml.safe_dump(body)))
    said = daemon.query(f"/1.0/profiles/{made}")
    assert (found["id"], yaml.safe_load(found["attributes"]["profile_body"])) == (before[made], said)
    assert said["config"] == {"limits.cpu": "2", "security.nesting": "true", "user.note": "größer"}
    assert said["devices"]["root"]["boot.priority"] == "1"
    assert said["used_by"] == []
    assert ada.done("profile.update", profile(number, made, "{}"))
    assert daemon.query(f"/1.0/profiles/{made}")["config"] == {}


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize("way", ["profile_rename", "name"])
def test_a_profile_that_is_renamed_keeps_its_number(daemon, ada, number, made, way):
    before = numbers(ada, number, "profile")
    body = {"config": {"user.a": "b"}, "name": "other" if way == "name" else made}
    more = {"profile_rename": "other"} if way == "profile_rename" else {}
    found = ada.done("profile.update", profile(number, made, yaml.safe_dump(body), **more))
    assert (found["attributes"]["profile_name"], found["id"]) == ("other", before[made])
    assert daemon.query("/1.0/profiles/other")["config"] == {"user.a": "b"}
    # A name that was another's before has that one's number no more.
    daemon.lxc("profile", "create", made)
    assert numbers(ada, number, "profile")[made] not in before.values()
    assert ada.refused(409, "profile.update", profile(number, "other", "{}", profile_rename=made))
    daemon.lxc("profile", "delete", "other")
    assert ada.done("profile.update", profile(number, made, "{}", profile_rename="other"))["id"] != before[made]


@pytest.mark.rule("vmm 5")
@pytest.mark.parametrize(
    "body",
    [
        "", "text", "[1]", "a: &a [*a]", "{", "!!python/object:os.system {}", "config: [1]", "config: {a: {b: c}}",
        "devices: {root: disk}", "devices: {root: {a: [1]}}", "unheard: 1", "config: {a: b}\n---\nconfig: {}",
        "[" * 5000, "2020-99-99",
    ],
)  # fmt: skip
def test_what_is_no_profile(daemon, ada, number, body):
    before = daemon.query("/1.0/profiles/net")
    (error,) = ada.refused(400, "profile.update", profile(number, body=body))
    assert error["source"] == {"pointer": "/profile_body"}
    assert daemon.query("/1.0/profiles/net") == before


@pytest.mark.rule("vmm 5")
def test_what_lxd_does_not_take_changes_nothing(daemon, ada, eve, number):
    before = daemon.query("/1.0/profiles?recursion=1")
    assert "bogus.key" in ada.detail(422, "profile.update", profile(number, body="config: {bogus.key: a}"))
    for name in ("a/b", "..", "a b"):
        assert ada.refused(
            422, "profile.update", profile(number, body="{config: {user.note: größer}}", profile_rename=name)
        )
    for name in ("none", "", "..", "../certificates"):
        assert ada.detail(404, "profile.update", profile(number, name)) == "profile not found"
        assert ada.detail(404, "profile.delete", profile(number, name)) == "profile not found"
    assert ada.refused(
        409, "profile.update", profile(number, "default", before[0]["description"] and "{}" or "{}", profile_rename="x")
    )
    assert ada.refused(409, "profile.delete", profile(number, "default"))
    assert ada.refused(409, "profile.update", profile(number, "default", "{}", profile_rename="x"))
    for method in ("profile.update", "profile.delete"):
        assert eve.detail(404, method, profile(number)) == "server not found"
    assert daemon.query("/1.0/profiles?recursion=1") == before


@pytest.mark.rule("vmm 5")
def test_two_changes_at_once_do_not_undo_each_other(daemon, ada, number, made, monkeypatch):
    call = lxd.Host.call

    def late(self, method, *arguments, **options):
        if method == "PUT":
            daemon.lxc("profile", "set", made, "user.other", "here first")
        return call(self, method, *arguments, **options)

    monkeypatch.setattr(lxd.Host, "call", late)
    assert ada.refused(409, "profile.update", profile(number, made, "config: {user.mine: a}"))
    assert daemon.query(f"/1.0/profiles/{made}")["config"] == {"user.other": "here first"}


@pytest.mark.rule("vmm 5")
def test_a_profile_that_is_in_use_stays(daemon, ada, number, made):
    known = numbers(ada, number, "profile")
    daemon.lxc("profile", "add", "stopped", made)
    assert ada.refused(409, "profile.delete", profile(number, made))
    daemon.lxc("profile", "remove", "stopped", made)
    assert ada.done("profile.delete", profile(number, made))["id"] == known[made]
    assert made not in {one["name"] for one in daemon.query("/1.0/profiles?recursion=1")}


@pytest.mark.rule("vmm 5")
def test_an_image_is_deleted(daemon, ada, eve, number):
    daemon.lxc(
        "image", "import", str(daemon.images / "lxd.tar.xz"), str(daemon.images / "rootfs.squashfs"), "--alias", "split"
    )
    fingerprint = daemon.query("/1.0/images/aliases/split")["target"]
    known = numbers(ada, number, "image")
    body = on(number, image_fingerprint=fingerprint[:20])
    assert eve.detail(404, "image.delete", body) == "server not found"
    assert ada.done("image.delete", body)["id"] == known[fingerprint]
    assert fingerprint not in {one["fingerprint"] for one in daemon.query("/1.0/images?recursion=1")}
    for missing in (fingerprint, "", "..", "0" * 64, "../profiles/net"):
        assert ada.detail(404, "image.delete", on(number, image_fingerprint=missing)) == "image not found"
