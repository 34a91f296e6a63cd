"""Artifacts and deployments as users see them."""

from app.core import paging
from app.core.calls import Caller, Request
from app.mender import (
    artifact_lists,
    artifacts,
    deployment_history,
    deployment_orders,
    deployments,
    explanation,
    generation,
    limits,
    releases,
    reports,
)
from app.mender.artifact_lists import Filter
from app.mender.deployment_orders import Order

LOCATION = "./management/v1/deployments"


def upload_artifact(body: dict, caller: Caller):
    """Verify and list an artifact file (mender 4.2)."""
    made = artifacts.upload(caller.tenant, body["artifact"], body.get("size"), body.get("description", ""))
    return None, 201, {"Location": f"{LOCATION}/artifacts/{made}"}


def generate_artifact(body: dict, caller: Caller):
    """Make and list an artifact of one file (mender 4.2)."""
    types, description = body["device_types_compatible"], body.get("description", "")
    made = generation.generate(caller.tenant, body["name"], types, description, body.get("args"), body["file"])
    return None, 201, {"Location": f"{LOCATION}/artifacts/{made}"}


def list_artifacts(name, description, device_type, caller: Caller):
    """All artifacts (mender 4.2)."""
    return artifact_lists.list_all(caller.tenant, Filter(name, description, device_type))


def list_artifacts_page(name, description, device_type, sort, page, per_page, caller: Caller, request: Request):
    """One page of artifacts (mender 10)."""
    wanted = Filter(name, description, device_type)
    found, total = artifact_lists.list_page(caller.tenant, wanted, sort, page, per_page)
    return _paged(found, total, page, per_page, request)


def get_artifact(artifact_id: str, caller: Caller):
    """One artifact (mender 4.2)."""
    return artifacts.get(caller.tenant, artifact_id)


def update_artifact(artifact_id: str, body: dict | None, caller: Caller):
    """Change the description (mender 4.2)."""
    artifacts.edit(caller.tenant, artifact_id, (body or {}).get("description", ""))
    return None, 204


def delete_artifact(artifact_id: str, caller: Caller):
    """Delete an artifact and its file (mender 4.2)."""
    artifacts.delete(caller.tenant, artifact_id)
    return None, 204


def get_artifact_link(artifact_id: str, caller: Caller, request: Request):
    """A link that downloads the file (mender 4.2)."""
    return artifacts.link(caller.tenant, artifact_id, request.base_url)


def _ordered(caller: Caller, body: dict, **target):
    order = Order(
        body["name"],
        body["artifact_name"],
        retries=body.get("retries", 0),
        force_installation=body.get("force_installation", False),
        start=deployment_orders.start_of(body.get("phases")),
        is_phased="phases" in body,
        **target,
    )
    return None, 201, {"Location": f"{LOCATION}/deployments/{deployment_orders.create(caller.tenant, order)}"}


def create_deployment(body: dict, caller: Caller):
    """Deploy an artifact to devices, or to all that are accepted (mender 4.3)."""
    return _ordered(caller, body, devices=body.get("devices"))


def create_group_deployment(group_name: str, body: dict, caller: Caller):
    """Deploy an artifact to the accepted devices of a group (mender 4.3)."""
    return _ordered(caller, body, group=group_name)


def list_deployments(status, search, page, per_page, created_before, created_after, caller: Caller, request: Request):
    """One page of deployments, newest first (mender 4.10)."""
    found, total = deployments.list_deployments(
        caller.tenant, status, search, created_before, created_after, page, per_page
    )
    more = page * per_page < total
    return found, 200, {"Link": paging.links(request, page, per_page, more), "X-Total-Count": total}


def get_deployment(deployment_id: str, caller: Caller):
    """One deployment (mender 4.3)."""
    return deployments.get(caller.tenant, deployment_id)


def abort_deployment(deployment_id: str, caller: Caller):
    """End a deployment now; the body can only say so (mender 4.8)."""
    deployments.abort(caller.tenant, deployment_id)
    return None, 204


