"""`python -m tests.bench.nebula`: what workers ask for, from this server and from plain Flask with SQLAlchemy.

One SQLite file, a device group of 20 apps and 5 cron jobs, a user who may read it and shows a token; answers are compared
before anything is timed. Writes docs/explanations/performance-nebula.md with --write.

As `python -m tests.bench.nebula NAME PORT` it is one of the servers.
"""

import argparse
import hashlib
import hmac
import os
import platform
import random
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from app import main, process
from app.core import db, secrets
from app.nebula import definitions, device_groups, user_groups, users
from app.nebula.definitions import APPS, CRON_JOBS
from app.settings import Settings
from tests.bench import client, processes
from tests.bench.__main__ import micros, rate

CONTENDERS = ("flotilla", "again", "flask")
TOKEN = "the-token-of-a-worker"
INFO = "/api/v2/device_groups/stores/info"
REPORT = Path(__file__).parents[2] / "docs" / "explanations" / "performance-nebula.md"
WHOLE, SAME, CHANGING = "info", "info, If-None-Match", "info, after a change each"


def flask_app(settings: Settings) -> Any:
    """The endpoint as Flask's and SQLAlchemy's guides teach it, on the same tables, with the same checks."""
    from flask import Flask, abort, jsonify, request
    from sqlalchemy import ForeignKey, create_engine, select
    from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

    class Base(DeclarativeBase):
        pass

    class User(Base):
        __tablename__ = "nebula_user"
        pk: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        token_digest: Mapped[str]

    class Member(Base):
        __tablename__ = "nebula_user_group_member"
        pk: Mapped[int] = mapped_column(primary_key=True)
        group_id: Mapped[int] = mapped_column(ForeignKey("nebula_user_group.pk"))
        user_name: Mapped[str]

    class Right(Base):
        __tablename__ = "nebula_right"
        pk: Mapped[int] = mapped_column(primary_key=True)
        group_id: Mapped[int] = mapped_column(ForeignKey("nebula_user_group.pk"))
        kind: Mapped[str]
        name: Mapped[str]
        level: Mapped[int]

    class UserGroup(Base):
        __tablename__ = "nebula_user_group"
        pk: Mapped[int] = mapped_column(primary_key=True)
        admin: Mapped[bool]
        rights: Mapped[list[Right]] = relationship()

    class GroupMember(Base):
        __tablename__ = "nebula_device_group_member"
        pk: Mapped[int] = mapped_column(primary_key=True)
        group_id: Mapped[int] = mapped_column(ForeignKey("nebula_device_group.pk"))
        kind: Mapped[str]
        position: Mapped[int]
        name: Mapped[str]

    class DeviceGroup(Base):
        __tablename__ = "nebula_device_group"
        pk: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        number: Mapped[int]
        prune_id: Mapped[int]
        members: Mapped[list[GroupMember]] = relationship(order_by=GroupMember.position)

    class App(Base):
        __tablename__ = "nebula_app"
        pk: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        number: Mapped[int]
        document: Mapped[str]

    class CronJob(Base):
        __tablename__ = "nebula_cron_job"
        pk: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        number: Mapped[int]
        document: Mapped[str]

    secrets.configure(settings.key_file)
    key = secrets.derive("nebula tokens")
    engine = create_engine(f"sqlite:///{settings.data_dir}/flotilla.db")
    app = Flask(__name__)

    @app.get("/api/v2/device_groups/<device_group>/info")
    def info(device_group: str) -> Any:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        digest = hmac.new(key, token.encode(), hashlib.sha256).hexdigest()
        with Session(engine) as session:
            user = session.scalar(select(User).where(User.token_digest == digest))
            if user is None:
                abort(401)
            of_user = select(UserGroup).join(Member).where(Member.user_name == user.name)
            groups = session.scalars(of_user).all()
            may = any(
                group.admin or any(r.kind == "device_groups" and r.name == device_group for r in group.rights)
                for group in groups
            )
            if not may:
                abort(403)
            group = session.scalar(select(DeviceGroup).where(DeviceGroup.name == device_group))
            if group is None:
                return jsonify(device_group_exists=False), 403
            names = {kind: [m.name for m in group.members if m.kind == kind] for kind in ("apps", "cron_jobs")}
            found = {}
            for kind, model, word in (("apps", App, "app"), ("cron_jobs", CronJob, "cron_job")):
                rows = {row.name: row for row in session.scalars(select(model).where(model.name.in_(names[kind])))}
                found[kind] = [
                    {f"{word}_id": rows[n].number, f"{word}_name": n, **orjson.loads(rows[n].document)}
                    for n in names[kind]
                    if n in rows
                ]
            answer = jsonify(
                **found,
                apps_list=[entry["app_name"] for entry in found["apps"]],
                cron_jobs_list=[entry["cron_job_name"] for entry in found["cron_jobs"]],
                prune_id=group.prune_id,
                device_group_id=group.number,
            )
            answer.add_etag()
            return answer.make_conditional(request)

    return app


