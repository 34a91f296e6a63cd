"""The OpenAPI documents this process publishes, put here when its apps are made, so that a handler can serve them."""

from app.core.calls import Audience
from app.core.errors import NotFound

_documents: dict[tuple[Audience, str], bytes] = {}


def publish(audience: Audience, system: str, document: bytes) -> None:
    """Offer `document` (JSON) as `<system>.json` on one listener."""
    _documents[audience, f"{system}.json"] = document


def get(audience: Audience, name: str) -> bytes:
    """The document called `name`; raises NotFound."""
    try:
        return _documents[audience, name]
    except KeyError:
        raise NotFound("no such document") from None
