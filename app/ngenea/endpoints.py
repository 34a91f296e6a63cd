"""Where a store is reached (ngenea 8): a host, with a port and a scheme of its own."""

import ipaddress
import re
from typing import Final

HOST: Final = re.compile(r"(?:https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})(?::([1-9][0-9]{0,4}))?/?")
LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def scheme_of(endpoint: str) -> str:
    """The scheme that an endpoint names, '' for none."""
    return endpoint.partition("://")[0] if "://" in endpoint else ""


def address(scheme: str, endpoint: str, port: int | None) -> str:
    """`SCHEME://HOST:PORT`. Raises ValueError, in one line for people."""
    found = HOST.fullmatch(endpoint)
    if found is None or not _is_host(found[1]) or int(found[2] or 0) > 65535:
        raise ValueError("This is no host, or host and port.")
    if found[2] and port:
        raise ValueError("It has a port already.")
    if scheme_of(endpoint) not in ("", scheme):
        raise ValueError("It has another scheme.")
    number = found[2] or port
    return f"{scheme}://{found[1]}{f':{number}' if number else ''}"


def _is_host(text: str) -> bool:
    """An address of IPv6 in brackets, one of IPv4, or a name."""
    labels = text.removesuffix(".").split(".")
    try:
        if text.startswith("["):
            ipaddress.IPv6Address(text[1:-1])
        elif labels[-1].isdigit():
            ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return text.startswith("[") or all(map(LABEL.fullmatch, labels))
