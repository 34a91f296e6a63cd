"""Paths of a site: absolute, in bytes, beneath the folder that a worker was given (ngenea 5).

A path is resolved component by component from a descriptor of the root, and no symbolic link is ever followed. So
nothing leads out of the root, also while somebody swaps folders for links.
"""

import errno
import os
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A fifo must not make an open wait, nor a file that somebody holds a lease of.
FILE: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class PathError(ValueError):
    """A path that no file of a site can have."""


class NotRegular(OSError):
    """What is there is no regular file; `kind` says what it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(errno.EINVAL, f"is a {kind}" if kind != "other" else "is no file")
        self.kind = kind


def components(path: bytes) -> list[bytes]:
    """The names of an absolute path, none for `/`. Raises PathError for `.`, `..`, empty names and NUL."""
    if not path.startswith(b"/") or b"\0" in path:
        raise PathError("a path begins with / and holds no NUL")
    if path == b"/":
        return []
    names = path[1:].split(b"/")
    if any(name in (b"", b".", b"..") for name in names):
        raise PathError("a path holds no empty name, no . and no ..")
    return names


def kind_of(mode: int) -> str:
    """`file`, `directory`, `symlink` or `other`, of a mode."""
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}
    return kinds.get(stat.S_IFMT(mode), "other")


class Root:
    """The files of a site on this host: `folder` is what `/` of the site stands for."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)

    @contextmanager
    def opened(self, path: bytes) -> Iterator[int]:
        """A descriptor of a folder, for as long as the context lasts. Raises PathError, OSError."""
        descriptor = self.open_folder(path)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def open_folder(self, path: bytes) -> int:
        """A descriptor of a folder. Raises PathError, OSError (a link on the way is ENOTDIR)."""
        return self._walk(components(path))

    def _walk(self, names: list[bytes]) -> int:
        at = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        for name in names:
            try:
                below = os.open(name, FOLDER, dir_fd=at)
            finally:
                os.close(at)
            at = below
        return at

    @contextmanager
    def _beside(self, path: bytes) -> Iterator[tuple[int, bytes]]:
        """The folder of a path's last component, and that component."""
        *parents, name = components(path) or [b"."]
        at = self._walk(parents)
        try:
            yield at, name
        finally:
            os.close(at)

    def open_file(self, path: bytes, flags: int = os.O_RDONLY) -> int:
        """A descriptor of a regular file. Raises PathError, NotRegular, OSError; never waits."""
        with self._beside(path) as (at, name):
            return _open_regular(at, name, flags)

    @contextmanager
    def opener(self) -> Iterator[Callable[[bytes, int], int]]:
        """`open_file` for many files, folder by folder: the folder of the last one stays open."""
        last: tuple[list[bytes], int] | None = None

        def open_next(path: bytes, flags: int) -> int:
            nonlocal last
            *parents, name = components(path) or [b"."]
            if last is None or last[0] != parents:
                if last is not None:
                    os.close(last[1])
                    last = None
                last = parents, self._walk(parents)
            return _open_regular(last[1], name, flags)

        try:
            yield open_next
        finally:
            if last is not None:
                os.close(last[1])

    def scratch(self, beside: bytes) -> int:
        """A descriptor of a new file that has no name, in the folder of a path. Raises PathError, OSError."""
        with self._beside(beside) as (at, _):
            try:
                return os.open(b".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600, dir_fd=at)
            except OSError as exc:
                if exc.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                    raise
            name = b".flotilla-%s" % uuid.uuid4().hex.encode()
            descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=at)
            os.unlink(name, dir_fd=at)
            return descriptor

    def lstat(self, path: bytes) -> os.stat_result:
        """What is at the path itself, also when it is a link. Raises PathError, OSError."""
        with self._beside(path) as (at, name):
            return os.stat(name, dir_fd=at, follow_symlinks=False)

    def scan(self, path: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        """Names and stats of what is in a folder, as they come; what vanishes meanwhile is left out."""
        with self.opened(path) as descriptor, os.scandir(descriptor) as found:
            for one in found:
                try:
                    yield os.fsencode(one.name), one.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue

    def make_folders(self, path: bytes, mode: int = 0o755) -> None:
        """Make a folder and those above it, durably; those that exist stay as they are. Raises PathError, OSError."""
        at = self._walk([])
        try:
            for name in components(path):
                try:
                    os.mkdir(name, mode, dir_fd=at)
                    os.fsync(at)
                except FileExistsError:
                    pass
                below = os.open(name, FOLDER, dir_fd=at)
                os.close(at)
                at = below
        finally:
            os.close(at)


def _open_regular(folder: int, name: bytes, flags: int) -> int:
    try:
        descriptor = os.open(name, flags | FILE, dir_fd=folder)
    except OSError as exc:
        if exc.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise NotRegular(kind_of(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)) from exc
        raise
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegular(kind_of(mode))
    return descriptor
