"""Artifacts over HTTP (mender 4.1, 4.2; mender-clients)."""

import io
import os
import tarfile
import threading
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qsl, urlsplit

import pytest

from app.core import clock, db
from app.mender import artifacts
from tests.support.artifacts import MTIME, build, parts, seal, tar
from tests.support.mender import DEPLOYMENTS
from tests.support.work import do_work

ARTIFACTS = f"{DEPLOYMENTS}/artifacts"
DATE = datetime.fromtimestamp(MTIME, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def files(database) -> list:
    return [path for folder in ("objects", "spool") for path in (database.folder / folder).rglob("*") if path.is_file()]


@pytest.mark.rule("mender 4.2")
def test_an_upload_is_listed_as_the_file_says(user, database):
    content = build(
        name="release-2",
        device_types=["rpi3", "rpi4"],
        provides={"rootfs-image.single-file.version": "release-2"},
        depends={"rootfs-image.version": ["a", "b"], "region": "eu"},
        clears=["rootfs-image.single-file.*"],
        meta_data={"reboot": False},
        signed=True,
    )
    answer = user.upload(content, description="Second release", size=str(len(content)))
    assert answer.status_code == 201, answer.text
    location = answer.headers["Location"]
    assert location.startswith("./management/v1/deployments/artifacts/")
    shown = user.get(f"{ARTIFACTS}/{location.rpartition('/')[2]}").json()
    assert shown["name"] == "release-2"
    assert shown["description"] == "Second release"
    assert shown["device_types_compatible"] == ["rpi3", "rpi4"]
    assert shown["info"] == {"format": "mender", "version": 3}
    assert shown["signed"] is True
    assert shown["size"] == len(content)
    assert shown["artifact_provides"] == {
        "artifact_name": "release-2",
        "rootfs-image.single-file.version": "release-2",
    }
    assert shown["artifact_depends"] == {
        "device_type": ["rpi3", "rpi4"],
        "rootfs-image.version": ["a", "b"],
        "region": ["eu"],
    }
    assert shown["clears_artifact_provides"] == ["rootfs-image.single-file.*"]
    assert shown["updates"] == [
        {
            "type_info": {"type": "single-file"},
            "files": [
                {
                    "name": "file",
                    "checksum": sha256(b"payload" * 100).hexdigest(),
                    "size": 700,
                    "date": DATE,
                }
            ],
            "meta_data": {"reboot": False},
        }
    ]
    listed = user.get(ARTIFACTS).json()
    assert [entry["id"] for entry in listed] == [shown["id"]]
    assert listed[0]["updates"][0]["meta_data"] == [{"Key": "reboot", "Value": False}]
    assert len(files(database)) == 1


@pytest.mark.rule("mender 4.1")
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_formats_and_compressions(user, version, suffix):
    shown = user.get(f"{ARTIFACTS}/{user.uploaded(version=version, suffix=suffix)}").json()
    assert shown["info"]["version"] == version
    assert shown["artifact_depends"]["device_type"] == ["board"]


@pytest.mark.rule("mender 4.2")
@pytest.mark.parametrize(
    ("content", "fields", "error"),
    [
        (b"", {}, "artifact"),
        (b"bogus", {}, "artifact"),
        (b"\0" * 10240, {}, "artifact"),
        (build()[:-6000], {}, "artifact"),
        (build(), {"size": "1"}, "size"),
        (build(), {"size": str(len(build()) + 1)}, "size"),
        (build(), {"description": "x" * 4097}, "description"),
        (tar([("version", b'{"format":"mender","version":1}'), ("manifest", b"")]), {}, "version 1 is no longer"),
    ],
)
def test_uploads_that_are_refused_leave_nothing(user, database, content, fields, error):
    answer = user.upload(content, **fields)
    assert answer.status_code == 400, answer.text
    assert error in answer.json()["error"]
    assert user.get(ARTIFACTS).json() == []
    assert files(database) == []


@pytest.mark.rule("mender 4.2")
def test_a_missing_artifact_part(user):
    answer = user.call("POST", ARTIFACTS, files={"description": (None, "x")})
    assert answer.status_code == 400
    assert user.call("POST", ARTIFACTS, json={}).status_code == 415


@pytest.mark.rule("mender 4.1")
def test_a_wrong_checksum_is_named(user):
    members = parts()
    whole = seal(members)
    members[2] = (members[2][0], parts(files={"file": b"changed" * 100})[2][1])
    with tarfile.open(fileobj=io.BytesIO(whole)) as file:
        manifest = file.extractfile("manifest").read()
    answer = user.upload(tar([members[0], ("manifest", manifest), *members[1:]]))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("invalid checksum")


@pytest.mark.rule("mender 4.2")
def test_one_name_may_not_suit_the_same_devices_twice(user, database):
    user.uploaded(name="r", device_types=["a", "b"])
    answer = user.upload(build(name="r", device_types=["b", "c"]))
    assert answer.status_code == 409
    assert answer.json()["metadata"]["conflict"] == {"artifact_name": "r", "depends": {"device_type": "b"}}
    user.uploaded(name="r", device_types=["b", "c"], depends={"rootfs": ["1"]})
    user.uploaded(name="r", device_types=["b"], depends={"rootfs": ["2", "3"]})
    assert user.upload(build(name="r", device_types=["b"], depends={"rootfs": ["3"]})).status_code == 409
    user.uploaded(name="other", device_types=["a", "b"])
    assert len(user.get(ARTIFACTS).json()) == 4
    assert len(files(database)) == 4


def test_two_uploads_of_one_name_at_once_leave_one(user, database):
    content = build(name="race")
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(user.upload(content).status_code)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [409] * 5
    assert len(user.get(ARTIFACTS).json()) == 1
    assert len(files(database)) == 1


@pytest.mark.rule("mender 4.2")
def test_editing_and_deleting(user, database):
    artifact = user.uploaded()
    path = f"{ARTIFACTS}/{artifact}"
    before = user.get(path).json()["modified"]
    assert user.call("PUT", path, json={"description": "new"}).status_code == 204
    after = user.get(path).json()
    assert (after["description"], after["modified"] > before) == ("new", True)
    assert user.call("PUT", path, json={"description": "x" * 4097}).status_code == 400
    assert user.call("PUT", path).status_code == 204
    assert user.get(path).json()["description"] == ""
    assert user.call("DELETE", path).status_code == 204
    assert user.get(path).status_code == 404
    assert user.call("DELETE", path).status_code == 404
    assert user.call("PUT", path, json={}).status_code == 404
    do_work()
    assert files(database) == []


@pytest.mark.rule("mender 4.2")
def test_an_artifact_in_use_is_kept(user):
    artifact = user.uploaded(name="used")
    deployment = user.deployed("used", "some-device")
    path = f"{ARTIFACTS}/{artifact}"
    assert user.call("PUT", path, json={"description": "new"}).status_code == 422
    assert user.call("DELETE", path).status_code == 409
    status = f"{DEPLOYMENTS}/deployments/{deployment}/status"
    assert user.call("PUT", status, json={"status": "aborted"}).status_code == 204
    assert user.call("PUT", path, json={"description": "new"}).status_code == 422
    assert user.call("DELETE", path).status_code == 204


@pytest.mark.rule("mender 1.7")
def test_a_malformed_id_is_a_400_and_an_unknown_one_a_404(user):
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "/download")):
        assert user.call(method, f"{ARTIFACTS}/nonsense{path}").status_code == 400
        unknown = f"{ARTIFACTS}/00000000-0000-4000-8000-000000000000{path}"
        assert user.call(method, unknown).status_code == 404


