"""Files of images: what they may be called, and whether they are what their names say (vmm 7).

A file is read once, from the spool, in steps; what it unpacks to is counted and dropped.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import Any, BinaryIO, Final

import yaml

from app.core.compression import CompressionError, decompress
from app.core.errors import Unprocessable
from app.core.tar_stream import CHUNK, Member, TarError, members

META: Final = "lxd.tar.xz"
SQUASHFS: Final = "squashfs"
ROOT_XZ: Final = "root.tar.xz"
DISK: Final = "disk-kvm.img"
UNIFIED: Final = "lxd_combined.tar.gz"
ROOTS: Final = (SQUASHFS, ROOT_XZ, DISK)

FTYPES: Final = {
    "lxd.tar.xz": META,
    "rootfs.squashfs": SQUASHFS,
    "root.squashfs": SQUASHFS,
    "root.tar.xz": ROOT_XZ,
    "rootfs.tar.xz": ROOT_XZ,
    "disk.qcow2": DISK,
    "disk-kvm.img": DISK,
}
UNIFIED_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9_-]+){0,8}\.tar\.gz")
MAX_NAME: Final = 128

# What products call an architecture: what LXD and the metadata of images may call it.
ARCHITECTURES: Final = {
    "amd64": ("amd64", "x86_64"),
    "i386": ("i386", "i686"),
    "arm64": ("arm64", "aarch64"),
    "armhf": ("armhf", "armv7l"),
    "ppc64el": ("ppc64el", "ppc64le"),
    "s390x": ("s390x",),
    "riscv64": ("riscv64",),
}

METADATA: Final = ("metadata.yaml", "./metadata.yaml")
MAX_METADATA: Final = 256 * 1024
MAX_DEPTH: Final = 20
MAX_META_PLAIN: Final = 64 * 1024**2  # templates beside the metadata
MAX_META_MEMBERS: Final = 10_000
MAX_ROOT_MEMBERS: Final = 1_000_000
# More than the files of any system are packed to; beyond it only a bomb is.
MAX_RATIO: Final = 64
MIN_PLAIN: Final = 64 * 1024**2
MAX_PLAIN: Final = 64 * 1024**3

SUPERBLOCK: Final = Struct("<4s24xHHQQ48x")  # of squashfs: magic, version, -, bytes used
SQUASHFS_VERSION: Final = 4
QCOW2: Final = Struct(">4sIQ56xQ")  # magic, version, offset of the name of a backing file, -, features
QCOW2_VERSIONS: Final = (2, 3)
EXTERNAL_DATA: Final = 4  # a feature


def ftype_of(name: str) -> str:
    """What a file is, by its name. Raises Unprocessable for a name that no file of an image has."""
    if name in FTYPES:
        return FTYPES[name]
    if len(name) <= MAX_NAME and UNIFIED_NAME.fullmatch(name):
        return UNIFIED
    raise _refusal(f"file name is not allowed: {', '.join(FTYPES)} or a name that ends in .tar.gz")


def _refusal(words: str) -> Unprocessable:
    return Unprocessable(words, errors=[("/file", words)])


def check(file: Path, ftype: str, arch: str) -> None:
    """Raises Unprocessable for a file that is not what its name says, or an image of another architecture."""
    try:
        with file.open("rb") as stream:
            if ftype == SQUASHFS:
                _check_squashfs(stream, file.stat().st_size)
            elif ftype == DISK:
                _check_qcow2(stream)
            else:
                _check_tar(stream, ftype, file.stat().st_size, arch)
    except (TarError, CompressionError) as exc:
        raise _refusal(f"{ftype}: {exc}") from None


def _check_squashfs(stream: BinaryIO, size: int) -> None:
    head = stream.read(SUPERBLOCK.size)
    if len(head) < SUPERBLOCK.size or not head.startswith(b"hsqs"):
        raise TarError("not a squashfs")
    _, version, _, _, used = SUPERBLOCK.unpack(head)
    if version != SQUASHFS_VERSION:
        raise TarError("a squashfs of another version")
    if used > size:
        raise TarError("the file is cut off")


def _check_qcow2(stream: BinaryIO) -> None:
    head = stream.read(QCOW2.size)
    if len(head) < QCOW2.size or not head.startswith(b"QFI\xfb"):
        raise TarError("not a qcow2 disk")
    _, version, backing, features = QCOW2.unpack(head)
    if version not in QCOW2_VERSIONS:
        raise TarError("a qcow2 disk of another version")
    if backing or (version > QCOW2_VERSIONS[0] and features & EXTERNAL_DATA):
        raise TarError("the disk takes its content from another file")


def _check_tar(stream: BinaryIO, ftype: str, size: int, arch: str) -> None:
    suffix = ".gz" if ftype == UNIFIED else ".xz"
    meta = ftype == META
    limit = MAX_META_PLAIN if meta else min(MAX_PLAIN, max(MIN_PLAIN, size * MAX_RATIO))
    plain = _bounded(decompress(suffix, iter(lambda: stream.read(CHUNK), b"")), limit)
    parts = members(plain, most=MAX_META_MEMBERS if meta else MAX_ROOT_MEMBERS, anything=True)
    if ftype == ROOT_XZ:
        for _ in parts:
            pass
    else:
        _check_metadata(parts, arch, with_root=ftype == UNIFIED)


def _bounded(chunks: Iterator[bytes], limit: int) -> Iterator[bytes]:
    left = limit
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise TarError(f"it unpacks to more than {limit >> 20} MiB")
        yield chunk


def _check_metadata(parts: Iterator[Member], arch: str, *, with_root: bool) -> None:
    metadata: bytes | None = None
    has_root = False
    for member in parts:
        if member.name in METADATA:
            if metadata is not None:
                raise TarError("metadata.yaml is there twice")
            metadata = member.read(MAX_METADATA)
        name = member.name.removeprefix("./").rstrip("/")
        has_root = has_root or name in ("rootfs", "rootfs.img") or name.startswith("rootfs/")
    if metadata is None:
        raise TarError("there is no metadata.yaml")
    _judge(_parse(metadata), arch)
    if with_root and not has_root:
        raise TarError("there is no rootfs")


def _parse(text: bytes) -> Any:
    """What a YAML document says: one without aliases, which can stand for very much, and not nested deeply."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH or isinstance(event, yaml.AliasEvent):
                raise TarError("metadata.yaml is nested too deeply, or refers to itself")
        return yaml.load(text, Loader=yaml.CSafeLoader)  # noqa: S506
    except (yaml.YAMLError, ValueError, TypeError, OverflowError):
        raise TarError("metadata.yaml is not valid YAML") from None


def _judge(metadata: Any, arch: str) -> None:
    if not isinstance(metadata, dict):
        raise TarError("metadata.yaml is not a mapping")
    if metadata.get("architecture") not in ARCHITECTURES[arch]:
        raise TarError(f"the architecture in metadata.yaml is not that of the product, {arch}")
    created = metadata.get("creation_date")
    if not isinstance(created, int) or isinstance(created, bool) or not 0 < created < 2**63:
        raise TarError("metadata.yaml has no creation_date")
