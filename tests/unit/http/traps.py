"""Small systems for the tests of traps: a document and handlers from a few operations."""

from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.unit.http.toy import DOCUMENT, operation, serve

FREE: dict[str, Any] = {"type": "object", "additionalProperties": True}
NAMES = {
    1: "duplicate operationId",
    2: "same id in two base paths",
    3: "template before literal",
    4: "nested base paths",
    5: "missing handler",
    6: "large multipart",
    7: "large octet-stream",
    8: "chunked without Content-Length",
    9: "optional body absent",
    10: "text and octet-stream bodies",
    11: "vendor media types",
    12: "malformed UTF-8 and multipart",
    13: "NaN and Infinity",
    14: "bodies of PUT and DELETE",
    15: "uniqueItems, additionalProperties",
    16: "nullable",
    17: "readOnly",
    18: "formats",
    19: "1.0 for an integer",
    20: "parameter without a type",
    21: "arrays, csv, brackets, booleans",
    22: "unknown query parameters",
    23: "slashes in path parameters",
    24: "hyphens, negatives, huge integers in paths",
    25: "trailing slash",
    26: "security OR, AND, optional",
    27: "security functions on the event loop",
    28: "envelopes per system",
    29: "405, Allow, OPTIONS",
    30: "websockets beside it",
    31: "split files, recursion",
    32: "multipart JSON part, several files",
    33: "response validation",
    34: "published spec",
    35: "scale",
    36: "lone surrogates",
    37: "NUL",
    38: "big integers",
    39: "deep JSON",
}
"""The traps of connexion's own pipeline by number (1-35), then four of hostile input."""


def document(paths: dict[str, Any], schemas: dict[str, Any] | None = None) -> dict[str, Any]:
    components = {"securitySchemes": DOCUMENT["components"]["securitySchemes"], "schemas": schemas or {}}
    return {**DOCUMENT, "components": components, "paths": paths}


def answer(schema: Any = None) -> dict[str, Any]:
    content = {"application/json": {"schema": FREE if schema is None else schema}}
    return {"200": {"description": "done", "content": content}}


def call(name: str, **more: Any) -> dict[str, Any]:
    """An operation that answers any object, without a transaction."""
    return operation(name, more.pop("answers", answer()), **{"x-transaction": "none", **more})


def takes(schema: Any, media: str = "application/json", required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {media: {"schema": schema}}}


def parameter(name: str, schema: Any, place: str = "query", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, **more}


@contextmanager
def client(paths: dict[str, Any], handlers: dict[str, Any], spool: Path | None = None, **more: Any):
    """One system `trap` under /trap."""
    schemas, options = more.pop("schemas", None), {"headers": more.pop("headers", None)}
    apis = [("trap", document(paths, schemas), handlers)]
    with (
        serve(apis, spool or Path("/nowhere"), [("/trap", "trap", "mender")], **more) as url,
        httpx.Client(base_url=url, timeout=30, verify=False, **options) as made,
    ):
        yield made


@contextmanager
def echo(schema: Any, media: str = "application/json", required: bool = True, method: str = "post", **more: Any):
    """`POST /trap` answers {"body": what the handler got}; gives the function that sends a body."""

    def post_trap(body):
        return {"body": body}

    with client(
        {"/trap": {method: call("post_trap", requestBody=takes(schema, media, required))}}, locals(), **more
    ) as c:

        def send(content: Any, media: str | None = media) -> httpx.Response:
            headers = {} if media is None else {"Content-Type": media}
            return c.request(method, "/trap", content=content, headers=headers)

        yield send
