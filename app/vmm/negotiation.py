"""The rules of JSON:API 1.1 about its media type: no parameters but `ext` and `profile`, and no extension (vmm 2)."""

from typing import Final

from multipart import parse_options_header

from app.core.calls import Request
from app.core.errors import NotAcceptable, UnsupportedMediaType
from app.vmm.documents import MEDIA_TYPE

WEIGHT: Final = "q"
# What LXD reads; none of it is a document of JSON:API.
FOREIGN: Final = frozenset(
    {
        "get_index",
        "get_index_below_images",
        "get_stream",
        "get_stream_below_images",
        "download_image_file",
        "download_image_file_below_images",
    }
)


def check(request: Request) -> None:
    """Raises UnsupportedMediaType for a body, NotAcceptable for an answer with parameters that we do not know."""
    if request.operation_id in FOREIGN:
        return
    if request.body and not _is_plain(request.headers.get("content-type", "")):
        raise UnsupportedMediaType(f"{MEDIA_TYPE} may have no parameter but profile")
    accepted = [text for text in request.headers.get("accept", "").split(",") if _essence(text) == MEDIA_TYPE]
    if accepted and not any(_is_plain(text) for text in accepted):
        raise NotAcceptable(f"{MEDIA_TYPE} has no parameter but profile")


def _essence(text: str) -> str:
    return text.partition(";")[0].strip().lower()


def _is_plain(text: str) -> bool:
    """Whether a media type is ours as it is; true for any other."""
    if _essence(text) != MEDIA_TYPE:
        return True
    return set(parse_options_header(text)[1]) <= {"profile", WEIGHT}
