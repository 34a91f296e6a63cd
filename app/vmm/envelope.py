"""Refusals of the ui-vmm system: the `errors` of JSON:API (vmm 2)."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson

from app.core.errors import Problem
from app.vmm.documents import JSONAPI

DETAILS: Final = {500: "internal error"}
MAX_CODE: Final = 64


def render(problem: Problem, request_id: str, _: str) -> bytes:
    """The body of an answer of 400 and above: an error for each fault."""
    faults: Sequence[tuple[str | None, str]] = problem.errors or [
        (None, DETAILS.get(problem.status) or problem.detail or "service unavailable")
    ]
    errors = [_error(problem.status, pointer, detail) for pointer, detail in faults]
    return orjson.dumps({"jsonapi": JSONAPI, "errors": errors, "meta": {"request_id": request_id}})


def _error(status: int, pointer: str | None, detail: str) -> dict[str, Any]:
    error: dict[str, Any] = {
        "status": str(status),
        "code": _code(detail),
        "title": HTTPStatus(status).phrase,
        "detail": detail,
    }
    if pointer is not None:
        error["source"] = {"pointer": pointer}
    return error


def _code(detail: str) -> str:
    """A name for programs: the first words of the detail."""
    words = re.findall(r"[a-z0-9]+", detail.partition(":")[0].lower())
    code = words[0] if words else "error"
    for word in words[1:]:
        if len(code) + 1 + len(word) > MAX_CODE:
            break
        code += f"_{word}"
    return code[:MAX_CODE]
