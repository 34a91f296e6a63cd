"""The Mender system under the fuzzer: who calls what, ids of things that exist, bodies that can be valid."""

import base64
import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import schemathesis
from hypothesis import strategies as st
from schemathesis.core.parameters import ParameterLocation
from schemathesis.transport.serialization import Binary

from tests.fuzz.cases import meant_wrong, name, schemes
from tests.fuzz.world import DEPLOYMENTS, World
from tests.support.artifacts import build

WORLD = World(os.environ["FLOTILLA_FUZZ_URL"], os.environ["FLOTILLA_FUZZ_EMAIL"], os.environ["FLOTILLA_FUZZ_PASSWORD"])
# Logs in and out as it likes; the sessions of the administrator, ten at most, stay.
GUEST = os.environ["FLOTILLA_FUZZ_GUEST"]


def auth_set() -> dict[str, Any]:
    entry = WORLD.pending()[1]
    return {"device_id": entry["id"], "auth_set_id": entry["auth_sets"][0]["id"]}


def log() -> dict[str, Any]:
    deployment, device = WORLD.logged()
    return {"deployment_id": deployment, "device_id": device}


# operationId -> path parameters that exist.
PATHS: dict[str, Callable[[], dict[str, Any]]] = {
    "get_device": lambda: {"device_id": WORLD.device.id},
    "decommission_device": lambda: {"device_id": WORLD.pending()[1]["id"]},
    "delete_auth_set": auth_set,
    "get_auth_set_status": auth_set,
    "set_auth_set_status": auth_set,
    "revoke_token": lambda: {"token_id": WORLD.accepted()[1]["auth_sets"][0]["id"]},
    "get_device_inventory": lambda: {"device_id": WORLD.device.id},
    "delete_device_inventory": lambda: {"device_id": WORLD.device.id},
    "replace_tags": lambda: {"device_id": WORLD.device.id},
    "update_tags": lambda: {"device_id": WORLD.device.id},
    "get_device_group": lambda: {"device_id": WORLD.device.id},
    "set_device_group": lambda: {"device_id": WORLD.device.id},
    "remove_device_group": lambda: {"device_id": WORLD.device.id, "group_name": WORLD.group()},
    "delete_group": lambda: {"group_name": WORLD.group()},
    "list_group_devices": lambda: {"group_name": WORLD.group()},
    "get_artifact": lambda: {"artifact_id": WORLD.artifact()[0]},
    "update_artifact": lambda: {"artifact_id": WORLD.artifact()[0]},
    "delete_artifact": lambda: {"artifact_id": WORLD.artifact()[0]},
    "get_artifact_link": lambda: {"artifact_id": WORLD.artifact()[0]},
    "get_release": lambda: {"release_name": WORLD.artifact()[1]},
    "update_release": lambda: {"release_name": WORLD.artifact()[1]},
    "replace_release_tags": lambda: {"release_name": WORLD.artifact()[1]},
    "get_deployment": lambda: {"deployment_id": WORLD.deployment("somebody")},
    "abort_deployment": lambda: {"deployment_id": WORLD.deployment("somebody")},
    "get_deployment_statistics": lambda: {"deployment_id": WORLD.deployment("somebody")},
    "list_deployment_devices": lambda: {"deployment_id": WORLD.asked()},
    "list_deployment_devices_page": lambda: {"deployment_id": WORLD.asked()},
    "list_device_deployments": lambda: {"device_id": WORLD.device.id},
    "abort_device_deployments": lambda: {"device_id": WORLD.device.id},
    "create_group_deployment": lambda: {"group_name": WORLD.group()},
    "explain_deployment": lambda: {"deployment_id": WORLD.asked(), "device_id": WORLD.device.id},
    "list_deployment_device_ids": lambda: {"deployment_id": WORLD.deployment("somebody")},
    "get_deployment_log": log,
    "update_deployment_status": lambda: {"deployment_id": WORLD.asked()},
    "upload_deployment_log": lambda: {"deployment_id": WORLD.asked()},
    "get_user": lambda: {"user_id": WORLD.user()},
    "update_user": lambda: {"user_id": WORLD.user()},
    "delete_user": lambda: {"user_id": WORLD.user()},
    "revoke_access_token": lambda: {"token_id": WORLD.access_token()},
}

