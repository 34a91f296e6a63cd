"""Which paths a job takes, and which of its rules take them (ngenea 3.1, 3.2).

Globs of the site, of the request and of a rule all have to let a path pass; of each, exclude wins.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.ngenea import walk
from app.ngenea.definitions import TYPES


@dataclass(frozen=True, slots=True)
class Action:
    """A step of a chain, with the values of fields in their places: `site` is a number."""

    task: str
    arguments: Mapping[str, Any]
    site: int
    queue: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Which paths go through a chain of actions."""

    type: str
    state: str
    include: Sequence[str]
    exclude: Sequence[str]
    actions: Sequence[Action]

    def fits(self, path: bytes, kind: str, space: bytes) -> bool:
        """Whether type and globs take a path."""
        if TYPES[self.type] not in ("all", kind):
            return False
        return not (self.include or self.exclude) or walk.matches(path, self.include, self.exclude, space)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job does, as it was settled when it was submitted. `globs` are pairs of include and exclude.

    It goes into none of the `closed` spaces, which who submitted it may not know of.
    Batches have at most so many paths and bytes; with `growing` they begin small.
    """

    discovery: str | None
    skip_missing: bool
    globs: Sequence[tuple[Sequence[str], Sequence[str]]]
    rules: Sequence[Rule]
    spaces: Sequence[bytes]
    batch_size: int
    batch_bytes: int
    growing: bool = False
    closed: Collection[bytes] = ()

    def takes(self, path: bytes) -> bool:
        """Whether the globs of the site and of the request let a path pass."""
        return self._passes(path, self.globs)

    def enters(self, folder: bytes) -> bool:
        """Whether a folder is looked into: none that is excluded, whatever is to be included."""
        return self._passes(folder, [((), exclude) for _, exclude in self.globs])

    def _passes(self, path: bytes, globs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> bool:
        if not globs and not self.closed:
            return True
        space = self.space_of(path)
        return space not in self.closed and all(walk.matches(path, *pair, space) for pair in globs)

    def space_of(self, path: bytes) -> bytes:
        """The mount point of the innermost space that a path is in."""
        return max((one for one in self.spaces if is_within(path, one)), key=len, default=b"")

    def chosen(self, path: bytes, kind: str) -> list[int]:
        """The rules that take a path, whose state nobody knows: those for `all`, and `default` for given paths."""
        wanted = ("all",) if self.discovery == "recursive" else ("all", "default")
        space = self.space_of(path)
        return [at for at, rule in enumerate(self.rules) if rule.state in wanted and rule.fits(path, kind, space)]


def is_within(path: bytes, folder: bytes) -> bool:
    """Whether a path is a folder or beneath it, component by component."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def plan(
    definition: Mapping[str, Any], spaces: Sequence[bytes], batch_size: int, batch_bytes: int, *, growing: bool
) -> Plan:
    """What the definition of a job says."""
    rules = [
        Rule(
            one["type"],
            one["state"],
            one["include"],
            one["exclude"],
            [Action(step["task"], step["arguments"], step["site"], step["queue"]) for step in one["actions"]],
        )
        for one in definition["rules"]
    ]
    return Plan(
        definition["discovery"],
        definition["skip_missing"],
        [(include, exclude) for include, exclude in definition["globs"] if include or exclude],
        rules,
        spaces,
        batch_size,
        batch_bytes,
        growing,
        {mount.encode() for mount in definition.get("closed", ())},
    )
