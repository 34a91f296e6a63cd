import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, ids


def test_now_is_the_present_in_utc() -> None:
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)


def test_a_frozen_clock_stands_still_and_goes_on() -> None:
    moment = datetime(2026, 11, 25, 5, 30, 45, 123456, tzinfo=UTC)
    with clock.freeze(moment):
        assert clock.now() == clock.now() == moment
        with clock.freeze(moment + timedelta(days=1)):
            assert clock.now() - moment == timedelta(days=1)
        assert clock.now() == moment
    assert clock.now() != moment


def test_text_of_a_time() -> None:
    moment = datetime(2026, 11, 25, 5, 30, 45, 123456, tzinfo=UTC)
    assert clock.rfc3339(moment) == "2026-11-25T05:30:45.123456Z"
    assert clock.rfc3339(moment.replace(microsecond=0)) == "2026-11-25T05:30:45.000000Z"
    assert clock.micros(datetime(1970, 1, 1, 0, 0, 1, 1, tzinfo=UTC)) == 1_000_001


def test_new_ids_have_their_form_and_differ() -> None:
    found = {ids.uuid() for _ in range(100)}
    assert len(found) == 100
    assert all(uuid.UUID(one).version == 4 and str(uuid.UUID(one)) == one for one in found)
    objects = {ids.object_id() for _ in range(100)}
    assert len(objects) == 100
    assert all(len(one) == 24 and set(one) <= set("0123456789abcdef") for one in objects)


@given(st.uuids())
def test_every_hyphenated_uuid_is_one(value: uuid.UUID) -> None:
    assert ids.is_uuid(str(value))
    assert ids.is_uuid(str(value).upper())
    assert not ids.is_uuid(value.hex)
    assert not ids.is_uuid(f"{{{value}}}")
    assert not ids.is_uuid(f"{value}\n")


@pytest.mark.parametrize(
    "text", ["", "x", "00000000-0000-0000-0000-00000000000", "٠0000000-0000-0000-0000-000000000000"]
)
def test_other_text_is_none(text: str) -> None:
    assert not ids.is_uuid(text)
