"""Clients generated from the exported document, as docs/guides/clients.md tells, against a running server.

What runs is the guide itself: of each section the second block, after the one that installs.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest

from tests.support import node
from tests.support import server as servers
from tests.support.artifacts import build
from tests.support.mender import DEPLOYMENTS

pytestmark = [pytest.mark.e2e, pytest.mark.long]

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "clients.md"


@pytest.fixture
def server(empty_database, tmp_path) -> Iterator[servers.Server]:
    started = servers.start(tmp_path / "data", empty_database.url)
    yield started
    assert started.stop() == 0


def blocks(language: str) -> list[str]:
    """What the guide says to paste for a language: what installs, then all the rest."""
    section = GUIDE.read_text(encoding="utf-8").partition(f"## {language}\n")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@dataclass
class Terminal:
    """A folder and an environment in which the locked programs stand in for what the guide installs."""

    folder: Path
    environment: dict[str, str]

    def paste(self, text: str, **changes: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["sh", "-eu", "-c", text],
            cwd=self.folder,
            env=self.environment | changes,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        print(done.stdout, done.stderr)
        return done


def terminal(language: str, server: servers.Server, folder: Path, system: str = "mender") -> Terminal:
    """A new folder that holds the exported document of a system, for one language."""
    (folder / "bin").mkdir(parents=True)
    exported = server.command("spec", "export", system, "--output", str(folder))
    assert exported.returncode == 0, exported.stderr
    path = [Path(sys.executable).parent]
    if language == "TypeScript":
        (folder / "node_modules").symlink_to(node.modules())
        (folder / "package.json").write_text('{"type": "module"}')
        (folder / "bin" / "npx").write_text('#!/bin/sh\nexec "$@"\n')
        (folder / "bin" / "npx").chmod(0o755)
        path = [folder / "bin", node.NODE.parent, node.MODULES / ".bin"]
    settings = {
        "PATH": os.pathsep.join([*map(str, path), os.environ["PATH"]]),
        "URL": server.url,
        "EMAIL": servers.EMAIL,
        "PASSWORD": servers.PASSWORD,
        "ARTIFACT": str(folder / "release.mender"),
    }
    return Terminal(folder, node.environment() | settings)


@pytest.mark.parametrize("language", ["Python", "TypeScript"])
def test_the_guide_works_as_it_stands(language, server, tmp_path):
    http = httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.login()}"}, timeout=60)
    earlier = http.post(f"{DEPLOYMENTS}/artifacts", files={"artifact": ("a", build(name="earlier"))})
    assert earlier.status_code == 201
    content = build(name=f"by-{language}")
    here = terminal(language, server, tmp_path / "client")
    (here.folder / "release.mender").write_bytes(content)
    _, text = blocks(language)
    done = here.paste(text)
    assert done.returncode == 0
    assert "warn" not in (done.stdout + done.stderr).lower()

    artifact = next(one for one in http.get(f"{DEPLOYMENTS}/artifacts").json() if one["name"] == f"by-{language}")
    (deployment,) = http.get(f"{DEPLOYMENTS}/deployments").json()
    assert deployment["name"] == artifact["description"] == f"from {language}"
    assert deployment["artifacts"] == [artifact["id"]]
    before, uploaded, deployed = done.stdout.splitlines()[-3:]
    assert re.fullmatch(r"before: \[ ?'earlier' ?\]", before)
    assert uploaded == f"uploaded: by-{language} {len(content)} from {language}"
    created = deployment["created"] if language == "TypeScript" else deployment["created"].replace("Z", "+00:00")
    assert deployed == f"deployment: {deployment['id']} pending 2 {created}"

    # What the server refuses comes in its words, through the types of its errors.
    tour = text.splitlines()[-1]
    refused = here.paste(tour, PASSWORD="wrong")
    assert refused.returncode != 0
    assert "unauthorized" in refused.stderr
    again = here.paste(tour)
    assert again.returncode != 0
    assert "an artifact of this name" in again.stderr
    assert len(http.get(f"{DEPLOYMENTS}/artifacts").json()) == 2


@pytest.mark.parametrize(("language", "name"), [("Python", "film"), ("TypeScript", "reels")])
def test_a_file_goes_into_a_bucket_as_the_guide_says(language, name, empty_database, tmp_path):
    vault, site = tmp_path / "vault", tmp_path / "site"
    vault.mkdir()
    site.mkdir()
    settings = {"NGENEA_SITE": "here", "NGENEA_ROOT": str(site)}
    server = servers.start(tmp_path / "data", empty_database.url, **settings)
    here = terminal(language, server, tmp_path / "client", "ngenea")
    where = {"SITE": "here", "ROOT": str(site), "VAULT": str(vault)}
    text = blocks("Ngenea Hub")[language == "TypeScript"]
    done = here.paste(text, **where)
    assert done.returncode == 0
    assert "warn" not in (done.stdout + done.stderr).lower()
    job, file = done.stdout.splitlines()[-2:]
    assert job == "job: SUCCESS 1"
    assert re.fullmatch(rf"file: /{name}/cut.mov processed migrated \W*{name}/cut.mov\W*", file)
    assert (vault / name / "cut.mov").read_text() == "content"

    # What the server refuses comes in its words, through the types of its errors.
    refused = here.paste(text.splitlines()[-1], **where, PASSWORD="wrong")
    assert refused.returncode != 0
    assert "credentials" in refused.stderr
    assert server.stop() == 0


def test_the_guide_names_the_locked_versions():
    locked = json.loads((node.TOOLS / "package.json").read_text())["devDependencies"]
    named = dict(re.findall(r" (@?[a-z][a-z/-]+)@([0-9.]+)", blocks("TypeScript")[0]))
    assert named.keys() == {"openapi-fetch", "openapi-typescript", "typescript", "@types/node"}
    assert {name: version for name, version in named.items() if name != "@types/node"}.items() <= locked.items()
    assert f"openapi-python-client=={version('openapi-python-client')}\n" in blocks("Python")[0]
