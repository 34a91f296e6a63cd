"""Looking at files (ngenea 3.8)."""

from app.core.calls import Caller, Request
from app.ngenea import browser


def browse_file(
    page,
    page_size,
    path,
    site,
    details,
    restricted,
    cache_ttl,
    raise_exception,
    type_,
    caller: Caller,
    request: Request,
):
    """A path of a site. Each answer is new, so `cache_ttl` always holds."""
    asked = {"page": page, "page_size": page_size, "details": details, "restricted": restricted, "type": type_}
    return browser.file(caller, request, path, site, {**asked, "raise_exception": raise_exception})


def list_space_files(
    id_: int,
    page,
    page_size,
    site,
    path,
    details,
    restricted,
    check_available_sites,
    custom_refresh_period,
    custom_timeout,
    raise_exception,
    type_,
    caller: Caller,
    request: Request,
):
    """A path of a space on its sites. Each answer is new, so `custom_refresh_period` always holds."""
    asked = {"page": page, "page_size": page_size, "details": details, "restricted": restricted, "type": type_}
    flags = {"check_available_sites": check_available_sites, "raise_exception": raise_exception}
    return browser.of_space(caller, request, id_, path, site, {**asked, **flags, "custom_timeout": custom_timeout})
