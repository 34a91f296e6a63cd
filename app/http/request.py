"""Build the frozen `Request` from an ASGI scope, and the request id that every answer and log line carries."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from app.core.calls import Audience, Request
from app.core.errors import BadRequest, Problem
from app.http.bodies import parse_query
from app.http.origin import Origin

REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
MAX_HEADERS: Final = 200
JOINED: Final = {"cookie": "; "}


def request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """The client's X-Request-ID or X-MEN-RequestID when it is harmless, else a new UUID."""
    for name, value in headers:
        if name in (b"x-request-id", b"x-men-requestid"):
            text = value.decode("latin-1")
            if REQUEST_ID.fullmatch(text):
                return text
    return str(uuid.uuid4())


def fold(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header values by lower-case name; a repeated header is joined as RFC 9110 section 5.3 says."""
    if len(headers) > MAX_HEADERS:
        raise BadRequest(f"more than {MAX_HEADERS} header fields")
    folded: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        folded[name] = folded[name] + JOINED.get(name, ", ") + value if name in folded else value
    return folded


def build(
    scope: Mapping[str, Any], identifier: str, audience: Audience, origin: Origin
) -> tuple[Request, Problem | None]:
    """The request without its body, and the fault of an unreadable query string (its turn comes with the 400s)."""
    headers = fold(scope["headers"])
    refused: Problem | None = None
    query: tuple[tuple[str, str], ...] = ()
    if scope["query_string"]:
        try:
            query = parse_query(scope["query_string"])
        except Problem as problem:
            refused = problem
    client, base_url = origin.address(scope, headers)
    return (
        Request(
            method=scope["method"],
            path=scope["path"],
            query=query,
            headers=headers,
            body=b"",
            client=client,
            base_url=base_url,
            request_id=identifier,
            audience=audience,
        ),
        refused,
    )


def with_body(request: Request, body: bytes, operation_id: str) -> Request:
    """The same request with its raw body, and the operation that it is for."""
    return replace(request, body=body, operation_id=operation_id)
