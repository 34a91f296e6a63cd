"""Every operation of the Nebula manager: who may call it, and what it refuses before it looks (nebula 2, 6)."""

import re
from typing import Any

import httpx
import pytest

from app.http import specs, systems
from app.nebula import rights
from tests.support.nebula import APP, CRON_JOB, LOCAL, REPORT, Manager

SYSTEM = next(system for system in systems.load_systems(systems.root()) if system.name == "nebula")
DOCUMENT = specs.document(systems.root(), SYSTEM, "public")
OPERATIONS = {op["operationId"]: (path, method.upper(), op) for path, method, op in specs.operations(DOCUMENT)}

# What the matrix is about: one of each kind, and rights on exactly these.
NAMES = {
    "app_name": "web",
    "device_group": "stores",
    "cron_job_name": "backup",
    "user_name": "ada",
    "user_group": "crew",
}
NEW = dict.fromkeys(NAMES, "new")
KINDS = ("apps", "device_groups", "cron_jobs")
CALLERS = ("nobody", "wrong", "plain", "ro", "rw", "pruning", "admin", "local")

# operation -> the callers for whom it works, written down from the references, not from the code.
EVERYBODY = {*CALLERS}
SIGNED_IN = {*CALLERS} - {"nobody", "wrong"}
READERS, WRITERS, ADMINS = {"ro", "rw", "admin", "local"}, {"rw", "admin", "local"}, {"admin", "local"}
PRUNERS = {"pruning", "admin", "local"}
ALLOWED: dict[str, set[str]] = {
    "get_status": SIGNED_IN,
    "ping": EVERYBODY,
    "prune_images": PRUNERS,
    "list_reports": SIGNED_IN,
    "create_report": READERS,
    "list_apps": SIGNED_IN,
    "list_device_groups": SIGNED_IN,
    "list_cron_jobs": SIGNED_IN,
    "list_users": ADMINS,
    "list_user_groups": ADMINS,
    "prune_device_group": PRUNERS,
    "get_device_group_info": READERS,
    "list_devices": READERS,
    "delete_cron_job": ADMINS,
    "refresh_token": ADMINS,
    **{f"get_{kind}": READERS for kind in ("app", "device_group", "cron_job")},
    **{
        f"{verb}_{kind}": WRITERS
        for kind in ("app", "device_group")
        for verb in ("create", "replace", "update", "patch", "delete")
    },
    **{f"{verb}_cron_job": WRITERS for verb in ("create", "replace", "update", "patch")},
    **{f"{verb}_app": WRITERS for verb in ("start", "stop", "restart")},
    **{
        f"{verb}_{kind}": ADMINS
        for kind in ("user", "user_group")
        for verb in ("create", "get", "update", "patch", "delete")
    },
}
BODIES: dict[str, Any] = {
    "app": APP,
    "cron_job": CRON_JOB,
    "device_group": {"apps": []},
    "user": {"password": "another password"},
    "user_group": {"pruning_allowed": True},
    "report": REPORT,
}


def url(path: str, names: dict[str, str]) -> str:
    return re.sub(r"\{([a-z_]+)\}", lambda found: names[found[1]], path).removeprefix("/api/v2")


def call(manager: Manager, operation: str) -> httpx.Response:
    """The operation on something that is there; to create, on something that is not."""
    path, method, written = OPERATIONS[operation]
    names = NEW if operation.startswith("create_") else NAMES
    body = BODIES[operation.partition("_")[2]] if "requestBody" in written else None
    return manager.call(method, url(path, names), **({} if body is None else {"json": body}))


def prepare(boss: Manager) -> None:
    for kind, body in (("apps/web", APP), ("cron_jobs/backup", CRON_JOB), ("device_groups/stores", {"apps": []})):
        boss.post(f"/{kind}", body)
    boss.post("/apps/web/start")
    boss.post("/users/ada", {"password": "ada's password"})
    boss.post("/user_groups/crew", {})
    for kind in ("apps", "cron_jobs", "device_groups", "users", "user_groups"):
        boss.delete(f"/{kind}/new")


@pytest.fixture
def callers(boss, http) -> dict[str, Manager]:
    prepare(boss)
    each = {
        level: {kind: dict.fromkeys(("web", "stores", "backup", "new"), level) for kind in KINDS}
        for level in ("ro", "rw")
    }
    return {
        "nobody": Manager(http),
        "wrong": Manager(http, token="nonsense"),
        "plain": boss.user("plain"),
        "ro": boss.user("reader", **each["ro"]),
        "rw": boss.user("writer", **each["rw"]),
        "pruning": boss.user("pruner", pruning_allowed=True),
        "admin": boss.user("chief", admin=True),
        "local": Manager(http, token=LOCAL.token),
    }


