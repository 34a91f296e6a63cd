"""`make bench`: this server beside comparable ones on one database; writes docs/explanations/performance.md.

Rows and answers are compared before anything is timed. Each round takes every contender in turn, in changing order;
the figures are medians over the rounds. CPU per request is the steadier one: the load client shares the machine.
"""

import argparse
import os
import platform
import random
import statistics
import tempfile
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from app import main, process
from app.core import db, passwords, tokens
from app.mender import useradm
from app.settings import Settings
from tests.bench import client, fleet, processes
from tests.bench.contenders import AUTH, LIST, NEXT, PATCH
from tests.support.mender import new_key, pem, sign

CONTENDERS = ("flotilla", "again", "stock", "fastapi_tuned", "fastapi_orm", "raw")
OPERATIONS = ("list 20", "PATCH 10, all changed", "PATCH 10, none changed", "POST next", "auth_requests")
EXPECTED = {"list 20": 200, "PATCH 10, all changed": 200, "PATCH 10, none changed": 200, "POST next": 204}
REPORT = Path(__file__).parents[2] / "docs" / "explanations" / "performance.md"


class Bench:
    def __init__(self, folder: Path, devices: int, with_tokens: int) -> None:
        self.settings = Settings(data_dir=folder / "data", log_level="warning")
        process.open_process(self.settings)
        main.migrate.up()
        passwords.configure(fast=True)
        tokens.ensure_keys([("mender", "user"), ("mender", "device")])
        useradm.create_user("bench@example.com", "bench password")
        caller = useradm.authenticate("bench@example.com", "bench password")
        assert caller is not None
        self.user = useradm.login(caller)
        self.key = new_key("p256")
        started = time.perf_counter()
        members = list(fleet.members(devices))
        fleet.fill(iter(members), pem(self.key))
        self.members = random.Random(2).sample(members, with_tokens)
        self.tokens = fleet.tokens_for(self.members, tokens.sign)
        print(f"{devices} devices in {time.perf_counter() - started:.0f} s", flush=True)
        self.random = random.Random(3)
        self.processes: processes.Processes = {}

    def start(self) -> None:
        self.processes = processes.start("tests.bench.contenders", CONTENDERS, self.settings.data_dir)

    def stop(self) -> None:
        processes.stop(self.processes)

    def requests(self, operation: str, count: int) -> list[bytes]:
        """`count` prepared requests of an operation, on random devices or pages."""
        if operation == "list 20":
            headers = {"Authorization": f"Bearer {self.user}"}
            return [
                client.prepare("GET", f"{LIST}?page={self.random.randint(1, 50)}&per_page=20", headers)
                for _ in range(count)
            ]
        chosen = [self.random.choice(self.members) for _ in range(count)]
        return [self._device_request(operation, member) for member in chosen]

    def _device_request(self, operation: str, member: fleet.Member) -> bytes:
        if operation == "auth_requests":
            body = orjson.dumps({"id_data": orjson.dumps(member.identity).decode(), "pubkey": pem(self.key)})
            headers = {"Content-Type": "application/json", "X-MEN-Signature": sign(self.key, body)}
            return client.prepare("POST", AUTH, headers, body)
        headers = {"Authorization": f"Bearer {self.tokens[member.id]}", "Content-Type": "application/json"}
        if operation == "POST next":
            return client.prepare("POST", NEXT, headers, b'{"device_type":"board","artifact_name":"base"}')
        values = self.attributes(member, changed="all changed" in operation)
        return client.prepare("PATCH", PATCH, headers, orjson.dumps(values))

    def attributes(self, member: fleet.Member, *, changed: bool) -> list[dict[str, Any]]:
        """The ten attributes of a device: as they are stored after `settle`, or all different."""
        mark = self.random.getrandbits(40) if changed else 0
        return [
            {"name": f"reported_{number}", "value": f"value {number} {mark}" if number % 2 else number + mark}
            for number in range(10)
        ]

    def compare(self) -> None:
        """Every contender answers the same and writes the same rows, before anything is timed."""
        member = self.members[0]
        lists, rows = {}, {}
        for name, (_, port) in self.processes.items():
            connection = client.Connection(port)
            for operation in OPERATIONS:
                status, body = connection.send(self.requests(operation, 1)[0])
                assert status == EXPECTED.get(operation, 200), (name, operation, status, body[:200])
            headers = {"Authorization": f"Bearer {self.user}"}
            listed = orjson.loads(connection.send(client.prepare("GET", f"{LIST}?page=7&per_page=20", headers))[1])
            lists[name] = [
                {
                    **device,
                    "updated_ts": None,
                    "attributes": [a for a in device["attributes"] if a["name"] != "updated_ts"],
                }
                for device in listed
            ]
            values = [{"name": f"reported_{n}", "value": f"{name} {n}" if n % 2 else n} for n in range(10)]
            headers = {"Authorization": f"Bearer {self.tokens[member.id]}", "Content-Type": "application/json"}
            assert connection.send(client.prepare("PATCH", PATCH, headers, orjson.dumps(values)))[0] == 200
            connection.close()
            rows[name] = self._rows(member, name)
        first = lists["flotilla"]
        assert len(first) == 20
        for name in CONTENDERS:
            assert lists[name] == first, f"{name} lists something else"
            assert rows[name] == rows["flotilla"], f"{name} writes other rows"
        print("answers and rows are the same", flush=True)

    def _rows(self, member: fleet.Member, name: str) -> Any:
        """A device's document and attribute rows, but for the contender's name and times."""
        with db.read():
            pk, document = db.row("SELECT pk, document FROM mender_inventory WHERE device_id = ?", member.id) or (0, "")
            table = db.rows(
                "SELECT key_id, position, text, number FROM mender_attribute WHERE device_id = ?"
                " ORDER BY key_id, position",
                pk,
            )
        kept = [entry for entry in orjson.loads(document)["attributes"] if entry["name"] != "updated_ts"]
        return repr(kept).replace(name, "X"), repr(table).replace(name, "X")

    def settle(self) -> None:
        """Store the attributes that `none changed` reports."""
        _, port = self.processes["flotilla"]
        connection = client.Connection(port)
        for member in self.members:
            connection.send(self._device_request("PATCH 10, none changed", member))
        connection.close()


