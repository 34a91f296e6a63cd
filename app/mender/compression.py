"""The compressions that artifacts use, as streams with bounded memory."""

import lzma
import zlib
from collections.abc import Iterator
from typing import Final

STEP: Final = 256 * 1024
XZ_MEMORY: Final = 80 * 1024 * 1024  # what `xz -9` needs to unpack, and a little

SUFFIXES: Final = ("", ".gz", ".xz")
ERRORS: Final = (zlib.error, lzma.LZMAError, EOFError)


def decompress(suffix: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain bytes of `chunks`, in steps of at most 256 KiB. Raises one of ERRORS for what is damaged or cut off."""
    if suffix == ".gz":
        return _gzip(chunks)
    if suffix == ".xz":
        return _xz(chunks)
    return chunks


def _gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(wbits=31)
    fresh = True
    for chunk in chunks:
        while chunk:
            if unpacker.eof:
                unpacker, fresh = zlib.decompressobj(wbits=31), True
            plain = unpacker.decompress(chunk, STEP)
            fresh = False
            if plain:
                yield plain
            chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while not unpacker.eof and not fresh:
        plain = unpacker.decompress(b"", STEP)
        if not plain:
            raise EOFError("the compressed data is cut off")
        yield plain
    if fresh:
        raise EOFError("there is no compressed data")


def _xz(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    for chunk in chunks:
        if unpacker.eof:
            raise lzma.LZMAError("there is data after the end of the compressed data")
        plain = unpacker.decompress(chunk, STEP)
        while plain:
            yield plain
            plain = b"" if unpacker.eof or unpacker.needs_input else unpacker.decompress(b"", STEP)
    if not unpacker.eof:
        raise EOFError("the compressed data is cut off")
    if unpacker.unused_data:
        raise lzma.LZMAError("there is data after the end of the compressed data")
