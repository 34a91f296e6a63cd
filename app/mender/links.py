"""Signed download links: no credential but the signature, for a limited time (mender 4.2)."""

import base64
import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from app.core import clock, secrets, storage
from app.core.errors import Forbidden
from models.mender.artifacts import Artifact

PATH: Final = "/api/devices/v1/deployments/download/artifacts/"
PURPOSE: Final = "mender artifact links"
MANAGEMENT: Final = timedelta(minutes=15)
DEVICE: Final = timedelta(hours=24)


def make(tenant: str, artifact: Artifact, base_url: str, lifetime: timedelta) -> dict[str, str]:
    """`{"uri", "expire"}` of a link to the file, here or in the bucket (STORAGE_SIGNED_DOWNLOADS).

    Outside of transactions: a bucket's credentials may have to be fetched first.
    """
    end = (clock.now() + lifetime).replace(microsecond=0)
    uri = storage.signed_url(artifact.object_key, lifetime)
    return sign(tenant, artifact.id, base_url, lifetime) if uri is None else {"uri": uri, "expire": clock.rfc3339(end)}


def sign(tenant: str, artifact_id: str, base_url: str, lifetime: timedelta) -> dict[str, str]:
    """`{"uri", "expire"}` of a link that works for `lifetime`, whole seconds."""
    end = (clock.now() + lifetime).replace(microsecond=0)
    expire = int(end.timestamp())
    query = {"x-men-expire": str(expire), "x-men-signature": _signature(tenant, artifact_id, expire)}
    if tenant:
        query["x-men-tenant"] = tenant
    return {"uri": f"{base_url}{PATH}{artifact_id}?{urlencode(query)}", "expire": clock.rfc3339(end)}


def check(tenant: str, artifact_id: str, expire: int, signature: str) -> None:
    """Raises Forbidden for a link that this server did not make or that has ended."""
    expected = _signature(tenant, artifact_id, expire)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise Forbidden("the link is not one of this server")
    if expire <= clock.now().timestamp():
        raise Forbidden("the link has expired")


def _signature(tenant: str, artifact_id: str, expire: int) -> str:
    message = "\n".join(("GET", PATH + artifact_id.lower(), str(expire), tenant))
    digest = hmac.new(secrets.derive(PURPOSE), message.encode(), sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