def measure(bench: Bench, rounds: int, count: int, clients: int) -> dict[str, dict[str, list[client.Load]]]:
    found: dict[str, dict[str, list[client.Load]]] = defaultdict(lambda: defaultdict(list))
    for operation in OPERATIONS:
        bench.settle()
        for number in range(rounds + 1):
            order = list(CONTENDERS)
            bench.random.shuffle(order)
            for name in order:
                process, port = bench.processes[name]
                load = client.run(port, process.pid, bench.requests(operation, count), clients)
                wanted = EXPECTED.get(operation, 200)
                assert load.statuses == {wanted: count}, f"INVALID: {name} answered {load.statuses} to {operation}"
                if number:  # the first round warms up
                    found[operation][name].append(load)
        line = {name: f"{micros(found[operation][name]):.0f}" for name in CONTENDERS}
        print(operation, line, flush=True)
    return found


def micros(loads: list[client.Load]) -> float:
    """Median CPU microseconds per request."""
    return statistics.median(load.cpu / load.count for load in loads) * 1e6


def rate(loads: list[client.Load]) -> float:
    """Median requests per second."""
    return statistics.median(load.count / load.wall for load in loads)


def report(found: Any, devices: int, rounds: int, count: int, clients: int) -> str:
    lines = [
        "# Performance, as measured",
        "",
        f"`make bench` on {date.today()}, Python {platform.python_version()}, {os.cpu_count()} shared, noisy cores: one",
        f"process each, uvicorn with uvloop and httptools, one SQLite file with {devices:,} devices, {clients} keep-alive",
        f"connections, medians of {rounds} interleaved rounds of {count} requests. Answers and written rows were compared",
        "before timing; any other status would have made the run invalid. CPU is the server's own, per request; rates",
        "include a load client on the same cores, so they understate fast servers. `again` is this server a second time:",
        "what it differs from 1 by is noise.",
        "",
    ]
    for title, value, digits in (("CPU per request, this server = 1", micros, 2), ("Rate, this server = 1", rate, 2)):
        lines += [f"## {title}", "", "| | this server | " + " | ".join(CONTENDERS[1:]) + " |"]
        lines.append("|---|---|" + "---|" * len(CONTENDERS[1:]))
        for operation in OPERATIONS:
            own = value(found[operation]["flotilla"])
            unit = "us" if value is micros else "/s"
            ratios = [f"{value(found[operation][name]) / own:.{digits}f}" for name in CONTENDERS[1:]]
            lines.append(f"| {operation} | 1 ({own:.0f} {unit}) | " + " | ".join(ratios) + " |")
        lines.append("")
    lines += [
        "- `stock`: the same specs and handlers through connexion's own pipeline.",
        "- `fastapi_tuned`: FastAPI around the same rules and fixed SQL, raw answers, pydantic bodies.",
        "- `fastapi_orm`: FastAPI + SQLAlchemy ORM + pydantic in and out, as their guides teach; same tables, same rows.",
        "- `raw`: one ASGI function on uvicorn around the same rules, no validation, no errors: the floor.",
        "",
        "Rows are compared with this server as 1: in the first table a larger number means that the other one uses more",
        "CPU, in the second that it answers more requests.",
        "",
    ]
    return "\n".join(lines)


def run() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--tokens", type=int, default=1_000, help="devices that send requests")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="write docs/explanations/performance.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flotilla-bench-") as folder:
        bench = Bench(Path(folder), options.devices, min(options.tokens, options.devices))
        bench.start()
        try:
            bench.compare()
            found = measure(bench, options.rounds, options.requests, options.clients)
        finally:
            bench.stop()
        text = report(found, options.devices, options.rounds, options.requests, options.clients)
        db.close()
    print(text)
    if options.write:
        REPORT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    run()
