"""A tree of files with everything in it that trips up who moves files, and what is to be known of each of them."""

import os
import random
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

ODD = [
    b"with space", b" leading", b"trailing ", b"new\nline", "grüße".encode(), "日本語".encode(), b"100%25",
    b"a+b&c=d?e#f", b"*?[x]", b"~", b"-rf", b"...", b"quote'\"", b"back\\slash", b"tab\t", b"\xff\xfe",
    b"caf\xe9.txt", b"x" * 255, "\uf7ff private".encode(), b"name.meta", b".flotilla", b".hidden", b"%2e%2e", b"CON",
    b"a" * 100 + "ü".encode() * 70,
]  # fmt: skip
SPARSE = 2**30


@dataclass(frozen=True)
class Known:
    """A file as it was: its bytes by hash, size, times, mode and owner."""

    digest: str
    size: int
    mtime_ns: int
    mode: int
    uid: int
    gid: int


def build(root: Path, count: int, *, seed: int = 7, sparse: int = 0) -> None:
    """`count` regular files beneath `root`, empty ones and hard links among them; links; a sparse file if wanted."""
    chance = random.Random(seed)
    folders = [os.fsencode(root)]
    for name in (b"plain", b"deep", *ODD[:6], b"\xff\xfe"):
        folders.append(os.path.join(chance.choice(folders[:6]), b"d " + name))
    for _ in range(12):
        folders.append(os.path.join(folders[-1] if chance.random() < 0.5 else chance.choice(folders), b"level"))
    for folder in folders:
        os.makedirs(folder, exist_ok=True)
    os.makedirs(os.path.join(folders[1], b"empty folder"), exist_ok=True)
    made: list[bytes] = []
    names = iter([*ODD, *(b"file %d.dat" % number for number in range(count))])
    while len(made) < count:
        path = os.path.join(folders[0] if len(made) < len(ODD) else chance.choice(folders), next(names))
        if len(made) % 50 == 49:  # another name of a file that is there
            os.link(chance.choice(made), path)
        else:
            _write(path, _size(chance, len(made)), chance)
        made.append(path)
    if sparse:
        with (root / "sparse.img").open("wb") as file:
            file.truncate(sparse)
            for offset in (0, sparse // 2, sparse - 5):
                file.seek(offset)
                file.write(b"data!")
        os.utime(root / "sparse.img", ns=(10**18, 10**18 + 1))
    for number, target in enumerate((b"file 30.dat", b"/etc/passwd", b"nowhere", b"..")):
        os.symlink(target, os.path.join(folders[0], b"link %d" % number))
    os.mkfifo(root / "fifo")


def _size(chance: random.Random, number: int) -> int:
    return 0 if number % 40 == 7 else 300_000 if number % 400 == 11 else chance.randrange(1, 3000)


def _write(path: bytes, size: int, chance: random.Random) -> None:
    with open(path, "wb") as file:
        file.write(chance.randbytes(size))
    os.chmod(path, chance.choice((0o644, 0o600, 0o755, 0o444)))
    os.utime(path, ns=(chance.randrange(10**18), chance.randrange(10**18)))


def files(root: Path) -> Iterator[bytes]:
    """The regular files beneath a folder, each name of them; in bytes, relative."""
    top = os.fsencode(root)
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield os.path.relpath(path, top)


def know(root: Path) -> dict[bytes, Known]:
    """Every regular file beneath a folder as it is."""
    return {name: _known(os.path.join(os.fsencode(root), name)) for name in files(root)}


def _known(path: bytes) -> Known:
    found, digest = os.stat(path), sha256()
    with open(path, "rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return Known(digest.hexdigest(), found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid, found.st_gid)


def stubs(root: Path) -> dict[bytes, tuple[int, int, int]]:
    """Of each regular file: blocks, size, mtime."""
    found = {}
    for name in files(root):
        one = os.stat(os.path.join(os.fsencode(root), name))
        found[name] = (one.st_blocks, one.st_size, one.st_mtime_ns)
    return found


def make_unreadable(path: Path) -> bool:
    """Have nobody write to or open a file for writing, root neither; whether that is possible here."""
    if os.geteuid() != 0:
        path.chmod(0)
        return True
    return subprocess.run(["chattr", "+i", str(path)], capture_output=True).returncode == 0


def make_readable(path: Path) -> None:
    subprocess.run(["chattr", "-i", str(path)], capture_output=True)
    path.chmod(0o644)
