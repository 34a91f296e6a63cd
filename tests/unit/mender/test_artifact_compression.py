"""Compressed parts of artifacts, and the limits of all parts (mender 4.1)."""

import gzip
import lzma
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from backports import zstd

from app.mender import artifact_file
from app.mender.artifact_file import parse
from app.mender.artifact_header import ArtifactError
from tests.support.artifacts import (
    FILES,
    INFO,
    PACKERS,
    Payload,
    build,
    changed,
    contents,
    dump,
    lines,
    parts,
    seal,
    tar,
)
from tests.unit.mender.conftest import Read

pytestmark = pytest.mark.rule("mender 4.1")


@pytest.mark.parametrize("place", ["header", "data/0000"])
@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".lz4", "compression lz4 is not supported"),
        (".bz2", "compression bz2 is not supported"),
        (".tgz", "compression tgz is not supported"),
        (".GZ", "stands where"),
        ("x", "stands where"),
        ("/../x", "stands where"),
    ],
)
def test_compressions_that_are_refused(read: Read, place: str, suffix: str, words: str) -> None:
    made = [(f"{place}.tar{suffix}" if name == f"{place}.tar" else name, raw) for name, raw in parts(suffix="")]
    manifest = lines(
        {name: raw for name, raw in made if not name.startswith("data")} | {"data/0000/file": FILES["file"]}
    )
    with pytest.raises(ArtifactError, match=words):
        read(seal(made, manifest=manifest))


def broken_streams() -> Iterator[tuple[str, str, bytes]]:
    for suffix in (".gz", ".xz", ".zst"):
        packed = PACKERS[suffix](tar(list(FILES.items())))
        yield "empty", suffix, b""
        yield "cut off", suffix, packed[:-1]
        yield "half", suffix, packed[: len(packed) // 2]
        yield "garbage behind", suffix, packed + b"garbage"
        yield "zeros behind", suffix, packed + bytes(4)
        place = -1 if suffix == ".zst" else -6
        yield "bad check", suffix, packed[:place] + bytes([packed[place] ^ 1]) + packed[len(packed) + place + 1 :]
        yield "other kind", suffix, PACKERS[".xz" if suffix != ".xz" else ".gz"](tar(list(FILES.items())))
        yield "plain", suffix, tar(list(FILES.items()))


@pytest.mark.parametrize(("what", "suffix", "body"), list(broken_streams()))
def test_compressed_data_that_is_damaged(read: Read, what: str, suffix: str, body: bytes) -> None:
    members = parts(suffix=suffix)
    with pytest.raises(ArtifactError):
        read(seal(changed(members, {f"data/0000.tar{suffix}": body}), manifest=lines(contents(members))))
    head = {"empty": b"", "cut off": dict(members)[f"header.tar{suffix}"][:-1]}.get(what, body)
    manifest = lines(dict(contents(members)) | {f"header.tar{suffix}": head})
    with pytest.raises(ArtifactError):
        read(seal(changed(members, {f"header.tar{suffix}": head}), manifest=manifest))


def test_several_gzip_streams_in_one_are_one(read: Read) -> None:
    plain = tar(list(FILES.items()))
    members = parts()
    body = gzip.compress(plain[:700]) + gzip.compress(b"") + gzip.compress(plain[700:])
    manifest = lines(contents(members))
    assert read(seal(changed(members, {"data/0000.tar.gz": body}), manifest=manifest)) == read(build())


def test_xz_that_needs_much_memory_is_refused(read: Read) -> None:
    """What `xz -9` makes is taken: it needs 65 MiB, which the library takes as it fills them."""
    plain = tar(list(FILES.items()))
    members = parts(suffix=".xz")
    manifest = lines(contents(members))
    for size, taken in ((1 << 26, True), (1 << 28, False)):
        body = lzma.compress(plain, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": size}])
        content = seal(changed(members, {"data/0000.tar.xz": body}), manifest=manifest)
        if taken:
            assert read(content).name == "release-1"
        else:
            with pytest.raises(ArtifactError, match="needs more than 80 MiB"):
                read(content)


def test_zstd_that_needs_much_memory_is_refused(read: Read) -> None:
    """What `zstd -22` makes is taken; a window of more than 64 MiB, as --long=27 asks for, is not."""
    plain = tar(list(FILES.items()))
    members = parts(suffix=".zst")
    manifest = lines(contents(members))
    for window, taken in ((26, True), (27, False)):
        packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: window})
        body = packer.compress(plain[:100]) + packer.compress(plain[100:]) + packer.flush()
        content = seal(changed(members, {"data/0000.tar.zst": body}), manifest=manifest)
        if taken:
            assert read(content).name == "release-1"
        else:
            with pytest.raises(ArtifactError, match="needs more than 80 MiB"):
                read(content)


LARGE = parts(
    payloads=[Payload(files={"a": b"x" * 6000}), Payload(files={"b": b"x" * 6000}), Payload(files={"c": b""})],
    suffix="",
)


@pytest.mark.parametrize(
    ("limit", "size", "words"),
    [
        ("MAX_VERSION", len(LARGE[0][1]), "version is larger"),
        ("MAX_MANIFEST", len(lines(contents(LARGE))), "manifest is larger"),
        ("MAX_HEADER", len(LARGE[1][1]), "the header unpacks to too much"),
        ("MAX_PAYLOAD", sum(len(raw) for _, raw in LARGE[2:]), "the payloads unpack to too much"),
        ("MAX_FILES", 3, "more than 2 payload files"),
    ],
)
def test_what_is_too_large_is_refused(
    read: Read, monkeypatch: pytest.MonkeyPatch, limit: str, size: int, words: str
) -> None:
    monkeypatch.setattr(artifact_file, limit, size)
    assert len(read(seal(LARGE)).updates) == 3
    monkeypatch.setattr(artifact_file, limit, size - 1)
    with pytest.raises(ArtifactError, match=words):
        read(seal(LARGE))


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz", ".zst"])
def test_memory_does_not_grow_with_the_payload(read: Read, tmp_path: Path, suffix: str) -> None:
    peaks = []
    for size in (1_000_000, 30_000_000):
        file = tmp_path / "large.mender"
        file.write_bytes(build(files={"large": bytes(size)}, suffix=suffix))
        tracemalloc.start()
        try:
            assert parse(file).updates[0]["files"][0]["size"] == size
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000


def test_a_header_that_unpacks_to_very_much_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(tar([("header-info", dump(INFO) + b" " * 50_000_000)]))
    members = changed(parts(), {"header.tar.gz": bomb})
    file = tmp_path / "bomb.mender"
    file.write_bytes(seal(members))
    tracemalloc.start()
    try:
        with pytest.raises(ArtifactError, match="header-info is larger than"):
            parse(file)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()
