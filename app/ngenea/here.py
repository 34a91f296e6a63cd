"""The sites whose files this process works on, and the places where the work for a site waits (design section 6)."""

from pathlib import Path
from typing import Final

_folders: Final[dict[int, Path]] = {}


def place(site: int, queue: str = "") -> str:
    """Where work for a site waits: that of a queue, or without one what makes settings true."""
    return f"ngenea/{site}/{queue}" if queue else f"ngenea/{site}"


def window(site: int) -> str:
    """Where those who look at the files of a site wait; no queue has such a name."""
    return place(site, ".window")


def serve(site: int, folder: Path) -> None:
    """This process works on the files of a site, which lie beneath `folder`."""
    _folders[site] = folder


def folder(site: int) -> Path:
    """Where the files of a site are; raises RuntimeError where this process does not serve it."""
    try:
        return _folders[site]
    except KeyError:
        raise RuntimeError(f"this process does not serve site {site}") from None


def leave(site: int) -> None:
    """This process works on the files of a site no more."""
    _folders.pop(site, None)


def forget() -> None:
    """Serve no site any more."""
    _folders.clear()
