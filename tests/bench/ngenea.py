"""`python -m tests.bench.ngenea`: files of the Ngenea system into a folder, beside `rclone copy` of the same files.

Writes docs/explanations/performance-ngenea.md. 10,000 small files and one of 2 GiB; medians of rounds in which both take
turns, in changing order. rclone copies; the worker copies, verifies, notes where each byte is, and drops it here.
"""

import argparse
import os
import platform
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path

from tests.support.hub import Installation

REPORT = Path(__file__).parents[2] / "docs" / "explanations" / "performance-ngenea.md"
SMALL, BIG = 10_000, 2 * 2**30


def small_files(folder: Path, count: int) -> None:
    chance = random.Random(3)
    for number in range(count):
        path = folder / f"d{number % 100}" / f"f{number}"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(chance.randbytes(chance.randrange(100, 8000)))


def big_file(folder: Path, size: int) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    with (folder / "big").open("wb") as file:
        for _ in range(size // 2**20):
            file.write(os.urandom(2**20))


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rclone_peak = 0
        self.installation = Installation.start(folder, CHECK_ANSWERS="false")
        self.installation.site("here")
        self.space = self.installation.space("films", "here")
        vault = folder / "vault"
        vault.mkdir()
        self.installation.target("films", name="vault", storage_type="FS", migration_target_folder=str(vault))

    def peak(self) -> int:
        """The most memory that the worker ever had, in MB."""
        status = Path(f"/proc/{self.installation.workers['here'].pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def rclone(self, source: Path) -> float:
        """Seconds."""
        target = self.folder / "rclone"
        shutil.rmtree(target, ignore_errors=True)
        os.sync()
        started = time.perf_counter()
        process = subprocess.Popen(["rclone", "copy", str(source), str(target)])
        _, status, used = os.wait4(process.pid, 0)
        assert status == 0
        taken = time.perf_counter() - started
        self.rclone_peak = max(self.rclone_peak, used.ru_maxrss // 1024)
        return taken

    def job(self, workflow: str, path: str) -> float:
        """Seconds, from the submission until it is seen to have ended."""
        os.sync()
        started = time.perf_counter()
        number = self.installation.submit(workflow, "here", path)
        while (job := self.installation.job(number))["completed"] is None:
            time.sleep(0.05)
        assert job["state"] == "SUCCESS", job
        return time.perf_counter() - started

    def round(self, what: str, turn: int, options: argparse.Namespace) -> dict[str, float]:
        """Seconds of each, on files of this round alone."""
        folder = self.space / f"{what}-{turn}"
        if what == "small":
            small_files(folder, options.small)
        else:
            big_file(folder, options.big)
        taken = {}
        for who in ("rclone", "premigrate") if turn % 2 == 0 else ("premigrate", "rclone"):
            taken[who] = self.rclone(folder) if who == "rclone" else self.job(who, f"/films/{folder.name}")
        for workflow in ("migrate", "recall"):
            taken[workflow] = self.job(workflow, f"/films/{folder.name}")
        shutil.rmtree(folder)
        return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--small", type=int, default=SMALL)
    parser.add_argument("--big", type=int, default=BIG)
    options = parser.parse_args()
    figures: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        try:
            for turn in range(options.rounds):
                for what in ("small", "big"):
                    figures[what].append(bench.round(what, turn, options))
                    print(what, {who: round(taken, 2) for who, taken in figures[what][-1].items()}, flush=True)
            peak = bench.peak()
        finally:
            bench.installation.stop()
    REPORT.write_text(report(figures, peak, bench.rclone_peak, options), encoding="utf-8")
    print(REPORT.read_text("utf-8"))


def report(figures: dict[str, list[dict[str, float]]], peak: int, rclone_peak: int, options: argparse.Namespace) -> str:
    """The page."""
    rows = ""
    for what, about in (("small", f"{options.small:,} small files"), ("big", f"one of {options.big // 2**20:,} MiB")):
        median = {who: statistics.median(one[who] for one in figures[what]) for who in figures[what][0]}
        cells = [f"1 ({median['rclone']:.1f} s)"]
        cells += [f"{median[who] / median['rclone']:.2f}" for who in ("premigrate", "migrate", "recall")]
        rows += f"| {about} | {' | '.join(cells)} |\n"
    return f"""# Files into a folder and back, as measured

`python -m tests.bench.ngenea` on {date.today()}, Python {platform.python_version()}, {os.cpu_count()} shared, noisy cores,
one SQLite file, a worker in a process of its own with four threads; medians of {options.rounds} rounds in which all take
turns, in changing order. Times from the submission over HTTP to the end of the job as a client sees it; `rclone copy` with
its defaults, from its start to its end.

## Time, `rclone copy` = 1

| | rclone copy | premigrate | migrate, after that | recall |
|---|---|---|---|---|
{rows}
rclone copies. Premigrate copies while hashing, compares, has all of a batch on disk before it says so, and notes in the
database where each file's bytes are; migrate then drops them here; recall brings them back and compares their hash.

## Memory

The worker had {peak} MB at most over all rounds, rclone {rclone_peak} MB.
"""


if __name__ == "__main__":
    main()
