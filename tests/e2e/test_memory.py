"""Peak memory does not depend on how large bodies are (design section 3): base + 40 MB, four at once or one.

200 MB each; with FLOTILLA_FULL one of 2 GB too. What is measured is the highest resident size (VmHWM) of the server's
process since the measurement began.
"""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.support import server as servers
from tests.support.artifacts import build, write_big
from tests.support.mender import DEPLOYMENTS

ARTIFACTS = f"{DEPLOYMENTS}/artifacts"
MEGABYTE = 1_000_000
ROOM = 40 * MEGABYTE
SIZES = [[200, 200, 200, 200]] + ([[2000]] if os.environ.get("FLOTILLA_FULL") else [])


def resident(pid, line):
    found = [text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if text.startswith(line)]
    return int(found[0].split()[1]) * 1024


@contextmanager
def room(pid):
    """What runs inside takes no more than 40 MB on top of what the process had."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak starts from what is resident now
    base = resident(pid, "VmRSS")
    yield
    peak = resident(pid, "VmHWM")
    print(f"base {base / MEGABYTE:.0f} MB, peak {peak / MEGABYTE:.0f} MB")
    assert peak <= base + ROOM


def pieces(path):
    with path.open("rb") as file:
        while piece := file.read(256 * 1024):
            yield piece


def digest_of(parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


@pytest.fixture(params=["sqlite", "postgres"])
def server(request, tmp_path, cluster):
    url = cluster.create(f"memory_{uuid4().hex}") if request.param == "postgres" else None
    started = servers.start(tmp_path / "data", url, CHECK_ANSWERS="true", LOG_LEVEL="warning")
    try:
        yield started
    finally:
        assert started.stop() == 0


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: f"{len(sizes)}x{sizes[0]}MB")
def test_artifacts_come_and_go_in_little_memory(server, tmp_path, sizes):
    files = []
    for number, size in enumerate(sizes):
        files.append(tmp_path / f"{number}.mender")
        with files[-1].open("wb") as file:
            write_big(file, f"big-{number}", size * MEGABYTE)
    headers = {"Authorization": f"Bearer {server.login()}"}

    with httpx.Client(base_url=server.url, timeout=600, headers=headers) as client:

        def upload(path):
            """The first says its length, the others come in chunks."""
            if path == files[0]:
                with path.open("rb") as file:
                    return client.post(ARTIFACTS, files={"artifact": (path.name, file)})

            def body():
                yield f'--b\r\nContent-Disposition: form-data; name="artifact"; filename="{path.name}"\r\n\r\n'.encode()
                yield from pieces(path)
                yield b"\r\n--b--\r\n"

            media = {"Content-Type": "multipart/form-data; boundary=b"}
            return client.post(ARTIFACTS, content=body(), headers=media)

        def download(path):
            artifact = next(one for one in client.get(ARTIFACTS).json() if one["name"] == f"big-{path.stem}")
            link = client.get(f"{ARTIFACTS}/{artifact['id']}/download").json()["uri"]
            with client.stream("GET", link) as answer:
                assert answer.status_code == 200
                return digest_of(answer.iter_raw())

        # What is loaded and made once, a thread's stack for instance, is no matter of the size.
        small = tmp_path / "small.mender"
        small.write_bytes(build(name="big-small"))
        with ThreadPoolExecutor(len(sizes)) as threads:
            assert sorted(one.status_code for one in threads.map(upload, [small] * 4)) == [201, 409, 409, 409]
            list(threads.map(download, [small] * 4))
            with room(server.process.pid):
                assert [one.status_code for one in threads.map(upload, files)] == [201] * len(files)
            with room(server.process.pid):
                received = list(threads.map(download, files))
        assert received == [digest_of(pieces(path)) for path in files]


def test_a_body_that_is_one_file_comes_in_little_memory(tmp_path):
    """No product's operation takes one yet; the pipeline does, shown by the toy system in a process of its own."""
    command = [sys.executable, "-m", "tests.unit.http.toy", str(tmp_path)]
    block = os.urandom(MEGABYTE)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer good", "Content-Type": "application/octet-stream"}
        with httpx.Client(base_url=url, timeout=600, headers=headers) as client, ThreadPoolExecutor(4) as threads:

            def put(count):
                return client.put("/toy/raw", content=(block for _ in range(count)))

            assert [one.status_code for one in threads.map(put, [1] * 4)] == [200] * 4
            with room(process.pid):
                answers = list(threads.map(put, [200] * 4))
        assert [one.json()["bytes"] for one in answers] == [200 * MEGABYTE] * 4
        assert {one.json()["sha256"] for one in answers} == {digest_of([block] * 200)}
        process.stdin.close()
        assert process.wait(60) == 0
