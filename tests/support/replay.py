"""Send recorded requests to an app, each from the same state, and describe what came of it, so that two compare."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from peewee import sort_models

import models
from app.core import db, threads
from app.nebula import auth
from app.ngenea import auth as hub_auth
from tests.support.corpus import Recorded
from tests.support.mender import DEPLOYMENTS, DEVICES, EMAIL, INVENTORY, NEXT, PASSWORD, USERADM, Device, User
from tests.support.nebula import LOCAL, REPORT, Manager
from tests.support.ngenea import Hub, make_group
from tests.support.ngenea import make_user as make_hub_user
from tests.support.sites import make_site, settled, site_worker
from tests.support.vmm import Panel, make_user
from tests.support.waiting import eventually

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
CHANGING = [  # what differs between two answers of one server, too
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "TOKEN"),
    (re.compile(r"\$argon2id\$[\w$=,+/]+"), "HASH"),
    (re.compile(r"x-men-expire=[^&\"]+&x-men-signature=[\w%-]+"), "SIGNED"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*Z"), "TIME"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HASH"),
    (re.compile(r'"token":"[\w-]{43}"'), '"token":"TOKEN"'),
    (re.compile(r'"id":"[1-9]\d*"'), '"id":"NUMBER"'),
    (re.compile(r'"(key_id|token_id)":\d+'), r'"\1":"NUMBER"'),
    (re.compile(r'"(space|target)":\d+'), r'"\1":"NUMBER"'),
    (re.compile(r'"id":[1-9]\d*'), '"id":"NUMBER"'),
    (re.compile(r'(/api/[a-z_/]+/)\d+/"'), r'\1NUMBER/"'),
    (re.compile(r"^[0-9a-f]{8}$"), "DRAWN"),
    (re.compile(r"^[\w+/]{60,}=*$"), "SEALED"),
    (re.compile(r'"api_key":"[\w.]+"'), '"api_key":"DRAWN"'),
    (re.compile(r'"challenge":"\w{43}"'), '"challenge":"DRAWN"'),
    (re.compile(r'"(key_timeadd|token_time_expire|token_time_start|revoke_time)":[1-9]\d*'), r'"\1":"TIME"'),
    (re.compile(r'"\$oid":"[0-9a-f]{24}"'), '"$oid":"NEW"'),
    (re.compile(r'"\$date":\d+'), '"$date":"TIME"'),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "SERVER"),
]
KEPT = {"vmm_listener", "core_signing_key", "mender_attribute_key"}  # processes remember what stands there
BY_CHANCE = {"mender_counter"}  # which of its rows is bumped
BY_NUMBER = {"core_work"}  # whose texts are numbers of other rows
COMPARED = {"allow", "content-type", "location", "www-authenticate", "link", "etag", "content-range", "accept-ranges"}


@dataclass(frozen=True)
class Outcome:
    """An answer and what it changed, without what differs from one time to the next."""

    status: int
    headers: Mapping[str, str]
    body: Any
    changes: list[str] = field(default_factory=list)

    @cached_property
    def is_problem(self) -> bool:
        """Whether it is a refusal in the form that connexion gives its own."""
        return self.headers.get("content-type") == "application/problem+json"


def mender(http: httpx.Client) -> dict[str, str]:
    """Users, devices, an artifact, deployments; what their ids and tokens are."""
    user, leaver = User(http), User(http, email="leaver@example.com")
    leaver.call("POST", f"{USERADM}/auth/logout")
    device, pending = user.accepted(Device(http, identity={"mac": "world"})), Device(http, identity={"mac": "new"})
    pending.request()
    waiting = user.find(pending)
    device.call("PATCH", f"{DEVICES}/inventory/device/attributes", json=[{"name": "device_type", "value": "board"}])
    user.call("PUT", f"{INVENTORY}/devices/{device.id}/group", json={"group": "staging"})
    artifact = user.uploaded(name="release")
    user.uploaded(name="spare")
    deployment = user.deployed("release", device.id)
    device.call("POST", NEXT, json={"device_type": "board", "artifact_name": "base"})
    log = {"messages": [{"timestamp": "2026-11-25T05:33:12Z", "level": "info", "message": "hello"}]}
    path = f"{DEVICES}/deployments/device/deployments/{deployment}"
    assert device.call("PUT", f"{path}/log", json=log).status_code == 204
    user.deployed("release", waiting["id"])
    link = user.get(f"{DEPLOYMENTS}/artifacts/{artifact}/download").json()["uri"]
    return {
        "user": user.token,
        "device": device.token,
        "revoked": leaver.token,
        "basic": "Basic " + base64.b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode(),
        "device_id": device.id,
        "pending_id": waiting["id"],
        "group_name": "staging",
        "user_id": user.id,
        "auth_set_id": waiting["auth_sets"][0]["id"],
        "token_id": user.find(device)["auth_sets"][0]["id"],
        "artifact_id": artifact,
        "release_name": "spare",
        "deployment_id": deployment,
        "link": link.partition("?")[2],
    }


def nebula(http: httpx.Client) -> dict[str, str]:
    """One of each kind of thing, a user who may read them, a report; what they are called."""
    auth.configure(LOCAL)
    boss, names = Manager(http, token=LOCAL.token), ("web", "backup", "stores", "ada", "operators")
    boss.app("web", starting_ports=[80])
    boss.cron_job("backup")
    boss.group("stores", "web", cron_jobs=("backup",))
    boss.done("POST", "/users/ada", {"password": "ada's password", "token": "ada's-token"})
    levels = {"apps": {"web": "ro"}, "device_groups": {"stores": "ro"}, "cron_jobs": {"backup": "ro"}}
    boss.done("POST", "/user_groups/operators", {"group_members": ["ada"], **levels})
    boss.done("POST", "/reports", REPORT)
    keys = ("app_name", "cron_job_name", "device_group", "user_name", "user_group")
    return {"boss": LOCAL.token, "reader": "ada's-token", **dict(zip(keys, names, strict=True))}


def vmm(http: httpx.Client) -> dict[str, str]:
    """A user with a session, and one that has ended."""
    make_user("ada")
    boss, leaver = Panel(http).log_in("ada"), Panel(http).log_in("ada")
    leaver.done("user.logout")
    return {"boss": str(boss.token), "revoked": str(leaver.token)}


def ngenea(http: httpx.Client) -> dict[str, str]:
    """One of each kind of thing, a job that has ended and one that waits: no worker is there any more."""
    make_hub_user("root", might=True)
    make_hub_user("leaver")
    hub_auth.configure(access_seconds=86400, refresh_seconds=86400)
    boss, leaver = Hub(http).log_in("root"), Hub(http).log_in("leaver")
    hub_auth.configure(access_seconds=300, refresh_seconds=86400)
    boss.post("/users/leaver/deactivate/")
    body = {"workflow": "premigrate", "site": "london", "paths": [{"path": "/projects"}]}
    with TemporaryDirectory(prefix="flotilla-replay-") as name:
        folder, vault = Path(name) / "london", Path(name) / "vault"
        vault.mkdir()
        numbers = {"sites": make_site(boss)}
        with site_worker("london", folder):
            space = {"name": "projects", "mountpoint": "/projects", "sites": [{"name": "london"}]}
            numbers["spaces"] = boss.post("/spaces/", space)["id"]
            settled(boss)
            (folder / "projects" / "cut.mov").write_text("content")
            bucket = {"name": "vault", "storage_type": "FS", "migration_target_folder": str(vault)}
            numbers["buckets"] = boss.post("/buckets/", bucket)["id"]
            target = {"name": "archive", "space": "projects", "bucket_instance": numbers["buckets"]}
            target |= {"local_file_regex": ".*"}
            numbers["external_targets"] = boss.post("/external_targets/", target)["id"]
            settled(boss)
            numbers["jobs"] = boss.post("/jobs/", body)["id"]
            eventually(lambda: boss.get(f"/jobs/{numbers['jobs']}/")["completed"])
    boss.post("/jobs/", body)
    numbers["clientkeys"] = boss.post("/auth/clientkeys/", {"name": "nightly"})["id"]
    numbers["groups"] = make_group("editors", "view_space")
    make_hub_user("ada", "editors")
    for kind in ("nodes", "queues", "filesystems", "storagepools", "settingstasks", "permissions", "tasks", "jobstats"):
        numbers[kind] = boss.get(f"/{kind}/")["results"][0]["id"]
    rule = {"state": "all", "type": "file", "action": [{"name": "recall"}]}
    numbers["workflows"] = boss.post("/workflows/", {"name": "own", "label": "Own", "filter_rules": [rule]})["id"]
    tokens = {"boss": boss.credential, "revoked": leaver.credential}
    return {
        **{name: str(credential).removeprefix("Bearer ") for name, credential in tokens.items()},
        **{kind: str(number) for kind, number in numbers.items()},
        "username": "ada",
    }


STATES: dict[str, Callable[[httpx.Client], dict[str, str]]] = {
    "mender": mender,
    "nebula": nebula,
    "vmm": vmm,
    "ngenea": ngenea,
}


class World:
    """The state that each request to a system starts from, made through its API."""

    def __init__(self, system: str, http: httpx.Client) -> None:
        self.names = STATES[system](http)
        names = [model._meta.table_name for model in sort_models(models.ALL)]
        self._tables = [name for name in names if name not in KEPT]
        self._rows = self._read()
        self._known = set(UUID.findall(json.dumps(self._rows, default=str)))

    def outcome(self, http: httpx.Client, request: Recorded) -> Outcome:
        """Send a request, note what comes of it, and undo that."""
        sent = request.filled(self.names)
        content = iter([sent.content]) if sent.chunked else sent.content or None
        headers = [(name.encode(), value.encode("latin-1")) for name, value in sent.headers]
        answer = http.request(sent.method, httpx.URL(sent.target), headers=headers, content=content)
        threads.settle()
        shown = {name: self._steady(value) for name, value in answer.headers.items() if name in COMPARED}
        if sent.method == "OPTIONS" and "allow" in shown:
            shown["allow"] = ", ".join(sorted(shown["allow"].split(", ")))
        return Outcome(answer.status_code, shown, self._body(answer), self._changes())

    def _body(self, answer: httpx.Response) -> Any:
        if not answer.headers.get("content-type", "").endswith("json") or not answer.content:
            return self._steady(answer.content.decode("latin-1"))
        body = json.loads(self._steady(answer.text))
        if isinstance(body, dict):
            body.pop("request_id", None)
        return body

    def _steady(self, text: str) -> str:
        for pattern, name in CHANGING:
            text = pattern.sub(name, text)
        return UUID.sub(lambda found: found[0] if found[0] in self._known else "NEW", text)

    def _read(self) -> dict[str, list[tuple[Any, ...]]]:
        with db.read():
            return {table: sorted(db.rows(f"SELECT * FROM {table}"), key=repr) for table in self._tables}

    def _changes(self) -> list[str]:
        """Rows that are there or gone now, and back to how it was."""
        now = self._read()
        if now == self._rows:
            return []
        found = [
            f"{sign} {table} {self._row(row, table in BY_NUMBER)}"
            for table in self._tables
            for sign, rows, others in (("+", now[table], self._rows[table]), ("-", self._rows[table], now[table]))
            for row in rows
            if row not in others and table not in BY_CHANCE
        ]
        with db.write():
            for table in reversed(self._tables):
                db.execute(f"DELETE FROM {table}")
            for table in self._tables:
                for row in self._rows[table]:
                    db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)
        return sorted(found)

    def _row(self, row: tuple[Any, ...], numbered: bool) -> list[Any]:
        """Without numbers of rows, times and what is new each time."""
        shown = [self._steady(value) if isinstance(value, str) else type(value).__name__ for value in row]
        return ["NUMBER" if numbered and value.isdecimal() else value for value in shown]
