"""External targets (ngenea 4)."""

from app.core.calls import Caller, Request
from app.ngenea import external_targets


def list_external_targets(page, page_size, bucket, caller: Caller, request: Request):
    """Targets in pages."""
    return external_targets.listed(caller, request, page, page_size, bucket)


def create_external_target(body: dict, caller: Caller):
    """A new target."""
    return external_targets.describe([external_targets.create(caller, body)])[0], 201


def get_external_target(id_: int):
    """One target."""
    return external_targets.describe([external_targets.find(id_)])[0]


def update_external_target(id_: int, body: dict, caller: Caller):
    """Change a target."""
    return external_targets.describe([external_targets.update(caller, id_, body)])[0]


def delete_external_target(id_: int):
    """Delete a target."""
    external_targets.delete(id_)
    return None, 204
