"""Error bodies: one renderer and media type per system, chosen by the longest path prefix of systems.yaml."""

from collections.abc import Callable, Iterable
from typing import Final

import orjson

from app.core.calls import Audience
from app.core.errors import Problem
from app.http.security import load_function
from app.http.systems import System

# (what was refused, request id, operationId or '') -> the body of the answer
Renderer = Callable[[Problem, str, str], bytes]

NEUTRAL: Final = "flotilla"
TITLES = {500: "internal error", 503: "service unavailable"}


def _error_and_request_id(problem: Problem, request_id: str, _: str) -> bytes:
    """Mender's `{"error", "request_id"}` (mender 1.5), also the neutral form of our own endpoints."""
    error = TITLES.get(problem.status, problem.detail)
    if problem.status == 503 and problem.detail:
        error = problem.detail
    return orjson.dumps({**problem.body, "error": error, "request_id": request_id})


RENDERERS: dict[str, Renderer] = {"mender": _error_and_request_id, "flotilla": _error_and_request_id}


class Envelopes:
    """Looks up the renderer and system of a path; `*` and unknown paths get the neutral one."""

    def __init__(self, systems: Iterable[System], audience: Audience) -> None:
        """Those of one listener; a system's `envelope` is one of RENDERERS or `module:function`."""
        found = [(prefix, system) for system in systems for prefix in system.prefixes[audience]]
        self._prefixes = sorted(found, key=lambda entry: -len(entry[0]))
        names = {system.envelope for _, system in found} | {NEUTRAL}
        self._renderers = {name: RENDERERS.get(name) or load_function(name) for name in names}

    def system(self, path: str) -> str:
        """The name of the system that owns a path, `flotilla` for none."""
        found = self._owner(path)
        return NEUTRAL if found is None else found.name

    def render(self, problem: Problem, path: str, request_id: str, operation: str) -> tuple[str, bytes]:
        """The media type and body of an error on a path; `operation` is an operationId, or empty."""
        found = self._owner(path)
        renderer = self._renderers[NEUTRAL if found is None else found.envelope]
        return "application/json" if found is None else found.media, renderer(problem, request_id, operation)

    def _owner(self, path: str) -> System | None:
        return next((system for prefix, system in self._prefixes if _under(path, prefix)), None)


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
