"""CONTRIBUTING.md, followed to the letter in a copy of the checkout: paste after paste, command after command.

A comment before a block says where it is pasted: `before "TEXT" in FILE`, `in place of FUNCTION in FILE`,
`after the first line of FILE`, `at the end of FILE`; `fails` says that a command must not succeed yet.
"""

import ast
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
BLOCK = re.compile(r"(?:<!-- (?P<where>[^\n]+) -->\n)?```(?P<kind>sh|yaml|python)\n(?P<text>.*?)```\n", re.DOTALL)
SKIPPED = {"__pycache__", ".git", ".venv", "node_modules", "build", "data", ".hypothesis", "docs/images"}


@pytest.fixture
def copy(tmp_path):
    """The checkout as it is, with its installed packages, where changing it harms nothing."""
    made = tmp_path / "flotilla"
    shutil.copytree(CHECKOUT, made, ignore=lambda folder, names: SKIPPED & set(names))
    (made / ".venv").symlink_to(CHECKOUT / ".venv")
    return made


def paste(where, text, checkout):
    """Put a block where its comment says."""
    head, _, name = where.rpartition(" in " if " in " in where else " of ")
    file = checkout / name
    content = file.read_text("utf-8")
    if head.startswith("before "):
        mark = head.removeprefix("before ").strip('"') + "\n"
        assert content.count("\n" + mark) == 1
        content = content.replace("\n" + mark, f"\n{text}{mark}")
    elif head.startswith("in place of "):
        content = content.replace(function(content, head.removeprefix("in place of ")), text.rstrip("\n"))
    elif head == "after the first line":
        first, _, rest = content.partition("\n")
        content = f"{first}\n{text}{rest}"
    else:
        assert head == "at the end"
        content += f"\n{text}"
    file.write_text(content, "utf-8")


def function(content, name):
    node = next(node for node in ast.parse(content).body if getattr(node, "name", "") == name)
    return "\n".join(content.splitlines()[node.lineno - 1 : node.end_lineno])


@pytest.mark.long
def test_adding_an_operation_as_described(copy):
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    for name in list(environment):
        if name.startswith(("FLOTILLA_", "PYTEST_XDIST", "COV")):
            del environment[name]
    commands = 0
    for block in BLOCK.finditer((CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")):
        where, kind, text = block["where"] or "", block["kind"], block["text"]
        if kind != "sh":
            paste(where, text, copy)
            continue
        for command in text.splitlines():
            done = subprocess.run(command.split(), cwd=copy, env=environment, capture_output=True, text=True)
            assert (done.returncode != 0) == (where == "fails"), f"{command}\n{done.stdout}\n{done.stderr}"
            if where == "fails":
                assert "assert 500 == 200" in done.stdout
            commands += 1
    assert commands == 9
