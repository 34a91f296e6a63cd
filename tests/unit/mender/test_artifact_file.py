"""What is read from good artifact files (mender 4.1)."""

import gzip
import itertools
import os
import tarfile
from dataclasses import asdict
from typing import Any

import pytest

from app.mender.artifact_header import ArtifactError
from tests.support.artifacts import (
    FILES,
    INFO,
    TYPE,
    Payload,
    build,
    changed,
    dump,
    file_entry,
    parts,
    seal,
    tar,
    with_info,
)
from tests.unit.mender.conftest import Read

pytestmark = pytest.mark.rule("mender 4.1")


def test_version_3_in_full(read: Read) -> None:
    found = read(
        build(
            name="Release 2 – größer",
            device_types=["board", "board-b"],
            group="beta",
            files={"a.bin": b"A" * 3000, "dest_dir": b"/etc\n", "empty": b""},
            provides={"rootfs-image.single-file.version": "2", "blank": ""},
            depends={"rootfs-image.version": ["1", "0"], "region": "eu"},
            clears=["rootfs-image.single-file.*"],
            meta_data={"deep": {"list": [1, 2.5, None, True]}},
            scripts={"ArtifactInstall_Enter_00": b"#!/bin/sh\n"},
            signed=True,
        )
    )
    assert asdict(found) == {
        "name": "Release 2 – größer",
        "version": 3,
        "device_types": ["board", "board-b"],
        "signed": True,
        "updates": [
            {
                "type_info": {"type": "single-file"},
                "files": [
                    file_entry("a.bin", b"A" * 3000),
                    file_entry("dest_dir", b"/etc\n"),
                    file_entry("empty", b""),
                ],
                "meta_data": {"deep": {"list": [1, 2.5, None, True]}},
            }
        ],
        "provides": {
            "artifact_name": "Release 2 – größer",
            "artifact_group": "beta",
            "rootfs-image.single-file.version": "2",
            "blank": "",
        },
        "depends": {"device_type": ["board", "board-b"], "rootfs-image.version": ["1", "0"], "region": ["eu"]},
        "clears_provides": ["rootfs-image.single-file.*"],
    }


def test_version_2_in_full(read: Read) -> None:
    image = bytes(range(256)) * 40
    found = read(build(version=2, payload_type="rootfs-image", files={"image.ext4": image}, meta_data=b""))
    assert asdict(found) == {
        "name": "release-1",
        "version": 2,
        "device_types": ["board"],
        "signed": False,
        "updates": [
            {
                "type_info": {"type": "rootfs-image"},
                "files": [file_entry("image.ext4", image)],
                "meta_data": None,
            }
        ],
        "provides": {},
        "depends": {"device_type": ["board"]},
        "clears_provides": [],
    }


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("inner", ["", ".gz", ".xz", ".zst"])
@pytest.mark.parametrize("outer", ["", ".gz", ".xz", ".zst"])
def test_header_and_payload_may_be_compressed_in_any_way(read: Read, version: int, outer: str, inner: str) -> None:
    options: dict[str, Any] = {"version": version, "files": {"file": os.urandom(300_000)}}
    plain = read(build(**options))
    heads, bodies = parts(**options, suffix=outer), parts(**options, suffix=inner)
    assert read(seal([*heads[:-1], bodies[-1]])) == plain


def test_several_payloads(read: Read) -> None:
    found = read(
        build(
            payloads=[
                Payload("one", files={"same": b"1"}, provides={"a": "1"}, clears=["x", "y"]),
                Payload(None, files={}),
                Payload("two", files={"same": b"2"}, depends={"b": "2"}, clears=["y", "z"], meta_data={"k": 1}),
            ]
        )
    )
    assert [update["type_info"]["type"] for update in found.updates] == ["one", None, "two"]
    assert [update["files"] for update in found.updates] == [[file_entry("same", b"1")], [], [file_entry("same", b"2")]]
    assert [update["meta_data"] for update in found.updates] == [None, None, {"k": 1}]
    assert found.provides == {"artifact_name": "release-1", "a": "1"}
    assert found.depends == {"device_type": ["board"], "b": ["2"]}
    assert found.clears_provides == ["x", "y", "z"]


