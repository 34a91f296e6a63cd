"""The compressions that artifacts use, as streams with bounded memory."""

import lzma
import zlib
from collections.abc import Iterator
from typing import Final

STEP: Final = 256 * 1024
XZ_MEMORY: Final = 80 * 1024 * 1024  # mender-artifact compresses like `xz -9`, which takes 65 MiB to unpack

SUFFIXES: Final = ("", ".gz", ".xz")


class CompressionError(Exception):
    """Why data cannot be unpacked, in a few words."""


def decompress(suffix: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain bytes of `chunks`, in steps of at most 256 KiB.

    Raises CompressionError for what is damaged, cut off, or needs more memory than XZ_MEMORY.
    """
    if suffix == ".gz":
        return _gzip(chunks)
    if suffix == ".xz":
        return _xz(chunks)
    return chunks


def _gzip(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker, fresh = zlib.decompressobj(wbits=31), True
    for chunk in chunks:
        while chunk:
            if unpacker.eof:  # a further stream behind the first
                unpacker = zlib.decompressobj(wbits=31)
            plain, fresh = _inflate(unpacker, chunk), False
            if plain:
                yield plain
            chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    while not fresh and not unpacker.eof:
        plain = _inflate(unpacker, b"")
        if not plain:
            break
        yield plain
    if not unpacker.eof:
        raise CompressionError("the compressed data is cut off")


def _inflate(unpacker: "zlib._Decompress", chunk: bytes) -> bytes:
    try:
        return unpacker.decompress(chunk, STEP)
    except zlib.error:
        raise CompressionError("the compressed data is damaged") from None


def _xz(chunks: Iterator[bytes]) -> Iterator[bytes]:
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
    for chunk in chunks:
        if unpacker.eof:
            raise CompressionError("there is something after the end of the compressed data")
        plain = _unpack(unpacker, chunk)
        while plain:
            yield plain
            plain = b"" if unpacker.eof or unpacker.needs_input else _unpack(unpacker, b"")
    if not unpacker.eof:
        raise CompressionError("the compressed data is cut off")
    if unpacker.unused_data:
        raise CompressionError("there is something after the end of the compressed data")


def _unpack(unpacker: lzma.LZMADecompressor, chunk: bytes) -> bytes:
    try:
        return unpacker.decompress(chunk, STEP)
    except lzma.LZMAError as exc:
        if "emory" in str(exc):
            raise CompressionError(f"the compressed data needs more than {XZ_MEMORY >> 20} MiB to unpack") from None
        raise CompressionError("the compressed data is damaged") from None
