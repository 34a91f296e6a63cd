"""Which answers a client takes: all of ours are JSON (ngenea 2)."""

import re
from typing import Final

from app.core.calls import Request
from app.core.errors import NotAcceptable

# What takes JSON; the first that is named decides.
RANGES: Final = ("application/json", "application/*", "*/*")
NONE: Final = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*(;|$)", re.IGNORECASE)


def check(request: Request) -> None:
    """Raises NotAcceptable where Accept leaves no room for JSON; without one anything will do."""
    named: dict[str, bool] = {}
    for text in request.headers.get("accept", "").split(","):
        name = text.partition(";")[0].strip().lower()
        if name:
            named[name] = named.get(name, False) or not NONE.search(text)
    if named and not next((named[one] for one in RANGES if one in named), False):
        raise NotAcceptable("the answer is application/json")
