"""Where a request comes from and what this server is called: forwarded headers, CORS, the same-origin rule."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from app.core.errors import BadRequest

HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(:[0-9]{1,5})?")
EXPOSED: Final = b"Link, Location, X-Total-Count, X-Request-ID, X-MEN-RequestID, ETag, Content-Disposition, Retry-After"
MAX_AGE: Final = b"600"

Headers = list[tuple[bytes, bytes]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Origin:
    """The addresses of this server as settings give them."""

    def __init__(self, public_url: str | None, trusted_proxies: Sequence[str], cors_origins: Sequence[str]) -> None:
        self._public_url = public_url.rstrip("/") if public_url else None
        self._trusted: list[Network] = [ipaddress.ip_network(network, strict=False) for network in trusted_proxies]
        self._cors: frozenset[str | None] = frozenset(cors_origins)

    def address(self, scope: Mapping[str, Any], headers: Mapping[str, str]) -> tuple[str, str]:
        """(client address, base URL without a slash). Forwarded headers count only from a trusted proxy.

        Raises BadRequest for a Host header that is missing or no host.
        """
        peer = (scope.get("client") or ("", 0))[0]
        scheme, host, client = scope["scheme"], headers.get("host", ""), peer
        if self._trusted and self._is_trusted(peer):
            scheme = _last(headers.get("x-forwarded-proto")) or scheme
            host = _last(headers.get("x-forwarded-host")) or host
            client = self._client(headers.get("x-forwarded-for", ""), peer)
        if scheme not in ("http", "https") or not HOST.fullmatch(host):
            raise BadRequest("the Host header is missing or is no host name")
        return client, self._public_url or f"{scheme}://{host}"

    def _client(self, forwarded: str, peer: str) -> str:
        """The last address of X-Forwarded-For that is not a trusted proxy itself."""
        for entry in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
            if not self._is_trusted(entry):
                return entry if _is_address(entry) else peer
            peer = entry
        return peer

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ipaddress.ip_address(address)
        return any(parsed in network for network in self._trusted)

    def answer_headers(self, headers: Mapping[str, str]) -> Headers:
        """CORS lines for an answer; none unless the request's Origin is a configured one."""
        if not self._cors:
            return []
        lines: Headers = [(b"vary", b"Origin")]
        origin = headers.get("origin")
        if origin is not None and origin in self._cors:
            lines += [
                (b"access-control-allow-origin", origin.encode("latin-1")),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", EXPOSED),
            ]
        return lines

    def preflight_headers(self, headers: Mapping[str, str], allowed: Sequence[str]) -> Headers:
        """More lines for an OPTIONS answer when a configured origin asks what it may send."""
        if headers.get("origin") not in self._cors or "access-control-request-method" not in headers:
            return []
        return [
            (b"access-control-allow-methods", ", ".join(allowed).encode()),
            (b"access-control-allow-headers", b"Authorization, Content-Type, X-MEN-Signature, X-Request-ID, If-Match"),
            (b"access-control-max-age", MAX_AGE),
        ]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _last(header: str | None) -> str:
    return header.rpartition(",")[2].strip() if header else ""


def same_origin(headers: Mapping[str, str], base_url: str) -> bool:
    """Whether the Origin header names this very server; a request without one is not (design section 3)."""
    origin = headers.get("origin", "")
    mine, theirs = urlsplit(base_url), urlsplit(origin)
    return bool(theirs.netloc) and (mine.scheme, mine.netloc.lower()) == (theirs.scheme, theirs.netloc.lower())
