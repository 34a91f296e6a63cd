"""Search: SQL, the predicate and a naive reading of the reference find the same devices (mender 3.4)."""

import itertools
import random
import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import clock, db
from app.core.errors import BadRequest
from app.mender import groups, inventory, inventory_query
from app.mender.device_document import load
from app.mender.search_terms import Term, matches, term
from tests.support.racing import race

LONG = "y" * 64
TEXTS = ("", "x", "X", "xa", "7", "7.0", "ü", "\U0010ffff", "true", LONG, LONG + "z" * 64, LONG + "z" * 65)
TEXTS += (LONG + "a" * 100, LONG + "\U0010ffff" * 70, "y" * 63 + "\U0010ffff" * 100, "y" * 200, "a\nb", "line\nXb")
NUMBERS = (0, 7, 7.0, -1.5, 2**53, 2**53 + 1, 10**18, 1e300, -0.0)
NAMES = ("a", "b", "long name " * 20, "never")
START = datetime(2026, 11, 25, 5, 30, tzinfo=UTC)
STATUSES = ("accepted", "pending", "rejected")
GROUPS = ("alpha", "beta", "y" * 200)
PATTERNS = ("", "x", "X", ".", ".x", "x$", "^x", "[0-9]+", r"7\.0$", "x|7", "y{150}", "ü", "/X/i", "/^x/i", "a.b")
PATTERNS += ("/a.b/s", "/^X/m", "/x", "2026-11-2", "acc", "al|be", "dev-1")
NOT_VALID = ("[", "(", "*", "(?=x)", r"(x)\1", "/x/x", "x" * 1025, r"\p{Nonsense}", "x{2000}")


def zoo(seed: int) -> list[str]:
    """Devices with values of all kinds in all places; their ids."""
    dice = random.Random(seed)
    made = []
    for number in range(60):
        device = f"dev-{number:02d}"
        with clock.freeze(START + timedelta(minutes=dice.randrange(6))):
            inventory.create(
                "", device, [{"name": name, "value": value(dice)} for name in NAMES[:3] if dice.random() < 0.8]
            )
        with db.write():
            if dice.random() < 0.8:
                inventory.set_status("", device, dice.choice(STATUSES), 1)
            if dice.random() < 0.6:
                groups.set_group("", device, dice.choice(GROUPS))
        made.append(device)
    return made


def value(dice: random.Random):
    kind = dice.randrange(4)
    if kind == 0:
        return dice.choice(NUMBERS)
    if kind == 1:
        return dice.choice(TEXTS)
    pool = TEXTS if kind == 2 else NUMBERS
    return [dice.choice(pool) for _ in range(dice.randrange(4))]


def naive(wanted: Term, device: str, document: dict) -> bool:
    """The words of the reference, one after the other."""
    if (wanted.scope, wanted.attribute) == ("identity", "id"):
        stored = [device]
    elif (wanted.scope, wanted.attribute) in document:
        stored = document[wanted.scope, wanted.attribute]["value"]
        stored = stored if isinstance(stored, list) else [stored]
    else:
        return wanted.type in ("$ne", "$nin") or (wanted.type == "$exists" and not wanted.value)
    if wanted.type == "$exists":
        return wanted.value
    is_time = wanted.attribute.endswith("_ts") and wanted.scope == "system"

    def plain(found):
        if isinstance(found, bool):
            return ("bool", found)
        if isinstance(found, str):
            if is_time:
                try:
                    moment = datetime.fromisoformat(found)
                except ValueError:
                    return ("no time", found)
                return ("time", moment) if moment.tzinfo else ("no time", found)
            return ("text", found.encode())
        return ("number", float(found))

    have = [plain(one) for one in stored]
    if wanted.type in ("$eq", "$ne"):
        if isinstance(wanted.value, list):
            equal = have == [plain(one) for one in wanted.value]
        else:
            equal = plain(wanted.value) in have
        return equal is (wanted.type == "$eq")
    if wanted.type in ("$in", "$nin"):
        inside = any(plain(one) in have for one in wanted.value)
        return inside is (wanted.type == "$in")
    if wanted.type == "$regex":
        if wanted.value in NOT_VALID:
            return False
        body, flags = wanted.value, 0
        if found := re.fullmatch("/(.*)/([ims]*)", wanted.value):
            body = found[1]
            for letter in found[2]:
                flags |= {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}[letter]
        return any(isinstance(one, str) and re.search(f"^(?:{body})", one, flags) for one in stored)
    if isinstance(wanted.value, list | bool):
        return False
    kind, bound = plain(wanted.value)
    return kind != "no time" and any(
        mine == kind
        and {"$gt": one > bound, "$gte": one >= bound, "$lt": one < bound, "$lte": one <= bound}[wanted.type]
        for mine, one in have
        if mine == kind
    )


TIMES = tuple(clock.rfc3339(START + timedelta(minutes=minute)) for minute in range(6))
TIMES += ("2026-11-25T05:33:00Z", "2026-11-25T06:33:00+01:00", "2026-11-25", "2026-11-25T05:33:00")
words = st.sampled_from([*TEXTS, *STATUSES, *GROUPS, *TIMES, "dev-07", "dev-5", LONG + "zz", "\U0010fffe"])
scalars = st.one_of(words, st.sampled_from(NUMBERS), st.booleans())
fields = st.sampled_from(
    [("inventory", name) for name in NAMES]
    + [
        ("identity", "id"),
        ("identity", "status"),
        ("system", "group"),
        ("system", "created_ts"),
        ("system", "updated_ts"),
    ]
    + [("tags", "a"), ("identity", "never")]
)
operands = {
    "$in": st.lists(scalars, max_size=4),
    "$nin": st.lists(scalars, max_size=4),
    "$exists": st.booleans(),
    "$regex": st.sampled_from([*PATTERNS, *NOT_VALID]),
}
anything = st.one_of(scalars, st.lists(scalars, max_size=3))
terms = st.tuples(
    fields, st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$regex"])
).flatmap(
    lambda drawn: st.builds(
        Term, st.just(drawn[0][0]), st.just(drawn[0][1]), st.just(drawn[1]), operands.get(drawn[1], anything)
    )
)


