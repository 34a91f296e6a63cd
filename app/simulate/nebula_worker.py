"""A worker of the Nebula orchestrator: what it does with what it is told, on a Docker that is not there (nebula 9)."""

from dataclasses import dataclass, field
from typing import Any, Protocol

Document = dict[str, Any]


class WorkerEnds(Exception):
    """The worker cannot go on: its container is started again, and stops all that it ran."""


class Docker(Protocol):
    """What a worker has done to containers and images."""

    def run(self, app: str, name: str, document: Document, ports: dict[int, int]) -> None:
        """Start a container; `ports` are those of the host by those of the container."""

    def stop(self, name: str) -> None:
        """Stop a container and remove it."""

    def names(self, app: str | None = None) -> list[str]:
        """The containers that there are, of an app or all."""

    def schedule(self, cron_job: str, document: Document) -> None:
        """Run a cron job by its schedule from now on."""

    def unschedule(self, cron_job: str) -> None:
        """Run a cron job no more."""

    def prune(self) -> None:
        """Remove images that no container uses."""


@dataclass
class Host:
    """The device that a worker runs on."""

    cores: int = 4
    memory_mb: int = 2048


@dataclass
class Worker:
    """One worker; `info` is what it goes by, None until its device group is there."""

    docker: Docker
    host: Host = field(default_factory=Host)
    info: Document | None = None
    updated: bool = False

    def begin(self, info: Document) -> None:
        """Stop what an earlier life has left, and run what there is to run."""
        for name in self.docker.names():
            self.docker.stop(name)
        self.info = info
        for app in info["apps"]:
            if app["running"]:
                self._start(app)
        for job in info["cron_jobs"]:
            if job["running"]:
                self.docker.schedule(job["cron_job_name"], job)

    def follow(self, told: Document) -> None:
        """Do what the ids say that has changed. Raises WorkerEnds for an answer that is none."""
        if "apps" not in told:
            raise WorkerEnds(f"no apps in {told}")
        assert self.info is not None
        known = self.info
        steps = [self._follow_apps(known, told), self._remove(known, told), self._follow_cron_jobs(known, told)]
        if told["prune_id"] > known["prune_id"]:
            self.docker.prune()
            steps.append(True)
        self.updated = any(steps)
        if self.updated:
            self.info = told

    def _follow_apps(self, known: Document, told: Document) -> bool:
        before = {app["app_name"]: app for app in known["apps"]}
        changed = [
            app
            for app in told["apps"]
            if app["app_name"] not in before or app["app_id"] > before[app["app_name"]]["app_id"]
        ]
        for app in changed:
            old = before.get(app["app_name"])
            if not app["running"]:
                self._stop(app["app_name"])
            elif old is not None and old["running"] and app["rolling_restart"]:
                self._roll(app)
            else:
                self._stop(app["app_name"])
                self._start(app)
        return bool(changed)

    def _remove(self, known: Document, told: Document) -> bool:
        if told["device_group_id"] <= known["device_group_id"]:
            return False
        for name in known["apps_list"]:
            if name not in told["apps_list"]:
                self._stop(name)
        for name in known["cron_jobs_list"]:
            if name not in told["cron_jobs_list"]:
                self.docker.unschedule(name)
        return True

    def _follow_cron_jobs(self, known: Document, told: Document) -> bool:
        before = {job["cron_job_name"]: job["cron_job_id"] for job in known["cron_jobs"]}
        changed = [job for job in told["cron_jobs"] if job["cron_job_id"] > before.get(job["cron_job_name"], 0)]
        for job in changed:
            self.docker.unschedule(job["cron_job_name"])
            if job["running"]:
                self.docker.schedule(job["cron_job_name"], job)
        return bool(changed)

    def _start(self, app: Document) -> None:
        for number in range(self.containers(app)):
            self._run(app, number)

    def _stop(self, name: str) -> None:
        for container in self.docker.names(name):
            self.docker.stop(container)

    def _roll(self, app: Document) -> None:
        """One after the other; more than before are not started (nebula 9)."""
        for number, container in enumerate(sorted(self.docker.names(app["app_name"]))):
            self.docker.stop(container)
            if number < self.containers(app):
                self._run(app, number)

    def _run(self, app: Document, number: int) -> None:
        ports: dict[int, int] = {}
        for port in app["starting_ports"]:
            for host, container in port.items() if isinstance(port, dict) else [(port, port)]:
                ports[int(container)] = int(host) + number
        # A container is started with its first network, and its mounts are known by their second part.
        assert app["networks"][0] is not None
        assert all(volume.split(":")[1] for volume in app["volumes"])
        self.docker.run(app["app_name"], f"{app['app_name']}-{number + 1}", app, ports)

    def containers(self, app: Document) -> int:
        """How many containers of an app this device runs. Raises WorkerEnds for a count by what nobody knows."""
        for unit, amount in app["containers_per"].items():
            if unit in ("server", "instance"):
                return int(amount)
            if unit == "cpu":
                return int(self.host.cores * amount)
            if unit in ("memory", "mem"):
                return int(self.host.memory_mb / amount)
        raise WorkerEnds(f"containers_per {app['containers_per']}")
