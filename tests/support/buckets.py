"""Buckets for tests: S3 by moto and Azure's Blob service by azurite, each a process of its own on loopback."""

import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from azure.storage.blob import ContainerClient

from tests.support import node
from tests.support.server import free_port

# The account that every azurite has.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIAFLOTILLATESTS000",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/of-the/tests/bPxRfiCYKEYTESTS0",
    "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
}
PATIENCE = 60


@dataclass(frozen=True)
class Place:
    """A new bucket or container, and what a server is told of it."""

    url: str
    endpoint: str
    name: str


@contextmanager
def s3(folder: Path, *options: str, scheme: str = "http", port: int = 0) -> Iterator[str]:
    """The endpoint of a new S3, at a port of its own."""
    port = port or free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port), *options]
    with _running(command, port, folder / "moto.log"):
        yield f"{scheme}://127.0.0.1:{port}"


@contextmanager
def azure(folder: Path) -> Iterator[str]:
    """The endpoint of a new Blob service."""
    script, port = node.modules() / "azurite" / "dist" / "src" / "blob" / "main.js", free_port()
    command = [str(node.NODE), str(script), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    command += ["--location", str(folder / "azurite"), "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
    with _running(command, port, folder / "azurite.log"):
        yield f"http://127.0.0.1:{port}/{ACCOUNT}"


@contextmanager
def repeating() -> Iterator[int]:
    """The port of a store that refuses all, with what it was sent in its answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            sent = self.headers["Authorization"]
            key = sent.partition("Credential=")[2].partition("/")[0]
            told = (
                f"<Code>InvalidAccessKeyId</Code><Message>No such key</Message><AWSAccessKeyId>{key}</AWSAccessKeyId>"
            )
            body = f"<?xml version='1.0'?><Error>{told}<Sent>{sent}</Sent></Error>".encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_port
        finally:
            server.shutdown()


def s3_bucket(endpoint: str, verify: ssl.SSLContext | bool = True) -> Place:
    """A new bucket with a place in it."""
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    httpx.put(f"{endpoint}/{name}", verify=verify).raise_for_status()
    return Place(f"s3://{name}/fleet?region=us-east-1&endpoint={endpoint}", endpoint, name)


def azure_container(endpoint: str) -> Place:
    """A new container with a place in it."""
    name = f"container-{uuid.uuid4().hex[:12]}"
    with closing(ContainerClient(endpoint, name, credential=ACCOUNT_KEY)) as client:
        client.create_container()
    return Place(f"az://{name}/fleet?account={ACCOUNT}&endpoint={endpoint}", endpoint, name)


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **CREDENTIALS})
    try:
        _wait(process, port, log)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"not ready in {PATIENCE} s: {log.read_text()[-2000:]}")