def ids(tenant: str, *wanted: Term) -> list[str]:
    filters = [{"scope": t.scope, "attribute": t.attribute, "type": t.type, "value": t.value} for t in wanted]
    body, total = inventory_query.search(tenant, {"filters": filters, "per_page": 500})
    found = [device["id"] for device in orjson.loads(body)]
    assert len(found) == total
    return found


@pytest.fixture
def documents(database):
    """(scope, name) -> attribute of every device of a zoo."""
    made = zoo(20261125)
    with db.read():
        return {device: load(inventory.get_device("", device)) for device in made}


@pytest.mark.rule("mender 3.4")
@given(wanted=st.lists(terms, min_size=1, max_size=3))
def test_three_ways_find_the_same(documents, wanted):
    expected = [device for device, found in documents.items() if all(naive(one, device, found) for one in wanted)]
    assert [
        device for device, found in documents.items() if all(matches(one, device, found) for one in wanted)
    ] == expected
    with db.read():
        assert ids("", *wanted) == expected
        assert ids("0123456789abcdef01234567", *wanted) == []


@pytest.mark.rule("mender 3.4")
def test_every_operator_with_every_operand(documents):
    """The same without chance: each field, each operator, each single operand."""
    singles = [
        *TEXTS,
        *NUMBERS,
        *TIMES,
        *STATUSES,
        *GROUPS,
        True,
        "dev-07",
        [],
        ["x"],
        ["x", "7"],
        [7],
        [7, True],
        [0, 7],
    ]
    cases = [
        Term(scope, name, type_, operand)
        for scope, name in [("inventory", n) for n in NAMES]
        + [("identity", "id"), ("identity", "status"), ("system", "group"), ("system", "created_ts")]
        for type_, pool in [
            *((t, singles) for t in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")),
            ("$in", [[one] for one in singles if not isinstance(one, list)]),
            ("$exists", [True, False]),
            ("$regex", [*PATTERNS, *NOT_VALID]),
        ]
        for operand in pool
    ]
    some = 0
    for wanted in cases:
        expected = [device for device, found in documents.items() if naive(wanted, device, found)]
        assert [device for device, found in documents.items() if matches(wanted, device, found)] == expected, wanted
        with db.read():
            assert ids("", wanted) == expected, wanted
        some += bool(expected)
    assert some > len(cases) / 3


@pytest.mark.rule("mender 3.4")
@pytest.mark.parametrize(
    ("type_", "bad"),
    [(t, v) for t in ("$in", "$nin") for v in ("x", 7, True)]
    + [("$exists", v) for v in ("true", 1, [])]
    + [("$regex", v) for v in (7, True, [])],
)
def test_operands_of_another_type(type_, bad):
    with pytest.raises(BadRequest):
        term("inventory", "a", type_, bad)


@pytest.mark.rule("mender 3.4")
def test_a_regular_expression_takes_linear_time(documents):
    """Each of these takes an engine that backtracks longer than the age of the universe."""
    inventory.create("", "victim", [{"name": "a", "value": "a" * 50_000}])
    for pattern in ("(a+)+$x", "(a|a)*b", "(a|aa)+$b", "(.*)*,", "(?:a*)*(?:a*)*(?:a*)*b"):
        with db.read():
            assert ids("", Term("inventory", "a", "$regex", pattern)) == []
    with db.read():
        assert ids("", Term("inventory", "a", "$regex", "(a+)+$")) == ["victim"]


@pytest.mark.rule("mender 3.4")
@pytest.mark.parametrize("directions", list(itertools.product(["asc", "desc"], repeat=2)))
def test_order(documents, directions):
    def rank(device: str, scope: str, name: str):
        found = documents[device].get((scope, name))
        if found is None:
            return (0,)
        first = found["value"]
        if isinstance(first, list):
            if not first:
                return (1,)
            first = first[0]
        return (3, first) if isinstance(first, str) else (2, float(first))

    first, second = directions
    sort = [
        {"scope": "inventory", "attribute": "a", "order": first},
        {"scope": "system", "attribute": "group", "order": second},
    ]
    with db.read():
        body, _ = inventory_query.search("", {"sort": sort, "per_page": 500})
    expected = sorted(documents, reverse=second == "desc")
    expected.sort(key=lambda device: rank(device, "system", "group"), reverse=second == "desc")
    expected.sort(key=lambda device: rank(device, "inventory", "a"), reverse=first == "desc")
    assert [device["id"] for device in orjson.loads(body)] == expected


def test_a_search_takes_few_statements(documents):
    wanted = [
        Term("inventory", "a", "$gte", 7),
        Term("inventory", "b", "$regex", "x"),
        Term("identity", "status", "$ne", "accepted"),
    ]
    with db.read():
        ids("", *wanted)
        with db.count_queries() as counted:
            ids("", *wanted)
    assert counted.count <= 6, counted.statements


def test_reading_while_it_is_written(database):
    """A search beside reports: what it lists and counts is of one moment."""
    made = zoo(1)

    def write():
        for device in made[:20]:
            inventory.report("", device, [{"name": "a", "value": "new"}], replace=True)

    def read():
        for _ in range(10):
            with db.read():
                ids("", Term("inventory", "a", "$eq", "new"))

    race(write, read)
    with db.read():
        assert ids("", Term("inventory", "a", "$eq", "new")) == made[:20]
