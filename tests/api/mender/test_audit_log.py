"""The audit log over HTTP: every change by a user is in it, with it or not at all (mender 10)."""

import csv
import io
from datetime import timedelta

import pytest

from app.core import clock, db, ids
from app.http import specs, systems
from app.mender import audit, useradm
from app.mender import limits as mender_limits
from models.mender.audit import AuditEntry
from tests.support.artifacts import build
from tests.support.mender import (
    DEPLOYMENTS,
    DEVAUTH,
    DEVICES,
    EMAIL,
    INVENTORY,
    PASSWORD,
    USERADM,
    Device,
    User,
    new_key,
    pem,
)

RELEASES = "/api/management/v2/deployments/deployments/releases"
LOGS = "/api/management/v1/auditlogs/logs"
# After all that the fixtures do, while their tokens last.
NOON = (clock.now() + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def logged(user, **query) -> list[dict]:
    answer = user.get(LOGS, params={"per_page": 500, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def newest(user) -> tuple[str, str, str]:
    """What was done last: action, type, id."""
    entry = logged(user)[0]
    return entry["action"], entry["object"]["type"], entry["object"]["id"]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_an_entry_says_who_did_what_when_and_by_which_request(http, user):
    with clock.freeze(NOON):
        answer = user.call("PUT", f"{DEPLOYMENTS}/artifacts/{user.uploaded(name='a')}", json={"description": "new"})
    entry = logged(user)[0]
    assert entry == {
        "time": clock.rfc3339(NOON),
        "action": "update",
        "actor": {"type": "user", "id": user.id, "email": EMAIL},
        "object": {"type": "artifact", "id": entry["object"]["id"], "name": "a"},
        "change": {"description": "new"},
        "request_id": answer.headers["X-Request-ID"],
    }


def devices(http, user):
    """(request, what the newest entry is afterwards) of each change of devices, one after the other."""
    asking = Device(http)
    asking.request()
    found = user.find(asking)
    device, auth_set = found["id"], found["auth_sets"][0]["id"]
    status = f"{DEVAUTH}/devices/{device}/auth/{auth_set}/status"
    yield ("PUT", status, {"json": {"status": "accepted"}}), ("accept", "device", device)
    asking.request()
    yield ("DELETE", f"{DEVAUTH}/tokens/{auth_set}", {}), ("revoke", "token", auth_set)
    yield ("PUT", status, {"json": {"status": "rejected"}}), ("reject", "device", device)
    yield ("PUT", status, {"json": {"status": "pending"}}), ("set_pending", "device", device)
    tags = {"json": [{"name": "site", "value": "lab"}]}
    yield ("PUT", f"{INVENTORY}/devices/{device}/tags", tags), ("update", "device", device)
    yield ("PATCH", f"{INVENTORY}/devices/{device}/tags", tags), ("update", "device", device)
    yield ("PUT", f"{INVENTORY}/devices/{device}/group", {"json": {"group": "lab"}}), ("update", "group", "lab")
    yield ("DELETE", f"{INVENTORY}/devices/{device}/group/lab", {}), ("update", "group", "lab")
    yield ("PATCH", f"{INVENTORY}/groups/many/devices", {"json": [device]}), ("update", "group", "many")
    yield ("DELETE", f"{INVENTORY}/groups/many/devices", {"json": [device]}), ("update", "group", "many")
    user.call("PATCH", f"{INVENTORY}/groups/many/devices", json=[device])
    yield ("DELETE", f"{INVENTORY}/groups/many", {}), ("update", "group", "many")
    yield ("DELETE", f"{INVENTORY}/devices/{device}", {}), ("clear", "device", device)
    yield ("POST", f"{INVENTORY}/devices", {"json": {"id": "by-hand"}}), ("create", "device", "by-hand")
    yield ("DELETE", f"{DEVAUTH}/devices/{device}/auth/{auth_set}", {}), ("dismiss", "device", device)
    yield ("DELETE", f"{DEVAUTH}/devices/{device}", {}), ("decommission", "device", device)
    stranger = {"identity_data": {"mac": "new"}, "pubkey": pem(new_key("p256"))}
    yield ("POST", f"{DEVAUTH}/devices", {"json": stranger}), ("preauthorize", "device", None)
    forced = {**stranger, "pubkey": pem(new_key("p256")), "force": True}
    yield ("POST", f"{DEVAUTH}/devices", {"json": forced}), ("preauthorize", "device", None)
    last = {"json": {"reject": [{"device_id": user.devices()[-1]["id"]}]}}
    yield ("POST", f"{DEVAUTH}/devices/bulk", last), ("reject", "device", None)


def releases(http, user):
    """The same of artifacts and deployments."""
    device = user.accepted(Device(http)).id
    file = {"files": {"artifact": ("a", build(name="first"))}}
    yield ("POST", f"{DEPLOYMENTS}/artifacts", file), ("create", "artifact", None)
    fields = {"name": "made", "device_types_compatible": "b", "type": "single_file", "args": '{"dest_dir": "/x"}'}
    raw = {"data": fields, "files": {"file": ("f", b"x")}}
    yield ("POST", f"{DEPLOYMENTS}/artifacts/generate", raw), ("create", "artifact", None)
    artifact = logged(user)[0]["object"]["id"]
    yield ("DELETE", f"{DEPLOYMENTS}/artifacts/{artifact}", {}), ("delete", "artifact", artifact)
    order = {"json": {"name": "go", "artifact_name": "first", "devices": [device]}}
    yield ("POST", f"{DEPLOYMENTS}/deployments", order), ("create", "deployment", None)
    deployment = logged(user)[0]["object"]["id"]
    end = ("PUT", f"{DEPLOYMENTS}/deployments/{deployment}/status", {"json": {"status": "aborted"}})
    yield end, ("abort", "deployment", deployment)
    user.call("PUT", f"{INVENTORY}/devices/{device}/group", json={"group": "lab"})
    order = {"json": {"name": "to lab", "artifact_name": "first"}}
    yield ("POST", f"{DEPLOYMENTS}/deployments/group/lab", order), ("create", "deployment", None)
    yield ("DELETE", f"{DEPLOYMENTS}/deployments/devices/{device}", {}), ("abort_deployments", "device", device)
    user.uploaded(name="r")
    yield ("PATCH", f"{RELEASES}/r", {"json": {"notes": "n"}}), ("update", "release", "r")
    yield ("PUT", f"{RELEASES}/r/tags", {"json": ["t"]}), ("update", "release", "r")
    yield ("DELETE", RELEASES, {"params": {"name": ["r"]}}), ("delete", "release", "r")


def people(http, user):
    """The same of users."""
    grace = {"json": {"email": "grace@example.com", "password": "a-good-one"}}
    yield ("POST", f"{USERADM}/users", grace), ("create", "user", None)
    made = logged(user)[0]["object"]["id"]
    yield ("PUT", f"{USERADM}/users/{made}", {"json": {"password": "another-good"}}), ("update", "user", made)
    yield ("DELETE", f"{USERADM}/users/{made}", {}), ("delete", "user", made)
    yield ("POST", f"{USERADM}/settings", {"json": {"a": 1}}), ("update", "settings", "")
    yield ("POST", f"{USERADM}/settings/me", {"json": {"a": 1}}), ("update", "settings", user.id)
    yield ("POST", f"{USERADM}/settings/tokens", {"json": {"name": "ci"}}), ("create", "token", None)
    token = logged(user)[0]["object"]["id"]
    yield ("DELETE", f"{USERADM}/settings/tokens/{token}", {}), ("revoke", "token", token)


CHANGES = (devices, releases, people)


@pytest.mark.parametrize("changes", CHANGES)
def test_every_change_is_one_entry(http, user, changes):
    for (method, path, options), (action, kind, object_id) in changes(http, user):
        before = len(logged(user))
        answer = user.call(method, path, **options)
        assert answer.status_code < 300, (method, path, answer.text)
        assert len(logged(user)) == before + 1, (method, path)
        assert newest(user)[:2] == (action, kind), (method, path)
        assert object_id in (None, newest(user)[2]), (method, path)


def test_every_operation_that_changes_something_is_audited(http, user):
    """A new operation that changes something comes with its entry in CHANGES."""
    template = [
        (method.upper(), path, operation["operationId"])
        for path, method, operation in specs.operations(specs.document(systems.root(), SYSTEM, "public"))
        if method != "get" and path.startswith("/api/management")
    ]
    done = {(method, path) for changes in CHANGES for (method, path, _), _ in _tried(http, user, changes)}
    missing = {name for method, path, name in template if not any(_is(path, method, one) for one in done)}
    assert missing == {
        "login",  # below
        "logout",
        "update_artifact",  # above
        "complete_password_reset",  # in test_password_reset
        # They change nothing here.
        "start_password_reset",
        "search_devices",
        "search_device_inventories",
        "list_deployment_statistics",
    }


def _tried(http, user, changes):
    for case in changes(http, user):
        user.call(case[0][0], case[0][1], **case[0][2])
        yield case


def _is(path: str, method: str, done: tuple[str, str]) -> bool:
    parts, given = path.split("/"), done[1].split("/")
    fits = len(parts) == len(given) and all(p == g or p.startswith("{") for p, g in zip(parts, given, strict=True))
    return fits and method == done[0]


SYSTEM = next(system for system in systems.load_systems(systems.root()) if system.name == "mender")


def test_logging_in_and_out(http, user):
    other = User(http, email="grace@example.com")
    other.call("POST", f"{USERADM}/auth/logout")
    found = [(entry["action"], entry["actor"].get("email")) for entry in logged(user)]
    assert found[:3] == [("logout", "grace@example.com"), ("login", "grace@example.com"), ("create", None)]
    http.post(f"{USERADM}/auth/login", auth=(EMAIL, "wrong"))
    assert len(logged(user)) == len(found)


def test_what_is_refused_or_changes_nothing_is_no_entry(http, user):
    device = user.accepted(Device(http))
    user.call("PUT", f"{INVENTORY}/devices/{device.id}/group", json={"group": "lab"})
    user.uploaded(name="a")
    auth_set = user.devices()[0]["auth_sets"][0]["id"]
    before = len(logged(user))
    assert user.upload(build(name="a")).status_code == 409
    assert user.call("DELETE", f"{DEPLOYMENTS}/artifacts/{ids.uuid()}").status_code == 404
    assert user.call("DELETE", f"{USERADM}/users/{ids.uuid()}").status_code == 204
    assert user.call("DELETE", f"{INVENTORY}/devices/nobody").status_code == 204
    assert user.set_status(device.id, auth_set, "accepted").status_code == 204
    assert user.call("PUT", f"{INVENTORY}/devices/{device.id}/group", json={"group": "lab"}).status_code == 204
    order = {"name": "go", "artifact_name": "unknown", "devices": ["x"]}
    assert user.call("POST", f"{DEPLOYMENTS}/deployments", json=order).status_code == 422
    # What devices do is no change by a user.
    assert device.call("PATCH", f"{DEVICES}/inventory/device/attributes", json=[]).status_code == 200
    assert device.request().status_code == 200
    assert len(logged(user)) == before


def test_no_secret_is_in_it(http, user):
    user.call("POST", f"{USERADM}/users", json={"email": "grace@example.com", "password": "s3cret-password"})
    made = logged(user)[0]["object"]["id"]
    user.call("PUT", f"{USERADM}/users/{made}", json={"password": "s3cret-password-2", "email": "g@example.com"})
    token = user.call("POST", f"{USERADM}/settings/tokens", json={"name": "ci"}).text
    text = user.get(LOGS, params={"per_page": 500}).text + user.get(f"{LOGS}/export").text
    assert logged(user)[1]["change"] == {"email": "g@example.com", "password_changed": True}
    assert not any(secret in text for secret in ("s3cret-password", PASSWORD, token, token.rpartition(".")[2]))


def test_the_command_line_is_the_system(user):
    with db.write():
        mender_limits.put("", "max_devices", 5)
    entry = logged(user)[0]
    assert entry["actor"] == {"type": "system"}
    assert entry["object"] == {"type": "limit", "id": "max_devices", "name": ""}
    assert (entry["change"], entry["request_id"]) == ({"value": 5}, "")
    assert [entry["object"]["type"] for entry in logged(user, actor_type="system")] == ["limit", "user"]


def filled(user) -> None:
    for hour in range(5):
        with clock.freeze(NOON + timedelta(hours=hour)):
            user.uploaded(name=f"release-{hour}")
    with clock.freeze(NOON + timedelta(hours=9)):
        user.deployed("release-1", "d1", name="go")


def test_pages_and_order(user):
    filled(user)
    answer = user.get(LOGS, params={"page": 2, "per_page": 3})
    assert [entry["object"]["name"] for entry in answer.json()] == ["release-2", "release-1", "release-0"]
    assert answer.headers["X-Total-Count"] == "8"
    assert 'rel="next"' in answer.headers["Link"]
    oldest = logged(user, sort="asc")
    assert oldest == logged(user)[::-1]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"object_type": "artifact"}, ["release-4", "release-3", "release-2", "release-1", "release-0"]),
        ({"object_deployment_name": "go"}, ["go"]),
        ({"object_deployment_name": "release-1"}, []),
        ({"action": "abort"}, []),
        ({"actor_email": EMAIL, "object_type": "deployment"}, ["go"]),
        ({"actor_email": "grace@example.com"}, []),
        ({"created_after": int((NOON + timedelta(hours=3)).timestamp())}, ["go", "release-4", "release-3"]),
        (
            {
                "created_after": int((NOON + timedelta(hours=1)).timestamp()),
                "created_before": int((NOON + timedelta(hours=2)).timestamp()),
            },
            ["release-2", "release-1"],
        ),
        ({"created_before": -(2**53) + 1}, []),
        ({"created_after": 2**53 - 1}, []),
    ],
)
def test_filters(user, query, names):
    filled(user)
    query = {"created_after": int(NOON.timestamp()), **query}
    with clock.freeze(NOON + timedelta(days=1)):
        found = [entry for entry in logged(user, **query) if entry["action"] in ("create", "abort")]
        assert [entry["object"]["name"] for entry in found if entry["object"]["type"] != "user"] == names


