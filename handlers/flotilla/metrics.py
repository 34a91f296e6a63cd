"""Numbers for Prometheus, on the internal listener."""

from app.core import metrics


def get_metrics():
    """Everything this server counts, of all its processes."""
    return metrics.current().text()
