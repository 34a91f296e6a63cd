"""What is not for every user, said before a body is read (vmm 3)."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.calls import Caller
from app.core.errors import Forbidden
from app.vmm.servers import sees_all

ADMINISTRATORS: Final = frozenset({"add_product", "upload_image"})


def authorise(operation_id: str, caller: Caller, _: Mapping[str, Any]) -> None:
    """Raises Forbidden for what is the root's and administrators' alone (groups 1 and 2)."""
    if operation_id in ADMINISTRATORS and not sees_all(caller):
        raise Forbidden("not enough access rights")
