"""What holds for any artifact file, good or broken (mender 4.1)."""

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import BadRequest
from app.mender.artifact_file import ArtifactFile
from app.mender.artifact_header import ArtifactError
from tests.support.artifacts import INFO, INFO_2, TYPE, Payload, build, changed, file_entry, parts, seal, with_header
from tests.unit.mender.conftest import Read

pytestmark = pytest.mark.rule("mender 4.1")


texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)
names = st.text("abcXYZ019.,_-", min_size=1, max_size=30).filter(lambda name: name not in (".", ".."))
keys = texts.filter(lambda key: key not in ("artifact_name", "artifact_group", "device_type"))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    name=texts,
    device_types=st.lists(texts, min_size=1, max_size=4),
    files=st.dictionaries(names, st.binary(max_size=2000), max_size=4),
    provides=st.dictionaries(keys, texts, max_size=3),
    depends=st.dictionaries(keys, st.lists(texts, min_size=1, max_size=3), max_size=3),
    clears=st.lists(texts, max_size=3, unique=True),
    meta_data=st.dictionaries(texts, json_values, max_size=3),
    suffix=st.sampled_from(["", ".gz", ".xz", ".zst"]),
    signed=st.booleans(),
)
def test_what_is_written_is_read(read: Read, **made: Any) -> None:
    found = read(build(**made))
    assert (found.name, found.device_types, found.signed) == (made["name"], made["device_types"], made["signed"])
    assert found.updates == [
        {
            "type_info": {"type": "single-file"},
            "files": [file_entry(name, content) for name, content in made["files"].items()],
            "meta_data": made["meta_data"] or None,
        }
    ]
    assert found.provides == {"artifact_name": made["name"], **made["provides"]}
    assert found.depends == {"device_type": made["device_types"], **made["depends"]}
    assert found.clears_provides == made["clears"]


SAMPLES = [
    build(version=2, payload_type="rootfs-image"),
    build(signed=True, meta_data={"a": 1}, provides={"p": "1"}, scripts={"x": b"1"}),
    build(suffix="", depends={"d": ["1"]}),
    build(suffix=".xz", augmented=[Payload("x", files={"more": b"more"})]),
    build(payloads=[Payload(), Payload(None, files={}), Payload("x", files={"a": b"a", "b": b"b"})]),
]


def undated(found: ArtifactFile) -> dict[str, Any]:
    """Without the dates, which no checksum holds."""
    described = asdict(found)
    for update in described["updates"]:
        for file in update["files"]:
            del file["date"]
    return described


def refused_or_equal(read: Read, content: bytes, original: ArtifactFile) -> None:
    try:
        found = read(content)
    except ArtifactError as error:
        assert isinstance(error, BadRequest)
        assert error.detail.isprintable()
        assert len(error.detail) < 300
    else:
        # The mark that it is signed is a name, which nothing protects.
        assert undated(found) == undated(original)


@given(
    sample=st.sampled_from(SAMPLES),
    changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=1, max_size=6),
)
def test_bytes_that_are_changed_are_refused_or_change_nothing(
    read: Read, sample: bytes, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(sample)
    for at, value in changes:
        content[at % len(sample)] ^= value
    refused_or_equal(read, bytes(content), read(sample))


@given(sample=st.sampled_from(SAMPLES), data=st.data())
def test_blocks_that_are_moved_are_refused_or_change_nothing(read: Read, sample: bytes, data: st.DataObject) -> None:
    blocks = [sample[at : at + 512] for at in range(0, len(sample), 512)]
    one, other = (data.draw(st.integers(0, len(blocks) - 1)) for _ in range(2))
    kind = data.draw(st.sampled_from(["swap", "drop", "repeat", "zero"]))
    if kind == "swap":
        blocks[one], blocks[other] = blocks[other], blocks[one]
    elif kind == "drop":
        del blocks[one]
    elif kind == "repeat":
        blocks.insert(other, blocks[one])
    else:
        blocks[one] = bytes(512)
    refused_or_equal(read, b"".join(blocks), read(sample))


@given(sample=st.sampled_from(SAMPLES), length=st.integers(0, 2**20))
def test_files_that_are_cut_off_are_refused(read: Read, sample: bytes, length: int) -> None:
    end = len(sample.rstrip(b"\0"))
    with pytest.raises(ArtifactError):
        read(sample[: length % end])


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused(read: Read, content: bytes) -> None:
    with pytest.raises(ArtifactError):
        read(content)


@given(info=json_values, kind=st.sampled_from(["header-info", "type-info", "meta-data", "version", "files"]))
def test_any_json_is_refused_or_taken(read: Read, info: Any, kind: str) -> None:
    """Never another exception."""
    raw = json.dumps(info).encode()
    if kind == "version":
        content = seal(changed(parts(), {"version": raw}))
    elif kind == "header-info":
        content = build(header_info=raw)
    elif kind == "files":
        content = with_header(("headers/0000/files", raw), TYPE, info=INFO_2, version=2)
    else:
        content = build(**{"type_info" if kind == "type-info" else "meta_data": raw})
    try:
        read(content)
    except ArtifactError as error:
        assert error.status == 400


@given(fields=st.dictionaries(st.sampled_from([*INFO, "x"]), json_values, max_size=3))
def test_any_field_of_header_info_is_refused_or_taken(read: Read, fields: dict[str, Any]) -> None:
    try:
        found = read(build(header_info=INFO | fields))
    except ArtifactError:
        return
    assert found.name == (INFO | fields)["artifact_provides"]["artifact_name"]
