"""Branch coverage of a whole run, held against what the design asks for: 90 % in all, 75 % of each file.

`make coverage` measures it first.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

WHOLE, EACH = 90.0, 75.0


def faults(report: dict) -> list[str]:
    """What is covered too little, in `coverage json`'s form of a report."""
    found = [
        f"{name}: {file['summary']['percent_covered']:.1f} %, {EACH:.0f} wanted"
        for name, file in sorted(report["files"].items())
        if file["summary"]["percent_covered"] < EACH
    ]
    whole = report["totals"]["percent_covered"]
    return [*found, *([f"in all: {whole:.1f} %, {WHOLE:.0f} wanted"] if whole < WHOLE else [])]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "coverage.json"
        subprocess.run([sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(file)], check=True)
        report = json.loads(file.read_text("utf-8"))
    print(f"{report['totals']['percent_covered']:.1f} % of statements and branches in {len(report['files'])} files")
    print("\n".join(missing := faults(report)))
    sys.exit(bool(missing))
