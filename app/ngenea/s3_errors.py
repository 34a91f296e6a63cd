"""What is told of an S3 that fails: in one line, and never its keys (ngenea 4)."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import BaseError

from app.ngenea.objects import Missing, StoreError

LONGEST: Final = 500
HIDDEN: Final = "***"
# In what the store wrote, which repeats what it was sent; and in how Rust shows an error of the network.
SAID: Final = (re.compile(r"<Code>([^<]*)</Code>"), re.compile(r"<Message>([^<]*)</Message>"))
REASONS: Final = (re.compile(r'(?:message|error): "([^"]*)"'), re.compile(r"(TimedOut|Invalid\w+\(\s*\w+)"))


def in_one_line(exc: BaseException, keys: Iterable[str] = ()) -> str:
    """What obstore says of an error, with its reason and without what the store repeats of the request."""
    text, _, debug = str(exc).partition("Debug source:")
    said = [found[1] for pattern in SAID if (found := pattern.search(text))]
    reasons = [found[1] for pattern in REASONS if (found := pattern.search(debug))]
    line = ": ".join([text.partition(": <")[0].strip(), *(said or reasons[:1])])
    for key in keys:
        line = line.replace(key, HIDDEN)
    return " ".join(line.split())[:LONGEST]


@contextmanager
def told(key: str, keys: Iterable[str]) -> Iterator[None]:
    """The errors of a bucket that is entered with `keys` as a store's; what reading the file raises passes."""
    try:
        yield
    except FileNotFoundError as exc:
        raise Missing(f"not in the bucket: {key}") from exc
    except BaseError as exc:
        raise StoreError(f"the bucket fails: {in_one_line(exc, keys)}") from exc
    except BaseException as exc:
        if type(exc).__name__ != "PanicException":  # of Rust: no Exception, and no module has its class
            raise
        raise StoreError(f"the bucket's settings cannot be used: {in_one_line(exc, keys)}") from None
