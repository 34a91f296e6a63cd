"""Sites and how they are (ngenea 3.8, 4)."""

from app.core.calls import Caller, Request
from app.ngenea import health, sites
from models.ngenea.sites import Site


def list_sites(page, page_size, caller: Caller, request: Request):
    """Sites in pages."""
    return sites.listed(caller, request, page, page_size)


def create_site(body: dict, caller: Caller, request: Request):
    """A new site."""
    return sites.describe(caller, sites.create(body), request.base_url), 201


def get_site(id_: int, caller: Caller, request: Request):
    """One site."""
    return sites.describe(caller, Site.get_by_id(id_), request.base_url)


def update_site(id_: int, body: dict, caller: Caller, request: Request):
    """Change a site."""
    return sites.describe(caller, sites.update(id_, body), request.base_url)


def delete_site(id_: int, caller: Caller):
    """Delete a site."""
    sites.delete(caller, id_)
    return None, 204


def get_site_health(id_: int, caller: Caller, request: Request):
    """How a site is."""
    site = Site.get_by_id(id_)
    return sites.describe_rows(caller, [site], request.base_url)[0] | health.of_sites([site])[0]


def get_health(caller: Caller):
    """How all sites are."""
    return health.overall(caller)