def test_filters_by_id(user):
    filled(user)
    artifact = logged(user, object_type="artifact")[0]["object"]["id"]
    assert [entry["object"]["name"] for entry in logged(user, object_id=artifact)] == ["release-4"]
    assert len(logged(user, actor_id=user.id)) == 7
    assert logged(user, actor_id=ids.uuid()) == []
    assert user.get(LOGS, params={"object_type": "thing"}).status_code == 400
    assert user.get(LOGS, params={"sort": "up"}).status_code == 400


def test_csv(http, user):
    filled(user)
    formula, quoted = "=cmd|' /C calc'!A0", 'with "quotes", commas'
    with clock.freeze(NOON + timedelta(hours=10)):
        user.uploaded(name=formula)
        user.uploaded(name=quoted)
    answer = user.get(f"{LOGS}/export", params={"object_type": "artifact"})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit-log.csv"'
    rows = table(answer.text)
    assert [row["object_name"] for row in rows[:3]] == [quoted, f"'{formula}", "release-4"]
    assert rows[0]["actor_email"] == EMAIL
    assert rows[0]["time"].endswith("Z")
    assert '"sha256"' in rows[0]["change"]
    few = table(user.get(f"{LOGS}/export", params={"limit": 2, "sort": "asc"}).text)
    assert [row["action"] for row in few] == ["create", "login"]
    assert user.get(f"{LOGS}/export", params={"limit": 20001}).status_code == 400


