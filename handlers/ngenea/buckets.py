"""Buckets (ngenea 4)."""

from app.core.calls import Caller, Request
from app.ngenea import buckets
from models.ngenea.sites import Bucket


def list_buckets(page, page_size, caller: Caller, request: Request):
    """Buckets in pages."""
    return buckets.listed(caller, request, page, page_size)


def create_bucket(body: dict):
    """A new bucket."""
    return buckets.describe([buckets.create(body)])[0], 201


def get_bucket(id_: int):
    """One bucket."""
    return buckets.describe([Bucket.get_by_id(id_)])[0]


def update_bucket(id_: int, body: dict, caller: Caller):
    """Change a bucket."""
    return buckets.describe([buckets.update(caller, id_, body)])[0]


def delete_bucket(id_: int):
    """Forget a bucket."""
    buckets.delete(id_)
    return None, 204


def check_bucket(id_: int, site, caller: Caller):
    """Try a bucket."""
    return buckets.check(caller, id_, site)
