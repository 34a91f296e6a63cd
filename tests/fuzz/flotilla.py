"""Flotilla's own operations under the fuzzer: no credential, one document that exists."""

import random
from typing import Any

RANDOM = random.Random(7)
PATHS = {"get_openapi": lambda: {"document": "flotilla.json"}}
LISTED: dict[str, Any] = {}


def credential(case: Any) -> str | None:
    return None


def before(case: Any, operation: str) -> None:
    return None


def body(case: Any, operation: str) -> None:
    return None


def after(case: Any, operation: str, status: int) -> None:
    return None