def get_deployment_statistics(deployment_id: str, caller: Caller):
    """Devices by status (mender 4.7)."""
    return deployments.statistics(caller.tenant, deployment_id)


def list_deployment_devices(deployment_id: str, caller: Caller):
    """The devices that have asked (mender 4.7)."""
    return deployments.list_devices(caller.tenant, deployment_id)


def list_deployment_device_ids(deployment_id: str, caller: Caller):
    """The ids of all devices of a deployment (mender 4.3)."""
    return deployments.list_device_ids(caller.tenant, deployment_id)


def get_deployment_log(deployment_id: str, device_id: str, caller: Caller):
    """A device's log (mender 4.9)."""
    return reports.read_log(caller.tenant, device_id, deployment_id)


def list_releases(name, caller: Caller):
    """Artifacts by name (mender 4.2)."""
    return artifact_lists.list_releases(caller.tenant, name)


def list_releases_v2(name, tag, update_type, sort, page, per_page, caller: Caller, request: Request):
    """One page of releases (mender 10)."""
    found, total = releases.list_releases(caller.tenant, name, tag, update_type, sort, page, per_page)
    return _paged(artifact_lists.in_releases(caller.tenant, found), total, page, per_page, request)


def get_release(release_name: str, caller: Caller):
    """One release (mender 10)."""
    return artifact_lists.in_releases(caller.tenant, [releases.find(caller.tenant, release_name)])[0]


def update_release(release_name: str, body: dict, caller: Caller):
    """Replace the notes of a release (mender 10)."""
    releases.set_notes(caller.tenant, release_name, body["notes"])
    return None, 204


def replace_release_tags(release_name: str, body: list, caller: Caller):
    """Replace the tags of a release (mender 10)."""
    releases.set_tags(caller.tenant, release_name, body)
    return None, 204


def delete_releases(name, caller: Caller):
    """Delete releases with all their artifacts (mender 10)."""
    releases.delete(caller.tenant, name)
    return None, 204


def list_release_tags(caller: Caller):
    """Every tag there is (mender 10)."""
    return releases.all_tags(caller.tenant)


def list_release_types(caller: Caller):
    """Every type of payload there is (mender 10)."""
    return releases.all_types(caller.tenant)


def get_storage_limit(caller: Caller):
    """Bytes that artifacts may take, and that they take (mender 4.2)."""
    return {"limit": limits.get(caller.tenant, "storage"), "usage": limits.usage(caller.tenant)}


def _paged(found, total: int, page: int, per_page: int, request: Request):
    return found, 200, {"Link": paging.links(request, page, per_page, page * per_page < total), "X-Total-Count": total}


def list_deployment_devices_page(deployment_id: str, status, page, per_page, caller: Caller, request: Request):
    """One page of the devices that have asked (mender 4.7)."""
    found, total = deployment_history.list_devices(caller.tenant, deployment_id, status, page, per_page)
    return _paged(found, total, page, per_page, request)


def list_device_deployments(device_id: str, status, page, per_page, caller: Caller, request: Request):
    """One page of the deployments of a device, newest first (mender 10)."""
    found, total = deployment_history.list_deployments(caller.tenant, device_id, status, page, per_page)
    return _paged(found, total, page, per_page, request)


def abort_device_deployments(device_id: str, caller: Caller):
    """Take a device out of all open deployments (mender 4.8)."""
    deployments.device_gone(caller.tenant, device_id, "aborted")
    return None, 204


def list_deployment_statistics(body: dict, caller: Caller):
    """Devices by status of several deployments (mender 10)."""
    return deployment_history.statistics(caller.tenant, body["deployment_ids"])


def explain_deployment(deployment_id: str, device_id: str, caller: Caller):
    """Why a device gets a deployment or does not (beyond upstream)."""
    return explanation.explain(caller.tenant, deployment_id, device_id)
