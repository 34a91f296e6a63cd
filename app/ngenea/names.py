"""Names of files are bytes; here is how they are shown in JSON, and read back (ngenea 8).

What is valid UTF-8 stands as it is. Each other byte is shown as the character U+F700 + byte. A name that really holds
one of the characters U+F780 to U+F7FF has the bytes of these shown the same way, so that every name has one form alone.
"""

import re
from typing import Final

OFFSET: Final = 0xF700
SHOWN: Final = re.compile("[\uf780-\uf7ff]")
_ESCAPES: Final = {0xDC00 + byte: OFFSET + byte for byte in range(0x80, 0x100)}


def show(name: bytes) -> str:
    """A name or path as text."""
    text = name.decode("utf-8", "surrogateescape")
    return SHOWN.sub(_bytes_of, text).translate(_ESCAPES)


def _bytes_of(found: re.Match[str]) -> str:
    return "".join(chr(OFFSET + byte) for byte in found[0].encode())


def read(text: str) -> bytes:
    """The name or path that `show` makes `text` of. Raises ValueError for text that is no UTF-8 (lone surrogates)."""
    parts = SHOWN.split(text)
    found = SHOWN.findall(text)
    name = parts[0].encode()
    for shown, part in zip(found, parts[1:], strict=True):
        name += bytes([ord(shown) - OFFSET]) + part.encode()
    return name
