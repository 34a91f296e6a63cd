"""Deployments as devices see them."""

from app.core.calls import Caller, Request
from app.core.errors import BadRequest
from app.mender import artifacts, assignment, links, reports


def _next(caller: Caller, request: Request, provides: dict, *, use_depends: bool):
    if not provides.get("device_type") or not provides.get("artifact_name"):
        raise BadRequest("device_type and artifact_name are required")
    found = assignment.next_deployment(caller.tenant, caller.id, provides, request.base_url, use_depends=use_depends)
    return (None, 204) if found is None else found


def get_next_deployment(artifact_name, device_type, caller: Caller, request: Request):
    """The next deployment, by device type alone (mender 4.6)."""
    provides = {"artifact_name": artifact_name, "device_type": device_type}
    return _next(caller, request, provides, use_depends=False)


def post_next_deployment(body: dict, caller: Caller, request: Request):
    """The next deployment, by all the device provides, flat or inside artifact_provides (mender 4.6)."""
    nested = body.pop("artifact_provides", {})
    return _next(caller, request, {**nested, **body}, use_depends=True)


def post_next_deployment_v2(body: dict, caller: Caller, request: Request):
    """The next deployment, as present clients ask (mender 4.6)."""
    return _next(caller, request, body["device_provides"], use_depends=True)


def update_deployment_status(deployment_id: str, body: dict, caller: Caller):
    """Note progress (mender 4.7)."""
    reports.update_status(caller.tenant, caller.id, deployment_id, body["status"], body.get("substate"))
    return None, 204


def upload_deployment_log(deployment_id: str, body: dict, caller: Caller):
    """Keep the log (mender 4.9)."""
    reports.store_log(caller.tenant, caller.id, deployment_id, body["messages"])
    return None, 204


def download_artifact_file(artifact_id: str, x_men_expire, x_men_signature, x_men_tenant):
    """The file behind a signed link (mender 4.2)."""
    links.check(x_men_tenant, artifact_id, x_men_expire, x_men_signature)
    return artifacts.open_file(x_men_tenant, artifact_id)
