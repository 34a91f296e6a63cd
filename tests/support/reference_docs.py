"""Writes docs/reference from what the code itself says: operations from the specs, settings, the command line."""

from pathlib import Path

import typer.main
import yaml
from typer.testing import CliRunner

from app import cli
from app.http import specs, systems
from app.settings import Settings

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
INTENDED = Path(__file__).parents[1] / "reference" / "intended_differences.yaml"
NOTE = "<!-- Written by `make docs`; edit the source instead. -->\n\n"


def operations() -> str:
    """Every operation of every system, by listener."""
    lines = ["# Operations", ""]
    for system in systems.load_systems(systems.root()):
        for audience in ("public", "internal"):
            if system.files[audience]:
                lines += [
                    f"## {system.title}, {audience} listener",
                    "",
                    "| operation | request | statuses |",
                    "|---|---|---|",
                ]
                for path, method, operation in specs.operations(specs.document(systems.root(), system, audience)):
                    codes = " ".join(operation["responses"])
                    name = f"{operation['summary']} (`{operation['operationId']}`)"
                    lines.append(f"| {name} | `{method.upper()} {path}` | {codes} |")
                lines.append("")
    return NOTE + "\n".join(lines)


def settings() -> str:
    """Every setting with its default."""
    lines = [
        "# Settings",
        "",
        "Each is an environment variable `FLOTILLA_<NAME>` and a key of `flotilla.toml` (lower case) in the working",
        "directory. Options of the command line beat the environment, the environment beats the file.",
        "",
        "| setting | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, "", []) else f"`{field.default}`"
        lines.append(f"| `{name.upper()}` | {default} | {field.description} |")
    return NOTE + "\n".join(lines) + "\n"


def command_line() -> str:
    """The help of every command."""
    runner = CliRunner(env={"TERM": "dumb", "COLUMNS": "100", "NO_COLOR": "1"})
    lines = ["# Command line", ""]
    for words in _commands(typer.main.get_command(cli.app), []):
        text = runner.invoke(cli.app, [*words, "--help"], prog_name="flotilla", terminal_width=100).output
        body = "\n".join(line.rstrip() for line in text.strip().splitlines())
        lines += [f"## flotilla {' '.join(words)}".rstrip(), "", "```", body, "```", ""]
    return NOTE + "\n".join(lines)


def differences() -> str:
    """Where the compiled pipeline answers otherwise than connexion's own."""
    lines = [
        "# Differences from connexion's own pipeline",
        "",
        '`create_app(settings, audience, pipeline="stock")` serves the same specs and handlers by connexion\'s own',
        "validation and security. Both get the same requests (`tests/contract/test_differential.py`); where answers",
        "differ, they do so on purpose:",
        "",
        "| difference | Flotilla | connexion | why |",
        "|---|---|---|---|",
    ]
    for entry in yaml.safe_load(INTENDED.read_text("utf-8")):
        statuses = [_statuses(entry[side]) for side in ("ours", "stock")]
        lines.append(f"| {entry['name'].replace('-', ' ')} | {statuses[0]} | {statuses[1]} | {entry['why']} |")
    return NOTE + "\n".join(lines) + "\n"


def _statuses(value: str | list[int]) -> str:
    return value if isinstance(value, str) else ", ".join(map(str, value))


def _commands(command: object, words: list[str]) -> list[list[str]]:
    found = [words]
    for name, sub in getattr(command, "commands", {}).items():
        found += _commands(sub, [*words, name])
    return found


PAGES = {
    "operations.md": operations,
    "settings.md": settings,
    "cli.md": command_line,
    "differences.md": differences,
}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
        print(FOLDER / name)
