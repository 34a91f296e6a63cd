"""No two artifacts of a name suit the same device, also when they come at once (mender 4.2)."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import ids, storage
from app.core.errors import BadRequest, Conflict, NotFound
from app.mender import artifacts
from tests.support.uploads import ONE, Depends, objects, rows, upload_for
from tests.support.work import do_work

pytestmark = [pytest.mark.rule("mender 4.2"), pytest.mark.usefixtures("database")]


def suits(depends: Depends, combination: dict[str, str]) -> bool:
    return depends.keys() == combination.keys() and all(combination[key] in depends[key] for key in depends)


@pytest.mark.parametrize(
    ("second", "free"),
    [
        ({"device_type": ["a", "b"], "rootfs": ["1", "2"]}, False),
        ({"device_type": ["b", "c"], "rootfs": ["2"]}, False),
        ({"device_type": ["b"], "rootfs": ["0", "1"]}, False),
        ({"device_type": ["a", "b"], "rootfs": ["3", "4"]}, True),
        ({"device_type": ["c", "d"], "rootfs": ["1", "2"]}, True),
        ({"device_type": ["a", "b"]}, True),
        ({"device_type": ["a", "b"], "rootfs": ["1", "2"], "more": ["x"]}, True),
        ({"device_type": ["a", "b"], "other": ["1", "2"]}, True),
    ],
)
def test_two_artifacts_of_a_name(database: Any, second: Depends, free: bool) -> None:
    upload_for(ONE)
    if free:
        upload_for(second)
    else:
        with pytest.raises(Conflict) as caught:
            upload_for(second)
        conflict = caught.value.body["metadata"]["conflict"]
        assert conflict["artifact_name"] == "r"
        assert suits(ONE, conflict["depends"])
        assert suits(second, conflict["depends"])
    assert len(objects(database)) == 1 + free
    assert upload_for(second, name="other")
    assert upload_for(second, tenant="a" * 24)


values = st.lists(st.sampled_from("xyz"), min_size=1, max_size=3)  # one may stand twice
some_depends = st.fixed_dictionaries({"device_type": values}, optional={"k": values, "l": values})


@given(one=some_depends, other=some_depends)
def test_two_artifacts_collide_when_one_device_would_suit_both(one: Depends, other: Depends) -> None:
    name = ids.uuid()
    upload_for(one, name)
    collide = one.keys() == other.keys() and all(set(one[key]) & set(other[key]) for key in one)
    try:
        upload_for(other, name)
    except Conflict:
        assert collide
    else:
        assert not collide


def test_keys_and_values_are_not_mixed_up() -> None:
    upload_for({"device_type": ["x"], "a": ["b"]})
    upload_for({"device_type": ["x"], "b": ["a"]})
    upload_for({"device_type": ["a"], "x": ["b"]})


def test_very_many_combinations_are_refused() -> None:
    many = [str(number) for number in range(100)]
    with pytest.raises(BadRequest, match="10000 combinations"):
        upload_for({"device_type": many, "a": many, "b": ["1", "2"]})
    with pytest.raises(BadRequest, match="10000 combinations"):
        upload_for({"device_type": many, **{str(number): many for number in range(50)}})
    assert rows() == (0, 0)


def test_as_many_combinations_as_there_may_be() -> None:
    many = [str(number) for number in range(100)]
    upload_for({"device_type": many, "a": many})
    assert rows() == (1, 10_000)
    with pytest.raises(Conflict):
        upload_for({"device_type": ["99"], "a": ["99"]})


def together(work: Callable[[], Any], count: int) -> list[Any]:
    """The results or errors of as many threads that start at once."""
    start = threading.Barrier(count)
    results: list[Any] = []

    def run() -> None:
        start.wait()
        try:
            results.append(work())
        except Exception as exc:
            results.append(exc)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_of_uploads_at_once_one_wins(database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when all have looked before any has written: the table itself refuses the second."""
    looked = threading.Barrier(4)
    plain = storage.adopt

    def adopt(*arguments: Any, **named: Any) -> None:
        looked.wait()
        plain(*arguments, **named)

    monkeypatch.setattr(storage, "adopt", adopt)
    results = together(lambda: upload_for(ONE), 4)
    won = [result for result in results if isinstance(result, str)]
    lost = [result for result in results if isinstance(result, Conflict)]
    assert (len(won), len(lost)) == (1, 3)
    assert all(suits(ONE, error.body["metadata"]["conflict"]["depends"]) for error in lost)
    assert objects(database) == set(won)
    assert rows() == (1, 4)


def test_a_name_that_is_taken_is_refused_before_the_file_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    upload_for(ONE)
    monkeypatch.setattr(storage, "adopt", None)
    with pytest.raises(Conflict):
        upload_for(ONE)


def test_of_deletions_at_once_one_finds_the_artifact(database: Any) -> None:
    artifact_id = upload_for(ONE)
    results = together(lambda: artifacts.delete("", artifact_id), 4)
    assert sorted(map(type, results), key=str) == sorted([type(None), NotFound, NotFound, NotFound], key=str)
    do_work()
    assert objects(database) == set()
