"""Changes of users, groups and keys at the same moment: each is answered, none with a fault of ours (ngenea 2)."""

import httpx
import pytest

from tests.support.ngenea import Hub, make_group, make_user
from tests.support.racing import race

ROUNDS = 8
SETTLED = {200, 204, 400, 404}


@pytest.fixture
def call(servers, root):
    """One call of the superuser, on a connection of its own; its status."""

    def made(method, path, body=None):
        with httpx.Client(base_url=servers.public, timeout=60) as client:
            return Hub(client, root.credential).call(method, path, body).status_code

    return made


def at_once(call, *wanted):
    return race(*(lambda one=one: call(*one) for one in wanted))


@pytest.mark.rule("ngenea 2")
def test_what_another_deletes_just_now_is_not_there(call, root):
    for number in range(ROUNDS):
        make_user(f"u{number}")
        group, key = make_group(f"g{number}"), root.post("/auth/clientkeys/", {"name": f"k{number}"})["id"]
        for path, change in (
            (f"/users/u{number}/", {"first_name": "A"}),
            (f"/groups/{group}/", {"description": "d"}),
            (f"/auth/clientkeys/{key}/", {"name": f"n{number}"}),
        ):
            gone = ("DELETE", path)
            assert set(at_once(call, gone, gone, ("PATCH", path, change))) <= SETTLED
            assert root.call("GET", path).status_code == 404


@pytest.mark.rule("ngenea 2")
def test_who_joins_whom_while_both_come_and_go(call, root):
    for number in range(ROUNDS):
        make_user(f"u{number}")
        user, group = f"/users/u{number}/", f"/groups/{make_group(f'g{number}')}/"
        joining = ("PATCH", user, {"groups": [f"g{number}"]})
        taking = ("PATCH", group, {"users": [f"u{number}"]})
        assert set(at_once(call, joining, joining, taking, taking)) == {200}
        assert set(at_once(call, joining, taking, ("DELETE", user), ("DELETE", group))) <= SETTLED