# operationId of a list -> makes something that it will show, for the links that lead on from there.
LISTED: dict[str, Callable[[], Any]] = {
    "list_devices": WORLD.pending,
    "list_device_inventories": WORLD.accepted,
    "list_groups": WORLD.group,
    "list_artifacts": WORLD.artifact,
    "list_releases_v2": WORLD.artifact,
    "list_deployments": lambda: WORLD.deployment(WORLD.device.id),
    "list_device_deployments": lambda: WORLD.deployment(WORLD.device.id),
    "list_access_tokens": WORLD.access_token,
}

# Operations that may take the device's token away.
LOCKING = {
    "decommission_device",
    "delete_auth_set",
    "set_auth_set_status",
    "revoke_token",
    "change_devices_in_bulk",
}

RANDOM = WORLD.random

# Half of all files are artifacts, no two of one name.
schemathesis.openapi.format(
    "binary",
    st.one_of(st.binary(max_size=200), st.uuids().map(lambda number: build(name=f"fuzz-{number}"))).map(Binary),
)


def credential(case: Any) -> str | None:
    """The Authorization that an operation asks for; logging out gets a token of its own."""
    wanted = schemes(case)
    if "DeviceJWT" in wanted:
        return f"Bearer {WORLD.device.token}"
    if "ManagementJWT" in wanted:
        own = name(case) == "logout"
        return f"Bearer {WORLD.login(GUEST) if own else WORLD.token}"
    if "BasicUser" in wanted:
        pair = base64.b64encode(f"{GUEST}:{WORLD.password}".encode()).decode()
        return f"Basic {pair}"
    return None


def before(case: Any, operation: str) -> None:
    """Keep the users that all calls are made as."""
    if operation in ("update_user", "delete_user") and case.path_parameters.get("user_id") in WORLD.needed_users:
        case.path_parameters = {"user_id": WORLD.user()}


def download(case: Any) -> None:
    locations = (ParameterLocation.PATH, ParameterLocation.QUERY)
    if any(meant_wrong(case, location) for location in locations):
        return
    artifact = WORLD.artifact()[0]
    link = WORLD.http.get(
        f"{DEPLOYMENTS}/artifacts/{artifact}/download", headers={"Authorization": f"Bearer {WORLD.token}"}
    ).json()["uri"]
    case.path_parameters = {"artifact_id": artifact}
    case.query = {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


def body(case: Any, operation: str) -> None:
    """Make a body that is meant to be valid so."""
    if operation in ("create_deployment", "create_group_deployment") and isinstance(case.body, dict):
        case.body = {**case.body, "artifact_name": WORLD.artifact_name}
        if "devices" in case.body and WORLD.random.random() < 0.3:
            case.body["devices"] = [WORLD.device.id]
        if WORLD.random.random() < 0.7:
            case.body.pop("phases", None)  # most times are in the past
    elif operation == "generate_artifact" and not meant_wrong(case, ParameterLocation.BODY):
        name = f"generated-{WORLD.random.getrandbits(64):x}"
        case.body = {**case.body, "name": name, "device_types_compatible": "board", "args": WORLD.ARGS}
        case._record_starting_state()  # a body with a file that was touched counts as wrong
    elif operation == "preauthorize_device" and isinstance(case.body, dict):
        case.body = {**case.body, **WORLD.stranger()}
    elif operation == "change_devices_in_bulk" and isinstance(case.body, dict):
        waiting = WORLD.pending()[1]["id"]
        case.body = {**case.body, "accept": [{"device_id": waiting}], "preauthorize": [WORLD.stranger()]}
    elif operation == "authenticate_device" and not meant_wrong(case, ParameterLocation.HEADER):
        case.body, signature = WORLD.signed_request()
        case.headers = {**(case.headers or {}), "X-MEN-Signature": signature}
    elif operation.startswith("post_next_deployment"):
        provides = {"device_type": "board", "artifact_name": "base"}
        case.body = {"device_provides": provides} if operation.endswith("v2") else provides
        WORLD.deployment(WORLD.device.id)


def after(case: Any, operation: str, status: int) -> None:
    """A device that was locked out on the way is replaced."""
    if operation in LOCKING and status < 300:
        WORLD.renew_device()
