"""Damaged artifacts: each is refused as such, or is a whole artifact; nothing else ever happens (mender 4.1).

500 mutations here, 10,000 with FLOTILLA_FULL; a seed names each.
"""

import os
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from app.mender.artifact_file import ArtifactFile, parse
from app.mender.artifact_header import ArtifactError
from app.mender.artifact_writer import SingleFile, write
from tests.support.artifacts import Payload, build

pytestmark = pytest.mark.rule("mender 4.1")

COUNT = 10_000 if os.environ.get("FLOTILLA_FULL") else 500
BLOCK = 512
SUFFIXES = ("", ".gz", ".xz", ".zst")

Mutation = Callable[[random.Random, bytearray], None]


def flip(dice: random.Random, content: bytearray) -> None:
    for _ in range(dice.choice((1, 1, 1, 8, 64))):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)


def overwrite(dice: random.Random, content: bytearray) -> None:
    start = dice.randrange(len(content))
    length = dice.choice((1, 4, 12, BLOCK, 4096))
    filler = dice.choice((bytes(length), b"\xff" * length, dice.randbytes(length), b"7" * length))
    content[start : start + length] = filler[: len(content) - start]


def cut(dice: random.Random, content: bytearray) -> None:
    del content[dice.randrange(len(content)) :]


def remove(dice: random.Random, content: bytearray) -> None:
    start = dice.randrange(len(content))
    del content[start : start + dice.choice((1, BLOCK, 3 * BLOCK, 5000))]


def insert(dice: random.Random, content: bytearray) -> None:
    start = dice.randrange(len(content))
    content[start:start] = dice.randbytes(dice.choice((1, 7, BLOCK)))


def swap_blocks(dice: random.Random, content: bytearray) -> None:
    one, other = (dice.randrange(max(len(content) // BLOCK, 1)) * BLOCK for _ in range(2))
    content[one : one + BLOCK], content[other : other + BLOCK] = (
        content[other : other + BLOCK],
        content[one : one + BLOCK],
    )


def repeat_blocks(dice: random.Random, content: bytearray) -> None:
    start = dice.randrange(max(len(content) // BLOCK, 1)) * BLOCK
    content[start:start] = content[start : start + BLOCK * dice.choice((1, 2, 5))]


def rewrite_number(dice: random.Random, content: bytearray) -> None:
    """A field of a tar header: mode, size, time, checksum or type; with its checksum mended, so that it counts."""
    start = dice.randrange(max(len(content) // BLOCK, 1)) * BLOCK
    header = content[start : start + BLOCK]
    if len(header) < BLOCK:
        return
    place, length = dice.choice(((100, 8), (124, 12), (136, 12), (156, 1), (257, 8), (345, 155), (0, 100)))
    value = dice.choice((b"7" * length, b"\x80" + bytes(length - 1), b"\xff" * length, b" " * length, b"../" * length))
    header[place : place + length] = value[:length]
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content[start : start + BLOCK] = header


MUTATIONS: tuple[Mutation, ...] = (
    flip,
    flip,
    overwrite,
    cut,
    remove,
    insert,
    swap_blocks,
    repeat_blocks,
    rewrite_number,
    rewrite_number,
)


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> list[bytes]:
    """Whole artifacts of all kinds."""
    folder = tmp_path_factory.mktemp("originals")
    payload = b"welcome\n" * 2000
    (folder / "payload").write_bytes(payload)
    single = SingleFile("made", ["board"], "/etc", "motd", "644", ("rootfs-image", "single-file", "made"))
    write(folder / "made", single, folder / "payload", len(payload), sha256(payload).hexdigest())
    several = [Payload(files={"a": b"x" * 3000}, depends={"k": ["1", "2"]}), Payload("x", files={"b": b""})]
    return [
        (folder / "made").read_bytes(),
        *(build(suffix=suffix) for suffix in SUFFIXES),
        build(version=2),
        build(payloads=several, suffix=".zst"),
        build(augmented=[Payload("x", files={"more": b"more"})]),
    ]


def mutated(seed: int, originals: list[bytes]) -> bytes:
    dice = random.Random(seed)
    content = bytearray(dice.choice(originals))
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        if content:
            dice.choice(MUTATIONS)(dice, content)
    return bytes(content)


def outcome(file: Path) -> ArtifactFile | None:
    try:
        return parse(file)
    except ArtifactError as exc:
        assert str(exc).isprintable()
        assert len(str(exc)) < 2000
        return None


def test_mutations(originals, tmp_path):
    whole = {(parsed.name, parsed.version) for parsed in map(outcome, _files(originals, tmp_path))}
    file, taken = tmp_path / "mutated", 0
    for seed in range(COUNT):
        content = mutated(seed, originals)
        file.write_bytes(content)
        try:
            found = outcome(file)
        except Exception as exc:
            raise AssertionError(f"seed {seed}: {exc!r}") from exc
        if found is not None:
            # What no checksum covers was changed: dates, padding, what stands behind the end.
            assert (found.name, found.version) in whole, f"seed {seed}"
            assert all(len(entry["checksum"]) == 64 for update in found.updates for entry in update["files"])
            taken += 1
    assert 0 < taken < COUNT / 2


def _files(originals: list[bytes], folder: Path) -> list[Path]:
    files = [folder / f"original-{number}" for number in range(len(originals))]
    for file, content in zip(files, originals, strict=True):
        file.write_bytes(content)
    return files
