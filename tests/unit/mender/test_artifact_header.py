"""Headers of artifacts that say what the format does not know are refused (mender 4.1)."""

from typing import Any

import pytest

from app.mender.artifact_header import ArtifactError
from tests.support.artifacts import (
    INFO,
    INFO_2,
    TYPE,
    Payload,
    build,
    changed,
    contents,
    dump,
    header,
    lines,
    parts,
    seal,
    tar,
    with_header,
    with_info,
)
from tests.unit.mender.conftest import Read

pytestmark = pytest.mark.rule("mender 4.1")


HEADER_INFOS = [
    ({"payloads": None}, "payloads"),
    ({"payloads": []}, "payloads"),
    ({"payloads": {}}, "payloads"),
    ({"payloads": [{}]}, "payloads"),
    ({"payloads": ["single-file"]}, "payloads"),
    ({"payloads": [{"type": ""}]}, "type"),
    ({"payloads": [{"type": 1}]}, "type"),
    ({"payloads": [{"type": "x", "more": 1}]}, "payloads"),
    ({"payloads": [{"type": "x"}] * 101}, "payloads"),
    ({"payloads": [{"type": "x"}] * 2}, "headers/0001/type-info is missing"),
    ({"updates": []}, "unknown field updates"),
    ({"artifact_name": "x"}, "unknown field artifact_name"),
    ({"artifact_provides": None}, "artifact_provides"),
    ({"artifact_provides": []}, "artifact_provides"),
    ({"artifact_provides": {}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": ""}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": 1}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": ["x"]}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": "x" * 257}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": "x\ny"}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": "x\u200by"}}, "artifact_name"),
    ({"artifact_provides": {"artifact_name": "x\u0000y"}}, "NUL"),
    ({"artifact_provides": {"artifact_name": "x", "artifact_group": ""}}, "artifact_group"),
    ({"artifact_provides": {"artifact_name": "x", "more": "y"}}, "unknown field more"),
    ({"artifact_depends": None}, "artifact_depends"),
    ({"artifact_depends": {}}, "device_type"),
    ({"artifact_depends": {"device_type": []}}, "device_type"),
    ({"artifact_depends": {"device_type": "board"}}, "device_type"),
    ({"artifact_depends": {"device_type": ["board", 1]}}, "device_type"),
    ({"artifact_depends": {"device_type": ["board", ""]}}, "device_type"),
    ({"artifact_depends": {"device_type": ["board"], "artifact_name": []}}, "artifact_name"),
    ({"artifact_depends": {"device_type": ["board"], "artifact_group": "x"}}, "artifact_group"),
    ({"artifact_depends": {"device_type": ["board"], "more": ["x"]}}, "unknown field more"),
]


@pytest.mark.parametrize(("changes", "words"), HEADER_INFOS)
def test_header_infos_that_are_refused(read: Read, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        read(with_info(**changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"artifact_name": ""}, "artifact_name"),
        ({"updates": []}, "updates"),
        ({"updates": [{"type": None}]}, "type must be"),
        ({"device_types_compatible": []}, "device_types_compatible"),
        ({"device_types_compatible": "board"}, "device_types_compatible"),
        ({"payloads": [{"type": "x"}]}, "unknown field payloads"),
    ],
)
def test_header_infos_of_version_2_that_are_refused(read: Read, changes: dict[str, Any], words: str) -> None:
    assert read(build(version=2, header_info=INFO_2)).name == "release-1"
    with pytest.raises(ArtifactError, match=words):
        read(build(version=2, header_info=INFO_2 | changes))


TYPE_INFOS = [
    (b"", "not valid JSON"),
    ([], "must be a JSON object"),
    ({"artifact_provides": []}, None),
    ({"artifact_provides": ["x"]}, "artifact_provides"),
    ({"artifact_provides": {"": "x"}}, "a key"),
    ({"artifact_provides": {"k": 1}}, "k must be"),
    ({"artifact_provides": {"k": ["x"]}}, "k must be"),
    ({"artifact_provides": {"k": "x" * 257}}, "k must be"),
    ({"artifact_provides": {"k\t": "x"}}, "a key"),
    ({"artifact_depends": {"k": []}}, "k must be"),
    ({"artifact_depends": {"k": ""}}, "k must be"),
    ({"artifact_depends": {"k": {"a": "b"}}}, "k must be"),
    ({"artifact_depends": {"k": ["x", None]}}, "k must be"),
    ({"clears_artifact_provides": "x"}, "clears_artifact_provides"),
    ({"clears_artifact_provides": [1]}, "clears_artifact_provides"),
    ({"artifact_provides": {"artifact_name": "x"}}, "artifact_name stands in two places"),
    ({"artifact_depends": {"device_type": "x"}}, "device_type stands in two places"),
]


@pytest.mark.parametrize(("info", "words"), TYPE_INFOS)
def test_type_infos_that_are_refused(read: Read, info: Any, words: str | None) -> None:
    if words is None:
        assert read(build(type_info=info)) == read(build())
        return
    with pytest.raises(ArtifactError, match=words):
        read(build(type_info=info))


