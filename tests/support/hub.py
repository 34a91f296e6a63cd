"""A genuine server of the Ngenea system with workers of sites in processes of their own."""

import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.support import server as servers
from tests.support.buckets import CREDENTIALS
from tests.support.ngenea import Hub
from tests.support.server import COMMAND, Server

PATIENCE = 180
ENDED = {"SUCCESS", "ERROR", "FAILURE", "SKIPPED", "CANCELLED"}
S3_KEYS = {
    "access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
    "secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
}


@dataclass
class Installation:
    """A server, its sites with their folders, and the workers that run."""

    server: Server
    folder: Path
    hub: Hub
    roots: dict[str, Path] = field(default_factory=dict)
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def start(cls, folder: Path, url: str | None = None, **settings: str) -> "Installation":
        given = {"SYSTEMS": "ngenea", "CHECK_ANSWERS": "true", "NGENEA_ACCESS_TOKEN_SECONDS": "86400", **settings}
        server = servers.start(folder / "data", url, **given)
        http = httpx.Client(base_url=server.url, timeout=120, verify=False)
        hub = Hub(http).log_in(servers.EMAIL.partition("@")[0], servers.PASSWORD)
        return cls(server, folder, hub)

    def stop(self) -> None:
        for name in list(self.workers):
            self.kill(name)
        self.server.stop()

    def site(self, name: str, **fields: Any) -> int:
        """A new site with a worker; its number."""
        made = self.hub.post("/sites/", {"name": name, "shortcode": name, **fields})
        self.roots[name] = self.folder / name
        self.roots[name].mkdir()
        self.work(name)
        return int(made["id"])

    def work(self, name: str, threads: int = 4) -> None:
        """Start the worker of a site."""
        command = [
            *COMMAND,
            "ngenea-worker",
            "--site",
            name,
            "--root",
            str(self.roots[name]),
            "--threads",
            str(threads),
        ]
        with self.server.log.open("ab") as output:
            self.workers[name] = subprocess.Popen(
                command, env=self.server.environment, cwd=self.folder, stdout=output, stderr=output
            )

    def kill(self, name: str) -> None:
        """SIGKILL the worker of a site."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def space(self, name: str, *sites: str) -> Path:
        """A new space on these sites; its folder on the first."""
        body = {"name": name, "mountpoint": f"/{name}", "sites": [{"name": site, "label": site} for site in sites]}
        made = self.hub.post("/spaces/", body)
        self.wait(lambda: self.hub.get(f"/spaces/{made['id']}/")["is_ready"])
        return self.roots[sites[0]] / name

    def target(self, space: str, **bucket: Any) -> dict[str, Any]:
        """A new bucket, and a target that takes all of a space there; ready on all its sites."""
        name = bucket.pop("target", f"{space}-target")
        made = self.hub.post("/buckets/", bucket)
        body = {"name": name, "space": space, "bucket_instance": made["id"], "local_file_regex": ".*"}
        target = self.hub.post("/external_targets/", body)
        number = target.get("id") or self.hub.get("/external_targets/", bucket=made["id"])["results"][0]["id"]
        return dict(self.wait(lambda: self._ready(number)))

    def _ready(self, number: int) -> dict[str, Any] | None:
        target = self.hub.get(f"/external_targets/{number}/")
        return target if target["is_ready"] else None

    def submit(self, workflow: str, site: str, *paths: str, **more: Any) -> int:
        """The number of a new job."""
        body = {"workflow": workflow, "site": site, "paths": [{"path": path} for path in paths], **more}
        return int(self.hub.post("/file/workflow/", body)["id"])

    def job(self, number: int) -> dict[str, Any]:
        return dict(self.hub.get(f"/jobs/{number}/"))

    def ended(self, number: int, seconds: float = PATIENCE) -> dict[str, Any]:
        """A job as it is at its end."""

        def look() -> dict[str, Any] | None:
            job = self.job(number)
            return job if job["state"] in ENDED else None

        return dict(self.wait(look, seconds))

    def run(self, workflow: str, site: str, *paths: str, **more: Any) -> dict[str, Any]:
        """Submit, and the job as it is at its end."""
        return self.ended(self.submit(workflow, site, *paths, **more))

    def wait(self, condition: Any, seconds: float = PATIENCE) -> Any:
        """What `condition` gives as soon as it gives something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if found := condition():
                    return found
            time.sleep(0.2)
        raise AssertionError(f"it never came about:\n{self.server.log.read_text()[-6000:]}")
