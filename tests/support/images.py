"""Files of images, as small as they can be: what their names say they are, and nothing that could be started."""

import gzip
import json
import lzma
import tarfile
from struct import pack
from typing import Any

import httpx
import yaml

from tests.support.artifacts import tar
from tests.support.vmm import API, Panel

SERIAL = "20231114_01:02"
METADATA = {"architecture": "x86_64", "creation_date": 1700000000, "properties": {"os": "tiny"}}
TINY = {"product_os": "Tiny", "product_release": "1.0", "product_arch": "amd64"}
TINY_ID = "tiny:1.0:amd64:default"


def special(name: str, kind: bytes, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """A member that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info, b""


def text(**changes: Any) -> bytes:
    """A metadata.yaml; a value of None leaves it out."""
    return yaml.safe_dump({key: value for key, value in (METADATA | changes).items() if value is not None}).encode()


def meta(**changes: Any) -> bytes:
    """lxd.tar.xz"""
    return lzma.compress(tar([("metadata.yaml", text(**changes)), ("templates/hosts.tpl", b"127.0.0.1")]))


def root_xz(content: bytes = b"#!/bin/sh") -> bytes:
    """root.tar.xz"""
    return lzma.compress(tar([("./sbin/init", content), special("./bin", tarfile.SYMTYPE, "usr/bin")]))


def squashfs(content: bytes = b"files") -> bytes:
    """rootfs.squashfs"""
    size = 96 + len(content)
    return pack("<4s24xHHQQ48x", b"hsqs", 4, 0, 0, size) + content


def disk(content: bytes = b"sectors", *, version: int = 3, backing: int = 0, features: int = 0) -> bytes:
    """disk.qcow2"""
    return pack(">4sIQ56xQ", b"QFI\xfb", version, backing, features) + content


def unified(content: bytes = b"#!/bin/sh", **changes: Any) -> bytes:
    """A unified image."""
    return gzip.compress(tar([("rootfs/sbin/init", content), ("metadata.yaml", text(**changes))]), mtime=0)


def send(panel: Panel, name: str, content: bytes, serial: str = SERIAL, product: str = TINY_ID) -> httpx.Response:
    """Upload a file, as the seed shows it."""
    payload = json.dumps({"product_id": product, "product_version_serial": serial})
    return post(panel, {"payload": (None, payload)}, name, content)


def post(panel: Panel, parts: dict[str, Any], name: str, content: bytes) -> httpx.Response:
    """Upload a file with any parts beside it."""
    headers = {"Authorization": f"Bearer {panel.token}"} if panel.token else {}
    files = parts | {"file": (name, content, "application/octet-stream")}
    return panel.http.post(f"{API}/simplestream.upload", files=files, headers=headers)


def sent(panel: Panel, name: str, content: bytes, serial: str = SERIAL, product: str = TINY_ID) -> dict[str, Any]:
    """The attributes of an upload that must succeed."""
    answer = send(panel, name, content, serial, product)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["attributes"]