def test_a_key_that_two_payloads_give(read: Read) -> None:
    for key in ("provides", "depends"):
        with pytest.raises(ArtifactError, match="k stands in two places"):
            read(build(payloads=[Payload(**{key: {"k": "1"}}), Payload(**{key: {"k": "1"}})]))


@pytest.mark.parametrize(
    "content",
    [b"[]", b"1", b"null", b"{", b'{"a":"\\ud800"}', b'{"a":NaN}', b'{"a":"\\u0000"}', b'{"\\u0000":1}', b"\xff{}"],
)
def test_meta_data_that_is_refused(read: Read, content: bytes) -> None:
    with pytest.raises(ArtifactError, match="headers/0000/meta-data"):
        read(build(meta_data=content))


def test_meta_data_that_looks_like_nul_only(read: Read) -> None:
    assert read(build(meta_data=b'{"a":"\\\\u0000"}')).updates[0]["meta_data"] == {"a": "\\u0000"}


@pytest.mark.parametrize("depth", [98, 100, 1000, 100_000])
def test_meta_data_that_is_nested(read: Read, depth: int) -> None:
    content = build(meta_data=b'{"a":' + b"[" * depth + b"]" * depth + b"}")
    if depth < 99:
        assert read(content).updates[0]["meta_data"]
    else:
        with pytest.raises(ArtifactError):
            read(content)


HEADERS: dict[str, list[tuple[str, bytes]]] = {
    "nothing behind header-info": [],
    "script behind": [TYPE, ("scripts/x", b"")],
    "script in a folder": [("scripts/a/b", b""), TYPE],
    "type-info twice": [TYPE, TYPE],
    "script twice": [("scripts/x", b""), ("scripts/x", b""), TYPE],
    "header-info twice": [("header-info", dump(INFO)), TYPE],
    "type-info of another payload": [TYPE, ("headers/0001/type-info", b"{}")],
    "unknown name": [TYPE, ("headers/0000/more", b"")],
    "unknown place": [TYPE, ("more", b"")],
    "files in version 3": [TYPE, ("headers/0000/files", b'{"files":["file"]}')],
    "parent": [TYPE, ("../x", b"")],
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_are_refused(read: Read, name: str) -> None:
    assert read(with_header(TYPE)) == read(build())
    with pytest.raises(ArtifactError):
        read(with_header(*HEADERS[name]))


def test_headers_that_do_not_start_with_header_info(read: Read) -> None:
    for members in ([], [TYPE, ("header-info", dump(INFO))]):
        with pytest.raises(ArtifactError, match="header-info"):
            read(seal(changed(parts(), {"header.tar.gz": header(*members)})))


@pytest.mark.parametrize("listed", [[], ["file", "other"], ["other"], "file", [1], None])
def test_the_file_list_of_version_2_must_be_true(read: Read, listed: Any) -> None:
    info = ("headers/0000/type-info", b'{"type":"rootfs-image"}')
    for files in (["file"], listed):
        content = with_header(("headers/0000/files", dump({"files": files})), info, info=INFO_2, version=2)
        if files == ["file"]:
            assert read(content).version == 2
        else:
            with pytest.raises(ArtifactError, match="headers/0000/files"):
                read(content)


@pytest.mark.parametrize(
    ("augmented", "words"),
    [
        ({"meta_data": {"m": 1}}, "another kind of value"),
        ({"meta_data": {"m": []}}, "another kind of value"),
        ({"meta_data": {"n": {}}}, "another kind of value"),
        ({"provides": {"artifact_name": "x"}}, "artifact_name stands in two places"),
        ({"depends": {"device_type": "x"}}, "device_type stands in two places"),
        ({"files": {"file": b"other"}}, "manifest-augment may not list data/0000/file"),
    ],
)
def test_augmentations_that_are_refused(read: Read, augmented: dict[str, Any], words: str) -> None:
    own = Payload(meta_data={"m": {}, "n": 1})
    members = parts(payloads=[own], augmented=[Payload(**({"files": {}} | augmented))])
    content = seal(members, added=[f"data/0000/{name}" for name in augmented.get("files", ())])
    if "files" in augmented:
        manifest = lines(dict(contents(parts(payloads=[own]))))
        extra = lines({name: raw for name, raw in contents(members) if name.startswith(("header-augment", "data/"))})
        content = tar([members[0], ("manifest", manifest), ("manifest-augment", extra), *members[1:]])
    with pytest.raises(ArtifactError, match=words):
        read(content)


def test_an_augmented_header_of_other_payloads(read: Read) -> None:
    members = parts()
    for info, words in (
        ({"payloads": [{"type": "a"}] * 2}, "another number of payloads"),
        ({"payloads": [{"type": "a"}], "more": 1}, "unknown field more"),
        ([], "must be a JSON object"),
    ):
        added = ("header-augment.tar.gz", header(("header-info", dump(info))))
        with pytest.raises(ArtifactError, match=words):
            read(seal([*members[:2], added, members[2]]))


def test_texts_of_256_characters_are_taken(read: Read) -> None:
    long = "ä" * 256
    found = read(build(name=long, device_types=[long], provides={long: long}, depends={long: long}, clears=[long]))
    assert (found.name, found.provides[long], found.depends[long]) == (long, long, [long])
