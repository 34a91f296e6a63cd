"""Whether this process can do its work now."""

from app.core import db
from app.core.errors import Problem, Unavailable


def check() -> None:
    """Read one row from the database; raises Unavailable when that fails."""
    try:
        db.row("SELECT 1")
    except Problem:
        raise
    except Exception as exc:
        raise Unavailable("the database does not answer", headers={"Retry-After": "5"}) from exc
