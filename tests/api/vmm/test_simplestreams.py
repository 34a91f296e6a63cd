"""Images for LXD hosts: products, uploads that are verified, what is listed and when, and the tree that LXD reads."""

import gzip
import http.client
import lzma
import os
import tarfile
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from hashlib import sha256

import pytest

from app.core import clock, db, schedule, work
from app.core.errors import Unavailable
from app.mender import artifacts
from app.vmm import image_files, image_uploads, simplestreams
from tests.support.artifacts import tar
from tests.support.images import (
    SERIAL,
    TINY,
    TINY_ID,
    disk,
    meta,
    post,
    root_xz,
    send,
    sent,
    special,
    squashfs,
    text,
    unified,
)
from tests.support.mender import User
from tests.support.racing import race
from tests.support.vmm import API, MEDIA, Panel, make_user
from tests.support.work import do_work

BASES = (f"{API}/simplestream.list", f"{API}/simplestream.images")
MANY = 6
META, ROOT = meta(), squashfs()
GIB = 1024**3


def hashed(*parts):
    return sha256(b"".join(parts)).hexdigest()


@pytest.fixture
def admin(nobody):
    """An administrator, and the product of TINY."""
    make_user("admin", group=2)
    token = nobody.log_in("admin").done("token.create", {"token_lifetime": 30 * 86400})["attributes"]["token"]
    panel = Panel(nobody.http, token)
    panel.done("simplestream.add", TINY)
    return panel


def stream(http, base=BASES[0]):
    answer = http.get(f"{base}/streams/v1/images.json")
    assert answer.status_code == 200, answer.text
    return answer.json()


def versions(http, product=TINY_ID):
    """serial -> items of what LXD is told."""
    listed = stream(http)["products"].get(product, {"versions": {}})["versions"]
    return {serial: version["items"] for serial, version in listed.items()}


def index(http):
    return http.get(f"{BASES[0]}/streams/v1/index.json").json()["index"]["images"]["products"]


def objects(database, folder="vmm"):
    return [path for path in (database.folder / "objects" / folder).rglob("*") if path.is_file()]


def spool(database):
    return list((database.folder / "spool").iterdir())


def rows():
    with db.read():
        return db.rows("SELECT name, sha256, combined_sha256 FROM vmm_image_file ORDER BY name")


# Products


@pytest.mark.rule("vmm 7")
def test_a_product_and_its_defaults(nobody):
    make_user("admin", group=2)
    admin = nobody.log_in("admin")
    made = admin.done("simplestream.add", {**TINY, "product_arch": "AMD64", "product_aliases": "", "more": 1})
    assert (made["type"], made["id"]) == ("simplestream", TINY_ID)
    added = made["attributes"].pop("product_timeadd")
    assert abs(added - clock.now().timestamp()) < 3600
    assert made["attributes"] == {
        "product_id": TINY_ID,
        "product_os": "Tiny",
        "product_release": "1.0",
        "product_release_title": "1.0",
        "product_arch": "amd64",
        "product_variant": "default",
        "product_aliases": "tiny/1.0",
        "versions": [],
    }
    cloud = {"product_variant": "Cloud", "product_release_title": "One", "product_aliases": " tiny/cloud, tiny ,tiny,"}
    made = admin.done("simplestream.add", TINY | cloud)
    assert made["id"] == "tiny:1.0:amd64:cloud"
    assert made["attributes"]["product_aliases"] == "tiny/cloud,tiny"
    assert made["attributes"]["product_release_title"] == "One"
    found = nobody.http.get(BASES[0])
    assert found.headers["content-type"] == MEDIA
    assert [one["id"] for one in found.json()["data"]] == ["tiny:1.0:amd64:cloud", TINY_ID]
    assert index(nobody.http) == []  # LXD is not told of what it could not start


@pytest.mark.rule("vmm 7")
def test_a_product_is_there_once_and_so_is_an_alias(admin):
    assert admin.detail(409, "simplestream.add", TINY | {"product_aliases": "other"}) == simplestreams.ADDED
    assert admin.detail(409, "simplestream.add", TINY | {"product_os": "TINY"}) == simplestreams.ADDED
    other = TINY | {"product_release": "2.0", "product_aliases": "tiny/2.0,tiny/1.0"}
    (error,) = admin.refused(409, "simplestream.add", other)
    assert error["source"] == {"pointer": "/product_aliases"}
    assert admin.done("simplestream.add", other | {"product_aliases": ""})["id"] == "tiny:2.0:amd64:default"


