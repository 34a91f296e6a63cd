"""Two hundred devices ask and report while their deployment is aborted: rows and counts agree (mender 4.7, 4.8)."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core import db
from app.core.errors import Conflict, NotFound, Unprocessable
from app.mender import assignment, deployment_orders, deployments, reports
from app.mender.deployment_orders import Order
from tests.support.uploads import upload

DEVICES = [f"device-{number:03d}" for number in range(200)]
PROVIDES = {"device_type": "board", "artifact_name": "base"}


def ask(device: str) -> str | None:
    offered = assignment.next_deployment("", device, PROVIDES, "http://x", use_depends=True)
    return None if offered is None else offered["id"]


def work(device: str) -> str:
    """A device's whole update; how far it came."""
    deployment = ask(device)
    if deployment is None:
        return "never asked in time"
    for status in ("downloading", "installing", "failure" if device.endswith("7") else "success"):
        try:
            with db.write():
                reports.update_status("", device, deployment, status, None)
        except Conflict:
            return "told"
    return "done"


@pytest.mark.rule("mender 4.8")
@pytest.mark.parametrize("retries", [0, 2])
def test_polling_while_the_deployment_is_aborted(database, retries):
    upload(name="release")
    with db.write():
        deployment = deployment_orders.create("", Order("try", "release", DEVICES, retries=retries))
    begun = threading.Event()
    left = iter(range(60))

    def one(device: str) -> str:
        if next(left, None) is None:
            begun.set()
        return work(device)

    def abort() -> None:
        begun.wait(60)
        with db.write():
            deployments.abort("", deployment)

    with ThreadPoolExecutor(17) as pool:
        aborted = pool.submit(abort)
        ends = Counter(pool.map(one, DEVICES))
        aborted.result()
    with db.read():
        counted = {status: n for status, n in deployments.statistics("", deployment).items() if n}
        rows = Counter(status for (status,) in db.rows("SELECT status FROM mender_device_deployment"))
        still_open = db.row("SELECT COUNT(*) FROM mender_device_deployment WHERE open = ?", True)
    assert counted == dict(rows)
    assert sum(counted.values()) == 200
    assert still_open == (0,)
    assert set(counted) <= {"success", "failure", "aborted"}
    assert counted["aborted"] >= ends["told"] > 0 or ends["never asked in time"] > 0
    assert counted.get("success", 0) <= ends["done"]
    assert [ask(device) for device in DEVICES[::20]] == [None] * 10
    for device in DEVICES[::20]:
        with pytest.raises((Conflict, NotFound)), db.write():
            reports.update_status("", device, deployment, "rebooting", None)
    with pytest.raises(Unprocessable), db.write():
        deployments.abort("", deployment)
