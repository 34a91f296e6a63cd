"""The rules of artifacts: uploads, edits, deletions, the files (mender 4.2), on both databases."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import peewee
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, db, ids, schedule, storage, work
from app.core.errors import BadRequest, Conflict, InsufficientStorage, NotFound, Unavailable, Unprocessable
from app.mender import artifact_lists, artifacts, deployment_orders, deployments
from app.mender.artifact_header import ArtifactError
from app.mender.deployment_orders import Order
from tests.support.artifacts import Payload, build, file_entry
from tests.support.uploads import ONE, listed, objects, rows, shown, staged, upload, upload_for
from tests.support.work import do_work

pytestmark = [pytest.mark.rule("mender 4.2"), pytest.mark.usefixtures("database")]

NOW = datetime(2026, 11, 25, 5, 30, 45, 123456, UTC)
A, B = "a" * 24, "b" * 24
PATTERN_BYTES = bytes(range(256)) * 4


# Uploads.


def test_an_artifact_as_users_see_it(database: Any) -> None:
    content = build(
        name="release-2",
        device_types=["board", "board-b"],
        files={"a": b"1", "b": b"22"},
        provides={"p": "1"},
        depends={"d": "1"},
        clears=["p.*"],
        meta_data={"m": [1]},
        signed=True,
    )
    with clock.freeze(NOW):
        artifact_id = artifacts.upload("", staged(content), len(content), "Second")
    assert ids.is_uuid(artifact_id)
    assert shown(artifact_id) == {
        "id": artifact_id,
        "name": "release-2",
        "description": "Second",
        "device_types_compatible": ["board", "board-b"],
        "info": {"format": "mender", "version": 3},
        "signed": True,
        "updates": [
            {
                "type_info": {"type": "single-file"},
                "files": [file_entry("a", b"1"), file_entry("b", b"22")],
                "meta_data": {"m": [1]},
            }
        ],
        "artifact_provides": {"artifact_name": "release-2", "p": "1"},
        "artifact_depends": {"device_type": ["board", "board-b"], "d": ["1"]},
        "clears_artifact_provides": ["p.*"],
        "size": len(content),
        "modified": "2026-11-25T05:30:45.123456Z",
    }
    assert objects(database) == {artifact_id}


@pytest.mark.rule("mender 12")
def test_lists_are_what_the_genuine_client_reads() -> None:
    """It takes a list, null or nothing for meta-data, never an object; the object is shown for one artifact."""
    upload(name="a", meta_data={"m": [1], "n": {"o": None}})
    upload(name="b")
    upload(name="c", payloads=[Payload(meta_data={"x": 1}), Payload(files={})])
    meta_data = [[update["meta_data"] for update in artifact["updates"]] for artifact in listed()]
    assert meta_data == [
        [[{"Key": "m", "Value": [1]}, {"Key": "n", "Value": {"o": None}}]],
        [None],
        [[{"Key": "x", "Value": 1}], None],
    ]
    assert shown(listed()[0]["id"])["updates"][0]["meta_data"] == {"m": [1], "n": {"o": None}}


def test_lists_are_sorted_and_take_one_query() -> None:
    for name, device_type in (("b", "x"), ("a", "x"), ("B", "x"), ("a", "y"), ("ä", "x")):
        upload(name=name, device_types=[device_type])
    with db.read(), db.count_queries() as counted:
        found = artifact_lists.list_all("", artifact_lists.Filter())
    assert counted.count == 1
    assert [artifact["name"] for artifact in found] == ["B", "a", "a", "b", "ä"]
    assert [(artifact["name"], artifact["id"]) for artifact in found] == sorted(
        (artifact["name"], artifact["id"]) for artifact in found
    )


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_size_that_is_not_the_files(database: Any, difference: int) -> None:
    file = staged(build())
    with pytest.raises(BadRequest, match="size"):
        artifacts.upload("", file, file.size + difference, "")
    assert artifacts.upload("", file, file.size, "")
    assert len(objects(database)) == 1


def test_a_file_that_is_no_artifact_leaves_nothing(database: Any) -> None:
    with pytest.raises(ArtifactError):
        artifacts.upload("", staged(b"bogus"), None, "")
    assert rows() == (0, 0)
    assert objects(database) == set()


def test_a_file_is_read_outside_of_any_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may take minutes; no lock may be held meanwhile, and no connection."""
    plain = artifacts.parse

    def parse(path: Path) -> Any:
        db.outside("reading an artifact")
        with db.write():  # not possible inside read()
            return plain(path)

    monkeypatch.setattr(artifacts, "parse", parse)
    assert upload()


