"""One tree of segments for all specs: literal beats template, registration order never matters, slashes are exact.

Stands in for connexion's RoutingMiddleware, which routes by registration order, redirects slashes, names only the
first route's method in `Allow` and walks all routes one by one (ecosystem.md section 1, rows 3, 4, 25, 29, 35).
"""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Node(Generic[T]):
    __slots__ = ("literals", "template", "plans")

    def __init__(self) -> None:
        self.literals: dict[str, Node[T]] = {}
        self.template: Node[T] | None = None
        self.plans: dict[str, tuple[T, tuple[str, ...]]] = {}


class Router(Generic[T]):
    """Maps (method, path) to what was registered for it. Methods are upper case; HEAD falls back to GET."""

    def __init__(self) -> None:
        self._root: Node[T] = Node()
        self._literal: dict[str, Node[T]] = {}

    def add(self, method: str, template: str, plan: T) -> None:
        """Register `plan`; raises ValueError when the same method and shape of path is taken."""
        node, names = self._root, []
        for segment in template.split("/")[1:]:
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.template = node.template or Node()
                node = node.template
            else:
                node = node.literals.setdefault(segment, Node())
        if method in node.plans:
            raise ValueError(f"{method} {template} is registered twice")
        node.plans[method] = (plan, tuple(names))
        if not names:
            self._literal[template] = node

    def match(self, method: str, path: str) -> tuple[T, dict[str, str]] | None:
        """The plan for a request and its path parameters (still text); None when nothing fits."""
        node = self._literal.get(path)
        if node is not None:
            found = node.plans.get(method) or (node.plans.get("GET") if method == "HEAD" else None)
            if found is not None:
                return found[0], {}
        for node, values in self._nodes(path):
            found = node.plans.get(method) or (node.plans.get("GET") if method == "HEAD" else None)
            if found is not None:
                return found[0], dict(zip(found[1], values, strict=True))
        return None

    def is_literal(self, path: str) -> bool:
        """Whether a path is written so in a spec, whatever its methods."""
        return path in self._literal

    def allowed(self, path: str, fits: Callable[[T, dict[str, str]], bool] = lambda plan, values: True) -> list[str]:
        """The methods that this path answers to, sorted; empty when no operation has it.

        `fits(plan, path parameters)` says whether an operation takes these values, else the path is none of its own.
        """
        methods = {
            method
            for node, values in self._nodes(path)
            for method, (plan, names) in node.plans.items()
            if fits(plan, dict(zip(names, values, strict=True)))
        }
        if not methods:
            return []
        return sorted(methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set()))

    def _nodes(self, path: str) -> Iterator[tuple[Node[T], list[str]]]:
        """Nodes that match the path, the most literal first. A template never matches an empty segment."""
        segments = path.split("/")
        if segments[0] or len(segments) < 2:
            return
        stack: list[tuple[Node[T], int, list[str]]] = [(self._root, 1, [])]
        while stack:
            node, index, values = stack.pop()
            if index == len(segments):
                if node.plans:
                    yield node, values
                continue
            segment = segments[index]
            if node.template is not None and segment:
                stack.append((node.template, index + 1, [*values, segment]))
            child = node.literals.get(segment)
            if child is not None:
                stack.append((child, index + 1, values))
