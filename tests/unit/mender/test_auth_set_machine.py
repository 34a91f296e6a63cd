"""The authentication set machine: its table, and what must hold after any sequence of steps (mender 2.2, 2.3, 2.4)."""

import itertools

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import db
from app.core.errors import Problem
from app.mender import counters, devauth, device_lists, inventory
from app.mender.auth_sets import ALLOWED, Status, device_status
from models.mender.devauth import AuthSet, Device, DeviceToken
from tests.support.mender import new_key, pem, sign

KEYS = [new_key("p256") for _ in range(3)]
_numbers = itertools.count(1)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("request"), st.integers(0, 2), st.none()),
        st.tuples(st.just("set"), st.integers(0, 2), st.sampled_from(["accepted", "rejected", "pending"])),
        st.tuples(st.just("delete"), st.integers(0, 2), st.none()),
        st.tuples(st.just("revoke"), st.integers(0, 2), st.none()),
    ),
    max_size=12,
)


def request(identity: dict, key: object) -> str | None:
    raw = orjson.dumps({"id_data": orjson.dumps(identity).decode(), "pubkey": pem(key)})
    try:
        return devauth.authenticate("", raw, orjson.loads(raw), sign(key, raw))
    except Problem as problem:
        assert problem.status == 401
        return None


@pytest.mark.rule("mender 2.3")
@pytest.mark.parametrize(
    ("before", "after", "allowed"),
    [
        ("pending", "accepted", True),
        ("pending", "rejected", True),
        ("rejected", "accepted", True),
        ("rejected", "pending", True),
        ("accepted", "rejected", True),
        ("accepted", "pending", True),
        ("preauthorized", "rejected", True),
        ("preauthorized", "accepted", False),
        ("preauthorized", "pending", False),
        ("pending", "preauthorized", False),
        ("accepted", "preauthorized", False),
    ],
)
def test_transitions(before, after, allowed):
    assert ((Status(before), Status(after)) in ALLOWED) is allowed


@pytest.mark.rule("mender 2.2")
@pytest.mark.parametrize(
    ("sets", "status"),
    [
        ([], "noauth"),
        (["rejected"], "rejected"),
        (["rejected", "pending"], "pending"),
        (["pending", "preauthorized", "rejected"], "preauthorized"),
        (["rejected", "accepted", "pending"], "accepted"),
    ],
)
def test_a_device_is_as_good_as_its_best_set(sets, status):
    assert device_status(sets) == status


@pytest.mark.rule("mender 2.2")
@settings(max_examples=40)
@given(plan=steps)
def test_after_any_steps_everything_agrees(database, plan):
    identity = {"mac": f"machine-{next(_numbers)}"}
    for action, number, status in plan:
        if action == "request":
            request(identity, KEYS[number])
            continue
        with db.read():
            sets = list(AuthSet.select().join(Device).where(Device.identity_data.contains(identity["mac"] + '"')))
            chosen = sorted(sets, key=lambda entry: entry.pk)[number : number + 1]
            device_id = chosen[0].device.id if chosen else ""
        for auth_set in chosen:
            with db.write():
                if action == "set":
                    devauth.set_status("", device_id, auth_set.id, status)
                elif action == "delete":
                    devauth.delete_auth_set("", device_id, auth_set.id)
                elif DeviceToken.select().where(DeviceToken.jti == auth_set.id).exists():
                    devauth.revoke_token("", auth_set.id)
        check(identity)


def check(identity: dict) -> None:
    """One accepted set at most, the status is the best of the sets, tokens for accepted sets only, inventory agrees."""
    with db.read():
        devices = [d for d in Device.select() if orjson.loads(d.identity_data) == identity]
        assert len(devices) <= 1
        for device in devices:
            sets = list(AuthSet.select().where(AuthSet.device == device))
            statuses = [entry.status for entry in sets]
            assert statuses.count("accepted") <= 1
            assert device.status == device_status(statuses)
            tokens = {token.auth_set_id for token in DeviceToken.select()}
            assert tokens & {entry.pk for entry in sets} <= {e.pk for e in sets if e.status == "accepted"}
            document = orjson.loads(inventory.get_device("", device.id))
            shown = {entry["name"]: entry["value"] for entry in document["attributes"] if entry["scope"] == "identity"}
            assert shown["status"] == device.status
        counted = sum(
            device_lists.count_devices("", status) for status in ("accepted", "pending", "rejected", "noauth")
        )
        assert counted == device_lists.count_devices("", None) == Device.select().count()


@pytest.mark.rule("mender 2.1")
def test_a_preauthorised_device_is_let_in_by_its_first_request(database):
    identity = {"mac": "expected"}
    assert request(identity, KEYS[0]) is None
    with db.write():
        AuthSet.update(status="preauthorized").execute()
        Device.update(status="preauthorized").execute()
        counters.bump("", {("device", "pending"): -1, ("device", "preauthorized"): 1})
    assert request(identity, KEYS[0]) is not None
    check(identity)


@pytest.mark.rule("mender 2.4")
def test_a_device_whose_last_set_was_preauthorised_goes_with_it(database):
    request({"mac": "expected"}, KEYS[0])
    with db.write():
        AuthSet.update(status="preauthorized").execute()
        auth_set = AuthSet.get()
        devauth.delete_auth_set("", auth_set.device.id, auth_set.id)
        assert Device.select().count() == 0
