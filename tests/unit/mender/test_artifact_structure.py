"""Artifact files of another structure than the format says are refused (mender 4.1)."""

import gzip
import io
import tarfile
from collections.abc import Callable

import pytest

from app.mender.artifact_header import ArtifactError
from tests.support.artifacts import Payload, build, changed, contents, file_entry, header, lines, parts, seal, tar
from tests.unit.mender.conftest import Read

pytestmark = pytest.mark.rule("mender 4.1")


# Each a case of its own, with words of the message.

VERSIONS = [
    (b"", "version is not valid JSON"),
    (b"{", "version is not valid JSON"),
    (b"[]", "not a Mender artifact"),
    (b"null", "not a Mender artifact"),
    (b'{"format":"mender"}', "not a Mender artifact"),
    (b'{"format":"other","version":3}', "not a Mender artifact"),
    (b'{"format":"mender","version":3,"more":1}', "not a Mender artifact"),
    (b'{"format":"mender","version":1}', "version 1 is no longer supported"),
    (b'{"format":"mender","version":4}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":0}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":-3}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":3.0}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":"3"}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":null}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":[3]}', "only artifact formats 2 and 3"),
    (b'{"format":"mender","version":3}' + b" " * 5000, "larger than"),
]


@pytest.mark.parametrize(("content", "words"), VERSIONS)
def test_versions_that_are_refused(read: Read, content: bytes, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        read(seal(changed(parts(), {"version": content})))


def test_version_1_is_refused_without_a_manifest(read: Read) -> None:
    old = tar([("version", b'{"format":"mender","version":1}'), ("header.tar.gz", b"x"), ("data/0000.tar.gz", b"x")])
    with pytest.raises(ArtifactError, match="version 1 is no longer supported"):
        read(old)


HASH = "0" * 64
MANIFESTS = [
    (lambda good: b"", "garbled"),
    (lambda good: b"nonsense\n", "garbled"),
    (lambda good: good + b"\n", "garbled"),
    (lambda good: good.replace(b"  ", b" "), "garbled"),
    (lambda good: good.replace(b"\n", b"\r\n"), "not listed"),
    (lambda good: good.upper(), "garbled"),
    (lambda good: good + f"{HASH[1:]}  x\n".encode(), "garbled"),
    (lambda good: good + f"{HASH}  \n".encode(), "garbled"),
    (lambda good: good + b"\xff\n", "not text"),
    (lambda good: good + good, "listed twice"),
    (lambda good: good + good.splitlines(keepends=True)[-1], "listed twice"),
    (lambda good: good + f"{HASH}  data/0000/other\n".encode(), "data/0000/other is listed in the manifest but not in"),
    (lambda good: good + f"{HASH}  data/0001/file\n".encode(), "data/0001/file is listed in the manifest but not in"),
    (lambda good: good + f"{HASH}  manifest\n".encode(), "manifest is listed in the manifest but not in"),
    (lambda good: b"".join(good.splitlines(keepends=True)[1:]), "version is not listed"),
    (lambda good: b"".join(good.splitlines(keepends=True)[:-1]), "data/0000/file is not listed"),
    (lambda good: good.replace(b"header.tar.gz", b"header.tar"), "header.tar.gz is not listed"),
    (lambda good: good.replace(b"data/0000/", b"data/0001/"), "data/0000/file is not listed"),
]


@pytest.mark.parametrize(("change", "words"), MANIFESTS)
def test_manifests_that_are_refused(read: Read, change: Callable[[bytes], bytes], words: str) -> None:
    members = parts()
    good = lines(contents(members))
    assert read(seal(members, manifest=good)) == read(build())
    with pytest.raises(ArtifactError, match=words):
        read(seal(members, manifest=change(good)))


@pytest.mark.parametrize("name", ["version", "header.tar.gz", "data/0000/file"])
def test_every_checksum_is_verified(read: Read, name: str) -> None:
    members = parts()
    good = dict(contents(members))
    with pytest.raises(ArtifactError) as caught:
        read(seal(members, manifest=lines(good | {name: b"other"})))
    assert str(caught.value) == f"invalid checksum of {name}"


def test_a_damaged_header_is_named_by_its_checksum(read: Read) -> None:
    """Rather than by what is found wrong in it."""
    members = parts()
    good = lines(contents(members))
    whole = dict(members)["header.tar.gz"]
    for damaged in (whole[:50] + bytes([whole[50] ^ 1]) + whole[51:], whole[:-8], b"", header(("header-info", b"{}"))):
        with pytest.raises(ArtifactError, match=r"^invalid checksum of header.tar.gz"):
            read(seal(changed(members, {"header.tar.gz": damaged}), manifest=good))


GOOD = parts(signed=True)
AUGMENTED = parts(augmented=[Payload(files={}, provides={"a": "b"})])
AUGMENT_HEADER = dict(AUGMENTED)["header-augment.tar.gz"]
BODY = dict(GOOD)["data/0000.tar.gz"]


def whole(members: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """With its manifest in place, to be put into another order."""
    with tarfile.open(fileobj=io.BytesIO(seal(members))) as file:
        found = [(info.name, file.extractfile(info)) for info in file.getmembers()]
    return [(name, b"" if content is None else content.read()) for name, content in found]


def swapped(members: list[tuple[str, bytes]], one: int, other: int) -> bytes:
    made = whole(members)
    made[one], made[other] = made[other], made[one]
    return tar(made)


def without(members: list[tuple[str, bytes]], *names: str) -> bytes:
    return tar([(name, content) for name, content in whole(members) if name not in names])


STRUCTURES = {
    "nothing": b"",
    "no members": bytes(10240),
    "bogus": b"bogus" * 1000,
    "a gzip file": gzip.compress(build()),
    "manifest before version": swapped(GOOD, 0, 1),
    "signature before manifest": swapped(GOOD, 1, 2),
    "header before signature": swapped(GOOD, 2, 3),
    "payload before header": swapped(GOOD, 3, 4),
    "no version": without(GOOD, "version"),
    "no manifest": without(GOOD, "manifest"),
    "no header": without(GOOD, "header.tar.gz"),
    "no payload": without(GOOD, "data/0000.tar.gz"),
    "version alone": tar(whole(GOOD)[:1]),
    "version twice": tar([whole(GOOD)[0], *whole(GOOD)]),
    "manifest twice": tar([*whole(GOOD)[:2], *whole(GOOD)[1:]]),
    "signature twice": tar([*whole(GOOD)[:3], *whole(GOOD)[2:]]),
    "header twice": tar([*whole(GOOD)[:4], *whole(GOOD)[3:]]),
    "payload twice": tar([*whole(GOOD), whole(GOOD)[-1]]),
    "payload of another number": seal([*GOOD[:-1], ("data/0001.tar.gz", BODY)]),
    "payload of no number": tar([*whole(GOOD)[:-1], ("data/one.tar.gz", BODY)]),
    "payload in no folder": tar([*whole(GOOD)[:-1], ("0000.tar.gz", BODY)]),
    "payload of a header without": seal([*parts(payload_type=None, files={}), ("data/0001.tar.gz", BODY)]),
    "something behind": tar([*whole(GOOD), ("more", b"")]),
    "something between": tar([*whole(GOOD)[:4], ("more", b""), *whole(GOOD)[4:]]),
    "a folder behind": tar([*whole(GOOD), ("data/", b"")]),
    "augmented manifest without header": without(AUGMENTED, "header-augment.tar.gz"),
    "augmented header without manifest": seal(AUGMENTED, manifest=lines(contents(AUGMENTED))),
    "augmented header after the payload": swapped(AUGMENTED, 4, 5),
    "augmented version 2": build(version=2, augmented=[Payload(files={})]),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_structures_that_are_refused(read: Read, name: str) -> None:
    with pytest.raises(ArtifactError):
        read(STRUCTURES[name])


def test_the_cases_above_start_from_good_artifacts(read: Read) -> None:
    for members in (GOOD, AUGMENTED):
        assert read(tar(whole(members))) == read(seal(members))


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6", b"5", b"7", b"g", b"S"])
@pytest.mark.parametrize("place", ["outer", "header", "payload"])
def test_links_devices_and_other_members_are_refused(read: Read, kind: bytes, place: str) -> None:
    odd = tarfile.TarInfo("file" if place == "payload" else "version" if place == "outer" else "header-info")
    odd.type, odd.linkname = kind, "/etc/passwd"
    made = tar([(odd, b"")])
    content = {
        "outer": made,
        "header": seal(changed(parts(suffix=""), {"header.tar": made})),
        "payload": seal(changed(parts(suffix=""), {"data/0000.tar": made}), manifest=lines(contents(parts(suffix="")))),
    }[place]
    with pytest.raises(ArtifactError):
        read(content)


@pytest.mark.parametrize(
    "name",
    ["../file", "a/b", "/file", ".", "..", "a b", "a\nb", "über", "a\\b", "a:b", "~", "", "x" * 256, "a*"],
)
def test_names_of_payload_files_that_are_refused(read: Read, name: str) -> None:
    with pytest.raises(ArtifactError):
        read(seal(changed(parts(suffix=""), {"data/0000.tar": tar([(name, b"x")], format=tarfile.PAX_FORMAT)})))


@pytest.mark.parametrize("name", ["a", "A.b,c_d-e", "...", "-rf", "0", "x" * 255])
def test_names_of_payload_files_that_are_taken(read: Read, name: str) -> None:
    found = read(seal(changed(parts(suffix=""), {"data/0000.tar": tar([(name, b"x")], format=tarfile.GNU_FORMAT)})))
    assert found.updates[0]["files"] == [file_entry(name, b"x")]


def test_a_payload_file_that_stands_twice(read: Read) -> None:
    body = tar([("file", b"x"), ("file", b"x")])
    with pytest.raises(ArtifactError, match="twice"):
        read(seal(changed(parts(suffix=""), {"data/0000.tar": body})))


def test_files_in_a_payload_without_a_type(read: Read) -> None:
    with pytest.raises(ArtifactError, match="may hold no files"):
        read(build(payload_type=None))


@pytest.mark.parametrize("name", ["header.tar.gz", "version", "manifest.sig"])
def test_an_unsigned_manifest_may_not_vouch_for_signed_parts(read: Read, name: str) -> None:
    listed = dict(contents(AUGMENTED))
    added = {"header-augment.tar.gz": listed.pop("header-augment.tar.gz")}
    good = [AUGMENTED[0], ("manifest", lines(listed)), ("manifest-augment", lines(added)), *AUGMENTED[1:]]
    assert read(tar(good)).provides["a"] == "b"
    if name == "header.tar.gz":
        added[name] = listed.pop(name)
    else:
        added[name] = listed.get(name, b"")
    bad = [AUGMENTED[0], ("manifest", lines(listed)), ("manifest-augment", lines(added)), *AUGMENTED[1:]]
    with pytest.raises(ArtifactError, match=f"manifest-augment may not list {name}"):
        read(tar(bad))