@pytest.mark.rule("vmm 7")
@pytest.mark.parametrize("field", ["product_os", "product_release", "product_variant", "product_arch"])
def test_names_that_could_be_no_part_of_an_address(admin, field):
    for value in ("a/b", "a:b", "..", "a..b", ".a", "a ", "a\nb", "a\n", "a\x00b", "é", "%2e", "a" * 65, 7, None):
        errors = admin.refused(400, "simplestream.add", {**TINY, "product_release": "3.0", field: value})
        assert {error["source"]["pointer"] for error in errors} == {f"/{field}"}, value


@pytest.mark.rule("vmm 7")
def test_what_else_no_product_has(admin):
    for name in TINY:
        assert admin.refused(400, "simplestream.add", {**TINY, "product_release": "3.0", name: ""})
        assert admin.refused(400, "simplestream.add", {key: value for key, value in TINY.items() if key != name})
    for arch in ("x86_64", "riscv", "sparc"):
        assert admin.refused(400, "simplestream.add", {**TINY, "product_arch": arch})
    for aliases in ("a b", "a/", "../a", "a:b", "a" * 129, ",".join(f"a{n}" for n in range(33))):
        assert admin.refused(400, "simplestream.add", {**TINY, "product_release": "3.0", "product_aliases": aliases})
    assert admin.refused(400, "simplestream.add", {**TINY, "product_release": "3.0", "product_release_title": "a\nb"})


@pytest.mark.rule("vmm 7")
def test_every_architecture_of_lxd(admin):
    for arch, (*_, name) in image_files.ARCHITECTURES.items():
        product = {**TINY, "product_os": "any", "product_arch": arch, "product_aliases": f"any/{arch}"}
        made = admin.done("simplestream.add", product)
        assert sent(admin, "image.tar.gz", unified(architecture=name), product=made["id"])["listed"]
        assert sent(admin, "image.tar.gz", unified(architecture=arch), "20231115", made["id"])["listed"]
        other = "aarch64" if arch == "amd64" else "x86_64"
        assert send(admin, "image.tar.gz", unified(architecture=other), "20231116", made["id"]).status_code == 422
    assert len(index(admin.http)) == 7


@pytest.mark.rule("vmm 3")
def test_who_may_add_and_upload(nobody, database):
    for group in (1, 2, 3, 4):
        make_user(f"group{group}", group=group)
        caller = nobody.log_in(f"group{group}")
        product = {**TINY, "product_release": f"{group}"}
        if group < 3:
            made = caller.done("simplestream.add", product)
            assert sent(caller, "lxd.tar.xz", META, product=made["id"])
        else:
            assert caller.detail(403, "simplestream.add", product) == "not enough access rights"
            assert send(caller, "lxd.tar.xz", META, product="tiny:1:amd64:default").status_code == 403
    assert nobody.refused(401, "simplestream.add", TINY)
    assert send(nobody, "lxd.tar.xz", META).status_code == 401
    assert len(rows()) == 2
    assert spool(database) == []


# Uploads


@pytest.mark.rule("vmm 7")
@pytest.mark.parametrize("first", ["metadata", "root"])
def test_a_version_is_listed_when_it_is_complete(admin, http, first):
    order = [("lxd.tar.xz", META), ("rootfs.squashfs", ROOT)]
    (one, two) = order if first == "metadata" else order[::-1]
    made = sent(admin, *one)
    assert made["listed"] is False
    assert versions(http) == {}
    assert index(http) == []
    for base in BASES:
        assert http.get(f"{base}/images/{TINY_ID}/{SERIAL}/{one[0]}").status_code == 404
    made = sent(admin, *two)
    assert made == {
        "response": True,
        "product_id": TINY_ID,
        "product_version_serial": SERIAL,
        "file": two[0],
        "ftype": {"lxd.tar.xz": "lxd.tar.xz", "rootfs.squashfs": "squashfs"}[two[0]],
        "size": len(two[1]),
        "sha256": hashed(two[1]),
        "listed": True,
    }
    path = f"images/{TINY_ID}/{SERIAL}"
    assert versions(http) == {
        SERIAL: {
            "lxd.tar.xz": {
                "ftype": "lxd.tar.xz",
                "path": f"{path}/lxd.tar.xz",
                "size": len(META),
                "sha256": hashed(META),
                "combined_squashfs_sha256": hashed(META, ROOT),
            },
            "rootfs.squashfs": {
                "ftype": "squashfs",
                "path": f"{path}/rootfs.squashfs",
                "size": len(ROOT),
                "sha256": hashed(ROOT),
            },
        }
    }
    assert index(http) == [TINY_ID]


