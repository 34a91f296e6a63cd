"""What is said of a body that breaks rules: the field, and what is wrong with it (ngenea 2)."""

from app.core.errors import BadRequest

Faults = list[tuple[str, str]]


def refuse(faults: Faults) -> None:
    """Raises BadRequest for faults, (JSON pointer, message) each, when there are any."""
    if faults:
        raise BadRequest(faults[0][1], errors=faults)


def refuse_one(pointer: str, message: str) -> BadRequest:
    """The refusal of one field, or with no pointer of what the state of things does not allow."""
    return BadRequest(message, errors=[(pointer, message)] if pointer else ())
