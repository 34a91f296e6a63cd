"""STORAGE_URL: which store keeps the objects.

    file:/srv/flotilla/objects
    s3://BUCKET/PREFIX?region=eu-central-1&endpoint=https://s3.example.com
    az://CONTAINER/PREFIX?account=NAME&endpoint=https://blobs.example.com/NAME

Credentials are never part of it: S3 and Azure have environment variables and roles of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from obstore.store import AzureStore, S3Store

from app.core.bucket import Backend, Bucket
from app.core.local_store import LocalStore
from app.core.storage import Store

# The name in the URL -> what obstore calls it.
OPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "file": {},
    "s3": {"endpoint": "endpoint", "region": "region", "virtual_hosts": "virtual_hosted_style_request"},
    "az": {"endpoint": "endpoint", "account": "account_name"},
}
PUBLIC_ENDPOINT: Final = "public_endpoint"  # by what name clients reach it, for signed addresses
# A request that hangs fails within a minute. `timeout` is for a whole request, a part of 5 MiB at most.
PATIENCE: Final = {"connect_timeout": "5s", "read_timeout": "15s", "timeout": "10m"}
RETRIES: Final[Any] = {"max_retries": 4, "retry_timeout": timedelta(seconds=45)}


@dataclass(frozen=True)
class Location:
    """A STORAGE_URL in parts. `name` is a bucket or container, empty for `file`; `path` a folder or prefix."""

    scheme: str
    name: str
    path: str
    options: Mapping[str, str]


def parse(url: str) -> Location:
    """The parts of a URL; raises ValueError, in one line, for one that names no store."""
    parts = urlsplit(url)
    if parts.scheme not in OPTIONS or parts.fragment:
        raise ValueError("write file:/FOLDER, s3://BUCKET/PREFIX or az://CONTAINER/PREFIX")
    if parts.username is not None:
        raise ValueError("credentials come by AWS_* or AZURE_* variables, never in the URL")
    name, path = parts.netloc, unquote(parts.path)
    if parts.scheme == "file" and (name or not path.startswith("/")):
        raise ValueError("write file:/FOLDER, an absolute path")
    if parts.scheme != "file" and not name:
        raise ValueError(f"write {parts.scheme}://, the name of a {'bucket' if parts.scheme == 's3' else 'container'}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    allowed = {*OPTIONS[parts.scheme], PUBLIC_ENDPOINT} if parts.scheme != "file" else set()
    if unknown := sorted(options.keys() - allowed):
        raise ValueError(f"unknown option {unknown[0]}; there are: {', '.join(sorted(allowed)) or 'none'}")
    return Location(parts.scheme, name, path if parts.scheme == "file" else path.strip("/"), options)


def open_store(url: str, authorities: Path | None = None) -> Store:
    """The store of a URL that `parse` takes; `authorities`: further certificate authorities (PEM) for https."""
    location = parse(url)
    if location.scheme == "file":
        return LocalStore(Path(location.path))
    backend = _backend(location, location.options.get("endpoint"), authorities)
    public = location.options.get(PUBLIC_ENDPOINT)
    return Bucket(backend, _backend(location, public, authorities) if public else backend)


def _backend(location: Location, endpoint: str | None, authorities: Path | None) -> Backend:
    names = OPTIONS[location.scheme]
    config: dict[str, Any] = {names[key]: value for key, value in location.options.items() if key in names}
    client: dict[str, Any] = dict(PATIENCE)
    if endpoint:
        config["endpoint"] = endpoint
        client["allow_http"] = endpoint.startswith("http://")
    if authorities is not None:
        client["root_certificate"] = authorities.read_bytes()
    kind: Any = S3Store if location.scheme == "s3" else AzureStore
    store: Backend = kind(
        location.name,
        prefix=location.path or None,
        config=config,
        client_options=client,
        retry_config=RETRIES,
    )
    return store