@pytest.mark.rule("vmm 7")
def test_what_lxd_is_told_of_a_product(admin, http):
    assert sent(admin, "tiny.tar.gz", unified())["listed"]
    found = stream(http)
    assert (found["format"], found["content_id"], found["datatype"]) == ("products:1.0", "images", "image-downloads")
    (product,) = found["products"].values()
    versions = product.pop("versions")
    assert product == {
        "aliases": "tiny/1.0", "arch": "amd64", "os": "Tiny", "release": "1.0", "release_title": "1.0",
        "variant": "default",
    }  # fmt: skip
    (item,) = versions[SERIAL]["items"].values()
    assert (item["ftype"], item["sha256"]) == ("lxd_combined.tar.gz", hashed(unified()))
    assert not [name for name in item if name.startswith("combined")]
    said = http.get(f"{BASES[1]}/streams/v1/index.json").json()
    assert said["format"] == "index:1.0"
    assert said["updated"] == said["index"]["images"]["updated"] == found["updated"]
    assert abs(parsedate_to_datetime(said["updated"]) - clock.now()) < timedelta(hours=1)
    assert said["index"]["images"]["path"] == "streams/v1/images.json"


@pytest.mark.rule("vmm 7")
def test_a_version_may_have_several_roots(admin, http):
    roots = {"root.squashfs": squashfs(b"s"), "rootfs.tar.xz": root_xz(), "disk.qcow2": disk()}
    sent(admin, "root.squashfs", roots["root.squashfs"])
    sent(admin, "rootfs.tar.xz", roots["rootfs.tar.xz"])
    assert sent(admin, "lxd.tar.xz", META)["listed"]
    assert set(versions(http)[SERIAL]) == {"lxd.tar.xz", "root.squashfs", "rootfs.tar.xz"}
    sent(admin, "disk.qcow2", roots["disk.qcow2"])
    items = versions(http)[SERIAL]
    combined = {name: hashed(META, content) for name, content in roots.items()}
    assert {name: value for name, value in items["lxd.tar.xz"].items() if name.startswith("combined")} == {
        "combined_squashfs_sha256": combined["root.squashfs"],
        "combined_rootxz_sha256": combined["rootfs.tar.xz"],
        "combined_sha256": combined["rootfs.tar.xz"],
        "combined_disk-kvm-img_sha256": combined["disk.qcow2"],
    }
    assert {name: item["ftype"] for name, item in items.items()} == {
        "lxd.tar.xz": "lxd.tar.xz",
        "root.squashfs": "squashfs",
        "rootfs.tar.xz": "root.tar.xz",
        "disk.qcow2": "disk-kvm.img",
    }


@pytest.mark.rule("vmm 7")
def test_the_lists_for_people(admin, http):
    sent(admin, "lxd.tar.xz", META, "20240101")
    sent(admin, "lxd.tar.xz", META)
    sent(admin, "rootfs.squashfs", ROOT)
    sent(admin, "image.tar.gz", unified(), "20231115")
    (product,) = http.get(BASES[0]).json()["data"]
    listed = product["attributes"]["versions"]
    assert [version["product_version_serial"] for version in listed] == [SERIAL, "20231115"]
    assert [file["ftype"] for file in listed[0]["files"]] == ["lxd.tar.xz", "squashfs"]
    files = http.get(BASES[1]).json()["data"]
    assert {file["type"] for file in files} == {"simplestream-image"}
    assert len({file["id"] for file in files}) == 3
    assert [file["attributes"] for file in files] == [file for version in listed for file in version["files"]]
    for file in files:
        for base in BASES:
            content = http.get(f"{base}/{file['attributes']['path']}").content
            assert hashed(content) == file["attributes"]["sha256"]
            assert len(content) == file["attributes"]["size"]


@pytest.mark.rule("vmm 7")
def test_the_same_file_again_and_another_one(admin, http, database):
    first = sent(admin, "lxd.tar.xz", META)
    assert sent(admin, "lxd.tar.xz", META) == first
    sent(admin, "rootfs.squashfs", ROOT)
    before = stream(http), rows(), sorted(objects(database))
    assert sent(admin, "lxd.tar.xz", META) == first | {"listed": True}
    for name, content in (("lxd.tar.xz", meta(more=1)), ("rootfs.squashfs", squashfs(b"x")), ("root.squashfs", ROOT)):
        answer = send(admin, name, content)
        assert answer.status_code == 409
        assert answer.json()["errors"][0]["source"] == {"pointer": "/file"}
    assert (stream(http), rows(), sorted(objects(database))) == before
    assert spool(database) == []
    assert sent(admin, "lxd.tar.xz", meta(more=1), "20231115")


