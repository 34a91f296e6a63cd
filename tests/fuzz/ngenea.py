"""The Ngenea system under the fuzzer, as its superuser; what could lock the account is done to others."""

import itertools
import os
import random
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from schemathesis.core.parameters import ParameterLocation

from tests.fuzz.cases import meant_wrong
from tests.support.ngenea import Hub
from tests.support.waiting import eventually

URL = os.environ["FLOTILLA_FUZZ_URL"]
EMAIL, GUEST, PASSWORD = (os.environ[f"FLOTILLA_FUZZ_{name}"] for name in ("EMAIL", "GUEST", "PASSWORD"))
SITE, ROOT = "here", Path(os.environ["FLOTILLA_FUZZ_ROOT"])
RANDOM = random.Random(7)
NOBODY = Hub(httpx.Client(base_url=URL, timeout=60))
ADMIN, GUEST_NAME = EMAIL.partition("@")[0], GUEST.partition("@")[0]
AS_GUEST = {"change_password"}
_numbers, _stamp = itertools.count(1), os.urandom(3).hex()


def new() -> str:
    return f"n{_stamp}-{next(_numbers)}"


class World:
    """What exists on the server under test, made when it is needed."""

    @cached_property
    def admin(self) -> Hub:
        return NOBODY.log_in(ADMIN, PASSWORD)

    def credential(self, operation: str) -> str | None:
        if operation in AS_GUEST:
            return NOBODY.log_in(GUEST_NAME, PASSWORD).credential
        return self.admin.credential

    def tokens(self) -> dict[str, str]:
        body = {"username": ADMIN, "password": PASSWORD}
        return dict(NOBODY.post("/auth/token/", body))

    def user(self) -> str:
        return str(self.admin.post("/users/", {"username": new(), "password": PASSWORD})["username"])

    def group(self) -> int:
        return int(self.admin.post("/groups/", {"name": new()})["id"])

    def key(self) -> int:
        return int(self.admin.post("/auth/clientkeys/", {"name": new()})["id"])

    @cached_property
    def here(self) -> dict[str, Any]:
        """The site whose files the server itself works on."""
        return next(site for site in self.admin.get("/sites/", page_size="0")["results"] if site["name"] == SITE)

    def site(self) -> int:
        name = new()
        return int(self.admin.post("/sites/", {"name": name, "shortcode": name})["id"])

    @cached_property
    def space_row(self) -> dict[str, Any]:
        """A space with files that workflows are run on."""
        body = {"name": "kept", "mountpoint": "/kept", "sites": [{"name": SITE}]}
        made = self.admin.post("/spaces/", body)
        eventually(lambda: self.admin.get(f"/spaces/{made['id']}/")["is_ready"])
        for number in range(3):
            (ROOT / "kept" / f"file {number}").write_text("content")
        folder = ROOT.parent / "vault"
        folder.mkdir()
        bucket = {"name": "vault", "storage_type": "FS", "migration_target_folder": str(folder)}
        self.bucket_number = int(self.admin.post("/buckets/", bucket)["id"])
        self.target_number = self.target()
        return dict(made)

    def space(self) -> int:
        name = new()
        body = {"name": name, "mountpoint": f"/{name}", "sites": [{"name": SITE}]}
        return int(self.admin.post("/spaces/", body)["id"])

    def bucket(self) -> int:
        return int(self.admin.post("/buckets/", bucket_fields())["id"])

    def target(self) -> int:
        return int(self.admin.post("/external_targets/", self.target_fields())["id"])

    def target_fields(self) -> dict[str, Any]:
        row = self.space_row if "bucket_number" not in self.__dict__ else {"name": "kept"}
        return {
            "name": new(),
            "space": row["name"],
            "bucket_instance": self.bucket_number,
            "local_file_regex": ".*",
        }

    def workflow(self) -> int:
        return int(self.admin.post("/workflows/", workflow_fields())["id"])

    @cached_property
    def built_in(self) -> set[int]:
        rows = self.admin.get("/workflows/", page_size="0")["results"]
        return {row["id"] for row in rows if not row["name"].startswith("n")}

    def submission(self) -> dict[str, Any]:
        assert self.space_row
        workflow = RANDOM.choice(["migrate", "premigrate", "recall"])
        return {"workflow": workflow, "site": SITE, "paths": [{"path": "/kept"}], "dry_run": RANDOM.random() < 0.3}

    def waiting(self) -> int:
        """A job that may not have ended yet; half of them are paused already."""
        number = self.job()
        if RANDOM.random() < 0.5:
            self.admin.call("POST", f"/jobs/{number}/pause/")
        return number

    def job(self) -> int:
        return int(self.admin.post("/file/workflow/", self.submission())["id"])

    def ended(self) -> int:
        number = self.job()
        eventually(lambda: self.admin.get(f"/jobs/{number}/")["completed"])
        return number

    @cached_property
    def done(self) -> int:
        """A job that has ended, with tasks and paths; nobody deletes it on purpose."""
        return self.ended()

    def first(self, path: str, **query: Any) -> int:
        """The number of a row that a list begins with."""
        rows = self.admin.get(path, **query)["results"]
        return int(rows[0]["id"]) if rows else 1

    def settings_task(self) -> int:
        assert self.space_row
        return self.first("/settingstasks/")

    def of_done(self, path: str, name: str) -> int:
        if self.admin.call("GET", f"/jobs/{self.done}/").status_code == 404:
            del self.done
        return self.first(path, **{name: self.done})

    @cached_property
    def permissions(self) -> list[int]:
        return [right["id"] for right in self.admin.get("/permissions/", page_size="0")["results"]]


