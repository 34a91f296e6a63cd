"""The Nebula system under the fuzzer, as an administrator or as a user who may only read (FLOTILLA_FUZZ_ROLE)."""

import itertools
import os
import random
from collections.abc import Callable
from typing import Any

import httpx

from tests.support.nebula import APP, CRON_JOB, REPORT, Manager

URL, TOKEN = os.environ["FLOTILLA_FUZZ_URL"], os.environ["FLOTILLA_FUZZ_TOKEN"]
READER, READER_TOKEN = "reader", "a-token-of-the-reader"
READABLE = "readable"

RANDOM = random.Random(7)
BOSS = Manager(httpx.Client(base_url=URL, timeout=60), token=TOKEN)
IS_READER = os.environ.get("FLOTILLA_FUZZ_ROLE") == "reader"
_numbers, _stamp = itertools.count(1), os.urandom(3).hex()


def ensure_reader() -> None:
    """One app, cron job and group that the reader may read; made once, whoever asks first."""
    for path, body in {
        f"/apps/{READABLE}": APP,
        f"/cron_jobs/{READABLE}": CRON_JOB,
        f"/device_groups/{READABLE}": {"apps": [READABLE], "cron_jobs": [READABLE]},
        f"/users/{READER}": {"token": READER_TOKEN},
        f"/user_groups/{READER}": {
            "group_members": [READER],
            **dict.fromkeys(("apps", "cron_jobs", "device_groups"), {READABLE: "ro"}),
        },
    }.items():
        assert BOSS.post(path, body).status_code in (200, 403)


ensure_reader()


def new() -> str:
    return f"n{_stamp}-{next(_numbers)}"


def made(kind: str, body: Any) -> str:
    """The name of a new thing; of the readable one, for who may read no other."""
    if IS_READER:
        return READABLE
    name = new()
    BOSS.done("POST", f"/{kind}/{name}", body)
    return name


# What there is, by the end of its operations' ids: path parameter, where it is made, of what.
THINGS: dict[str, tuple[str, str, Any]] = {
    "app": ("app_name", "apps", APP),
    "cron_job": ("cron_job_name", "cron_jobs", CRON_JOB),
    "device_group": ("device_group", "device_groups", {"apps": [READABLE], "cron_jobs": [READABLE]}),
    "user": ("user_name", "users", {}),
    "user_group": ("user_group", "user_groups", {}),
}


def existing(thing: str) -> Callable[[], dict[str, str]]:
    parameter, kind, body = THINGS[thing]
    return lambda: {parameter: made(kind, body)}


def absent(thing: str) -> Callable[[], dict[str, str]]:
    return lambda: {THINGS[thing][0]: new()}


VERBS = ("get", "delete", "replace", "update", "patch")

# operationId -> path parameters that exist; to create, one that does not.
PATHS: dict[str, Callable[[], dict[str, Any]]] = {
    **{f"{verb}_{thing}": existing(thing) for thing in THINGS for verb in VERBS},
    **{f"create_{thing}": absent(thing) for thing in THINGS},
    **dict.fromkeys(("start_app", "stop_app", "restart_app"), existing("app")),
    **dict.fromkeys(("get_device_group_info", "prune_device_group", "list_devices"), existing("device_group")),
    "refresh_token": existing("user"),
}

LISTED = {f"list_{thing}s": existing(thing) for thing in THINGS}


def credential(case: Any) -> str | None:
    return f"Bearer {READER_TOKEN if IS_READER else TOKEN}" if case.operation.definition.raw.get("security") else None


def before(case: Any, operation: str) -> None:
    """What all calls need stays as it is."""
    parameters = case.path_parameters or {}
    if not IS_READER and {READABLE, READER} & {str(value) for value in parameters.values()}:
        case.path_parameters = {name: new() for name in parameters}


def body(case: Any, operation: str) -> None:
    """Make a body that is meant to be valid so: ports that are some, schedules, names of things that are there."""
    if not isinstance(case.body, dict):
        return
    if "starting_ports" in case.body:
        case.body = {**case.body, "starting_ports": [80, {"8443": "443"}]}
    if "schedule" in case.body:
        case.body = {**case.body, "schedule": "*/5 * * * *"}
    if operation.endswith("_device_group"):
        case.body = {name: [READABLE] for name in ("apps", "cron_jobs") if name in case.body} or case.body
    if operation.endswith("_user") and "token" in case.body:
        case.body = {**case.body, "token": new()}
    if operation == "create_report":
        case.body = {**case.body, **REPORT, "device_group": READABLE}


def after(case: Any, operation: str, status: int) -> None:
    return None
