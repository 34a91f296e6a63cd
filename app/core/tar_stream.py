"""Read a tar file that arrives as chunks: members in order, nothing kept, nothing written.

Own code because the standard library's tarfile takes a member's own word for how much memory a header needs, and
until a late 3.11 release a negative offset sent it round for ever: neither is good enough for files from outside.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

BLOCK: Final = 512
MAX_EXTENDED: Final = 1024 * 1024
MAX_MEMBERS: Final = 100_000
MAX_SIZE: Final = 2**50
CHUNK: Final = 256 * 1024
PLAIN: Final = (b"0", b"\0", b"5")
EMPTY: Final = (b"1", b"2", b"3", b"4", b"5", b"6")  # links, devices, folders and pipes, whatever size they name


class TarError(Exception):
    """What is wrong with a tar file, in a few words."""


class ByteReader:
    """Exact reads from an iterator of chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._buffer = b""
        self._at = 0

    def exactly(self, count: int) -> bytes:
        """`count` bytes; raises TarError when there are fewer."""
        parts, left = [], count
        for part in self.pieces(count):
            parts.append(part)
            left -= len(part)
        if left:
            raise TarError("the file is cut off")
        return b"".join(parts)

    def pieces(self, count: int) -> Iterator[bytes]:
        """Up to `count` bytes, in pieces; fewer only at the end of the input."""
        while count > 0:
            if self._at == len(self._buffer):
                self._buffer, self._at = next(self._chunks, b""), 0
                if not self._buffer:
                    return
            piece = self._buffer[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            yield piece

    def drain(self) -> None:
        """Read what is left, and drop it."""
        self._buffer, self._at = b"", 0
        for _ in self._chunks:
            pass


@dataclass(slots=True)
class Member:
    """A file or directory. `mtime` is in seconds since 1970. Read its data before asking for the next member."""

    name: str
    size: int
    mtime: int
    directory: bool
    data: Iterator[bytes]

    def read(self, limit: int) -> bytes:
        """All of the data; raises TarError when it is more than `limit` bytes."""
        if self.size > limit:
            raise TarError(f"{printable(self.name)} is larger than {limit} bytes")
        return b"".join(self.data)


def members(chunks: Iterator[bytes], *, most: int | None = None, anything: bool = False) -> Iterator[Member]:
    """The members of a tar file (ustar, GNU or pax). Raises TarError, also for what could be read in two ways.

    `anything`: the files of a whole system, so that links, devices and sparse files (their bytes as they are kept) are
    members too, and names may be of any charset. What follows the two blocks of zeros that end a tar file is read but
    not looked at, as every other reader does.
    """
    source = ByteReader(chunks)
    extended: dict[str, str] = {}
    for _ in range(most or MAX_MEMBERS):
        header = source.exactly(BLOCK)
        if not any(header):
            # A file that ends within the second block lacks nothing.
            if any(b"".join(source.pieces(BLOCK))):
                raise TarError("there is something between the last member and the end")
            source.drain()
            return
        kind, name, size, mtime = _parse(header, anything)
        if kind in (b"x", b"L"):
            data = _extended(source, size)
            extended |= _pax(data, anything) if kind == b"x" else {"path": _text(data.rstrip(b"\0"), anything)}
            continue
        if anything and kind in (b"g", b"K"):  # what all members share, the target of a link
            _extended(source, size)
            continue
        if kind not in PLAIN and not anything:
            raise TarError(f"{printable(name)} is neither a file nor a directory")
        name = extended.get("path", name)
        size = _decimal(extended["size"]) if "size" in extended else size
        if not 0 <= size <= MAX_SIZE:
            raise TarError(f"{printable(name)} has an impossible size")
        mtime = _seconds(extended["mtime"]) if "mtime" in extended else mtime
        extended = {}
        if anything:
            size = 0 if kind in EMPTY else size
            _pass_holes(source, kind, header)
        member = Member(name, size, mtime, kind == b"5", _data(source, size))
        yield member
        for _ in member.data:
            pass
    raise TarError("too many members")


def _data(source: ByteReader, size: int) -> Iterator[bytes]:
    left = size
    for piece in source.pieces(size):
        left -= len(piece)
        yield piece
    if left:
        raise TarError("the file is cut off")
    source.exactly(-size % BLOCK)


def _pass_holes(source: ByteReader, kind: bytes, header: bytes) -> None:
    """Read the blocks that say where the holes of a sparse file are."""
    more = kind == b"S" and header[482]
    while more:
        more = source.exactly(BLOCK)[504]


def _extended(source: ByteReader, size: int) -> bytes:
    if not 0 <= size <= MAX_EXTENDED:
        raise TarError("an extended header is too large")
    data = source.exactly(size)
    source.exactly(-size % BLOCK)
    return data


def _parse(header: bytes, anything: bool) -> tuple[bytes, str, int, int]:
    """(type, name, size, mtime) of a header block."""
    stored = _number(header[148:156])
    if stored != sum(header) - sum(header[148:156]) + 8 * 32:
        raise TarError("a header checksum is wrong")
    name = _text(header[:100].partition(b"\0")[0], anything)
    if header[257:263] == b"ustar\0":
        prefix = _text(header[345:500].partition(b"\0")[0], anything)
        name = f"{prefix}/{name}" if prefix else name
    return header[156:157], name, _number(header[124:136]), _number(header[136:148])


def _number(field: bytes) -> int:
    if field[0] in (0x80, 0xFF):  # base 256, with a sign: for large files and for dates before 1970
        return int.from_bytes(field[1:], "big", signed=field[0] == 0xFF)
    text = field.strip(b"\0 ")
    if not text:
        return 0
    if text.strip(b"01234567"):
        raise TarError("a number is not octal")
    return int(text, 8)


def _decimal(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise TarError("an extended header holds a bad number")
    return int(text)


def _seconds(text: str) -> int:
    whole, _, fraction = text.partition(".")
    if fraction.strip("0123456789"):
        raise TarError("an extended header holds a bad number")
    return -_decimal(whole[1:]) if whole.startswith("-") else _decimal(whole)


def _text(raw: bytes, anything: bool) -> str:
    try:
        return raw.decode(errors="replace" if anything else "strict")
    except UnicodeDecodeError:
        raise TarError("a name is not valid UTF-8") from None


def _pax(data: bytes, anything: bool) -> dict[str, str]:
    """The records `length key=value` of a pax header."""
    found = {}
    while data:
        length, space, _ = data.partition(b" ")
        if not space or not length.isdigit() or len(length) > 7 or not len(length) + 3 <= int(length) <= len(data):
            raise TarError("an extended header is garbled")
        record, data = data[len(length) + 1 : int(length)], data[int(length) :]
        key, equals, value = record.rstrip(b"\n").partition(b"=")
        if not equals:
            raise TarError("an extended header is garbled")
        if key.startswith(b"GNU.sparse.") and not anything:
            raise TarError("a file with holes is not supported")
        if key in (b"path", b"size", b"mtime"):
            found[key.decode()] = _text(value, anything)
    return found


def printable(text: str) -> str:
    """A name from a file, fit for an error message."""
    return "".join(char if char.isprintable() else "?" for char in text[:100])
