"""What `make coverage` calls too little."""

from tests.support.covered import faults


def report(whole, **files):
    summaries = {name: {"summary": {"percent_covered": percent}} for name, percent in files.items()}
    return {"files": summaries, "totals": {"percent_covered": whole}}


def test_enough_is_enough():
    assert faults(report(90.0, a=75.0, b=100.0)) == []


def test_too_little_of_one_and_in_all_is_named():
    assert faults(report(89.9, a=74.9, b=80.0)) == ["a: 74.9 %, 75 wanted", "in all: 89.9 %, 90 wanted"]
