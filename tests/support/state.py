"""The state tests start from: databases with tables, made once per run and copied per worker, emptied between tests."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from peewee import sort_models

import models
from app.core import db, ids, migrate, secrets, tokens
from tests.support.databases import Cluster, locked

TEMPLATE = "flotilla_template"
KEYS = "SELECT system, kind, kid, algorithm, private, created FROM core_signing_key ORDER BY system, kind"


class State:
    """What one test process works on. Signing keys, which take long to make, are the same for the whole run."""

    def __init__(self, run: Path, worker: str, cluster: Cluster) -> None:
        self._run = run
        self._worker = worker
        self._cluster = cluster
        self._made: dict[str, str] = {}

    @cached_property
    def key_file(self) -> Path:
        return self._run / "secret.key"

    @cached_property
    def _keys(self) -> list[list[Any]]:
        """The rows of core_signing_key, made by the first process that needs them. Rebinds app.core.db."""
        file = self._run / "keys.json"
        with locked(self._run / "keys.lock"):
            if not file.exists():
                secrets.configure(self.key_file)
                db.configure(self._sqlite(self._run / "template.db"), lock_dir=self._run)
                migrate.up()
                tokens.ensure_keys([("mender", "user"), ("mender", "device"), ("vmm", "user"), ("ngenea", "user")])
                with db.read():
                    file.write_bytes(orjson.dumps(db.rows(KEYS)))
                db.close()
        return list(orjson.loads(file.read_bytes()))

    @staticmethod
    def _sqlite(file: Path) -> str:
        return f"sqlite://{file}?synchronous=off"

    def url(self, kind: str) -> str:
        """This worker's database of a kind, with all tables."""
        if kind not in self._made:
            assert self._keys
            self._made[kind] = self._copy_sqlite() if kind == "sqlite" else self._copy_postgres()
        return self._made[kind]

    def _copy_sqlite(self) -> str:
        file = self._run / f"{self._worker}.db"
        shutil.copy(self._run / "template.db", file)
        return self._sqlite(file)

    def _copy_postgres(self) -> str:
        ready = self._run / "template.ready"
        with locked(self._run / "ready.lock"):
            if not ready.exists():
                url = self._cluster.create(TEMPLATE)
                db.configure(url, lock_dir=self._run)
                migrate.up()
                db.close()
                ready.touch()
        return self._cluster.create(f"flotilla_{self._worker}", TEMPLATE)

    @contextmanager
    def empty(self, kind: str, folder: Path) -> Iterator[str]:
        """The URL of a new database without tables, removed afterwards."""
        if kind == "sqlite":
            yield self._sqlite(folder / "empty.db")
            return
        name = f"empty_{ids.object_id()}"
        try:
            yield self._cluster.create(name)
        finally:
            self._cluster.drop(name)

    def clean(self) -> None:
        """Empty the configured database, but for the signing keys of the run. After `url`."""
        keys = self._keys
        tables = [model._meta.table_name for model in reversed(sort_models(models.ALL))]
        tables.remove("core_signing_key")
        filled = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables)
        with db.write():
            found = {name for (name,) in db.rows(filled)} if tables else set()
            for table in tables:
                if table in found:
                    db.execute(f"DELETE FROM {table}")
            if not {(system, kind) for system, kind, *_ in keys}.issuperset(tokens._keys):
                tokens.forget()
            if [list(row) for row in db.rows(KEYS)] != keys:
                tokens.forget()
                db.execute("DELETE FROM core_signing_key")
                for key in keys:
                    db.execute(
                        "INSERT INTO core_signing_key (system, kind, kid, algorithm, private, created)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        *key,
                    )
