"""What a fuzzed case is, for the hooks of each system."""

from typing import Any

from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase


def name(case: Any) -> str:
    return case.operation.definition.raw["operationId"]


def schemes(case: Any) -> set[str]:
    """The security schemes that its operation names."""
    return {scheme for entry in case.operation.definition.raw.get("security", []) for scheme in entry}


def linked(case: Any) -> bool:
    """Whether it is a step of a sequence, whose ids come from the answers before it."""
    return case.meta.phase.name == TestPhase.STATEFUL


def meant_wrong(case: Any, location: ParameterLocation) -> bool:
    return case.meta is None or case.meta.is_negative_at(location)
