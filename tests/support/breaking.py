"""What would break the clients of the last release, by `redocly diff`, and whether the changelog says so.

    python -m tests.support.breaking

lists every breaking change that CHANGELOG.md does not name. A change is named by a line of the list "### Breaking"
under the heading of what is not released yet:

    - `GET /api/management/v1/inventory/devices`: what a client has to do now.

Three things redocly diff 2.77 does not do are done here: it names one operation of all that share a changed component
(so components are put in place first; its own --dereferenced fails on recursive schemas); it rates what stands inside
`not` as if it stood outside; and it takes a property gone from a request for harmless, though no generated client that
sets it compiles any more.
"""

import json
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app import main
from app.http import specs
from app.settings import Settings
from tests.support import node
from tests.support.release import RELEASES

CHANGELOG = Path(__file__).parents[2] / "CHANGELOG.md"
UNRELEASED = re.compile(r"^## [^\n]*unreleased[^\n]*\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE)
BREAKING = re.compile(r"^### Breaking\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^- `([A-Z]+ /[^`]*)`: \S", re.MULTILINE)

Breaks = dict[str, list[str]]


def last_release() -> Path:
    """The folder that the newest kept release left."""
    return max(RELEASES.iterdir(), key=lambda folder: [int(part) for part in folder.name.split(".")])


def breaking(base: Any, revision: Any, folder: Path) -> Breaks:
    """`METHOD path` -> what breaks there, of two documents. `folder` is for temporary files."""
    for name, document in (("base.json", base), ("revision.json", revision)):
        (folder / name).write_text(json.dumps({**document, "paths": _in_place(document["paths"], document)}))
    done = node.program("redocly", "diff", "base.json", "revision.json", "--format=json", "--fail-on=none", cwd=folder)
    if done.returncode:
        raise RuntimeError(f"redocly diff failed: {done.stderr[-2000:]}")
    found: Breaks = defaultdict(list)
    for change in json.loads(done.stdout)["changes"]:
        if _breaks(change):
            for operation, place in _operations(change["path"], base):
                found[operation].append(f"{place}: {_words(change)}")
    return dict(found)


def _in_place(value: Any, document: Any, trail: tuple[str, ...] = ()) -> Any:
    """`value` with components in place of their $ref, but where a component holds itself."""
    if isinstance(value, list):
        return [_in_place(item, document, trail) for item in value]
    if not isinstance(value, dict):
        return value
    ref = value.get("$ref")
    if not isinstance(ref, str):
        return {key: _in_place(item, document, trail) for key, item in value.items()}
    if ref in trail:
        return value
    section, name = ref.removeprefix("#/components/").split("/")
    return _in_place(document["components"][section][name], document, (*trail, ref))


def _breaks(change: Any) -> bool:
    parts = change["path"].split("/")
    if parts.count("not") % 2 and change["kind"] != "modified":
        return bool(change["kind"] == "added")
    gone = change["kind"] == "removed" and "requestBody" in parts and parts[-2] == "properties"
    return gone or change["impact"] == "major"


def _words(change: Any) -> str:
    verdicts = [verdict["message"] for verdict in change["verdicts"]]
    return " ".join(verdicts) or f"{change['typeName']} {change['kind']}"


def _operations(pointer: str, base: Any) -> Iterator[tuple[str, str]]:
    """(`METHOD path`, where in it) of every operation of `base`, or new one, that a pointer of the report concerns."""
    _, section, *where = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/"))
    if section == "paths" and len(where) > 1 and where[1] in specs.METHODS:
        yield f"{where[1].upper()} {where[0]}", "/".join(where[2:]) or "operation"
        return
    for path, method, operation in specs.operations(base):
        schemes = {scheme for requirement in operation.get("security", ()) for scheme in requirement}
        if section == "paths":
            concerned = where[:1] == [path]
        elif section == "components":
            concerned = where[:1] == ["securitySchemes"] and where[1] in schemes
        else:
            concerned = True
        if concerned:
            yield f"{method.upper()} {path}", "/".join([section, *where])


def named(changelog: str) -> set[str]:
    """The operations that a changelog names as breaking in what is not released yet."""
    section = UNRELEASED.search(changelog)
    listed = BREAKING.search(section[1]) if section else None
    return set(ENTRY.findall(listed[1])) if listed else set()


def unnamed(breaks: Breaks, changelog: str) -> list[str]:
    """The lines wanted in the changelog, for what breaks and is not named there."""
    return [f"- `{key}`: {'; '.join(what)}" for key, what in sorted(breaks.items()) if key not in named(changelog)]


def since_last_release(folder: Path) -> Breaks:
    """What breaks in the documents of now. Raises FileNotFoundError when a system of the release is gone."""
    found: Breaks = {}
    documents = main.published(Settings(), "public")
    for file in sorted(last_release().glob("*.json")):
        if file.stem not in documents:
            raise FileNotFoundError(f"{file.stem} was in release {last_release().name} and is gone")
        found |= breaking(json.loads(file.read_bytes()), json.loads(documents[file.stem]), folder)
    return found


def _report() -> int:
    if fault := node.install():
        print(fault, file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="flotilla-diff-") as folder:
        breaks = since_last_release(Path(folder))
    wanted = unnamed(breaks, CHANGELOG.read_text(encoding="utf-8"))
    print(f"{len(breaks)} operations break clients of {last_release().name}, {len(wanted)} not in the changelog")
    print("\n".join(wanted))
    return 1 if wanted else 0


if __name__ == "__main__":
    sys.exit(_report())
