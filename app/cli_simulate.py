"""`flotilla simulate`: fleets that are not there, against a server that is."""

import json
import secrets
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

simulate = typer.Typer(no_args_is_help=True, help="Simulated fleets, to try a server or its limits.")
QUIET_SECONDS = 10


@simulate.callback()
def group() -> None:
    """Simulated fleets, to try a server or its limits."""


@simulate.command("mender")
def mender(
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="How many devices.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second, all devices together; 0: no limit.")] = 50.0,
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 60.0,
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8080",
    email: Annotated[str | None, typer.Option(help="User who lets the devices in; else they wait for you.")] = None,
    password: Annotated[str | None, typer.Option(help="The user's password; default: from standard input.")] = None,
    device_type: Annotated[str, typer.Option(help="What the devices say they are.")] = "simulated",
    failing: Annotated[float, typer.Option(min=0, max=1, help="Share of the updates that fail.")] = 0.0,
    seed: Annotated[str | None, typer.Option(help="The same seed makes the same devices; default: new ones.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Devices with keys and signatures of their own: they ask to be let in, report their inventory, poll, download and
    report what became of it. Ends with how long requests took; non-zero when any was not answered as it should be.

    Each device takes its turn, so with N devices at rate R one polls every N/R seconds. Whoever knows the seed knows
    the keys: on a server that matters, leave it out.

    Example: flotilla simulate mender --devices 1000 --email admin@localhost.localdomain < data/admin-password
    """
    from app.simulate import mender as simulation

    chosen = seed or secrets.token_hex(8)
    if email is not None and password in (None, "-"):
        password = sys.stdin.readline().rstrip("\n")
    plan = simulation.Plan(
        url, devices, rate, duration, chosen, device_type, failing, email, password or "", verify=not insecure
    )
    _say(f"{devices:,} devices of type {device_type}, seed {chosen}; Ctrl-C ends it")

    def count(fleet: Any) -> str:
        ended = ", ".join(f"{number:,} {name}" for name, number in fleet.ended.items())
        return f"{len(fleet.accepted):,} let in; {ended}"

    _run(lambda: simulation.run(plan, _progress(count)), as_json, _describe_mender)


@simulate.command("nebula")
def nebula(
    workers: Annotated[int, typer.Option(min=1, max=100_000, help="How many workers.")] = 100,
    group: Annotated[
        str, typer.Option(help="The device group that they are of; they wait until it is there.")
    ] = "demo",
    rate: Annotated[float, typer.Option(min=0, help="Requests a second, all workers together; 0: no limit.")] = 50.0,
    duration: Annotated[float, typer.Option(min=0, help="Seconds; 0: until Ctrl-C.")] = 60.0,
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8080",
    user: Annotated[str, typer.Option(help="User they sign in as; needs a right on the device group.")] = "",
    password: Annotated[str | None, typer.Option(help="The user's password; default: from standard input.")] = None,
    token: Annotated[str, typer.Option(help="A token instead of user and password.")] = "",
    conditional: Annotated[
        bool, typer.Option("--conditional", help="Ask by If-None-Match: an answer is short.")
    ] = False,
    reports: Annotated[bool, typer.Option(help="Report after each answer.")] = True,
    insecure: Annotated[bool, typer.Option("--insecure", help="Take any certificate.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Workers with a Docker that is not there: they ask what to run, start, roll and stop containers as the ids say,
    and report. Ends with how long requests took; non-zero when any was not answered as it should be, or a worker ended.

    Each worker takes its turn, so with N workers at rate R one asks every N/R seconds (every 2 N/R with reports).

    Example: flotilla simulate nebula --workers 1000 --user admin < data/admin-password
    """
    from app.simulate import nebula as simulation

    if user and not token and password in (None, "-"):
        password = sys.stdin.readline().rstrip("\n")
    plan = simulation.Plan(
        url, workers, rate, duration, group, user, password or "", token, conditional, reports, verify=not insecure
    )
    _say(f"{workers:,} workers of device group {group}; Ctrl-C ends it")

    def count(fleet: Any) -> str:
        return f"{fleet.running:,} containers, {fleet.waiting:,} workers wait for the group"

    _run(lambda: simulation.run(plan, _progress(count)), as_json, _describe_nebula)


def _run(simulation: Callable[[], dict[str, Any]], as_json: bool, describe: Callable[[dict[str, Any]], str]) -> None:
    from app.simulate.traffic import SimulationError

    try:
        found = simulation()
    except SimulationError as exc:
        _say(f"flotilla: {exc}")
        raise typer.Exit(1) from exc
    print(json.dumps(found)) if as_json else _show(found, describe(found))  # noqa: T201
    raise typer.Exit(1 if found["faults"] or found.get("ended") else 0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _progress(count: Callable[[Any], str]) -> Any:
    """Each second a line in place on a terminal, each ten seconds a line of its own elsewhere."""
    terminal, said = sys.stderr.isatty(), 0.0

    def progress(fleet: Any, seconds: float) -> None:
        nonlocal said
        if not terminal and seconds - said < QUIET_SECONDS:
            return
        said = seconds
        text = f"{seconds:5.0f} s  {fleet.latencies.requests:,} requests, {count(fleet)}"
        print(f"\r{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)  # noqa: T201

    return progress


def _describe_mender(found: dict[str, Any]) -> str:
    updates = ", ".join(f"{count:,} {name}" for name, count in found["updates"].items())
    return (
        f"{found['accepted']:,} of {found['devices']:,} devices let in; updates: {updates};"
        f" {found['downloaded_bytes'] / 1e6:,.1f} MB downloaded"
    )


def _describe_nebula(found: dict[str, Any]) -> str:
    done = ", ".join(f"{found[name]:,} {name}" for name in ("started", "stopped", "pruned", "not modified"))
    return (
        f"{found['workers'] - found['waiting']:,} of {found['workers']:,} workers found their group;"
        f" {found['containers']:,} containers run; {done}; {found['ended']:,} workers ended"
    )


def _show(found: dict[str, Any], what: str) -> None:
    from rich.console import Console

    from app.simulate.latency import table

    print(f"\n{what}\n{found['requests']:,} requests in {found['seconds']:,} s ({found['rate']:,} a second)\n")  # noqa: T201
    Console(width=None if sys.stdout.isatty() else 120).print(table(found["latency_ms"]))
    for fault, count in found["faults"].items():
        print(f"fault: {fault} ({count:,} times)")  # noqa: T201
