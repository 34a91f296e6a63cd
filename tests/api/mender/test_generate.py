"""Generated artifacts, releases and the limit of storage over HTTP (mender 4.2)."""

import io
import tarfile
from functools import partial
from hashlib import sha256

import httpx
import orjson
import pytest

from app.core import db, storage
from app.mender import limits
from tests.support.artifacts import Payload, build
from tests.support.mender import DEPLOYMENTS, NEXT, Device, User
from tests.support.racing import race

GENERATE, ARTIFACTS = f"{DEPLOYMENTS}/artifacts/generate", f"{DEPLOYMENTS}/artifacts"
RELEASES, LIMIT = f"{DEPLOYMENTS}/deployments/releases", f"{DEPLOYMENTS}/limits/storage"
ARGS = {"filename": "motd", "dest_dir": "/etc/issue.d"}
FIELDS = {"name": "motd-1", "description": "Greets", "device_types_compatible": "board, other", "type": "single_file"}
CONTENT = b"welcome\n" * 5000


def generate(user: User, content: bytes = CONTENT, filename: str = "upload.txt", args=ARGS, **fields) -> httpx.Response:
    data = {**FIELDS, "args": args if isinstance(args, str) else orjson.dumps(args).decode(), **fields}
    data = {name: value for name, value in data.items() if value is not None}
    return user.call("POST", GENERATE, data=data, files={"file": (filename, content, "text/plain")})


def generated(user: User, **options) -> str:
    answer = generate(user, **options)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def downloaded(user: User, artifact: str) -> bytes:
    link = user.get(f"{ARTIFACTS}/{artifact}/download").json()["uri"]
    return user.http.get(link).content


def payload(content: bytes) -> dict[str, bytes]:
    """The files inside an artifact's payload."""
    with tarfile.open(fileobj=io.BytesIO(content)) as outer:
        packed = outer.extractfile("data/0000.tar.gz").read()
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as inner:
        return {member.name: inner.extractfile(member).read() for member in inner.getmembers()}


@pytest.mark.rule("mender 4.2")
def test_what_is_generated(user):
    made = generated(user)
    shown = user.get(f"{ARTIFACTS}/{made}").json()
    assert shown["name"] == "motd-1"
    assert shown["description"] == "Greets"
    assert shown["device_types_compatible"] == ["board", "other"]
    assert (shown["info"], shown["signed"]) == ({"format": "mender", "version": 3}, False)
    assert shown["artifact_provides"] == {"artifact_name": "motd-1", "rootfs-image.single-file.version": "motd-1"}
    assert shown["artifact_depends"] == {"device_type": ["board", "other"]}
    assert shown["clears_artifact_provides"] == ["rootfs-image.single-file.*"]
    (update,) = shown["updates"]
    assert update["type_info"] == {"type": "single-file"}
    files = {entry["name"]: (entry["size"], entry["checksum"]) for entry in update["files"]}
    assert files.keys() == {"dest_dir", "filename", "permissions", "motd"}
    assert files["motd"] == (len(CONTENT), sha256(CONTENT).hexdigest())
    content = downloaded(user, made)
    assert len(content) == shown["size"] >= 4096
    assert payload(content) == {
        "dest_dir": b"/etc/issue.d\n",
        "filename": b"motd\n",
        "permissions": b"644\n",
        "motd": CONTENT,
    }
    assert list(storage.spool_dir().iterdir()) == []


@pytest.mark.rule("mender 4.2")
def test_arguments(user):
    software = {"software_filesystem": "data", "software_name": "greeting", "software_version": "7"}
    made = generated(user, args={"dest_dir": "/", "permissions": "0755", **software}, filename="a dir/..\\x/upload.txt")
    shown = user.get(f"{ARTIFACTS}/{made}").json()
    assert shown["artifact_provides"] == {"artifact_name": "motd-1", "data.greeting.version": "7"}
    assert shown["clears_artifact_provides"] == ["data.greeting.*"]
    found = payload(downloaded(user, made))
    assert (found["permissions"], found["filename"], found["upload.txt"]) == (b"0755\n", b"upload.txt\n", CONTENT)


@pytest.mark.rule("mender 4.2")
@pytest.mark.parametrize("content", [b"", b"\0" * 100_000, bytes(range(256)) * 9000])
def test_any_content(user, content):
    assert payload(downloaded(user, generated(user, content=content)))["motd"] == content


@pytest.mark.rule("mender 4.2")
@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": "x" * 257},
        {"name": "a\nb"},
        {"name": None},
        {"device_types_compatible": ""},
        {"device_types_compatible": "board,,other"},
        {"device_types_compatible": "x" * 257},
        {"device_types_compatible": None},
        {"type": "rootfs"},
        {"type": None},
        {"args": "{"},
        {"args": "[]"},
        {"args": {"filename": "motd"}},
        {"args": {**ARGS, "dest_dir": "etc"}},
        {"args": {**ARGS, "dest_dir": "/a\nb"}},
        {"args": {**ARGS, "dest_dir": 7}},
        {"args": {**ARGS, "filename": "../motd"}},
        {"args": {**ARGS, "filename": "a b"}},
        {"args": {**ARGS, "filename": ".."}},
        {"args": {**ARGS, "filename": "dest_dir"}},
        {"args": {**ARGS, "permissions": "rwx"}},
        {"args": {**ARGS, "unheard": "x"}},
        {"args": {**ARGS, "software_name": "a\tb"}},
        {"description": "x" * 4097},
    ],
)
def test_what_makes_no_artifact(user, changes):
    assert generate(user, **changes).status_code == 400
    assert user.get(ARTIFACTS).json() == []
    assert list(storage.spool_dir().iterdir()) == []


