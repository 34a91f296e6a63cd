"""`flotilla simulate`: fleets that are not there, against a server that is."""

import json
import secrets
import sys
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
    try:
        found = simulation.run(plan, _progress())
    except simulation.SimulationError as exc:
        _say(f"flotilla: {exc}")
        raise typer.Exit(1) from exc
    print(json.dumps(found)) if as_json else _show(found)  # noqa: T201
    raise typer.Exit(1 if found["faults"] else 0)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def _progress() -> Any:
    """Each second a line in place on a terminal, each ten seconds a line of its own elsewhere."""
    terminal, said = sys.stderr.isatty(), 0.0

    def progress(fleet: Any, seconds: float) -> None:
        nonlocal said
        if not terminal and seconds - said < QUIET_SECONDS:
            return
        said = seconds
        ended = ", ".join(f"{count:,} {name}" for name, count in fleet.ended.items())
        text = f"{seconds:5.0f} s  {fleet.latencies.requests:,} requests, {len(fleet.accepted):,} let in; {ended}"
        print(f"\r{text}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)  # noqa: T201

    return progress


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console

    from app.simulate.latency import table

    updates = ", ".join(f"{count:,} {name}" for name, count in found["updates"].items())
    print(  # noqa: T201
        f"\n{found['accepted']:,} of {found['devices']:,} devices let in; updates: {updates}\n"
        f"{found['requests']:,} requests in {found['seconds']:,} s ({found['rate']:,} a second),"
        f" {found['downloaded_bytes'] / 1e6:,.1f} MB downloaded\n"
    )
    Console(width=None if sys.stdout.isatty() else 120).print(table(found["latency_ms"]))
    for what, count in found["faults"].items():
        print(f"fault: {what} ({count:,} times)")  # noqa: T201