WORLD = World()


def verified() -> dict[str, str]:
    kind = RANDOM.choice(["access", "refresh"])
    return {"token": WORLD.tokens()[kind], "type": kind}


def user_fields() -> dict[str, Any]:
    return {"email": f"{new()}@example.com", "groups": ["Users"], "profile": {"timezone": "Europe/London"}}


def group_fields() -> dict[str, Any]:
    return {"name": new(), "permissions": RANDOM.sample(WORLD.permissions, 2), "users": [WORLD.user()]}


def bucket_fields() -> dict[str, Any]:
    return {"name": new(), "storage_type": "FS", "migration_target_folder": f"/{new()}"}


def workflow_fields() -> dict[str, Any]:
    rule = {"state": "all", "type": "file", "action": [{"name": "dynamo.tasks.recall"}]}
    return {"name": new(), "label": "Fuzz", "discovery": "recursive", "filter_rules": [rule], "fields": []}


def site_fields() -> dict[str, Any]:
    return {"name": new(), "shortcode": new(), "color": [1, 2, 3], "timezone": "Europe/London"}


def space_fields() -> dict[str, Any]:
    name = new()
    return {"name": name, "mountpoint": f"/{name}", "sites": [{"name": SITE}]}


BODIES: dict[str, Callable[[], Any]] = {
    "create_site": site_fields,
    "update_site": lambda: {"label": new(), "bandwidth": 0},
    "update_node": lambda: {"name": new()},
    "create_space": space_fields,
    "update_space": lambda: {"name": new(), "size": 10**9},
    "create_bucket": bucket_fields,
    "update_bucket": lambda: {"label": new()},
    "create_external_target": lambda: WORLD.target_fields(),
    "update_external_target": lambda: {"enabled": RANDOM.random() < 0.5},
    "create_workflow": workflow_fields,
    "update_workflow": lambda: {"label": new()},
    "submit_workflow": lambda: WORLD.submission(),
    "create_job": lambda: WORLD.submission(),
    "create_token": lambda: {"username": ADMIN, "password": PASSWORD},
    "refresh_token": lambda: {"refresh": WORLD.tokens()["refresh"]},
    "verify_token": verified,
    "create_client_key": lambda: {"name": new()},
    "update_client_key": lambda: {"name": new()},
    "create_user": lambda: {"username": new(), "password": "quiet river stone", **user_fields()},
    "update_user": user_fields,
    "change_password": lambda: {"old_password": PASSWORD, "new_password": PASSWORD},
    "create_group": group_fields,
    "update_group": group_fields,
}


def number(make: Callable[[], int]) -> Callable[[], dict[str, Any]]:
    return lambda: {"id": make()}


def username() -> dict[str, Any]:
    return {"username": WORLD.user()}


