"""Callers of the Nebula manager for tests over HTTP: the local administrator, users with rights, and nobody."""

from dataclasses import dataclass, field
from typing import Any

import httpx

from app.nebula.auth import Local

API = "/api/v2"
# A password of digits only was once taken for a number (nebula 8).
LOCAL = Local(user="boss", password="12345", token="local-token")
APP = {"docker_image": "nginx:1.27"}
CRON_JOB = {"docker_image": "backup:2", "schedule": "0 3 * * *"}
REPORT = {
    "hostname": "store-001",
    "device_group": "stores",
    "report_creation_time": 1_795_766_400,
    "updated": False,
    "memory_usage": {"total": 2048, "used": 512, "free": 1536, "available": 1400},
    "cpu_usage": {"cores": 4, "used_percent": 12.5},
    "apps_containers": [{"Id": "c0ffee", "pids_stats": {"current": 3}}],
    "cron_jobs_containers": [],
}


@dataclass
class Manager:
    """The manager as one caller sees it; `auth` is a name and password, `token` a bearer's."""

    http: httpx.Client
    auth: tuple[str, str] | None = None
    token: str | None = None
    headers: dict[str, str] = field(default_factory=lambda: {"Cache-Control": "no-cache"})

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """As the SDK does, which says application/json even where there is no body (nebula 1)."""
        headers = {**self.headers, "Content-Type": "application/json", **options.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        return self.http.request(
            method, f"{API}{path}", headers=headers, auth=self.auth or httpx.USE_CLIENT_DEFAULT, **options
        )

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None) -> httpx.Response:
        return self.call("POST", path, **({} if body is None else {"json": body}))

    def put(self, path: str, body: Any) -> httpx.Response:
        return self.call("PUT", path, json=body)

    def delete(self, path: str) -> httpx.Response:
        return self.call("DELETE", path)

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer of a call that must succeed."""
        answer = self.call(method, path, **({} if body is None else {"json": body}))
        assert answer.status_code < 300, answer.text
        return answer.json()

    def app(self, name: str, **fields: Any) -> dict[str, Any]:
        return self.done("POST", f"/apps/{name}", {**APP, **fields})

    def cron_job(self, name: str, **fields: Any) -> dict[str, Any]:
        return self.done("POST", f"/cron_jobs/{name}", {**CRON_JOB, **fields})

    def group(self, name: str, *apps: str, cron_jobs: tuple[str, ...] = ()) -> dict[str, Any]:
        return self.done("POST", f"/device_groups/{name}", {"apps": list(apps), "cron_jobs": list(cron_jobs)})

    def info(self, name: str) -> dict[str, Any]:
        return self.done("GET", f"/device_groups/{name}/info")

    def user(self, name: str, password: str = "a good password", **rights: Any) -> "Manager":
        """A new user, whose rights come from a group of the same name; as that user."""
        self.done("POST", f"/users/{name}", {"password": password})
        if rights:
            self.done("POST", f"/user_groups/{name}", {"group_members": [name], **rights})
        return Manager(self.http, auth=(name, password))
