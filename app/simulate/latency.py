"""How long requests took, and how they ended."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from rich.table import Table


class Latencies:
    """Seconds of every request by operation, and what was not as it should be."""

    def __init__(self) -> None:
        self._seconds: defaultdict[str, list[float]] = defaultdict(list)
        self.faults: Counter[tuple[str, str]] = Counter()

    def add(self, operation: str, seconds: float) -> None:
        """Note a request that was answered."""
        self._seconds[operation].append(seconds)

    def fault(self, operation: str, what: str) -> None:
        """Note an answer that a client does not expect, or none."""
        self.faults[operation, what] += 1

    @property
    def requests(self) -> int:
        """How many were answered."""
        return sum(map(len, self._seconds.values()))

    def summary(self) -> list[dict[str, Any]]:
        """Per operation: requests, faults and milliseconds (p50, p95, p99, max)."""
        operations = sorted({*self._seconds, *(operation for operation, _ in self.faults)})
        return [self._describe(operation, sorted(self._seconds.get(operation, []))) for operation in operations]

    def _describe(self, operation: str, ordered: Sequence[float]) -> dict[str, Any]:
        faults = sum(count for (name, _), count in self.faults.items() if name == operation)
        shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
        times = {name: round(1000 * quantile(ordered, share), 1) for name, share in shares.items()}
        return {"operation": operation, "requests": len(ordered), "faults": faults, **times}


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed (nearest rank); 0 where there are none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The summary for a terminal."""
    made = Table("operation", box=None)
    for name in ("requests", "faults", "p50 ms", "p95 ms", "p99 ms", "max ms"):
        made.add_column(name, justify="right")
    for row in rows:
        made.add_row(*(f"{value:,}" if isinstance(value, int | float) else value for value in row.values()))
    return made
