"""Refusals of the Nebula system: an object with one key that says what is wrong (nebula 1, 2)."""

import re
from typing import Any, Final

import orjson

from app.core.errors import Problem

STATUSES: Final = {
    400: {"request_valid": False},
    401: {"unauthorized": True},
    403: {"access_allowed": False},
    404: {"not_found": True},
    405: {"method_allowed": False},
    408: {"request_timed_out": True},
    413: {"request_too_large": True},
    415: {"media_type_valid": False},
    429: {"too_many_tries": True},
}
FAILURE: Final = {"server_error": True}

APP: Final = ["docker_image"]
CRON_JOB: Final = ["docker_image", "schedule"]
# What an operation says is missing when there is no body that it could read; a list names what of it is not there.
MISSING: Final[dict[str, bool | list[str]]] = {
    "create_app": APP,
    "replace_app": APP,
    "create_cron_job": CRON_JOB,
    "create_user_group": ["user_group"],
}
# A whole body is at fault, whatever it is.
ONE_FAULT: Final = frozenset({"create_user", "update_user", "patch_user"})
LISTS: Final = {"/apps": "apps_is_list", "/cron_jobs": "cron_jobs_is_list"}
HAVE_LISTS: Final = frozenset(
    {"create_device_group", "replace_device_group", "update_device_group", "patch_device_group"}
)
REQUIRED: Final = re.compile(r'"(.+)" is a required property')


def render(problem: Problem, _: str, operation: str) -> bytes:
    """The body of an answer of 400 and above."""
    return orjson.dumps(problem.body or _body(problem, operation))


def _body(problem: Problem, operation: str) -> dict[str, Any]:
    if problem.status != 400:
        return STATUSES.get(problem.status, FAILURE)
    if problem.errors and problem.errors[0][0] and operation not in ONE_FAULT:
        pointer, message = problem.errors[0]
        if operation in HAVE_LISTS and pointer in LISTS:
            return {LISTS[pointer]: False}
        return {pointer.split("/")[1]: message}
    if operation.startswith(("create_", "replace_", "update_", "patch_")):
        return {"missing_parameters": _missing(problem, operation)}
    return STATUSES[400]


def _missing(problem: Problem, operation: str) -> bool | list[str]:
    wanted = MISSING.get(operation, True)
    named = [found[1] for _, message in problem.errors if (found := REQUIRED.fullmatch(message))]
    return named if isinstance(wanted, list) and named else wanted
