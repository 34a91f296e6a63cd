"""What a server counts of itself, for Prometheus (`/metrics` on the internal listener).

Labels are bounded: an operation's id, never a path. With several worker processes each keeps its numbers in files of a
common folder (the library's multiprocess mode, chosen by `share` before the library is first imported), and whichever
process is asked answers for all.
"""

import os
import shutil
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def share(folder: Path) -> None:
    """Let all processes that are forked from now on count together, in an emptied `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ[FOLDER] = str(folder)


class Metrics:
    """The numbers of this process; made once, when the first request is served (after a fork, that is)."""

    def __init__(self) -> None:
        import prometheus_client as prometheus

        from app import __version__

        self._prometheus = prometheus
        self._own = prometheus.CollectorRegistry()
        operation = ("system", "operation")
        self.requests = prometheus.Counter(
            "flotilla_requests", "Requests answered.", (*operation, "method", "status"), registry=self._own
        )
        self.seconds = prometheus.Histogram(
            "flotilla_request_seconds", "Time from request to answer.", operation, registry=self._own
        )
        self.received = prometheus.Counter("flotilla_received_bytes", "Bytes of request bodies.", registry=self._own)
        self.under_way = prometheus.Gauge(
            "flotilla_requests_under_way", "Requests being served.", registry=self._own, multiprocess_mode="livesum"
        )
        self._version = __version__

    def observe(self, system: str, operation: str, method: str, status: int, seconds: float) -> None:
        """Count one answer; `seconds` is how long it took."""
        self.requests.labels(system, operation, method, str(status)).inc()
        self.seconds.labels(system, operation).observe(seconds)

    def text(self) -> str:
        """Everything, in Prometheus' text form. Reads the database for what there is to do in the background."""
        registry = self._own
        if FOLDER in os.environ:
            multiprocess: Any = import_module("prometheus_client.multiprocess")
            _forget_dead(Path(os.environ[FOLDER]))
            registry = self._prometheus.CollectorRegistry()
            multiprocess.MultiProcessCollector(registry)
        answer: bytes = self._prometheus.generate_latest(registry)
        now = self._prometheus.CollectorRegistry()
        now.register(_Now(self._version))
        more: bytes = self._prometheus.generate_latest(now)
        return (answer + more).decode()


class _Now:
    """What is read when it is asked for: it is the same whichever process answers."""

    def __init__(self, version: str) -> None:
        self._version = version

    def collect(self) -> Iterable[Any]:
        from prometheus_client.core import GaugeMetricFamily

        from app.core import work

        info = GaugeMetricFamily("flotilla_build", "The version that runs.", labels=["version"])
        info.add_metric([self._version], 1)
        yield info
        units = GaugeMetricFamily("flotilla_work_units", "Units of work by kind and state.", labels=["kind", "state"])
        for (kind, state), count in sorted(work.count().items()):
            units.add_metric([kind, state], count)
        yield units


def _forget_dead(folder: Path) -> None:
    """Drop the gauges of processes that are gone; their counters still count."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        if not Path(f"/proc/{pid}").exists():
            file.unlink(missing_ok=True)


_metrics: Metrics | None = None


def current() -> Metrics:
    """The numbers of this process."""
    global _metrics
    if _metrics is None:
        _metrics = Metrics()
    return _metrics