@pytest.mark.rule("vmm 7")
def test_what_a_file_is_a_part_of(admin):
    fields = {"product_id": (None, TINY_ID), "product_version_serial": (None, "20231114")}
    assert post(admin, fields, "lxd.tar.xz", META).status_code == 200
    (error,) = send(admin, "lxd.tar.xz", META, product="tiny:9:amd64:default").json()["errors"]
    assert (error["status"], error["detail"]) == ("404", "product not found")
    for parts in ({}, {"product_id": (None, TINY_ID)}, {"payload": (None, "{")}, {"payload": (None, "{}")}):
        assert post(admin, parts, "lxd.tar.xz", META).status_code == 400, parts
    for serial in ("2023", "20231114_1", "20231114_01-02", "20231114_01:02:03", "../20231114", "20231399", "", "٢" * 8):
        assert send(admin, "lxd.tar.xz", META, serial).status_code == 400, serial
    assert admin.http.post(
        f"{API}/simplestream.upload",
        data={"payload": "{}"},
        files={"other": b""},
        headers={"Authorization": f"Bearer {admin.token}"},
    ).status_code == 400  # fmt: skip
    assert [row[0] for row in rows()] == ["lxd.tar.xz"]


@pytest.mark.rule("vmm 7")
def test_names_that_no_file_has(admin, database):
    for name in (
        "image", "lxd.tar.gz.xz", "metadata.yaml", "LXD.TAR.XZ", "../lxd.tar.xz", "a/lxd.tar.xz", ".tar.gz",
        "..tar.gz", "a..tar.gz", "a b.tar.gz", "a:b.tar.gz", "é.tar.gz", "a" * 130 + ".tar.gz", "image.tar.xz",
    ):  # fmt: skip
        (error,) = send(admin, name, unified()).json()["errors"]
        assert error["status"] == "422", name
        assert error["source"] == {"pointer": "/file"}
    assert rows() == objects(database) == spool(database) == []


def no_file_of_that_kind():
    plain = tar([("metadata.yaml", text())])
    packed = lzma.compress(plain)
    yield from (("lxd.tar.xz", content) for content in (b"", b"x", plain, gzip.compress(plain), packed[:-9], ROOT))
    yield "lxd.tar.xz", lzma.compress(b"no tar file")
    yield "lxd.tar.xz", lzma.compress(plain[:600])
    yield "lxd.tar.xz", packed + b"more"
    yield "image.tar.gz", lzma.compress(plain)
    yield "image.tar.gz", gzip.compress(plain)  # no rootfs
    yield "image.tar.gz", unified()[:-9]
    yield "root.tar.xz", gzip.compress(plain)
    yield "root.tar.xz", lzma.compress(b"x" * 2000)
    yield from (("rootfs.squashfs", content) for content in (b"", b"hsqs", b"sqsh" + ROOT[4:], ROOT[:-1], META))
    yield "rootfs.squashfs", ROOT[:28] + b"\3\0" + ROOT[30:]
    yield from (("disk-kvm.img", content) for content in (b"", b"QFI\xfb", b"raw" * 100, disk(version=1)))
    yield "disk-kvm.img", disk(backing=104)  # it would be read from a file of the host
    yield "disk-kvm.img", disk(features=4)


@pytest.mark.rule("vmm 7")
def test_files_that_are_not_what_their_names_say(admin, database):
    for name, content in no_file_of_that_kind():
        assert send(admin, name, content).status_code == 422, (name, content[:60])
    assert rows() == objects(database) == spool(database) == []


METADATA = {
    "none": [("other.yaml", text())],
    "two": [("metadata.yaml", text()), ("./metadata.yaml", text())],
    "a link": [special("metadata.yaml", tarfile.SYMTYPE, "/etc/passwd")],
    "too large": [("metadata.yaml", text() + b"#" * 300_000)],
    "no mapping": [("metadata.yaml", b"- a")],
    "no yaml": [("metadata.yaml", b"a: [")],
    "an object": [("metadata.yaml", b"a: !!python/object/apply:os.system [id]")],
    "a bad date": [("metadata.yaml", text() + b"d: 2023-13-45")],
    "very deep": [("metadata.yaml", text() + b"d: " + b"[" * 100_000)],
    "deep": [("metadata.yaml", text() + b"d: " + b"[" * 50 + b"]" * 50)],
    "aliases": [("metadata.yaml", b"a: &a {x: 1}\nb: &b {<<: [*a, *a]}\n" + text())],
    "bad text": [("metadata.yaml", b"\xff\xfe\xfd" + text())],
    "no architecture": [("metadata.yaml", text(architecture=None))],
    "another architecture": [("metadata.yaml", text(architecture="aarch64"))],
    "an architecture that is none": [("metadata.yaml", text(architecture=["x86_64"]))],
    "no date": [("metadata.yaml", text(creation_date=None))],
    "a date that is no number": [("metadata.yaml", text(creation_date="now"))],
    "a date that is a switch": [("metadata.yaml", text(creation_date=True))],
    "a date of zero": [("metadata.yaml", text(creation_date=0))],
}


