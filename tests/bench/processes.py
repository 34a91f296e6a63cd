"""The servers that a benchmark compares: each a process of its own, which is asked at a port."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench import client
from tests.support.server import free_port

Processes = dict[str, tuple[subprocess.Popen[bytes], int]]


def start(module: str, names: Iterable[str], data: Path) -> Processes:
    """Run `python -m module NAME PORT` for each name, with our settings alone, and wait until all of them answer."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOTILLA_")}
    environment |= {"FLOTILLA_DATA_DIR": str(data), "PYTHONPATH": str(Path.cwd())}
    processes: Processes = {}
    for name in names:
        port = free_port()
        command = [sys.executable, "-m", module, name, str(port)]
        processes[name] = (subprocess.Popen(command, env=environment), port)
    for name, (process, port) in processes.items():
        for _ in range(300):
            try:
                client.Connection(port).close()
                break
            except OSError:
                assert process.poll() is None, f"{name} ended"
                time.sleep(0.1)
    return processes


def stop(processes: Processes) -> None:
    """End them all."""
    for process, _ in processes.values():
        process.terminate()
    for process, _ in processes.values():
        process.wait(30)