def test_one_tenant_sees_nothing_of_another(http, user):
    other = User(http, tenant="a" * 24, email="other@example.com")
    other.uploaded(name="theirs")
    assert all(entry["object"]["name"] != "theirs" for entry in logged(user))
    assert [entry["object"]["name"] for entry in logged(other)] == ["theirs", "other@example.com", "other@example.com"]


def test_old_entries_go_in_the_night_when_told_so(database):
    try:
        for days in (400, 366, 364, 1):
            with clock.freeze(NOON - timedelta(days=days)):
                useradm.create_user(f"user-{days}@example.com", PASSWORD)
        with clock.freeze(NOON):
            audit.configure(0)
            audit.forget(None)
            audit.configure(365)
            with db.read():
                assert AuditEntry.select().count() == 4
            audit.forget(None)
        with db.read():
            names = [entry.object_name for entry in AuditEntry.select().order_by(AuditEntry.time)]
        assert names == ["user-364@example.com", "user-1@example.com"]
    finally:
        audit.configure(0)


def test_a_page_is_found_by_an_index(user, database):
    with db.read():
        for query in (audit.Filter(), audit.Filter(object_type="device"), audit.Filter(object_id="x")):
            sql, values = audit._ordered(audit._found("", query), "desc").limit(20).sql()
            explain = "EXPLAIN QUERY PLAN " if database.kind == "sqlite" else "EXPLAIN "
            if database.kind == "postgres":
                # Of a table this small anything else is cheaper.
                for way in ("seqscan", "bitmapscan", "sort"):
                    db.execute(f"SET LOCAL enable_{way} = off")
            plan = " ".join(map(str, db.rows(explain + sql.replace("%s", "?"), *values)))
            assert "mender_audit_entry_tenant_id" in plan
            assert "TEMP B-TREE" not in plan
            assert "Sort" not in plan