def test_an_artifact_without_payload(read: Read) -> None:
    with_archive = parts(payload_type=None, files={}, provides={"k": "v"})
    for members in (with_archive, with_archive[:-1]):
        found = read(seal(members))
        assert found.updates == [{"type_info": {"type": None}, "files": [], "meta_data": None}]
        assert found.provides == {"artifact_name": "release-1", "k": "v"}


def test_the_type_comes_from_header_info(read: Read) -> None:
    """The genuine tool leaves the type in type-info empty for an image of a root file system."""
    found = read(build(payload_type="rootfs-image", type_info={"type": "", "artifact_provides": {"a": "b"}}))
    assert found.updates[0]["type_info"] == {"type": "rootfs-image"}
    assert found.provides["a"] == "b"


@pytest.mark.parametrize("meta_data", [None, b"", b" \n", b"{}"])
def test_meta_data_that_says_nothing_is_none(read: Read, meta_data: bytes | None) -> None:
    assert read(build(meta_data=meta_data)).updates[0]["meta_data"] is None


def test_null_in_place_of_nothing(read: Read) -> None:
    info = {"type": "x", "artifact_provides": None, "artifact_depends": None, "clears_artifact_provides": None}
    assert read(build(type_info=info)) == read(build(type_info={}))
    provides, depends = INFO["artifact_provides"], INFO["artifact_depends"]
    with_nulls = with_info(
        artifact_provides=provides | {"artifact_group": None}, artifact_depends=depends | {"artifact_name": None}
    )
    assert read(with_nulls) == read(build())


def test_an_augmented_artifact(read: Read) -> None:
    """What is added replaces single keys and merges objects, as the genuine tool shows it."""
    found = read(
        build(
            payloads=[
                Payload("a", provides={"p": "1", "q": "1"}, depends={"d": ["1"]}, meta_data={"m": {"x": 1}, "n": [1]}),
                Payload("b", files={"b": b"b"}, clears=["b.*"], provides={"r": "1"}),
            ],
            augmented=[
                Payload(
                    "c",
                    files={"more": b"more"},
                    provides={"q": "2"},
                    depends={"d": "2", "e": "3"},
                    meta_data={"m": {"y": 2}, "n": [2]},
                ),
                Payload(None, files={}, clears=["c.*"]),
            ],
            signed=True,
        )
    )
    assert found.signed
    assert found.updates == [
        {
            "type_info": {"type": "c"},
            "files": [file_entry("file", FILES["file"]), file_entry("more", b"more")],
            "meta_data": {"m": {"x": 1, "y": 2}, "n": [2]},
        },
        {"type_info": {"type": "b"}, "files": [file_entry("b", b"b")], "meta_data": None},
    ]
    assert found.provides == {"artifact_name": "release-1", "p": "1", "q": "2", "r": "1"}
    assert found.depends == {"device_type": ["board"], "d": ["2"], "e": ["3"]}
    assert found.clears_provides == ["c.*"]


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        *itertools.product([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], [0, 1, 2**31, 8**11 - 1]),
        *itertools.product([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT], [8**11, -86_400]),
    ],
)
def test_the_dates_of_payload_files(read: Read, kind: int, seconds: int) -> None:
    body = tar(list(FILES.items()), format=kind, mtime=seconds)
    found = read(seal(changed(parts(suffix=""), {"data/0000.tar": body})))
    assert found.updates[0]["files"] == [file_entry("file", FILES["file"], seconds)]


def test_directories_in_the_header_are_passed_over(read: Read) -> None:
    folder = tarfile.TarInfo("headers")
    folder.type = tarfile.DIRTYPE
    made = gzip.compress(tar([("header-info", dump(INFO)), (folder, b""), TYPE]))
    assert read(seal(changed(parts(), {"header.tar.gz": made}))) == read(build())


def test_what_follows_the_end_of_the_tar_file_is_not_looked_at(read: Read) -> None:
    """As the genuine tool; see also the test with it."""
    assert read(build() + b"anything") == read(build())


def test_a_file_that_ends_within_the_end_mark(read: Read) -> None:
    whole = build()
    content = whole.rstrip(b"\0")
    content += bytes(-len(content) % 512)
    assert read(content + bytes(512)) == read(whole)
    with pytest.raises(ArtifactError, match="cut off"):
        read(content)
