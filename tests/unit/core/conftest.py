"""A table of the tests' own, for what holds for every table."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.core import db
from models.base import BaseModel, CText, JsonField, TenantField, UtcField


class Note(BaseModel):
    tenant_id = TenantField()
    name = CText(unique=True)
    at = UtcField(null=True)
    value = JsonField(null=True)

    class Meta:
        table_name = "test_note"


@pytest.fixture
def notes(database: Any) -> Iterator[type[Note]]:
    """The table, empty."""
    with db.migration():
        db.db.drop_tables([Note])
        db.db.create_tables([Note])
    yield Note
    with db.migration():
        db.db.drop_tables([Note])


def names() -> list[str]:
    """What the table holds, in the database's order."""
    with db.read():
        return [name for (name,) in db.rows("SELECT name FROM test_note ORDER BY name")]


def in_thread(work: Callable[[], Any]) -> Any:
    """The result of `work` in another thread, which has its own connection; its error is raised here."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append((work(), None))
        except BaseException as exc:
            result.append((None, exc))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = result[0]
    if error is not None:
        raise error
    return value
