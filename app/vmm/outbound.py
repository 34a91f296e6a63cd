"""Which hosts this server may be sent to: only public addresses, unless the settings name others (vmm 8)."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from app.core.errors import BadGateway, Forbidden

ANY: Final = "*"
REFUSED: Final = "this address is not allowed"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_names: frozenset[str] = frozenset()
_networks: tuple[Network, ...] = ()


def configure(allowed: Sequence[str]) -> None:
    """Allow these host names, addresses and networks, and no others; with none, every public address. `*`: all."""
    global _names, _networks
    found = {entry.strip().lower(): as_network(entry.strip()) for entry in allowed}
    _names = frozenset(entry for entry, network in found.items() if network is None)
    _networks = tuple(network for network in found.values() if network is not None)


def as_network(entry: str) -> Network | None:
    """The network of an address or a network in CIDR form; None for a name."""
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def resolve(host: str, port: int, pointer: str = "/server_host") -> str:
    """The address of a host that we may be sent to, to be used from now on. Raises Forbidden, BadGateway."""
    allowed = [address for address in lookup(host, port) if _is_allowed(host.lower(), ip_address(address))]
    if not allowed:
        raise Forbidden(REFUSED, errors=[(pointer, REFUSED)])
    return allowed[0]


def lookup(host: str, port: int) -> list[str]:
    """The addresses of a host, wherever they are. Raises BadGateway where there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise BadGateway("no connection") from None
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _is_allowed(host: str, address: Address) -> bool:
    # ::ffff:127.0.0.1 is 127.0.0.1 to whoever connects to it.
    address = getattr(address, "ipv4_mapped", None) or address
    if not _names and not _networks:
        return address.is_global and not address.is_multicast
    return ANY in _names or host in _names or any(address in network for network in _networks)
