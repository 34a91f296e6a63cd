"""Link headers for paged lists (RFC 8288), one header line per relation."""

from urllib.parse import quote, urlencode

from app.core.calls import Request


def links(request: Request, page: int, per_page: int, has_next: bool) -> list[str]:
    """The `Link` lines `first`, `prev` and `next` of a page, as paths that keep every other query key (mender 1.6)."""
    kept = [(key, value) for key, value in request.query if key not in ("page", "per_page")]
    pages = [("first", 1)]
    if page > 1:
        pages.append(("prev", page - 1))
    if has_next:
        pages.append(("next", page + 1))
    path = quote(request.path, safe="/:@!$&'()*+,;=-._~")
    return [
        f'<{path}?{urlencode([*kept, ("page", number), ("per_page", per_page)])}>; rel="{relation}"'
        for relation, number in pages
    ]
