"""What is in a site's folders, and which paths the globs of a job take (ngenea 3.2)."""

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.ngenea import names
from app.ngenea.rooted import Root, kind_of


@dataclass(frozen=True, slots=True)
class Found:
    """Something in a folder; `type` is file, directory, symlink or other, `size` in bytes."""

    path: bytes
    type: str
    size: int
    mtime_ns: int
    inode: int
    device: int


def scan(root: Root, directory: bytes) -> Iterator[Found]:
    """What is in one folder, as it comes and never all in memory. Raises PathError, OSError."""
    at = directory.rstrip(b"/")
    for name, stat in root.scan(directory):
        kind = kind_of(stat.st_mode)
        yield Found(at + b"/" + name, kind, stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))


def matches(path: bytes, include: Sequence[str], exclude: Sequence[str], space: bytes = b"") -> bool:
    """Whether globs take a path: one of `include` (all paths when there is none), and none of `exclude`.

    A pattern without `/` is for the last name; one that begins with `/` for the whole path; any other for the path
    within the space that is mounted at `space`. `*` also takes `/`, as in fnmatch; capital letters matter.
    """
    shown = names.show(path)
    relative = names.show(path[len(space.rstrip(b"/")) :].lstrip(b"/"))
    name = shown.rpartition("/")[2]

    def fits(pattern: str) -> bool:
        subject = shown if pattern.startswith("/") else relative if "/" in pattern else name
        return _compiled(pattern).match(subject) is not None

    return not any(map(fits, exclude)) and (not include or any(map(fits, include)))
