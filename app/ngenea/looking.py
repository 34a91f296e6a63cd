"""What a worker sees at a path of its site: answers to who looks at files (ngenea 3.8).

No symbolic link is followed, and nothing outside of the root is seen (app/ngenea/rooted.py).
"""

import errno
import os
import stat
from typing import Any, Final

from app.core import clock, db
from app.core.errors import NotFound
from app.ngenea import here, names, pages, questions
from app.ngenea.rooted import Root, kind_of
from models.ngenea.files import Entry
from models.ngenea.sites import ExternalTarget

Document = dict[str, Any]
ALL_AT_ONCE: Final = 100_000  # children of a page where a client asks for all
ALL_DETAILS: Final = 10_000  # and for details of each
BLOCK: Final = 512  # bytes, by definition of st_blocks
BATCH: Final = 500
# What says that nothing can be at a path; a folder that is a link is none.
NOWHERE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG)
# 9999-12-31; what lies beyond has no RFC 3339 form.
LAST_MICRO: Final = 253402300799_999999


@questions.answers(questions.LOOK)
def look(site: int, question: Document) -> Document:
    """What is at the path, and a page of what is in it; or {"there": False, "error": line}, or {"error": line}."""
    root, path = Root(here.folder(site)), names.read(question["path"])
    try:
        found = root.lstat(path)
        shown = {**_shown(path, found), "children": None}
        if kind_of(found.st_mode) == "directory":
            shown["children"] = _children(site, root, path, question)
    except NotFound as exc:  # no such page
        return {"there": False, "error": exc.detail}
    except OSError as exc:
        if not root.folder.is_dir():
            return {"error": "the folder of the site is not there"}
        if exc.errno in NOWHERE:
            return {"there": False, "error": "there is no such path"}
        return {"error": f"{question['path']}: {exc.strerror}"}
    _tell_status(site, [(path, shown)])
    return {"there": True, "at": clock.rfc3339(clock.now()), "entry": shown}


def _shown(path: bytes, found: os.stat_result) -> Document:
    kind = kind_of(found.st_mode)
    return {
        **_named(path, kind),
        "size": found.st_size,
        "data_size": found.st_blocks * BLOCK,
        "atime": _time(found.st_atime_ns),
        "mtime": _time(found.st_mtime_ns),
        "ctime": _time(found.st_ctime_ns),
        "metadata": {
            "mode": f"{stat.S_IMODE(found.st_mode):04o}",
            "uid": found.st_uid,
            "gid": found.st_gid,
            "inode": found.st_ino,
            "links": found.st_nlink,
        },
        "status": "resident" if kind == "file" else None,
        "remote_locations": [],
    }


def _time(nanoseconds: int) -> str:
    return clock.rfc3339(min(max(nanoseconds // 1000, 0), LAST_MICRO))


def _named(path: bytes, kind: str) -> Document:
    name = path.rpartition(b"/")[2]
    depth = len([part for part in path.split(b"/") if part])
    return {
        "name": names.show(name) or "/",
        "path": names.show(path),
        "type": kind,
        "path_depth": depth,
        "restricted": name.startswith(b"."),
    }


def _children(site: int, root: Root, path: bytes, question: Document) -> Document:
    """A page of what is in a folder. All names are read, for the order; no more than a page is looked at."""
    with root.opened(path) as descriptor:
        with os.scandir(descriptor) as entries:
            kinds = {os.fsencode(entry.name): _kind(entry) for entry in entries if _wanted(entry.name, question)}
        if question["type"] is not None:
            kinds = {name: kind for name, kind in kinds.items() if kind == question["type"]}
        size = pages.size(question["page_size"]) or (ALL_DETAILS if question["details"] else ALL_AT_ONCE)
        last = max(1, -(-len(kinds) // size))
        page = pages.which(question["page"], last)
        here_now = sorted(kinds)[(page - 1) * size : page * size]
        beneath = path.rstrip(b"/") + b"/"
        if question["details"]:
            results = _detailed(site, descriptor, beneath, here_now)
        else:
            results = [_named(beneath + name, kinds[name]) for name in here_now]
    return {"count": len(kinds), "page": page, "last": last, "results": results}


def _wanted(name: str, question: Document) -> bool:
    return question["restricted"] or not name.startswith(".")


def _kind(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "symlink"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "file" if entry.is_file(follow_symlinks=False) else "other"


def _detailed(site: int, descriptor: int, beneath: bytes, wanted: list[bytes]) -> list[Document]:
    """Those that are still there, with all that is told of each."""
    found = []
    for name in wanted:
        try:
            one = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
        except FileNotFoundError:
            continue
        found.append((beneath + name, _shown(beneath + name, one)))
    _tell_status(site, found)
    return [shown for _, shown in found]


def _tell_status(site: int, found: list[tuple[bytes, Document]]) -> None:
    """Fill in where the data of files is, as the catalogue knows."""
    by_path = {path: shown for path, shown in found if shown["type"] == "file"}
    paths = list(by_path)
    for at in range(0, len(paths), BATCH):
        with db.read():
            rows: Any = (
                Entry.select(Entry, ExternalTarget)
                .join(ExternalTarget)
                .where(Entry.site == site, Entry.path.in_(paths[at : at + BATCH]))
            )
            for row in rows:
                shown = by_path[bytes(row.path)]
                shown["status"] = row.state
                shown["remote_locations"] = [{"target": row.target.name, "key": row.key}]
