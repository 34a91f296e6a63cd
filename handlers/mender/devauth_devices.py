"""Authentication requests of devices."""

from app.core.calls import Request
from app.mender import devauth


def authenticate_device(x_men_signature: str, body: dict, request: Request):
    """The token of an accepted device; a new one is recorded and refused (mender 2.1)."""
    return devauth.authenticate("", request.body, body, x_men_signature)
