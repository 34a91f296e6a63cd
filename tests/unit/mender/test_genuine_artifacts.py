"""Artifacts of the genuine mender-artifact are read as it reads them, and it takes ours (mender 4.1)."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.mender.artifact_file import ArtifactFile, parse
from app.mender.artifact_header import ArtifactError
from app.mender.artifact_writer import SingleFile
from app.mender.artifact_writer import write as write_artifact
from tests.support.artifacts import Payload, build, file_entry, lines, parts, seal

pytestmark = [pytest.mark.rule("mender 4.1"), pytest.mark.e2e]

PAYLOAD, META = bytes(range(256)) * 50, b'{"a": {"b": 1}, "c": [1]}'
MORE_META = b'{"a": {"d": 2}, "e": null}'
MTIME = 1_700_000_000


@pytest.fixture
def program() -> str:
    """mender-artifact. Skips where it is not installed, which FLOTILLA_E2E=require makes a failure."""
    found = shutil.which("mender-artifact")
    if found is None and os.environ.get("FLOTILLA_E2E") == "require":
        pytest.fail("not installed: mender-artifact")
    if found is None:
        pytest.skip("not installed: mender-artifact")
    return found


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with what artifacts are made of."""
    for name, content in {"file": PAYLOAD, "meta": META, "more": MORE_META, "image.ext4": PAYLOAD * 3}.items():
        (tmp_path / name).write_bytes(content)
        os.utime(tmp_path / name, (MTIME, MTIME))
    (tmp_path / "ArtifactInstall_Enter_00").write_text("#!/bin/sh\n")
    return tmp_path


def run(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def write(program: str, folder: Path, kind: str, *arguments: str) -> ArtifactFile:
    """Make an artifact called `release` for `board` and `other board`, and parse it."""
    made = run(
        program, folder, "write", kind, "-n", "release", "-t", "board", "-t", "other board", "-o", "made", *arguments
    )
    assert made.returncode == 0, made.stderr + made.stdout
    return parse(folder / "made")


def module(program: str, folder: Path, *arguments: str) -> ArtifactFile:
    return write(program, folder, "module-image", "-T", "single-file", "-f", "file", *arguments)


SOFTWARE = {"rootfs-image.single-file.version": "release"}
FILE = file_entry("file", PAYLOAD, MTIME)


def check(found: ArtifactFile, **differences: Any) -> None:
    """Compare with a plain artifact of a module."""
    expected: dict[str, Any] = {
        "name": "release",
        "version": 3,
        "device_types": ["board", "other board"],
        "signed": False,
        "updates": [{"type_info": {"type": "single-file"}, "files": [FILE], "meta_data": None}],
        "provides": {"artifact_name": "release", **SOFTWARE},
        "depends": {"device_type": ["board", "other board"]},
        "clears_provides": ["rootfs-image.single-file.*"],
    }
    assert found == ArtifactFile(**(expected | differences))


@pytest.mark.parametrize("compression", ["gzip", "lzma", "none"])
def test_a_module(program: str, work: Path, compression: str) -> None:
    check(module(program, work, "--compression", compression))


def test_a_module_with_everything(program: str, work: Path) -> None:
    found = module(
        program,
        work,
        *("-f", "meta", "-m", "meta", "-s", "ArtifactInstall_Enter_00"),
        *("-p", "key:value", "-d", "needs:this", "-N", "old", "-N", "older", "-g", "beta", "-G", "alpha"),
        *("--clears-provides", "x.*", "--software-version", "7"),
    )
    check(
        found,
        updates=[
            {
                "type_info": {"type": "single-file"},
                "files": [FILE, file_entry("meta", META, MTIME)],
                "meta_data": {"a": {"b": 1}, "c": [1]},
            }
        ],
        provides={
            "artifact_name": "release",
            "artifact_group": "beta",
            "key": "value",
            "rootfs-image.single-file.version": "7",
        },
        depends={
            "device_type": ["board", "other board"],
            "artifact_name": ["old", "older"],
            "artifact_group": ["alpha"],
            "needs": ["this"],
        },
        clears_provides=["x.*", "rootfs-image.single-file.*"],
    )


def test_a_module_without_files(program: str, work: Path) -> None:
    found = write(program, work, "module-image", "-T", "single-file")
    check(found, updates=[{"type_info": {"type": "single-file"}, "files": [], "meta_data": None}])


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_a_signed_module(program: str, work: Path, kind: str) -> None:
    key: Any = rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())
    (work / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    check(module(program, work, "-k", "key"), signed=True)
    # Signed later, too.
    module(program, work)
    assert run(program, work, "sign", "made", "-k", "key", "-o", "signed").returncode == 0
    check(parse(work / "signed"), signed=True)


def test_an_augmented_module(program: str, work: Path) -> None:
    found = module(
        program,
        work,
        *("-m", "meta", "-p", "key:value", "-d", "needs:this", "--augment-type", "other", "--augment-file", "more"),
        *("--augment-meta-data", "more", "--augment-provides", "key:added", "--augment-provides", "more:1"),
        *("--augment-depends", "needs:that"),
    )
    check(
        found,
        updates=[
            {
                "type_info": {"type": "other"},
                "files": [FILE, file_entry("more", MORE_META, MTIME)],
                "meta_data": {"a": {"b": 1, "d": 2}, "c": [1], "e": None},
            }
        ],
        provides={"artifact_name": "release", "key": "added", "more": "1", **SOFTWARE},
        depends={"device_type": ["board", "other board"], "needs": ["that"]},
    )


@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize("compression", ["gzip", "lzma", "none"])
def test_an_image_of_a_root_file_system(program: str, work: Path, version: str, compression: str) -> None:
    found = write(program, work, "rootfs-image", "-f", "image.ext4", "-v", version, "--compression", compression)
    image = file_entry("image.ext4", PAYLOAD * 3, MTIME)
    more: dict[str, Any] = {"provides": {}, "clears_provides": []}
    if version == "3":
        more["provides"] = {
            "artifact_name": "release",
            "rootfs-image.version": "release",
            "rootfs-image.checksum": image["checksum"],
        }
        more["clears_provides"] = ["artifact_group", "rootfs_image_checksum", "rootfs-image.*"]
    updates = [{"type_info": {"type": "rootfs-image"}, "files": [image], "meta_data": None}]
    check(found, version=int(version), updates=updates, **more)


def test_a_bootstrap_artifact(program: str, work: Path) -> None:
    found = write(
        program, work, "bootstrap-artifact", "-p", "key:value", "-d", "needs:this", "--clears-provides", "x.*"
    )
    check(
        found,
        updates=[{"type_info": {"type": None}, "files": [], "meta_data": None}],
        provides={"artifact_name": "release", "key": "value"},
        depends={"device_type": ["board", "other board"], "needs": ["this"]},
        clears_provides=["x.*"],
    )


def accepts(program: str, folder: Path, content: bytes) -> bool:
    (folder / "ours").write_bytes(content)
    return run(program, folder, "validate", "ours").returncode == 0


OURS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lzma": {"suffix": ".xz"},
    "none": {"suffix": ""},
    "version 2": {"version": 2, "payload_type": "rootfs-image"},
    "several payloads": {"payloads": [Payload(), Payload("other", files={"b": b"b"}, provides={"k": "v"})]},
    "everything": {
        "group": "beta",
        "scripts": {"ArtifactInstall_Enter_00": b"#!/bin/sh\n"},
        "provides": {"a": "1"},
        "depends": {"b": "1", "c": ["1", "2"]},
        "clears": ["a.*"],
        "meta_data": {"a": {"b": 1}},
    },
    "no payload": {"payload_type": None, "files": {}},
    "empty meta-data": {"meta_data": b""},
    "augmented": {
        "provides": {"a": "1"},
        "meta_data": {"a": {"b": 1}},
        "augmented": [Payload("other", files={"more": b"more"}, provides={"a": "2"}, meta_data={"a": {"c": 1}})],
    },
}


