"""The last answers of operations that never answer an error (`x-no-503`), to stand in for one (RFC 5861 section 4).

Each is kept for exactly the request that got it, credential included, so that nobody sees what was not theirs. What
the same request is refused later is forgotten with it.
"""

from collections import OrderedDict
from hashlib import sha256
from typing import Final

from app.core import db
from app.core.calls import Request
from app.http.answers import Answer

SIZE: Final = 20_000  # requests that are remembered; answers that are the same bytes are kept once
GOOD: Final = frozenset({200, 304})


class LastGood:
    """Of one event loop, and of one database."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        db.on_configure(self._answers.clear)

    def note(self, request: Request, answer: Answer) -> None:
        """Remember an answer, or forget those before it when this one is a refusal."""
        key = _key(request)
        if answer.status not in GOOD:
            self._answers.pop(key, None)
            return
        self._answers[key] = answer
        self._answers.move_to_end(key)
        if len(self._answers) > self._size:
            self._answers.popitem(last=False)

    def get(self, request: Request) -> Answer | None:
        """What this request was answered last, if it was."""
        return self._answers.get(_key(request))


def _key(request: Request) -> bytes:
    said = (request.headers.get(name, "") for name in ("authorization", "cookie", "if-none-match"))
    return sha256("\0".join((request.path, *said)).encode("utf-8", "surrogatepass")).digest()