@pytest.mark.rule("mender 4.2")
def test_a_file_is_needed(user):
    assert user.call("POST", GENERATE, files={name: (None, value) for name, value in FIELDS.items()}).status_code == 400


@pytest.mark.rule("mender 4.2")
def test_names_are_unique_by_device_type(user):
    generated(user)
    again = generate(user, device_types_compatible="third,other")
    assert (again.status_code, again.json()["error"][:19]) == (422, "Artifact not unique")
    generated(user, device_types_compatible="third")
    user.uploaded(name="delta", device_types=["board"], payloads=[Payload(depends={"rootfs": "1"})])
    generated(user, name="delta", device_types_compatible="board")
    answers = race(*[partial(generate, user, name="raced") for _ in range(4)])
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]


@pytest.mark.rule("mender 4.6")
def test_a_device_is_offered_it(http, user):
    device = user.accepted(Device(http))
    generated(user)
    deployment = user.deployed("motd-1", device.id)
    offered = device.call("POST", NEXT, json={"device_type": "board", "artifact_name": "base"}).json()
    assert (offered["id"], offered["artifact"]["artifact_name"]) == (deployment, "motd-1")
    assert payload(http.get(offered["artifact"]["source"]["uri"]).content)["motd"] == CONTENT


@pytest.mark.rule("mender 4.2")
def test_releases(user):
    assert user.get(RELEASES).json() == []
    ids = sorted(user.uploaded(name="Release-2", device_types=[kind]) for kind in ("a", "b"))
    other = generated(user, name="other")
    listed = user.get(RELEASES).json()
    assert [(entry["Name"], [a["id"] for a in entry["Artifacts"]]) for entry in listed] == [
        ("Release-2", ids),
        ("other", [other]),
    ]
    assert [a for entry in listed for a in entry["Artifacts"]] == user.get(ARTIFACTS).json()
    for prefix, names in {"rel": ["Release-2"], "OTHER": ["other"], "x": [], "": ["Release-2", "other"]}.items():
        assert [entry["Name"] for entry in user.get(RELEASES, params={"name": prefix}).json()] == names
    assert user.get(RELEASES, params={"name": "x" * 257}).status_code == 400


def test_releases_take_the_same_queries_however_many(user):
    for number in range(4):
        user.uploaded(name=f"r{number}")
    with db.count_queries() as counted:
        assert len(user.get(RELEASES).json()) == 4
    assert counted.count <= 2, counted.statements


@pytest.mark.rule("mender 4.2")
def test_the_limit_of_storage(user):
    assert user.get(LIMIT).json() == {"limit": 0, "usage": 0}
    first = user.uploaded(name="first")
    size = user.get(f"{ARTIFACTS}/{first}").json()["size"]
    assert user.get(LIMIT).json() == {"limit": 0, "usage": size}
    content = build(name="second")
    with db.write():
        limits.put("", "storage", size + len(content) - 1)
    refused = user.upload(content)
    assert (refused.status_code, "limit of storage" in refused.json()["error"]) == (413, True)
    assert generate(user, content=bytes(200_000)).status_code == 413
    assert [entry["id"] for entry in user.get(ARTIFACTS).json()] == [first]
    with db.write():
        limits.put("", "storage", size + len(content))
    assert user.upload(content).status_code == 201
    assert user.get(LIMIT).json() == {"limit": size + len(content), "usage": size + len(content)}
    user.call("DELETE", f"{ARTIFACTS}/{first}")
    assert user.get(LIMIT).json()["usage"] == len(content)


@pytest.mark.rule("mender 4.2")
def test_the_last_place_in_the_storage_is_taken_once(user):
    made = [build(name=f"release-{number}") for number in range(5)]
    with db.write():
        limits.put("", "storage", 2 * max(map(len, made)))
    answers = race(*[partial(user.upload, content) for content in made])
    assert sorted(answer.status_code for answer in answers) == [201, 201, 413, 413, 413]
    assert len(user.get(ARTIFACTS).json()) == 2


def test_what_is_no_artifact_id_is_no_path_of_artifacts(user):
    """`generate` beside `{artifact_id}`: only what an id can be leads there."""
    for method in ("PUT", "GET", "DELETE"):
        answer = user.call(method, GENERATE)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert user.call("OPTIONS", GENERATE).headers["Allow"] == "OPTIONS, POST"
    assert user.get(f"{ARTIFACTS}/other").status_code == 400