@pytest.mark.rule("mender 4.2")
def test_a_link_downloads_the_file_without_a_credential(http, user):
    content = build(name="Ünïcode rélease")
    artifact = user.upload(content).headers["Location"].rpartition("/")[2]
    link = user.get(f"{ARTIFACTS}/{artifact}/download").json()
    assert link["uri"].startswith(str(http.base_url))
    whole = http.get(link["uri"])
    assert whole.status_code == 200
    assert whole.content == content
    assert whole.headers["Content-Type"] == "application/vnd.mender-artifact"
    assert whole.headers["Content-Length"] == str(len(content))
    assert "%C3%9Cn%C3%AFcode%20r%C3%A9lease.mender" in whole.headers["Content-Disposition"]
    head = http.head(link["uri"])
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(content))
    part = http.get(link["uri"], headers={"Range": "bytes=100-", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content) == (206, content[100:])
    assert part.headers["Content-Range"] == f"bytes 100-{len(content) - 1}/{len(content)}"
    for header in ("If-None-Match", "If-Modified-Since"):
        value = whole.headers["ETag" if header == "If-None-Match" else "Last-Modified"]
        assert http.get(link["uri"], headers={header: value}).status_code == 304
    early = {"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}
    assert http.get(link["uri"], headers=early).status_code == 412
    assert http.get(link["uri"], headers={"Range": "bytes=999999-"}).status_code == 416


@pytest.mark.rule("mender 4.2")
def test_links_that_do_not_work(http, user):
    first, second = user.uploaded(name="one"), user.uploaded(name="two")
    uri = user.get(f"{ARTIFACTS}/{first}/download").json()["uri"]
    query = dict(parse_qsl(urlsplit(uri).query))
    path = urlsplit(uri).path

    def status(path: str = path, **changes: str) -> int:
        return http.get(path, params={key: value for key, value in (query | changes).items() if value}).status_code

    assert status() == 200
    assert status(path.replace(first, second)) == 403
    assert status(**{"x-men-signature": query["x-men-signature"][:-2] + "__"}) == 403
    assert status(**{"x-men-expire": str(int(query["x-men-expire"]) + 1)}) == 403
    assert status(**{"x-men-tenant": "0123456789abcdef01234567"}) == 403
    assert status(**{"x-men-expire": "soon"}) == 400
    assert status(**{"x-men-signature": ""}) == 400
    assert status(path.replace(first, "nonsense")) == 400
    with clock.freeze(clock.now() + timedelta(minutes=15, seconds=1)):
        assert status() == 403
    user.call("DELETE", f"{ARTIFACTS}/{first}")
    assert status() == 404


def test_artifacts_are_sorted_by_name(user):
    for name in ("b", "a", "B"):
        user.uploaded(name=name)
    assert [entry["name"] for entry in user.get(ARTIFACTS).json()] == ["B", "a", "b"]


def test_what_a_crash_left_behind_is_removed_and_nothing_else(user, database):
    artifact = user.uploaded()
    orphan = database.folder / "objects" / "mender" / "artifacts" / "orphan"
    orphan.write_bytes(b"x")
    forgotten = database.folder / "spool" / "upload-forgotten"
    forgotten.write_bytes(b"x")
    for path in (orphan, forgotten, *files(database)):
        os.utime(path, (1, 1))
    assert artifacts.reconcile() == ["mender/artifacts/orphan"]
    assert {path.name for path in files(database)} == {artifact}


@pytest.mark.parametrize("chunked", [True, False])
def test_the_genuine_order_of_parts_and_chunks(user, chunked):
    content = build()
    boundary = b"bOuNdArY"

    def part(name: bytes, value: bytes, more: bytes = b"") -> bytes:
        head = b"--" + boundary + b'\r\nContent-Disposition: form-data; name="' + name + b'"' + more
        return head + b"\r\n\r\n" + value + b"\r\n"

    body = part(b"size", str(len(content)).encode()) + part(b"description", b"")
    body += part(b"artifact", content, b'; filename="x.mender"\r\nContent-Type: application/octet-stream')
    body += b"--" + boundary + b"--\r\n"
    sent = iter([body[:100], body[100:5000], body[5000:]]) if chunked else body
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}"}
    assert user.call("POST", ARTIFACTS, content=sent, headers=headers).status_code == 201


def filled(user) -> None:
    start = clock.now()
    made = [
        ("release-1", "The first one", ["raspberrypi4"]),
        ("release-2", "", ["raspberrypi4", "BeagleBone"]),
        ("Kettle", "hot WATER", ["kettle"]),
    ]
    for hour, (name, description, types) in enumerate(made):
        with clock.freeze(start - timedelta(hours=hour)):
            assert user.upload(build(name=name, device_types=types), description=description).status_code == 201


@pytest.mark.rule("mender 4.2")
@pytest.mark.parametrize("path", ["artifacts", "artifacts/list"])
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Kettle", "release-1", "release-2"]),
        ({"name": "LEASE"}, ["release-1", "release-2"]),
        ({"name": "%"}, []),
        ({"description": "Water"}, ["Kettle"]),
        ({"device_type": "beagle"}, ["release-2"]),
        ({"device_type": '"'}, []),
        ({"name": "release", "device_type": "raspberry", "description": "first"}, ["release-1"]),
        ({"name": ""}, ["Kettle", "release-1", "release-2"]),
    ],
)
def test_artifacts_are_found_by_parts_of_their_texts(user, path, query, names):
    filled(user)
    answer = user.get(f"{DEPLOYMENTS}/{path}", params=query)
    assert [entry["name"] for entry in answer.json()] == names
    assert answer.headers.get("X-Total-Count", str(len(names))) == str(len(names))


def test_pages_of_artifacts(user):
    filled(user)
    path = f"{DEPLOYMENTS}/artifacts/list"

    def names(**query) -> list[str]:
        return [entry["name"] for entry in user.get(path, params=query).json()]

    assert names(sort="name:desc") == ["release-2", "release-1", "Kettle"]
    assert names(sort="modified") == ["Kettle", "release-2", "release-1"]
    answer = user.get(path, params={"page": 2, "per_page": 2})
    assert [entry["name"] for entry in answer.json()] == ["release-2"]
    assert answer.headers["X-Total-Count"] == "3"
    assert 'rel="prev"' in answer.headers["Link"]
    assert answer.json()[0] == user.get(f"{DEPLOYMENTS}/artifacts", params={"name": "release-2"}).json()[0]
    with db.count_queries() as counted:
        assert len(names()) == 3
    assert counted.count <= 3, counted.statements
    for wrong in ({"sort": "size"}, {"per_page": 0}, {"name": "x" * 257}):
        assert user.get(path, params=wrong).status_code == 400
    assert user.get(f"{DEPLOYMENTS}/artifacts", params={"name": "x" * 257}).status_code == 400