PATHS: dict[str, Callable[[], dict[str, Any]]] = {
    **dict.fromkeys(("get_client_key", "update_client_key", "delete_client_key"), number(lambda: WORLD.key())),
    **dict.fromkeys(("get_user", "update_user", "delete_user", "activate_user", "deactivate_user"), username),
    **dict.fromkeys(("get_group", "update_group", "delete_group"), number(lambda: WORLD.group())),
    **dict.fromkeys(("get_site", "get_site_health"), number(lambda: WORLD.here["id"])),
    **dict.fromkeys(("update_site", "delete_site"), number(lambda: WORLD.site())),
    "get_node": number(lambda: WORLD.first("/nodes/")),
    "get_queue": number(lambda: WORLD.first("/queues/")),
    "get_filesystem": number(lambda: WORLD.first("/filesystems/")),
    "get_storage_pool": number(lambda: WORLD.first("/storagepools/")),
    "get_settings_task": number(lambda: WORLD.settings_task()),
    **dict.fromkeys(("get_space", "list_space_files"), number(lambda: WORLD.space_row["id"])),
    **dict.fromkeys(("update_space", "delete_space"), number(lambda: WORLD.space())),
    **dict.fromkeys(("get_bucket", "update_bucket", "delete_bucket"), number(lambda: WORLD.bucket())),
    "check_bucket": number(lambda: WORLD.space_row["id"] and WORLD.bucket_number),
    **dict.fromkeys(
        ("get_external_target", "update_external_target", "delete_external_target"), number(lambda: WORLD.target())
    ),
    **dict.fromkeys(("get_workflow", "update_workflow", "delete_workflow"), number(lambda: WORLD.workflow())),
    **dict.fromkeys(
        ("get_job", "get_job_progress", "get_job_statistics", "list_job_files"), number(lambda: WORLD.done)
    ),
    **dict.fromkeys(("delete_job", "resubmit_job"), number(lambda: WORLD.ended())),
    **dict.fromkeys(("pause_job", "resume_job", "cancel_job"), number(lambda: WORLD.waiting())),
    **dict.fromkeys(("get_jobstat", "get_jobstat_history"), number(lambda: WORLD.of_done("/jobstats/", "job"))),
    **dict.fromkeys(("get_task", "list_task_files"), number(lambda: WORLD.of_done("/tasks/", "job_id"))),
    "get_permission": number(lambda: RANDOM.choice(WORLD.permissions)),
}
# operationId -> the numbers and names that it must leave alone: what other calls need.
NEEDED: dict[str, Callable[[], set[Any]]] = {
    **dict.fromkeys(("update_user", "delete_user", "activate_user", "deactivate_user"), lambda: {ADMIN, GUEST_NAME}),
    **dict.fromkeys(("update_site", "delete_site"), lambda: {WORLD.here["id"]}),
    **dict.fromkeys(("update_space", "delete_space"), lambda: {WORLD.space_row["id"]}),
    **dict.fromkeys(("update_bucket", "delete_bucket"), lambda: {WORLD.space_row["id"] and WORLD.bucket_number}),
    **dict.fromkeys(
        ("update_external_target", "delete_external_target"), lambda: {WORLD.space_row["id"] and WORLD.target_number}
    ),
    "update_workflow": lambda: WORLD.built_in,
}
# operationId of a list -> makes something that it will show, for the links that lead on from there.
LISTED: dict[str, Callable[[], Any]] = {
    "list_client_keys": lambda: WORLD.key(),
    "list_jobs": lambda: WORLD.job(),
    "list_recent_jobs": lambda: WORLD.job(),
    **dict.fromkeys(("list_tasks", "list_jobstats", "list_settings_tasks"), lambda: WORLD.done),
    **dict.fromkeys(("list_spaces", "list_buckets", "list_external_targets"), lambda: WORLD.space_row),
}


def credential(case: Any) -> str | None:
    written = case.operation.definition.raw
    if written.get("security") == []:
        return None
    return WORLD.credential(written["operationId"])


def before(case: Any, operation: str) -> None:
    """The first page is there, others may not be; the guest's password stays as it is, and what others need too."""
    if operation in NEEDED and {str(one) for one in case.path_parameters.values()} & {
        str(one) for one in NEEDED[operation]()
    }:
        case.path_parameters = PATHS[operation]()
    if operation == "change_password" and isinstance(case.body, dict) and case.body.get("old_password") == PASSWORD:
        case.body = BODIES[operation]()
    if isinstance(case.query, dict) and RANDOM.random() < 0.5:
        case.query.pop("page", None)
        if operation in ("browse_file", "list_space_files") and not meant_wrong(case, ParameterLocation.QUERY):
            case.query.update({"path": "/kept", "site": SITE})
            assert WORLD.space_row
        if operation == "check_bucket" and not meant_wrong(case, ParameterLocation.QUERY):
            case.query["site"] = SITE


def body(case: Any, operation: str) -> None:
    """Make a body that is meant to be valid so."""
    if operation in BODIES:
        case.body = BODIES[operation]()


def after(case: Any, operation: str, status: int) -> None:
    return None
