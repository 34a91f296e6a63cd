"""Users: log in and out."""

from app.core.calls import Caller
from app.mender import useradm


def login(caller: Caller):
    """A token for the user whose password came along (mender 5)."""
    return useradm.login(caller)


def logout(caller: Caller):
    """End the session of the token presented (mender 5)."""
    useradm.logout(caller)
    return None, 202
