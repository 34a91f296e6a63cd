"""Objects in a folder of the site's host (ngenea 5 and 8).

An object is the file of its key, what it says of its origin is in KEY.meta. Both are written beneath `.flotilla/` and
renamed. A component of more bytes than a name may have is cut into folders whose names end in `%`.
"""

import errno
import itertools
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.core import db
from app.ngenea import inodes
from app.ngenea.folder_calls import TOLD, read, rename_new
from app.ngenea.objects import (
    OWN,
    Altered,
    Digest,
    Exists,
    Listed,
    Metadata,
    Missing,
    Source,
    Stored,
    StoreError,
    owner,
)

META: Final = ".meta"
NAME: Final = 200  # bytes of a component that stay in one name
PAGE: Final = 500
NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
IN_THE_WAY: Final = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST)


class FolderStore:
    """The objects in `folder`, once it is prepared: one that is not may be a file system that is not mounted."""

    at_once = 1

    def __init__(self, folder: str, claim: str = "") -> None:
        if not folder.startswith("/"):
            raise StoreError("migration_target_folder is no absolute path")
        self._folder = folder.rstrip("/")
        self._own = f"{self._folder}/{OWN}"
        self._temporary = f"{self._own}{claim or 'none'}.{uuid.uuid4().hex}-"
        self._numbers = itertools.count()

    def put(self, key: str, source: Source, metadata: Metadata, *, replace: bool) -> Stored:
        """See ObjectStore."""
        path = self._path(key)
        temporary = f"{self._temporary}{next(self._numbers)}"
        try:
            metadata = metadata.hashed(self._copy(source, temporary))
            with TOLD:
                self._describe(temporary + META, metadata)
                self._publish(temporary, path, metadata.sha256, replace=replace)
                found = os.stat(path)
            if found.st_size != source.size:
                raise StoreError(f"the folder has kept {found.st_size} of {source.size} bytes")
            return self._stored(found, metadata)
        except BaseException:
            for left in (temporary, temporary + META):
                with suppress(OSError):
                    os.unlink(left)
            raise

    def _create(self, temporary: str) -> int:
        try:
            return os.open(temporary, NEW, 0o600)
        except FileNotFoundError as exc:
            raise Missing(f"there is no {self._own}: is the folder's file system mounted?") from exc

    def _copy(self, source: Source, temporary: str) -> str:
        """Copy the file, holes as holes; the hash. Errors of the file pass, those of the folder become StoreError."""
        db.outside("a file copy")
        with TOLD:
            out = self._create(temporary)
        digest, at, begun = Digest(source.size), 0, 0
        try:
            for offset, data in source.pieces():
                digest.zeros(offset - at)
                digest.update(data)
                with TOLD:
                    written = 0
                    while written < len(data):
                        written += os.pwrite(out, memoryview(data)[written:], offset + written)
                at = offset + len(data)
                if at - begun >= inodes.STRETCH:
                    inodes.begin_writing(out, begun, at)
                    begun = at
            digest.zeros(source.size - at)
            if at < source.size:
                with TOLD:
                    os.ftruncate(out, source.size)
        finally:
            digest.close()
            os.close(out)
        return digest.hexdigest()

    @staticmethod
    def _describe(path: str, metadata: Metadata) -> None:
        descriptor = os.open(path, NEW, 0o600)
        try:
            os.write(descriptor, json.dumps({**metadata.to_text(), "xattrs": metadata.xattrs}).encode())
        finally:
            os.close(descriptor)

    def _publish(self, temporary: str, path: str, sha256: str, *, replace: bool) -> None:
        """Give the object its name. At no time does it stand beside a description of something else."""
        try:
            if replace:
                with suppress(FileNotFoundError):
                    os.unlink(path + META)
                self._rename(temporary, path)
                os.rename(temporary + META, path + META)
                return
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            self._rename(temporary + META, path + META)
            rename_new(temporary, path)
        except OSError as exc:
            if exc.errno in IN_THE_WAY:
                blocked = not os.path.isfile(path)
                raise Exists(path[len(self._folder) + 1 :], sha256, blocked=blocked) from exc
            raise

    def _rename(self, old: str, new: str) -> None:
        """Rename, into a folder that may have to be made; never that of the store, which may have been taken away."""
        try:
            os.rename(old, new)
        except FileNotFoundError:
            at = self._folder
            for name in os.path.dirname(new)[len(at) + 1 :].split("/"):
                at = f"{at}/{name}"
                with suppress(FileExistsError):
                    os.mkdir(at)
            os.rename(old, new)

    def _path(self, key: str) -> str:
        names = (
            "%/".join(name[at : at + NAME] for at in range(0, len(name), NAME)) if len(name) > NAME else name
            for name in key.split("/")
        )
        return f"{self._folder}/{'/'.join(names)}"

    @staticmethod
    def _stored(found: os.stat_result, metadata: Metadata | None) -> Stored:
        etag = f"{found.st_ino:x}-{found.st_mtime_ns:x}"
        return Stored(found.st_size, etag, datetime.fromtimestamp(found.st_mtime, UTC), metadata)

    def head(self, key: str) -> Stored:
        """See ObjectStore."""
        path = self._path(key)
        with TOLD:
            found = os.stat(path)
        metadata = _described(path + META)
        if metadata is not None and metadata.size != found.st_size:
            metadata = None
        return self._stored(found, metadata)

    def read(self, key: str, size: int) -> Iterator[tuple[int, bytes]]:
        """See ObjectStore."""
        with TOLD:
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_CLOEXEC)
        try:
            if (found := os.fstat(descriptor).st_size) != size:
                raise Altered(f"the object has {found} bytes instead of {size}")
            for start, end in inodes.extents(descriptor, size):
                for at in range(start, end, inodes.CHUNK):
                    with TOLD:
                        data = os.pread(descriptor, min(inodes.CHUNK, end - at), at)
                    yield at, data
        finally:
            os.close(descriptor)

    def delete(self, key: str) -> None:
        """See ObjectStore. Folders that become empty go too."""
        path = self._path(key)
        with TOLD:
            for name in (path, path + META):
                with suppress(FileNotFoundError, NotADirectoryError):
                    os.unlink(name)
        with suppress(OSError):
            at = os.path.dirname(path)
            while len(at) > len(self._folder):
                os.rmdir(at)
                at = os.path.dirname(at)

    def listing(self, prefix: str) -> Iterator[list[Listed]]:
        """See ObjectStore."""
        page: list[Listed] = []
        with TOLD:
            for folder, _, names in os.walk(self._path(prefix.rstrip("/"))):
                objects = set(names)
                # Keys are ASCII; what has another name is not ours, nor can the database be asked for it.
                for name in filter(str.isascii, names):
                    whole = name.removesuffix(META)
                    if whole != name and (whole in objects or not _is_ours(f"{folder}/{name}")):
                        continue
                    with suppress(FileNotFoundError):
                        found = os.lstat(f"{folder}/{name}")
                        key = f"{folder}/{whole}"[len(self._folder) + 1 :].replace("%/", "")
                        modified = datetime.fromtimestamp(found.st_ctime, UTC)
                        page.append(Listed(key, found.st_size, modified, remnant=whole != name))
                    if len(page) >= PAGE:
                        yield page
                        page = []
        if page:
            yield page

    def sync(self) -> None:
        """See ObjectStore."""
        db.outside("a sync")
        with TOLD:
            descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                inodes.sync(descriptor)
            finally:
                os.close(descriptor)

    def prepare(self, *, wholly: bool = True) -> None:
        """See ObjectStore. The folder is made in one that exists: further above nothing may be mounted yet."""
        with TOLD:
            for folder in (self._folder, self._own) if wholly else (self._own,):
                with suppress(FileExistsError):
                    os.mkdir(folder, 0o700)

    def probe(self) -> datetime:
        """See ObjectStore."""
        with TOLD:
            path, content = f"{self._own}probe.{uuid.uuid4().hex}", uuid.uuid4().bytes
            descriptor = self._create(path)
            try:
                os.write(descriptor, content)
                if Path(path).read_bytes() != content:
                    raise StoreError("the folder gives back something else than was written")
                return datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
            finally:
                os.close(descriptor)
                os.unlink(path)

    def sweep(self, before: datetime, is_live: Callable[[list[str]], set[str]]) -> int:
        """See ObjectStore."""
        with TOLD:
            if not os.path.isdir(self._own):
                return 0
            old = [
                one for one in os.scandir(self._own) if one.stat(follow_symlinks=False).st_mtime < before.timestamp()
            ]
            live = is_live(sorted({one.name.partition(".")[0] for one in old}))
            removed = 0
            for one in old:
                if one.name.partition(".")[0] not in live:
                    os.unlink(one.path)
                    removed += 1
            return removed


def _described(path: str) -> Metadata | None:
    """What a side object says, None for one that is not there or is no such thing."""
    try:
        texts: dict[str, Any] = json.loads(read(path))
        return Metadata.from_text(texts, texts.get("xattrs", {}))
    except (OSError, ValueError, AttributeError):
        return None


def _is_ours(path: str) -> bool:
    described = _described(path)
    return described is not None and described.owner == owner()
