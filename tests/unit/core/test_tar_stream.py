"""The reader of tar files: what the standard library reads, in any chunks; and what it refuses."""

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import tar_stream
from app.core.tar_stream import TarError, members
from tests.support.artifacts import tar

FORMATS = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]


def chunked(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        if content:
            yield content[:size]
        content = content[size:]
    if content:
        yield content


def read(content: bytes) -> list[tuple[str, int, int, bool, bytes]]:
    return [
        (member.name, member.size, member.mtime, member.directory, b"".join(member.data))
        for member in members(iter([content]))
    ]


def checksummed(header: bytes) -> bytes:
    """A header block with the checksum that belongs to it."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + f"{sum(blank):06o}\0 ".encode() + blank[156:]


def with_field(start: int, value: bytes, content: bytes = b"x") -> bytes:
    """A tar file of one member whose header has other bytes at `start`."""
    made = tar([("name", content)])
    return checksummed(made[:start] + value + made[start + len(value) : 512]) + made[512:]


@given(
    named=st.lists(
        st.tuples(st.text("abcdefgü/.", min_size=1, max_size=140), st.binary(max_size=1500), st.integers(0, 2**40)),
        max_size=4,
    ),
    kind=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    sizes=st.lists(st.integers(1, 1000), max_size=12),
)
def test_the_standard_library_reads_the_same(named: list[Any], kind: int, sizes: list[int]) -> None:
    infos = []
    for name, content, mtime in named:
        info = tarfile.TarInfo(name)
        info.size, info.mtime = len(content), mtime
        infos.append((info, content))
    whole = tar(infos, format=kind)
    with tarfile.open(fileobj=io.BytesIO(whole)) as file:
        expected = [(info.name, info.size, info.mtime, file.extractfile(info).read()) for info in file]  # type: ignore[union-attr]
    found = [
        (member.name, member.size, member.mtime, b"".join(member.data)) for member in members(chunked(whole, sizes))
    ]
    # The library drops a slash at the end of a name, and with it the difference that we want to see.
    assert [(name.rstrip("/"), *rest) for name, *rest in found] == [
        (name.rstrip("/"), *rest) for name, *rest in expected
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_a_name_of_two_fields(kind: int) -> None:
    name = "a" * 90 + "/" + "b" * 90
    assert read(tar([(name, b"x")], format=kind))[0][0] == name


def test_a_name_that_fills_its_field() -> None:
    name = "a" * 100
    assert read(tar([(name, b"x")]))[0][0] == name


def test_a_number_that_is_left_blank_is_zero() -> None:
    for blank in (b" " * 12, b"\0" * 12):
        assert read(with_field(124, blank, b""))[0][1] == 0
        assert read(with_field(136, blank))[0][2] == 0


@pytest.mark.parametrize("kind", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_sizes_beyond_the_octal_field(kind: int) -> None:
    info = tarfile.TarInfo("large")
    info.size = 2**40
    header = info.tobuf(format=kind)
    assert next(members(iter([header]))).size == 2**40
    info.size = tar_stream.MAX_SIZE + 1
    with pytest.raises(TarError, match="impossible size|bad number"):
        next(members(iter([info.tobuf(format=kind)])))


def test_data_that_nobody_read_is_passed_over() -> None:
    whole = tar([("a", b"1" * 1000), ("b", b"2")])
    assert [member.name for member in members(iter([whole]))] == ["a", "b"]
    found = []
    for member in members(iter([whole])):
        found.append(next(member.data)[:1])
    assert found == [b"1", b"2"]


def test_reading_of_a_member_has_a_limit() -> None:
    member = next(members(iter([tar([("a\n", b"12345")])])))
    with pytest.raises(TarError, match=r"^a\? is larger than 4 bytes$"):
        member.read(4)
    assert member.read(5) == b"12345"


REFUSED = {
    "checksum": tar([("a", b"")])[:10] + b"b" + tar([("a", b"")])[11:],
    "size of other characters": with_field(124, b"0000000000z\0"),
    "size of digits and an underscore": with_field(124, b"00000000_00\0"),
    "size with a sign": with_field(124, b"-0000000001\0"),
    "negative size": with_field(124, b"\xff" * 12),
    "size of 95 bits": with_field(124, b"\x80" + b"\xff" * 11),
    "size with another mark": with_field(124, b"\x81" + b"\0" * 11),
    "name of no encoding": with_field(0, b"\xff"),
    "data where a second block of zeros belongs": tar([])[:512] + b"x" * 512,
    "nothing": b"",
    "half a header": tar([("a", b"")])[:300],
    "data cut off": tar([("a", b"x" * 600)])[:1000],
    "padding cut off": tar([("a", b"x")])[:600],
    "end cut off": tar([("a", b"x")])[:1024],
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(name: str) -> None:
    with pytest.raises(TarError):
        read(REFUSED[name])


def extended(records: bytes, kind: bytes = b"x") -> bytes:
    """A tar file with an extended header of these bytes before its member."""
    info = tarfile.TarInfo("header")
    info.type, info.size = kind, len(records)
    return tar([(info, records), ("name", b"content")])


@pytest.mark.parametrize(
    ("records", "name", "mtime"),
    [
        (b"12 path=abc\n", "abc", None),
        (b"11 path=abc", "abc", None),
        (b"16 comment=a=b=c", "name", None),
        (b"12 path=abc\n12 path=xyz\n", "xyz", None),
        (b"17 mtime=1700.25\n", "name", 1700),
        (b"11 mtime=-5", "name", -5),
        (b"8 size=7", "name", None),
        (b"", "name", None),
    ],
)
def test_extended_headers(records: bytes, name: str, mtime: int | None) -> None:
    found = read(extended(records))
    assert found[0][0] == name
    assert found[0][4] == b"content"
    assert mtime is None or found[0][2] == mtime


@pytest.mark.parametrize(
    "records",
    [
        b"garbage",
        b"12345",
        b"99 path=abc\n",
        b"3 p\n",
        b"0 path=abc\n",
        b"-1 path=abc\n",
        b"x path=abc\n",
        b"99999999999999999999 path=abc\n",
        b"9" * 5000 + b" path=abc\n",
        b"9 path=\xff\n",
        b"9 size=-1",
        b"9 size=x\n",
        b"26 size=1234567890123456\n",
        b"5011 size=" + b"9" * 5000 + b"\n",
        b"10 mtime=x",
        b"12 mtime=1.x",
        b"11 mtime=--1",
        b"22 GNU.sparse.major=1\n",
    ],
)
def test_extended_headers_that_are_refused(records: bytes) -> None:
    with pytest.raises(TarError):
        read(extended(records))


@pytest.mark.parametrize("kind", [b"x", b"L"])
def test_large_extended_headers_are_refused(kind: bytes) -> None:
    for size in (tar_stream.MAX_EXTENDED, tar_stream.MAX_EXTENDED + 1):
        info = tarfile.TarInfo("header")
        info.type, info.size = kind, size
        with pytest.raises(TarError, match="too large" if size > tar_stream.MAX_EXTENDED else "cut off"):
            read(info.tobuf(format=tarfile.USTAR_FORMAT))


def test_extended_headers_hold_for_one_member() -> None:
    whole = extended(b"12 path=abc\n")
    again = whole[: 4 * 512] + tar([("next", b"")])
    assert [found[0] for found in read(again)] == ["abc", "next"]


def test_a_long_name_of_gnu() -> None:
    assert read(extended(b"long/name\0", kind=b"L"))[0][0] == "long/name"


@pytest.mark.parametrize("kind", [b"g", b"K"])
def test_extended_headers_for_all_members_and_for_links_are_refused(kind: bytes) -> None:
    with pytest.raises(TarError, match="neither a file nor a directory"):
        read(extended(b"12 path=abc\n", kind=kind))


def test_the_number_of_members_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tar([(str(number), b"") for number in range(20)])
    assert len(read(whole)) == 20
    monkeypatch.setattr(tar_stream, "MAX_MEMBERS", 19)
    with pytest.raises(TarError, match="too many members"):
        read(whole)


@given(st.binary(max_size=2000), st.lists(st.tuples(st.integers(0, 2**12), st.integers(1, 255)), max_size=4))
def test_any_bytes_are_read_or_refused(garbage: bytes, changes: list[tuple[int, int]]) -> None:
    whole = bytearray(extended(b"12 path=abc\n") if len(garbage) % 2 else tar([("a", b"x" * 600)]) + garbage)
    for at, value in changes:
        whole[at % len(whole)] ^= value
    for content in (bytes(whole), garbage, checksummed(bytes(whole[:512])) + bytes(whole[512:])):
        try:
            read(content)
        except TarError as error:
            assert str(error)


@pytest.mark.parametrize("form", ["gnu", "posix"])
def test_the_files_of_a_whole_system(tmp_path: Path, form: str) -> None:
    (tmp_path / "a").mkdir()
    with (tmp_path / "holes").open("wb") as file:
        for number in range(40):  # more than a header has room to name
            file.seek(number * 65536)
            file.write(b"x")
    (tmp_path / "link").symlink_to("target" * 30)
    (tmp_path / "other").hardlink_to(tmp_path / "holes")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zz").write_bytes(b"last")
    made = ["tar", "-C", tmp_path, f"--format={form}", "--sparse", "--sort=name", "-cf", "-", "."]
    content = subprocess.run(made, check=True, capture_output=True).stdout
    with pytest.raises(TarError):
        read(content)
    found = {member.name: b"".join(member.data) for member in members(iter([content]), anything=True)}
    assert list(found)[-1] == "./zz"
    assert found["./zz"] == b"last"
    assert found["./link"] == found["./pipe"] == found["./other"] == b""
    assert len(found) == 7
