"""What `/readyz` asks of the database."""

import pytest

from app.core import db, readiness
from app.core.errors import Unavailable


def test_a_database_that_answers(database):
    with db.read():
        readiness.check()


def test_one_that_does_not_is_a_503_with_a_time_to_come_back(database, monkeypatch):
    def broken(sql):
        raise OSError("connection refused")

    monkeypatch.setattr(db, "row", broken)
    with pytest.raises(Unavailable, match="the database does not answer") as refused:
        readiness.check()
    assert refused.value.headers == {"Retry-After": "5"}


def test_a_refusal_of_its_own_is_kept(database, monkeypatch):
    def busy(sql):
        raise Unavailable("too many wait", headers={"Retry-After": "1"})

    monkeypatch.setattr(db, "row", busy)
    with pytest.raises(Unavailable, match="too many wait"):
        readiness.check()
