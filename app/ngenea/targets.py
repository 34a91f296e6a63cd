"""Which space a path is in, and which target its data goes to (ngenea 1, 3.2)."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import re2

from app.core import db
from app.ngenea import keys, names
from models.ngenea.sites import Bucket, ExternalTarget, Space, SpaceSite, TargetSite

_QUIET: Final = re2.Options()
_QUIET.log_errors = False
MIXED: Final = "the bucket's folder and the space {} lie in one another"


class NoTarget(Exception):
    """Nothing says where a file's data goes; the message is for people."""


def is_beneath(path: bytes, folder: bytes) -> bool:
    """Whether a path is a folder or beneath it, by whole components."""
    folder = folder.rstrip(b"/")
    return path == folder or path.startswith(folder + b"/")


@dataclass(frozen=True, slots=True)
class Mounted:
    """A space where it is on this site."""

    space: Space
    mountpoint: bytes

    def relative(self, path: bytes) -> bytes:
        """A path beneath the mount point, within the space."""
        return path[len(self.mountpoint) :].lstrip(b"/")

    def key(self, path: bytes) -> str:
        """The key of a path's object. Raises ValueError when it would be too long."""
        return keys.of_path(self.space.name, self.relative(path))


@dataclass(frozen=True, slots=True)
class Target:
    """A target that this site may use for a space."""

    row: ExternalTarget
    bucket: Bucket
    pattern: Any
    backup_only: bool
    backup_site: int | None


class Plan:
    """The spaces and targets of a site whose files are beneath `folder`, read once for a run of a task."""

    def __init__(self, site: int, folder: Path) -> None:
        with db.read():
            mounted = list(SpaceSite.select(SpaceSite, Space).join(Space).where(SpaceSite.site == site))
            targets: list[Any] = list(
                ExternalTarget.select(ExternalTarget, Bucket)
                .join(Bucket)
                .switch(ExternalTarget)
                .join(TargetSite, on=(TargetSite.target == ExternalTarget.pk))
                .where(TargetSite.site == site, ExternalTarget.enabled)
                .order_by(ExternalTarget.pk)
            )
        self._site, self._folder = site, os.path.realpath(os.fsencode(folder))
        self._mixed: dict[str, str] = {}
        spaces = [Mounted(row.space, names.read(row.mountpoint).rstrip(b"/")) for row in mounted]
        self._spaces = sorted(spaces, key=lambda one: -len(one.mountpoint))
        self._targets: dict[int, list[Target]] = {}
        for row in targets:
            pattern = re2.compile(row.local_file_regex, _QUIET)
            target = Target(row, row.bucket, pattern, row.backup_only, row.backup_site_id)
            self._targets.setdefault(row.space_id, []).append(target)

    def prefixes(self) -> dict[str, bytes]:
        """The mount point of each space, by what the keys of its files begin with."""
        return {keys.prefix(one.space.name): one.mountpoint for one in self._spaces}

    def mixed_with(self, bucket: Any) -> str:
        """The name of a space whose files would be mixed with the objects of a bucket that is a folder; '' for none."""
        folder = bucket.migration_target_folder
        if folder and folder not in self._mixed:
            objects = os.path.realpath(os.fsencode(folder))
            mixed = (name for files, name in self._places if is_beneath(objects, files) or is_beneath(files, objects))
            self._mixed[folder] = next(mixed, "")
        return self._mixed[folder] if folder else ""

    @cached_property
    def _places(self) -> list[tuple[bytes, str]]:
        """Where the files of each space really are. Looked up when first wanted: it takes a while."""
        return [(os.path.realpath(self._folder + one.mountpoint), one.space.name) for one in self._spaces]

    def space_of(self, path: bytes) -> Mounted | None:
        """The space a path is in: that of the longest mount point."""
        return next((one for one in self._spaces if is_beneath(path, one.mountpoint)), None)

    def target_of(self, space: Mounted, path: bytes, *, premigrate: bool, endpoint: str | None) -> Target:
        """The first target that takes a path; `endpoint` names the one that is wanted. Raises NoTarget."""
        shown = names.show(path)
        fitting = [
            target
            for target in self._targets.get(space.space.pk, [])
            if endpoint in (None, target.row.name) and target.pattern.search(shown)
        ]
        if not fitting:
            which = f"target called {endpoint}" if endpoint else "target"
            raise NoTarget(f"no {which} of the space {space.space.name} takes this path on this site")
        for target in fitting:
            if not target.backup_only or (premigrate and target.backup_site in (None, self._site)):
                if mixed := self.mixed_with(target.bucket):
                    raise NoTarget(MIXED.format(mixed))
                return target
        raise NoTarget("the only targets that take this path are for backups, from one site, and keep the file here")