def serve(name: str, port: int) -> None:
    import uvicorn
    from a2wsgi import WSGIMiddleware

    settings = Settings(log_level="warning")
    if name == "flask":
        app: Any = WSGIMiddleware(flask_app(settings), workers=8)
    else:
        process.open_process(settings)
        app = main.create_app(settings, "public")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        http="httptools",
        loop="uvloop",
        lifespan="off" if name == "flask" else "on",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
    )


def fill() -> None:
    """Twenty apps and five cron jobs of one group, among others, and the user who may read it."""
    apps, jobs = [f"app-{number:02d}" for number in range(20)], [f"job-{number}" for number in range(5)]
    with db.write():
        for name in [*apps, *(f"other-{number}" for number in range(200))]:
            fields = {
                "docker_image": f"registry.example.com/{name}:1.4.2",
                "starting_ports": [80, {"8443": "443"}],
                "env_vars": {f"VARIABLE_{number}": f"value {number}" for number in range(8)},
                "volumes": ["/srv/data:/data", "/etc/config:/config:ro"],
            }
            definitions.create(APPS, name, fields)
        for name in jobs:
            definitions.create(CRON_JOBS, name, {"docker_image": "job:1", "schedule": "*/5 * * * *"})
        device_groups.create("stores", {"apps": apps, "cron_jobs": jobs})
    users.create("worker", None, TOKEN)
    with db.write():
        user_groups.create("workers", {"group_members": ["worker"], "device_groups": {"stores": "ro"}})


def change() -> None:
    with db.write():
        definitions.update(APPS, "app-00", {"running": True})


class Bench:
    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder / "data", log_level="warning")
        process.open_process(self.settings)
        process.migrate.up()
        fill()
        self.processes = processes.start("tests.bench.nebula", CONTENDERS, self.settings.data_dir)

    def stop(self) -> None:
        processes.stop(self.processes)

    def etag(self, port: int) -> str:
        import httpx

        return httpx.get(f"http://127.0.0.1:{port}{INFO}", headers=bearer()).headers["ETag"]

    def compare(self) -> int:
        """Every server answers the same; how many bytes that are."""
        bodies = {}
        for name, (_, port) in self.processes.items():
            connection = client.Connection(port)
            status, body = connection.send(client.prepare("GET", INFO, bearer()))
            assert status == 200, (name, status, body)
            bodies[name] = body
            same = client.prepare("GET", INFO, bearer() | {"If-None-Match": self.etag(port)})
            assert connection.send(same)[0] == 304, name
            wrong = client.prepare("GET", INFO, {"Authorization": "Bearer wrong"})
            assert connection.send(wrong)[0] == 401, name
            connection.close()
        documents = [orjson.loads(body) for body in bodies.values()]
        assert all(document == documents[0] for document in documents)
        assert len(documents[0]["apps"]) == 20
        return len(bodies["flotilla"])


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {TOKEN}"}


