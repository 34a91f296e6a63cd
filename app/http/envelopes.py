"""Error bodies: one renderer per system, chosen by the longest path prefix of systems.yaml."""

from collections.abc import Callable, Iterable

import orjson

from app.core.errors import Problem
from app.http.security import load_function

# (what was refused, request id, operationId or '') -> the body of the answer
Renderer = Callable[[Problem, str, str], bytes]

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

    def __init__(self, prefixes: Iterable[tuple[str, str, str]]) -> None:
        """prefixes: (path prefix, system, renderer: one of RENDERERS or `module:function`)."""
        self._prefixes = sorted(prefixes, key=lambda entry: -len(entry[0]))
        names = {renderer for _, _, renderer in self._prefixes} | {"flotilla"}
        self._renderers = {name: RENDERERS.get(name) or load_function(name) for name in names}

    def system(self, path: str) -> str:
        """The name of the system that owns a path, `flotilla` for none."""
        return next((name for prefix, name, _ in self._prefixes if _under(path, prefix)), "flotilla")

    def renderer(self, path: str) -> Renderer:
        """The renderer for errors on a path."""
        found = next((renderer for prefix, _, renderer in self._prefixes if _under(path, prefix)), "flotilla")
        return self._renderers[found]


def _under(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")
