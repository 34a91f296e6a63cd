"""SIGKILL at seeded random moments under load, server and worker; 8 times, 50 with FLOTILLA_FULL."""

import os
import random
import signal
import threading
import time

import httpx
import pytest

from tests.crash.site import KINDS, Site

pytestmark = pytest.mark.long

ROUNDS = 50 if os.environ.get("FLOTILLA_FULL") else 8
SEED = int(os.environ.get("FLOTILLA_CRASH_SEED", "20261125"))
STATUSES = ("downloading", "installing", "rebooting", "success")
DEVICES = 4


def load(site, stop):
    """Uploads, deletions and reports from several threads, until the server is gone; the threads."""

    def files():
        mine = []
        while not stop.is_set():
            mine.append(site.upload(site.random.randrange(100, 200_000)))
            if len(mine) > 2:
                site.delete(mine.pop(0))

    def reports(device):
        while not stop.is_set():
            deployment = site.ask(device)
            for status in STATUSES:
                site.report(deployment, device, status)

    def until_gone(work, *arguments):
        try:
            work(*arguments)
        except httpx.TransportError:
            pass  # the server is gone
        except BaseException as exc:
            failures.append(exc)

    failures = []
    threads = [threading.Thread(target=until_gone, args=(files,)) for _ in range(2)]
    threads += [threading.Thread(target=until_gone, args=(reports, device)) for device in site.devices]
    for thread in threads:
        thread.start()
    return threads, failures


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_acknowledged_is_lost(kind, tmp_path, cluster):
    url = cluster.create(f"random_{os.getpid()}") if kind == "postgres" else None
    site = Site(tmp_path, url, WORKER_THREADS="0")
    moments = random.Random(f"{SEED} {kind}")
    for _ in range(DEVICES):
        site.new_device()
    try:
        for number in range(ROUNDS):
            worker = site.server.worker("--threads", "2")
            name = site.upload()
            for _ in range(20):
                site.deploy(name, site.devices)
            stop = threading.Event()
            threads, failures = load(site, stop)
            moment, victim = moments.uniform(0.05, 1.5), moments.choice(("server", "worker", "both"))
            time.sleep(moment)
            if victim != "server":
                worker.kill()
            if victim != "worker":
                site.server.process.send_signal(signal.SIGKILL)
            else:
                time.sleep(0.2)
            stop.set()
            for thread in threads:
                thread.join()
            assert not failures, f"round {number}, {victim} killed after {moment:.3f} s: {failures}"
            worker.kill()
            worker.wait()
            if victim != "worker":
                site.server.process.wait()
                site.restart()
            site.check()
        worker = site.server.worker()
        site.check_files()
        worker.terminate()
        assert worker.wait(30) == 0
        site.check(again=True)
    finally:
        worker.kill()
        site.server.stop()
