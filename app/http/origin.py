"""Where a request comes from and what this server is called: forwarded headers, CORS, the same-origin rule."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.core.errors import BadRequest

HOST: Final = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(:(?P<port>[0-9]{1,5}))?")
PORTS: Final = {"http": "80", "https": "443"}
FORWARDED: Final = re.compile(r"\[(?P<v6>[0-9a-fA-F:.]+)\](:[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+")
EXPOSED: Final = (
    b"Link, Location, X-Total-Count, X-Request-ID, X-MEN-RequestID, ETag, Content-Range, "
    b"Content-Disposition, Retry-After"
)
# What browsers do not let pass by themselves and our clients send.
SENDABLE: Final = (
    b"Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, "
    b"X-MEN-RequestID, X-MEN-Signature, X-Request-ID"
)
MAX_AGE: Final = b"600"

Headers = list[tuple[bytes, bytes]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Origin:
    """The addresses of this server as settings give them."""

    def __init__(self, public_url: str | None, trusted_proxies: Sequence[str], cors_origins: Sequence[str]) -> None:
        self._public_url = public_url.rstrip("/") if public_url else None
        self._trusted: list[Network] = [ipaddress.ip_network(network, strict=False) for network in trusted_proxies]
        self._cors = frozenset(parse_origin(origin) for origin in cors_origins) - {None}

    def address(self, scope: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, str]:
        """(client address, base URL without a slash). Forwarded headers count only from a trusted proxy.

        Raises BadRequest for a Host header that is missing (RFC 9112 section 3.2; HTTP/1.0 knows none) or no host.
        """
        peer = _plain((scope.get("client") or ("", 0))[0])
        scheme, host, client = scope["scheme"], headers.get("host"), peer
        if host is None and scope.get("http_version") == "1.0":
            host = _authority(scope.get("server"))
        if self._trusted and self._is_trusted(peer):
            scheme = _last(headers.get("x-forwarded-proto")).lower() or scheme
            host = _last(headers.get("x-forwarded-host")) or host
            client = self._client(headers.get("x-forwarded-for", ""), peer)
        if scheme not in PORTS or host is None or not HOST.fullmatch(host):
            raise BadRequest("the Host header is missing or is no host name")
        return client, self._public_url or f"{scheme}://{host}"

    def _client(self, forwarded: str, peer: str) -> str:
        """The last address of X-Forwarded-For that is not a trusted proxy itself."""
        for part in reversed(forwarded.split(",")):
            entry = _plain(part.strip())
            if not _is_address(entry):
                break
            peer = entry
            if not self._is_trusted(entry):
                break
        return peer

    def _is_trusted(self, address: str) -> bool:
        return _is_address(address) and any(ipaddress.ip_address(address) in network for network in self._trusted)

    def answer_headers(self, headers: Mapping[str, str]) -> Headers:
        """CORS lines for an answer; none unless the request's Origin is a configured one."""
        if not self._cors:
            return []
        lines: Headers = [(b"vary", b"Origin")]
        origin = headers.get("origin")
        if origin is not None and parse_origin(origin) in self._cors:
            lines += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED),
            ]
        return lines

    def preflight_headers(self, headers: Mapping[str, str], allowed: Sequence[str]) -> Headers:
        """More lines for an OPTIONS answer when a configured origin asks what it may send."""
        if parse_origin(headers.get("origin", "")) not in self._cors or "access-control-request-method" not in headers:
            return []
        return [
            (b"access-control-allow-methods", ", ".join(allowed).encode()),
            (b"access-control-allow-headers", SENDABLE),
            (b"access-control-max-age", MAX_AGE),
        ]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    """An address without the port that some proxies add; an IPv4 one also where the socket speaks IPv6."""
    match = FORWARDED.fullmatch(text)
    text = (match["v6"] or match["v4"]) if match else text
    return text.lower().removeprefix("::ffff:") if "." in text else text


def _authority(server: Sequence[Any] | None) -> str | None:
    """host:port of the socket that a request came in by."""
    if not server or server[1] is None:
        return None
    host = f"[{server[0]}]" if ":" in server[0] else server[0]
    return f"{host}:{server[1]}"


def _last(header: str | None) -> str:
    return header.rpartition(",")[2].strip() if header else ""


def parse_origin(text: str) -> str | None:
    """`scheme://host[:port]` as browsers write it: lower case, no port that the scheme implies. None for all else."""
    scheme, found, rest = text.lower().partition("://")
    match = HOST.fullmatch(rest)
    if not found or scheme not in PORTS or match is None:
        return None
    port = match["port"]
    return f"{scheme}://{match['name']}" + (f":{port}" if port and port != PORTS[scheme] else "")


def same_origin(headers: Mapping[str, str], base_url: str) -> bool:
    """Whether the Origin header names this very server; a request without one is not (design section 3)."""
    theirs = parse_origin(headers.get("origin", ""))
    scheme, _, rest = base_url.partition("://")
    return theirs is not None and theirs == parse_origin(f"{scheme}://{rest.partition('/')[0]}")
