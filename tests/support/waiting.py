"""Waiting for what will come about, without a word on how long it takes."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 60


def eventually(condition: Callable[[], Any]) -> Any:
    """What `condition` gives as soon as it gives something; fails only when it never does."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if result := condition():
            return result
        time.sleep(0.02)
    raise AssertionError("it never came about")
