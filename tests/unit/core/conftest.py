"""A table of the tests' own, for what holds for every table."""

from collections.abc import Iterator
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