@pytest.mark.rule("vmm 7")
def test_metadata_that_no_image_has(admin):
    for case, members in METADATA.items():
        assert send(admin, "lxd.tar.xz", lzma.compress(tar(members))).status_code == 422, case
        assert send(admin, "a.tar.gz", gzip.compress(tar([("rootfs/x", b""), *members]))).status_code == 422, case
    assert rows() == []


@pytest.mark.rule("vmm 7")
def test_bombs(admin, monkeypatch):
    for name, limit in {"MAX_META_MEMBERS": 50, "MAX_ROOT_MEMBERS": 100}.items():
        monkeypatch.setattr(image_files, name, limit)
    for name in ("MAX_META_PLAIN", "MIN_PLAIN"):
        assert getattr(image_files, name) == 64 * 1024**2
        monkeypatch.setattr(image_files, name, 1024**2)
    head = [("metadata.yaml", text()), ("rootfs/bin", b"")]
    large = tar([*head, ("zeros", b"\0" * 2 * 1024**2)])
    many = tar([*head, *((f"rootfs/{n}", b"") for n in range(200))])
    for bomb, words in ((large, "more than 1 MiB"), (many, "too many members")):
        for name, content in (
            ("lxd.tar.xz", lzma.compress(bomb)),
            ("root.tar.xz", lzma.compress(bomb)),
            ("a.tar.gz", gzip.compress(bomb)),
        ):
            answer = send(admin, name, content)
            assert answer.status_code == 422
            assert words in answer.json()["errors"][0]["detail"]
    hungry = lzma.compress(tar(head), filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 512 * 1024**2}])
    assert send(admin, "lxd.tar.xz", hungry).status_code == 422
    assert rows() == []


