"""Values come back as they went in, and are ordered alike, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, db
from models.base import BaseModel, IdField, TenantField, scoped, scoped_delete, scoped_update
from tests.unit.core.conftest import Note, names

pytestmark = pytest.mark.usefixtures("notes")

# What neither database nor UTF-8 can hold is stopped at the edge.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.booleans() | NUMBERS | TEXT | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
MOMENTS = st.datetimes(
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=13, minutes=45)), timezone(-timedelta(hours=9))]),
)


def stored(field: str, value: Any) -> Any:
    with db.write():
        Note.delete().execute()
        Note.create(name="a", **{field: value})
    with db.read():
        return getattr(Note.get(), field)


@given(MOMENTS)
def test_a_time_comes_back_to_the_microsecond_in_utc(moment: datetime) -> None:
    found = stored("at", moment)
    assert found == moment
    assert found.utcoffset() == timedelta(0)


@given(st.lists(MOMENTS, min_size=2, max_size=6))
def test_times_are_ordered_as_times(moments: list[datetime]) -> None:
    with db.write():
        Note.delete().execute()
        for number, moment in enumerate(moments):
            Note.create(name=str(number), at=moment)
        found = [note.at for note in Note.select().order_by(Note.at)]
        assert found == sorted(moments)
        middle = sorted(moments)[len(moments) // 2]
        assert Note.select().where(Note.at < middle).count() == sum(moment < middle for moment in moments)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError), db.write():
        Note.create(name="a", at=datetime(2026, 1, 1))


def test_no_time_is_none() -> None:
    assert stored("at", None) is None


@given(VALUES)
def test_json_comes_back_equal(value: Any) -> None:
    found = stored("value", value)
    assert found == value
    assert type(found) is type(value)


@given(st.lists(TEXT, min_size=2, max_size=8, unique=True))
def test_text_is_ordered_and_compared_by_code_point(texts: list[str]) -> None:
    with db.write():
        Note.delete().execute()
        for text in texts:
            Note.create(name=text)
        middle = texts[0]
        assert [note.name for note in Note.select().order_by(Note.name.desc())] == sorted(texts, reverse=True)
        assert Note.select().where(Note.name > middle).count() == sum(text > middle for text in texts)
        assert Note.get(Note.name == middle).name == middle
    assert names() == sorted(texts)


def test_case_and_accents_are_told_apart_where_they_must_be_unique() -> None:
    with db.write():
        for name in ("a", "A", "á", "a\u0301", "a "):
            Note.create(name=name)
    assert len(names()) == 5


def test_only_the_tenants_own_rows_are_in_scope() -> None:
    with db.write():
        for tenant in ("", "a" * 24):
            for number in range(2):
                Note.create(tenant_id=tenant, name=f"{tenant}{number}")
        assert {note.name for note in scoped(Note, "")} == {"0", "1"}
        assert [row for (row,) in scoped(Note, "a" * 24, Note.name).order_by(Note.name).tuples()] == [
            "a" * 24 + "0",
            "a" * 24 + "1",
        ]
        assert scoped_update(Note, "", value={"seen": True}).where(Note.name == "a" * 24 + "0").execute() == 0
        assert scoped_update(Note, "", value={"seen": True}).execute() == 2
        assert scoped_delete(Note, "a" * 24).execute() == 2
        assert Note.select().where(Note.value.is_null(False)).count() == Note.select().count() == 2


def test_a_table_without_tenants_has_no_scope() -> None:
    class Plain(BaseModel):
        pass

    with pytest.raises(KeyError):
        scoped(Plain, "")


def test_ids_and_tenants_are_never_null() -> None:
    assert not IdField().null
    assert not TenantField().null
    assert TenantField().default == ""


@given(MOMENTS)
def test_a_time_is_written_and_counted_alike(moment: datetime) -> None:
    text = clock.rfc3339(moment)
    assert datetime.fromisoformat(text) == moment
    assert text.endswith("Z")
    assert len(text) == len("2026-11-25T05:30:45.123456Z")
    assert clock.rfc3339(clock.micros(moment)) == text
    assert clock.from_micros(clock.micros(moment)) == moment
