"""Servers of images: which there are, and what a simplestreams server has (vmm 5, 7)."""

import ssl
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx
import orjson

from app.core import db
from app.core.errors import BadGateway, BadRequest, GatewayTimeout
from app.vmm import outbound
from app.vmm.documents import Document, resource

PROTOCOL: Final = "simplestreams"
OURS: Final = "/api/v1/simplestream.list"
INDEX: Final = "streams/v1/index.json"
DATATYPE: Final = "image-downloads"
MAX_ANSWER: Final = 32 * 1024 * 1024
TIMEOUT: Final = httpx.Timeout(10.0, connect=5.0)
WHOLE_SECONDS: Final = 30.0
MAX_REDIRECTS: Final = 3
NO_IMAGES: Final = "no images there"
NO_ADDRESS: Final = "image server host must be an https address"
# Simplestreams and LXD call machines by different names.
ARCHITECTURES: Final = {
    "amd64": "x86_64", "i386": "i686", "arm64": "aarch64", "armhf": "armv7l", "ppc64el": "ppc64le",
}  # fmt: skip
# What tells the fingerprint of an image in a version, and what kind of instance it is for.
COMBINED: Final = {
    "combined_squashfs_sha256": "container",
    "combined_rootxz_sha256": "container",
    "combined_disk-kvm-img_sha256": "virtual-machine",
}
UNIFIED: Final = "lxd_combined.tar.gz"

Entry = dict[str, Any]

_servers: tuple[str, ...] = ()
_authorities: Path | None = None
_certificate = ""


def configure(
    servers: Sequence[str], public_url: str | None, authorities: Path | None, certificate: Path | None = None
) -> None:
    """Offer this server itself, if it is reached by https, and `servers`; trust further `authorities` (PEM).

    `certificate`: our own, which LXD is given so that it knows us.
    """
    global _servers, _authorities, _certificate
    _certificate = certificate.read_text() if certificate is not None else ""
    own = [public_url.rstrip("/") + OURS] if public_url is not None and public_url.startswith("https://") else []
    _servers = (*own, *servers)
    _authorities = authorities
    _trusted.cache_clear()
    if authorities is not None or _certificate:
        _trusted()  # a file that is none shows now


@cache
def _trusted() -> ssl.SSLContext:
    """TLS with servers that the system's authorities know, or ours. Takes long to make."""
    context = ssl.create_default_context()
    if _authorities is not None:
        context.load_verify_locations(_authorities)
    if _certificate:
        context.load_verify_locations(cadata=_certificate)
    return context


def listed() -> list[Document]:
    """The servers that are offered; asks none of them."""
    return [
        resource("image", number, {"image_server_host": server, "image_server_protocol": PROTOCOL})
        for number, server in enumerate(_servers, 1)
    ]


def source(address: str, fingerprint: str) -> Document:
    """What LXD is told to take an image from a server; for our own it is given our certificate."""
    told = {"type": "image", "mode": "pull", "protocol": PROTOCOL, "server": address, "fingerprint": fingerprint}
    if _certificate and _servers and address.rstrip("/") == _servers[0] and _servers[0].endswith(OURS):
        told["certificate"] = _certificate
    return told


def images(address: str, server: int) -> list[Document]:
    """The newest images of each product of a simplestreams server, in the form of those of host `server`.

    Raises BadRequest, Forbidden, BadGateway, GatewayTimeout.
    """
    db.outside("a call to another machine")
    base = address.rstrip("/") + "/"
    _parts(base)
    try:
        index = _document(urljoin(base, INDEX))
        paths = [one["path"] for one in index["index"].values() if one["datatype"] == DATATYPE]
        products = [product for path in paths for product in _document(urljoin(base, path))["products"].values()]
        return [_describe(*one, server) for product in products for one in _newest(product)]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise BadGateway(NO_IMAGES) from None


def _parts(url: str) -> SplitResult:
    """The parts of an https address. Raises BadRequest."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or port == 0:
        raise BadRequest(NO_ADDRESS, errors=[("/image_server_host", NO_ADDRESS)])
    return parts


def _document(url: str) -> Any:
    """A JSON document, after at most three redirects, each of which must lead to where we may be sent."""
    for _ in range(MAX_REDIRECTS + 1):
        found = _get(url)
        if isinstance(found, bytes):
            return orjson.loads(found)
        url = urljoin(url, found)
    raise BadGateway(NO_IMAGES)


def _get(url: str) -> bytes | str:
    """The bytes at an address, or where it sends us."""
    parts = _parts(url)
    host, port = str(parts.hostname), parts.port or 443
    configured = any(url.startswith(server.rstrip("/") + "/") for server in _servers)
    address = outbound.lookup(host, port)[0] if configured else outbound.resolve(host, port, "/image_server_host")
    bracketed = f"[{address}]" if ":" in address else address
    pinned = parts._replace(netloc=f"{bracketed}:{port}").geturl()
    try:
        with httpx.Client(verify=_trusted(), trust_env=False, timeout=TIMEOUT) as client:
            headers, extensions = {"Host": parts.netloc, "User-Agent": "flotilla"}, {"sni_hostname": host}
            with client.stream("GET", pinned, headers=headers, extensions=extensions) as answer:
                if answer.is_redirect:
                    return answer.headers["location"]
                if answer.status_code != 200:
                    raise BadGateway(NO_IMAGES)
                return b"".join(_limited(answer.iter_bytes()))
    except httpx.TimeoutException:
        raise GatewayTimeout("the image server does not answer in time") from None
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError):
        raise BadGateway("no connection") from None


def _limited(chunks: Iterator[bytes]) -> Iterator[bytes]:
    size, until = 0, time.monotonic() + WHOLE_SECONDS
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_ANSWER:
            raise BadGateway("the image server answers too much")
        if time.monotonic() > until:
            raise GatewayTimeout("the image server does not answer in time")
        yield chunk


def _newest(product: Entry) -> Iterator[tuple[Entry, str, str, int]]:
    """(product, kind of instance, fingerprint, bytes) of each image in the newest version of a product."""
    versions = product.get("versions") or {}
    if not versions:
        return
    items = versions[max(versions)]["items"].values()
    size = sum(int(item.get("size", 0)) for item in items)
    for item in items:
        if item["ftype"] == UNIFIED:
            yield product, "container", item["sha256"], int(item.get("size", 0))
        for name, kind in COMBINED.items():
            if name in item:
                yield product, kind, item[name], size


def _describe(product: Entry, kind: str, fingerprint: str, size: int, server: int) -> Document:
    number = int(fingerprint[:15], 16)  # of its own for ever, as the fingerprint is
    return resource(
        "image",
        number,
        {
            "image_id": number,
            "server_id": server,
            "image_fingerprint": fingerprint,
            "image_description": f"{product['os']} {product['release_title']} {product['arch']}",
            "image_architecture": ARCHITECTURES.get(product["arch"], product["arch"]),
            "image_instance_type": kind,
            "image_cached": False,
            "image_expires_at": 0,
            "image_last_used_at": 0,
            "image_aliases": [alias for alias in product.get("aliases", "").split(",") if alias],
            "image_os": product["os"],
            "image_release": product["release"],
            "image_size": size,
        },
    )