@pytest.mark.rule("vmm 7")
def test_a_whole_system_holds_more_than_files(admin):
    members = [("metadata.yaml", text())]
    kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    members += [special(f"rootfs/{kind.decode()}", kind, "rootfs/target" * 20) for kind in kinds]
    members += [(f"rootfs/{'long' * 60}", b"1"), ("rootfs/last", b"2")]
    for number, form in enumerate((tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        content = gzip.compress(tar(members, format=form))
        assert sent(admin, "image.tar.gz", content, f"2023111{number}")["listed"]
    info = tarfile.TarInfo("rootfs/")
    info.type, info.name = tarfile.DIRTYPE, "rootfs/\udcff"
    strange = tar([("metadata.yaml", text()), (info, b"")], format=tarfile.GNU_FORMAT)
    assert sent(admin, "image.tar.gz", gzip.compress(strange), "20231112")["listed"]


@pytest.mark.rule("vmm 7")
def test_what_is_too_large(admin, servers):
    fields = {"payload": (None, "x" * 1_100_000)}
    assert post(admin, fields, "lxd.tar.xz", META).status_code == 413
    connection = http.client.HTTPConnection(servers.public.removeprefix("http://"), timeout=30)
    connection.putrequest("POST", f"{API}/simplestream.upload")
    connection.putheader("Content-Length", str(10 * GIB + 1))
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.rule("vmm 2")
def test_the_media_type_of_an_upload(admin, nobody, http):
    assert admin.refused(415, "simplestream.upload", {"file": "x"})
    foreign = {"Accept": f"{MEDIA}; charset=utf-8"}
    assert admin.refused(406, "simplestream.upload", {"file": "x"}, headers=foreign)
    sent(admin, "tiny.tar.gz", unified())
    for base in BASES:
        assert http.get(base, headers=foreign).status_code == 406
        assert http.get(base, headers={"Accept": "application/json"}).status_code == 200
        for path in ("streams/v1/index.json", "streams/v1/images.json", f"images/{TINY_ID}/{SERIAL}/tiny.tar.gz"):
            for accept in (foreign["Accept"], "application/json", "text/html", "x"):
                assert http.get(f"{base}/{path}", headers={"Accept": accept}).status_code == 200
            assert http.get(f"{base.replace('/api', '')}/{path}").status_code == 200


# While it is being listed


@pytest.mark.rule("vmm 7")
def test_nothing_is_listed_before_its_fingerprint_is_known(admin, http, monkeypatch):
    sent(admin, "lxd.tar.xz", META)
    looked = []
    combine = image_uploads._combined

    def look(*given):
        looked.append((versions(http), http.get(BASES[1]).json()["data"]))
        return combine(*given)

    monkeypatch.setattr(image_uploads, "_combined", look)
    assert sent(admin, "rootfs.squashfs", ROOT)["listed"]
    assert looked == [({}, [])]
    assert set(versions(http)[SERIAL]) == {"lxd.tar.xz", "rootfs.squashfs"}


@pytest.mark.rule("vmm 7")
def test_what_fails_on_the_way_leaves_nothing(admin, http, database, monkeypatch):
    sent(admin, "lxd.tar.xz", META)
    before = rows(), objects(database)

    def fail(*_):
        raise Unavailable("the store does not answer")

    monkeypatch.setattr(image_uploads, "_combined", fail)
    assert send(admin, "rootfs.squashfs", ROOT).status_code == 503
    assert (rows(), objects(database)) == before
    assert spool(database) == []
    monkeypatch.undo()
    assert sent(admin, "rootfs.squashfs", ROOT)["listed"]


@pytest.mark.rule("vmm 7")
def test_what_comes_meanwhile_is_combined_too(admin, http, monkeypatch):
    sent(admin, "rootfs.squashfs", ROOT)
    combine, late = image_uploads._combined, [("disk.qcow2", disk())]

    def interrupted(*given):
        if late:
            assert sent(admin, *late.pop())["listed"] is False
        return combine(*given)

    monkeypatch.setattr(image_uploads, "_combined", interrupted)
    assert sent(admin, "lxd.tar.xz", META)["listed"]
    item = versions(http)[SERIAL]["lxd.tar.xz"]
    assert item["combined_squashfs_sha256"] == hashed(META, ROOT)
    assert item["combined_disk-kvm-img_sha256"] == hashed(META, disk())


@pytest.mark.rule("vmm 7")
def test_what_goes_meanwhile_is_not_combined(admin, database, monkeypatch):
    sent(admin, "lxd.tar.xz", META)
    combine, late = image_uploads._combined, clock.now() + timedelta(days=8)

    def interrupted(*given):
        with clock.freeze(late):
            image_uploads.remove_old(None)
            do_work()
        return combine(*given)

    monkeypatch.setattr(image_uploads, "_combined", interrupted)
    assert sent(admin, "rootfs.squashfs", ROOT)["listed"] is False
    assert rows() == [("rootfs.squashfs", hashed(ROOT), None)]
    assert len(objects(database)) == 1


@pytest.mark.rule("vmm 7")
def test_a_version_that_never_rests_is_given_up(admin, database, monkeypatch):
    sent(admin, "lxd.tar.xz", META)
    monkeypatch.setattr(image_uploads, "_insert", lambda *_: None)
    answer = send(admin, "rootfs.squashfs", ROOT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert len(rows()) == len(objects(database)) == 1


@pytest.mark.rule("vmm 7")
def test_many_upload_the_same_file(admin, database):
    found = race(*[lambda: send(admin, "lxd.tar.xz", META)] * MANY)
    assert [answer.status_code for answer in found] == [200] * MANY
    assert len(rows()) == len(objects(database)) == 1
    assert spool(database) == []


@pytest.mark.rule("vmm 7")
def test_one_of_many_contents_stays(admin, database, http):
    found = race(*[lambda n=n: send(admin, "a.tar.gz", unified(b"%d" % n)) for n in range(MANY)])
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)
    (kept,) = [answer for answer in found if answer.status_code == 200]
    assert versions(http)[SERIAL]["a.tar.gz"]["sha256"] == kept.json()["data"]["attributes"]["sha256"]
    assert len(rows()) == len(objects(database)) == 1


@pytest.mark.rule("vmm 7")
def test_all_parts_at_once(admin, http):
    parts = {"lxd.tar.xz": META, "rootfs.squashfs": ROOT, "root.tar.xz": root_xz(), "disk.qcow2": disk()}
    for day in ("20231101", "20231102", "20231103"):
        found = race(*(partial(send, admin, *part, day) for part in parts.items()))
        assert [answer.status_code for answer in found] == [200] * 4
        item = versions(http)[day]["lxd.tar.xz"]
        assert item["combined_squashfs_sha256"] == hashed(META, ROOT)
        assert item["combined_rootxz_sha256"] == hashed(META, root_xz())
        assert item["combined_disk-kvm-img_sha256"] == hashed(META, disk())


@pytest.mark.rule("vmm 7")
def test_one_of_many_gets_the_product_and_the_alias(admin):
    other = TINY | {"product_release": "2.0"}
    found = race(*[lambda: admin.call("simplestream.add", other)] * MANY)
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)
    takers = [{**TINY, "product_release": f"3.{n}", "product_aliases": "latest"} for n in range(MANY)]
    found = race(*[lambda one=one: admin.call("simplestream.add", one) for one in takers])
    assert sorted(answer.status_code for answer in found) == [200] + [409] * (MANY - 1)
    assert len(admin.http.get(BASES[0]).json()["data"]) == 3  # who does not get the alias is not added


# The tree


@pytest.mark.rule("vmm 7")
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize(
    ("path", "media"),
    [
        ("streams/v1/index.json", "application/json"),
        ("streams/v1/images.json", "application/json"),
        (f"images/{TINY_ID}/{SERIAL}/tiny.tar.gz", "application/octet-stream"),
    ],
)
def test_conditions_and_ranges(admin, http, base, path, media):
    sent(admin, "tiny.tar.gz", unified())
    url = f"{base}/{path}"
    whole = http.get(url)
    assert (whole.status_code, whole.headers["content-type"]) == (200, media)
    assert whole.headers["content-length"] == str(len(whole.content))
    assert whole.headers["accept-ranges"] == "bytes"
    tag, date = whole.headers["etag"], whole.headers["last-modified"]
    assert tag.startswith('"')
    head = http.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert head.headers[name] == whole.headers[name]
    assert http.get(url, headers={"If-None-Match": tag}).status_code == 304
    assert http.get(url, headers={"If-Modified-Since": date}).status_code == 304
    assert http.get(url, headers={"If-None-Match": '"other"'}).content == whole.content
    assert http.get(url, headers={"If-Match": '"other"'}).status_code == 412
    part = http.get(url, headers={"Range": "bytes=3-9", "If-Range": tag})
    assert (part.status_code, part.content) == (206, whole.content[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{len(whole.content)}"
    assert http.get(url, headers={"Range": "bytes=9999999-"}).status_code == 416
    assert http.post(url).status_code == 405


@pytest.mark.rule("vmm 7")
def test_the_streams_change_when_the_images_do(admin, http):
    start = clock.now()
    url = f"{BASES[0]}/streams/v1/images.json"
    empty = http.get(url)
    assert empty.json()["products"] == {}
    assert empty.headers["last-modified"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    with clock.freeze(start + timedelta(hours=1)):
        sent(admin, "a.tar.gz", unified())
    first = http.get(url)
    with clock.freeze(start + timedelta(hours=2)):
        sent(admin, "lxd.tar.xz", META)
        sent(admin, "a.tar.gz", unified())
    same = http.get(url)
    assert (same.content, same.headers["etag"]) == (first.content, first.headers["etag"])
    with clock.freeze(start + timedelta(hours=3)):
        sent(admin, "rootfs.squashfs", ROOT)
    second = http.get(url)
    assert len({empty.headers["etag"], first.headers["etag"], second.headers["etag"]}) == 3
    later = parsedate_to_datetime(second.headers["last-modified"]) - parsedate_to_datetime(
        first.headers["last-modified"]
    )
    assert later == timedelta(hours=2)
    assert http.get(url, headers={"If-Modified-Since": first.headers["last-modified"]}).status_code == 200


@pytest.mark.rule("vmm 7")
def test_what_is_not_in_the_tree(admin, http):
    sent(admin, "tiny.tar.gz", unified())
    for path in (
        "images", "images/", f"images/{TINY_ID}", f"images/{TINY_ID}/{SERIAL}", f"images/{TINY_ID}/{SERIAL}/",
        f"images/{TINY_ID}/{SERIAL}/lxd.tar.xz", f"images/{TINY_ID}/20231115/tiny.tar.gz",
        f"images/tiny:2.0:amd64:default/{SERIAL}/tiny.tar.gz", f"images/{TINY_ID}/{SERIAL}/tiny.tar.gz/",
        f"images/{TINY_ID}/{SERIAL}/%2e%2e%2ftiny.tar.gz", f"images/{TINY_ID}/{SERIAL}/tiny.tar.gz%00", "streams/v1",
        "streams/v1/other.json", "streams/v1/index.json/",
    ):  # fmt: skip
        for base in BASES:
            answer = http.get(f"{base}/{path}")
            assert answer.status_code == 404, path
            assert answer.headers["content-type"] == MEDIA
    assert http.get(f"{BASES[0]}/images/{TINY_ID.replace(':', '%3A')}/{SERIAL}/tiny.tar.gz").status_code == 200


@pytest.mark.rule("vmm 7")
def test_the_lists_take_the_same_few_queries_for_any_number(admin, http):
    def queries():
        with db.count_queries() as counted, db.read():
            simplestreams.stream()
        return counted.count

    sent(admin, "a.tar.gz", unified())
    before = queries()
    for number in range(5):
        made = admin.done("simplestream.add", TINY | {"product_release": f"2.{number}"})
        sent(admin, "a.tar.gz", unified(), product=made["id"])
    assert queries() == before


# What is old


def tick(start, **after):
    with clock.freeze(start + timedelta(**after)):
        image_uploads.remove_old(None)
        do_work()


@pytest.mark.rule("vmm 7")
def test_old_versions_go_and_the_newest_stays(admin, http, database):
    start = clock.now()
    other = admin.done("simplestream.add", TINY | {"product_release": "2.0"})["id"]
    for serial in ("20231101", "20231103", "20231102"):
        sent(admin, "a.tar.gz", unified(serial.encode()), serial)
    sent(admin, "lxd.tar.xz", META, "20231231")  # newer, but never complete
    sent(admin, "a.tar.gz", unified(), "20200101", other)
    with clock.freeze(start + timedelta(days=6)):
        sent(admin, "a.tar.gz", unified(b"late"), "20231002")
    before = http.get(f"{BASES[0]}/streams/v1/images.json")
    tick(start, days=6, hours=23)
    assert http.get(f"{BASES[0]}/streams/v1/images.json").headers["etag"] == before.headers["etag"]
    assert len(objects(database)) == 6
    tick(start, days=8)
    assert set(versions(http)) == {"20231103", "20231002"}
    assert set(versions(http, other)) == {"20200101"}
    assert len(rows()) == len(objects(database)) == 3
    after = http.get(
        f"{BASES[0]}/streams/v1/images.json", headers={"If-Modified-Since": before.headers["last-modified"]}
    )
    assert after.status_code == 200
    tick(start, days=30)
    assert set(versions(http)) == {"20231103"}
    assert set(versions(http, other)) == {"20200101"}
    assert http.get(f"{BASES[0]}/images/{TINY_ID}/20231103/a.tar.gz").status_code == 200
    assert http.get(f"{BASES[0]}/images/{TINY_ID}/20231002/a.tar.gz").status_code == 404


@pytest.mark.rule("vmm 7")
def test_a_version_stays_a_week_after_its_last_file(admin, http):
    start = clock.now()
    sent(admin, "lxd.tar.xz", META, "20231101")
    with clock.freeze(start + timedelta(days=5)):
        sent(admin, "rootfs.squashfs", ROOT, "20231101")
        sent(admin, "a.tar.gz", unified(), "20231102")
    tick(start, days=8)
    assert set(versions(http)) == {"20231101", "20231102"}


@pytest.mark.rule("vmm 7")
def test_rows_go_before_objects(admin, http, database):
    start = clock.now()
    for serial in ("20231101", "20231102"):
        sent(admin, "a.tar.gz", unified(serial.encode()), serial)
    with clock.freeze(start + timedelta(days=8)):
        image_uploads.remove_old(None)
        assert set(versions(http)) == {"20231102"}
        assert len(objects(database)) == 2
        assert do_work() == 1
    assert len(objects(database)) == 1


@pytest.mark.rule("vmm 7")
def test_it_is_due_every_six_hours(database):
    start = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    with clock.freeze(start):
        schedule.queue_due()
        do_work()
    done = []
    for hour in range(1, 25):
        with clock.freeze(start + timedelta(hours=hour)):
            schedule.queue_due()
            with db.read():
                done += db.rows("SELECT kind FROM core_work WHERE kind = 'vmm.remove_old_images'")
            do_work()
    assert len(done) == 4
    assert {"vmm.remove_old_images", "vmm.reconcile_images", "vmm.remove_image_file"} <= set(work.kinds())


@pytest.mark.rule("vmm 7")
def test_reconcilers_remove_what_is_theirs_alone(admin, http, database):
    sent(admin, "a.tar.gz", unified())
    artifact = User(http).uploaded()
    folder = database.folder / "objects"
    for name in ("mender/artifacts", "vmm/images"):
        (folder / name / "orphan").write_bytes(b"x")
    (folder / "vmm/images/young").write_bytes(b"x")
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "young":
            os.utime(path, (1, 1))
    assert artifacts.reconcile() == ["mender/artifacts/orphan"]
    assert len(objects(database)) == 3
    assert image_uploads.reconcile() == ["vmm/images/orphan"]
    assert len(objects(database)) == 2
    assert [path.name for path in objects(database, "mender")] == [artifact]
    assert http.get(f"{BASES[0]}/images/{TINY_ID}/{SERIAL}/a.tar.gz").status_code == 200


@pytest.mark.rule("vmm 7")
def test_a_file_that_is_lost_is_not_found(admin, http, database):
    sent(admin, "a.tar.gz", unified())
    (path,) = objects(database)
    path.unlink()
    assert http.get(f"{BASES[0]}/images/{TINY_ID}/{SERIAL}/a.tar.gz").status_code == 404
