"""JSON:API 1.1 documents (vmm 2)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

MEDIA_TYPE: Final = "application/vnd.api+json"
JSONAPI: Final = {"version": "1.1"}

Document = dict[str, Any]


def resource(
    kind: str, number: int | str, attributes: Mapping[str, Any], **relationships: Document | list[Document]
) -> Document:
    """A resource object; `relationships` are resources, or lists of them, that it is linked to."""
    made: Document = {"type": kind, "id": str(number), "attributes": dict(attributes)}
    if relationships:
        made["relationships"] = {name: {"data": _identifiers(found)} for name, found in relationships.items()}
    return made


def _identifiers(found: Document | list[Document]) -> Document | list[Document]:
    return [identifier(one) for one in found] if isinstance(found, list) else identifier(found)


def identifier(found: Document) -> Document:
    """What names a resource."""
    return {"type": found["type"], "id": found["id"]}


def document(
    data: Document | list[Document], included: Sequence[Document] = (), failed: Sequence[Document] = ()
) -> Document:
    """A whole document of primary data, of what that is linked to, and of what could not be had."""
    made: Document = {"jsonapi": JSONAPI, "data": data}
    if included:
        made["included"] = list(included)
    if failed:
        made["meta"] = {"errors": list(failed)}
    return made


def done(kind: str, number: int | str) -> Document:
    """The document that says that something was done."""
    return document(resource(kind, number, {"response": True}))


def seconds(moment: datetime | None) -> int:
    """A time as clients get it: Unix seconds, 0 for never."""
    return 0 if moment is None else int(moment.timestamp())
