"""operationId -> handler: `handlers.<system>.<first tag>.<operation_id>`, found by name (design section 2)."""

import inspect
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from connexion.exceptions import ResolverError
from connexion.resolver import Resolution, Resolver


class HandlerResolver(Resolver):
    """Resolves the operations of one system and remembers which handlers were named."""

    def __init__(self, system: str) -> None:
        super().__init__()
        self.system = system
        self.named: dict[str, set[str]] = {}

    def resolve(self, operation: Any) -> Resolution:
        """The handler of an operation; raises ResolverError naming the operation."""
        name = self.name(operation)
        tag = operation._operation["tags"][0]
        self.named.setdefault(tag, set()).add(name)
        return Resolution(self._function(tag, name), name)

    def name(self, operation: Any) -> str:
        """The operationId, which is what its handler is called."""
        written: str = operation._operation["operationId"]
        return written

    def _function(self, tag: str, name: str) -> Callable[..., Any]:
        module = f"handlers.{self.system}.{tag}"
        try:
            function = getattr(import_module(module), name)
        except (ImportError, AttributeError) as exc:
            raise ResolverError(f"operation {name}: no function {module}.{name} ({exc})") from exc
        return function

    def unnamed(self) -> list[str]:
        """Public functions of the handler modules that no operation names."""
        return sorted(
            f"{module.__name__}.{name}"
            for tag, names in self.named.items()
            for module in [import_module(f"handlers.{self.system}.{tag}")]
            for name in _public_functions(module)
            if name not in names
        )


def _public_functions(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    ]
