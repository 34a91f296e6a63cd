"""What the tests of artifact files share."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from app.mender.artifact_file import ArtifactFile, parse

Read = Callable[[bytes], ArtifactFile]

_numbers = itertools.count()


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Parse bytes by way of a file."""

    def of(content: bytes) -> ArtifactFile:
        file = tmp_path / f"{next(_numbers)}.mender"
        file.write_bytes(content)
        try:
            return parse(file)
        finally:
            file.unlink()

    return of
