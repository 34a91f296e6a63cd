"""The published OpenAPI documents."""

from app.core import documents
from app.core.calls import Request


def get_openapi(document: str, request: Request):
    """One system's self-contained document with the operations of this listener, e.g. `mender.json`."""
    return documents.get(request.audience, document)