@pytest.mark.parametrize("name", OURS)
def test_the_genuine_program_takes_what_tests_build(program: str, work: Path, name: str) -> None:
    content = build(**OURS[name])
    assert accepts(program, work, content)
    assert parse(work / "ours")
    # What follows the end of the tar file is not looked at by either.
    assert accepts(program, work, content + b"anything")
    assert parse(work / "ours")


BROKEN: dict[str, bytes] = {
    "nothing": b"",
    "cut off": build()[:3000],
    "garbled manifest": seal(parts(), manifest=b"garbled\n"),
    "empty manifest": seal(parts(), manifest=b""),
    "listed, not there": seal(parts(), manifest=lines({"version": b"{}"})),
    "folder in a payload": build(files={"a/b": b"x"}),
    "space in a name": build(files={"a b": b"x"}),
    "unknown type of meta-data": build(meta_data=[1]),
    "meta-data of other kinds": build(meta_data={"a": 1}, augmented=[Payload(files={}, meta_data={"a": {}})]),
    "something behind": seal([*parts(), ("more", b"")]),
    "version 4": build(version=4),
    "no device types": build(version=2, device_types=[]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_neither_takes_what_is_broken(program: str, work: Path, name: str) -> None:
    assert not accepts(program, work, BROKEN[name])
    with pytest.raises(ArtifactError):
        parse(work / "ours")


@pytest.mark.rule("mender 4.2")
def test_the_genuine_program_takes_what_we_generate(program: str, work: Path) -> None:
    made = SingleFile("release", ["board"], "/opt/x", "file", "644", ("rootfs-image", "single-file", "release"))
    write_artifact(work / "made", made, work / "file", len(PAYLOAD), sha256(PAYLOAD).hexdigest())
    assert parse(work / "made").provides == {"artifact_name": "release", **SOFTWARE}
    validated = run(program, work, "validate", "made")
    assert validated.returncode == 0, validated.stderr + validated.stdout
    shown = run(program, work, "read", "made").stdout
    for line in ("Name: release", "Version: 3", "single-file", "rootfs-image.single-file.version: release", "/file"):
        assert line in shown or line.removeprefix("/") in shown, shown