def measure(bench: Bench, rounds: int, count: int, clients: int) -> Any:
    found: Any = defaultdict(lambda: defaultdict(list))
    chance = random.Random(3)
    for operation, expected in ((WHOLE, 200), (SAME, 304)):
        for number in range(rounds + 1):
            order = list(CONTENDERS)
            chance.shuffle(order)
            for name in order:
                process, port = bench.processes[name]
                headers = bearer() | ({"If-None-Match": bench.etag(port)} if expected == 304 else {})
                load = client.run(port, process.pid, [client.prepare("GET", INFO, headers)] * count, clients)
                assert load.statuses == {expected: count}, f"INVALID: {name} answered {load.statuses} to {operation}"
                if number:  # the first round warms up
                    found[operation][name].append(load)
        print(operation, {name: f"{micros(found[operation][name]):.0f}" for name in CONTENDERS}, flush=True)
    for number in range(rounds + 1):
        for name in CONTENDERS:
            load = after_changes(bench, name, max(20, count // 10))
            if number:
                found[CHANGING][name].append(load)
    print(CHANGING, {name: f"{micros(found[CHANGING][name]):.0f}" for name in CONTENDERS}, flush=True)
    return found


def after_changes(bench: Bench, name: str, count: int) -> client.Load:
    """One request after each change, so that nothing kept from before can be used."""
    process, port = bench.processes[name]
    connection, wall = client.Connection(port), 0.0
    cpu = client.cpu_seconds(process.pid)
    for _ in range(count):
        change()
        started = time.perf_counter()
        status, _ = connection.send(client.prepare("GET", INFO, bearer()))
        wall += time.perf_counter() - started
        assert status == 200
    connection.close()
    return client.Load(wall, client.cpu_seconds(process.pid) - cpu, {200: count}, count)


def report(found: Any, size: int, rounds: int, count: int, clients: int) -> str:
    lines = [
        "# What workers ask for, as measured",
        "",
        f"`make bench` on {date.today()}, Python {platform.python_version()}, {os.cpu_count()} shared, noisy cores. A device",
        f"group of 20 apps and 5 cron jobs ({size:,} bytes), a user with a token who may read it, one SQLite file, {clients}",
        f"keep-alive connections, medians of {rounds} interleaved rounds of {count} requests. Answers were compared before",
        "timing. CPU is the server's own, per request. `again` is this server a second time: what it differs from 1 by is",
        "noise. `flask`: Flask and SQLAlchemy on the same tables with the same checks, as their guides teach, by a2wsgi.",
        "",
    ]
    for title, value in (("CPU per request, this server = 1", micros), ("Rate, this server = 1", rate)):
        lines += [f"## {title}", "", "| | this server | again | flask |", "|---|---|---|---|"]
        for operation in (WHOLE, SAME, CHANGING):
            own = value(found[operation]["flotilla"])
            unit = "us" if value is micros else "/s"
            ratios = [f"{value(found[operation][name]) / own:.2f}" for name in CONTENDERS[1:]]
            lines.append(f"| {operation} | 1 ({own:.0f} {unit}) | " + " | ".join(ratios) + " |")
        lines.append("")
    lines += [
        "The last row has one request after each change, one at a time, so that no body that was kept can be used.",
        "",
    ]
    return "\n".join(lines)


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="write docs/explanations/performance-nebula.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flotilla-bench-") as folder:
        bench = Bench(Path(folder))
        try:
            size = bench.compare()
            found = measure(bench, options.rounds, options.requests, options.clients)
        finally:
            bench.stop()
        text = report(found, size, options.rounds, options.requests, options.clients)
        db.close()
    print(text)
    if options.write:
        REPORT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in CONTENDERS:
        serve(sys.argv[1], int(sys.argv[2]))
    else:
        run()
