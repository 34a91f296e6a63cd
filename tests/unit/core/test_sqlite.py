"""What only a file can do to us: fill its disk, keep its handles."""

import gc

import pytest

from app.core import db
from app.core.errors import InsufficientStorage
from tests.unit.core.conftest import in_thread

pytestmark = pytest.mark.usefixtures("sqlite")


def test_threads_that_end_take_their_connections_along() -> None:
    def use() -> None:
        with db.read():
            db.row("SELECT 1")
        with db.write():
            db.row("SELECT 1")

    for _ in range(10):
        in_thread(use)
    gc.collect()  # a connection and its cache of statements refer to each other
    with db.read():
        assert len(db.db.obj._opened) <= 2


def test_only_a_durable_unit_waits_for_the_disk(tmp_path) -> None:
    """As SQLite counts, 2 is FULL and 1 is NORMAL. Joined units are as the one they join."""
    db.configure(f"sqlite:///{tmp_path}/own.sqlite", lock_dir=tmp_path)
    waits = []
    for durable in (True, False, False, True):
        with db.write(durable=durable), db.write(durable=not durable):
            waits.append(db.row("PRAGMA synchronous"))
    assert waits == [(2,), (1,), (1,), (2,)]


def test_a_full_disk_is_told_apart() -> None:
    with db.migration():
        db.execute("CREATE TABLE test_fat (value TEXT)")
    with db.migration():
        (pages,) = db.row("PRAGMA page_count") or (0,)
        (free,) = db.row("PRAGMA freelist_count") or (0,)  # what other tests have left is filled first
        db.row(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(InsufficientStorage), db.write():
        for _ in range(free + 100):
            db.execute("INSERT INTO test_fat VALUES (?)", "x" * 4000)
    with db.migration():
        db.row("PRAGMA max_page_count = 4294967294")
        db.execute("DROP TABLE test_fat")
