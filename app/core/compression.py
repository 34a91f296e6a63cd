"""The compressions that artifacts and images use, as streams with bounded memory."""

import lzma
import zlib
from collections.abc import Iterator
from typing import Any, Final

from backports import zstd

STEP: Final = 256 * 1024
MEMORY: Final = 80 * 1024 * 1024  # mender-artifact compresses like `xz -9`, which takes 65 MiB to unpack
ZSTD_WINDOW: Final = 26  # 2**26 bytes: `zstd -22` takes twice that only with --ultra --long

SUFFIXES: Final = ("", ".gz", ".xz", ".zst")


class CompressionError(Exception):
    """Why data cannot be unpacked, in a few words."""


def decompress(suffix: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The plain bytes of `chunks`, in steps of at most 256 KiB.

    Raises CompressionError for what is damaged, cut off, or needs more memory than MEMORY.
    """
    if suffix == ".gz":
        return _gzip(chunks)
    if suffix == ".xz":
        return _whole(lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=MEMORY), chunks)
    if suffix == ".zst":
        return _whole(zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW}), chunks)
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


def _whole(unpacker: Any, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """One stream of xz or zstd, and nothing behind it."""
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


def _unpack(unpacker: Any, chunk: bytes) -> bytes:
    try:
        return bytes(unpacker.decompress(chunk, STEP))
    except (lzma.LZMAError, zstd.ZstdError) as exc:
        if "emory" in str(exc):
            raise CompressionError(f"the compressed data needs more than {MEMORY >> 20} MiB to unpack") from None
        raise CompressionError("the compressed data is damaged") from None