# What goes wrong between the file and its row.


def test_without_its_row_a_file_is_removed(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        assert len(objects(database)) == 1, "the file comes first"
        raise InsufficientStorage("no space left")

    monkeypatch.setattr(artifacts, "_insert", fail)
    with pytest.raises(InsufficientStorage):
        upload()
    assert objects(database) == set()
    assert rows() == (0, 0)


def test_a_row_that_was_written_after_all_keeps_its_file(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection may be lost when the commit is on its way."""
    real = db.write

    @contextmanager
    def write_and_fail() -> Iterator[None]:
        with real():
            yield
        raise peewee.InterfaceError("connection lost")

    with monkeypatch.context() as patched:
        patched.setattr(db, "write", write_and_fail)
        with pytest.raises(peewee.InterfaceError):
            upload()
    assert objects(database) == {artifact["id"] for artifact in listed()}
    assert len(listed()) == 1


def test_a_database_that_is_away_leaves_the_file_to_be_found(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        monkeypatch.setattr(artifacts, "scoped", fail)
        raise Unavailable("the database does not answer")

    monkeypatch.setattr(artifacts, "_insert", fail)
    with pytest.raises(Unavailable):
        upload()
    assert len(objects(database)) == 1
    assert rows() == (0, 0)


# One artifact.


@pytest.mark.rule("mender 1.7")
def test_ids_are_compared_in_any_case_and_within_a_tenant() -> None:
    artifact_id = upload(A, name="a")
    assert shown(artifact_id.upper(), A)["id"] == artifact_id
    assert artifact_id in artifacts.link(A, artifact_id, "http://h")["uri"]
    for tenant, wanted in (("", artifact_id), (B, artifact_id), (A, ids.uuid())):
        with db.read(), pytest.raises(NotFound):
            artifacts.get(tenant, wanted)
        with pytest.raises(NotFound):
            artifacts.link(tenant, wanted, "http://h")
        with db.write(), pytest.raises(NotFound):
            artifacts.edit(tenant, wanted, "x")
        with pytest.raises(NotFound):
            artifacts.delete(tenant, wanted)
        with pytest.raises(NotFound):
            artifacts.open_file(tenant, wanted)
    assert [artifact["id"] for artifact in listed(A)] == [artifact_id]
    assert listed() == listed(B) == []


def test_edits_change_the_description_and_when() -> None:
    with clock.freeze(NOW):
        artifact_id = upload(description="old")
    before = shown(artifact_id)
    with clock.freeze(NOW + timedelta(hours=1)), db.write():
        artifacts.edit("", artifact_id, "new")
    assert shown(artifact_id) == before | {"description": "new", "modified": "2026-11-25T06:30:45.123456Z"}


def test_a_deleted_artifact_is_gone_and_its_name_free(database: Any) -> None:
    artifact_id, other = upload_for(ONE), upload(name="other")
    artifacts.delete("", artifact_id)
    assert [artifact["id"] for artifact in listed()] == [other]
    do_work()
    assert objects(database) == {other}
    assert rows() == (1, 1)
    upload_for(ONE)


def test_a_deletion_removes_the_row_before_the_file(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the server stop between the two, nothing is listed that is not there, and the file goes later."""
    artifact_id = upload()

    def stop(key: str) -> None:
        db.outside("removing a file")
        raise KeyboardInterrupt

    with clock.freeze(NOW):
        artifacts.delete("", artifact_id)
    assert listed() == []
    assert objects(database) == {artifact_id}
    with clock.freeze(NOW), monkeypatch.context() as patched:
        patched.setattr(storage, "delete", stop)
        unit = work.claim()
        assert unit is not None
        with pytest.raises(KeyboardInterrupt):
            work.run(unit)
    work.sweep()  # its lease has ended long ago
    assert do_work() == 1
    assert objects(database) == set()


def test_a_file_without_a_row_goes_within_an_hour(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash between file and row leaves one; scheduled work removes it, and nothing else."""
    artifact_id = upload()
    stray = database.folder / "objects/mender/artifacts" / ids.uuid()
    stray.write_bytes(b"half")
    for path in (database.folder / "objects").rglob("*"):
        os.utime(path, (1, 1))
    with clock.freeze(NOW):
        schedule.queue_due()
    with clock.freeze(NOW + timedelta(hours=1)):
        schedule.queue_due()
        do_work()
    assert objects(database) == {artifact_id}


def deployed(name: str, tenant: str = "") -> str:
    with db.write():
        return deployment_orders.create(tenant, Order("production", name, ["device"]))


def test_an_artifact_in_an_unfinished_deployment_is_kept(database: Any) -> None:
    artifact_id, other = upload(name="used"), upload(name="unused")
    upload(A, name="unused")
    deployed("used")
    deployed("unused", A)
    with pytest.raises(Conflict):
        artifacts.delete("", artifact_id)
    with db.write(), pytest.raises(Unprocessable):
        artifacts.edit("", artifact_id, "new")
    assert shown(artifact_id)["description"] == ""
    assert artifact_id in objects(database)
    artifacts.delete("", other)


def test_an_artifact_of_an_ended_deployment_may_be_deleted_but_not_edited() -> None:
    artifact_id = upload(name="used")
    deployment = deployed("used")
    with db.write():
        deployments.abort("", deployment)
    with db.write(), pytest.raises(Unprocessable):
        artifacts.edit("", artifact_id, "new")
    artifacts.delete("", artifact_id)
    assert listed() == []


# The file.


def test_a_file_for_download() -> None:
    content = build(files={"file": PATTERN_BYTES * 400}, suffix="")
    with clock.freeze(NOW):
        artifact_id = artifacts.upload("", staged(content), None, "")
    stream = artifacts.open_file("", artifact_id)
    assert stream.size == len(content)
    assert stream.media_type == "application/vnd.mender-artifact"
    assert stream.etag == f'"{sha256(content).hexdigest()}"'
    assert stream.modified == NOW
    pieces = list(stream.read(0, len(content)))
    assert b"".join(pieces) == content
    assert max(map(len, pieces)) <= 256 * 1024
    assert b"".join(stream.read(1000, 70_000)) == content[1000:71_000]
    assert b"".join(stream.read(len(content) - 5, 5)) == content[-5:]


def test_a_download_goes_on_when_the_artifact_is_deleted() -> None:
    content = build(files={"file": PATTERN_BYTES * 2000}, suffix="")
    artifact_id = artifacts.upload("", staged(content), None, "")
    chunks = artifacts.open_file("", artifact_id).read(0, len(content))
    first = next(chunks)
    artifacts.delete("", artifact_id)
    assert first + b"".join(chunks) == content
    with pytest.raises(NotFound):
        artifacts.open_file("", artifact_id)


printable = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), min_size=1, max_size=60)


@given(name=printable)
def test_any_name_fits_into_the_header(name: str) -> None:
    """As a mail and HTTP library reads it: the exact name, in a header of plain characters."""
    header = artifacts._disposition(f"{name}.mender")
    assert header.isascii()
    assert header.isprintable()
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == "attachment"
    plain, exact = (part.strip() for part in header.split(";")[1:])
    assert plain.removeprefix('filename="').removesuffix('"').count('"') == 0
    assert unquote(exact.removeprefix("filename*=UTF-8''")) == f"{name}.mender"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Release 2_b-1.0.mender", "Release 2_b-1.0.mender"),
        ('a"b\\c/d;e%f', "a_b_c_d_e_f"),
        ("größer", "gr__er"),
    ],
)
def test_old_clients_get_a_name_of_plain_characters(name: str, plain: str) -> None:
    assert f'; filename="{plain}";' in artifacts._disposition(name)