def test_the_matrix_is_whole():
    assert ALLOWED.keys() == OPERATIONS.keys()
    tables = [rights.OPEN, rights.SIGNED_IN, rights.PRUNING, rights.ADMINS, rights.NAMED.keys()]
    assert sum(map(len, tables)) == len(OPERATIONS)
    assert set().union(*tables) == OPERATIONS.keys()
    assert [name for name, (_, _, op) in OPERATIONS.items() if not op["security"]] == ["ping"]


@pytest.mark.rule("nebula 2")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_may_call_what(boss, callers, operation):
    """Every operation x (nobody, a wrong credential, no right, ro, rw, pruning, admin, local administrator)."""
    for name, manager in callers.items():
        answer = call(manager, operation)
        if name in ALLOWED[operation]:
            assert answer.status_code in (200, 201, 202), (name, answer.text)
        elif name in ("nobody", "wrong"):
            assert (answer.status_code, answer.json()) == (401, {"unauthorized": True}), name
            assert answer.headers["WWW-Authenticate"]
        else:
            assert (answer.status_code, answer.json()) == (403, {"access_allowed": False}), name
        if answer.status_code < 300:
            prepare(boss)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_who_may_not_learns_nothing_of_what_is_there(boss, callers, operation):
    """The right is looked at before the thing, and before the body (nebula 2)."""
    path, method, written = OPERATIONS[operation]
    if operation == "create_report" or "plain" in ALLOWED[operation]:
        return
    strange = dict.fromkeys(NAMES, "unknown")
    answers = [
        callers["plain"].call(method, url(path, names), **({"content": b"{"} if "requestBody" in written else {}))
        for names in (NAMES, strange)
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, {"access_allowed": False})] * 2


def test_rights_on_one_thing_say_nothing_of_another(boss):
    prepare(boss)
    for name in ("shop", "stores", "backup"):
        boss.app(name)
    ada = boss.user("eve", apps={"web": "rw"}, device_groups={"shop": "rw"}, cron_jobs={"stores": "rw"})
    assert ada.get("/apps/web").status_code == 200
    assert {ada.get(f"/apps/{name}").status_code for name in ("shop", "stores", "backup", "Web")} == {403}
    assert ada.get("/device_groups/stores").status_code == 403
    assert ada.get("/cron_jobs/backup").status_code == 403


def test_bodies_that_are_too_large_or_of_another_type(boss, http):
    prepare(boss)
    for operation, (path, method, written) in OPERATIONS.items():
        if "requestBody" not in written:
            continue
        too_large = Manager(http).call(method, url(path, NEW), content=b" " * (1024 * 1024 + 1))
        assert (too_large.status_code, too_large.json()) == (413, {"request_too_large": True}), operation
        for media in ("text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            names = NEW if operation.startswith("create_") else NAMES
            answer = boss.call(method, url(path, names), content=b"<a/>", headers={"Content-Type": media})
            assert (answer.status_code, answer.json()) == (415, {"media_type_valid": False}), operation


@pytest.mark.rule("nebula 1")
def test_an_empty_body_is_none_whatever_its_type_says(boss):
    """Clients say application/json on every request (nebula 1)."""
    prepare(boss)
    for operation, (_, method, written) in OPERATIONS.items():
        if "requestBody" not in written:
            assert call(boss, operation).status_code in (200, 202), (operation, method)
            prepare(boss)


def test_too_many_failures(boss, http):
    """429 for every operation but those that workers need, and the open one."""
    prepare(boss)
    boss.user("eve")
    wrong = Manager(http, auth=("eve", "wrong"))
    for _ in range(60):
        wrong.get("/status")
    for operation, (_, _, written) in OPERATIONS.items():
        expected = {"ping": 200, "get_device_group_info": 401}.get(operation, 429)
        assert call(wrong, operation).status_code == expected, operation
        assert ("429" in written["responses"]) is (expected == 429), operation


@pytest.mark.rule("nebula 1")
def test_envelopes_of_the_pipeline(boss, http):
    def said(method: str, path: str, **options: Any) -> tuple[int, Any, str]:
        answer = http.request(method, path, **options)
        return answer.status_code, answer.json(), answer.headers["Content-Type"]

    json = "application/json"
    assert said("GET", "/api/v2/nope") == (404, {"not_found": True}, json)
    assert said("GET", "/api/v2") == (404, {"not_found": True}, json)
    assert said("GET", "/api/v2/apps/") == (404, {"not_found": True}, json)
    assert said("PUT", "/api/v2/ping") == (405, {"method_allowed": False}, json)
    assert said("POST", "/api/v2/apps/web/roll") == (404, {"not_found": True}, json), (
        "there was such a thing in v1 only"
    )
    assert boss.get("/reports?hostname=%ff").json() == {"request_valid": False}
