"""Pages of lists: their sizes to the letter, their links, and what a page in the middle costs (ngenea 2)."""

from urllib.parse import parse_qs, urlsplit

import pytest

from app.core import db
from app.core.calls import Chunks, Request
from app.ngenea import pages
from models.ngenea.users import ClientKey, ObjectPermission, Permission, User
from tests.support.ngenea import make_group, make_user


def people(number):
    """So many users besides those that are there."""
    columns = (
        "username, password_hash, first_name, last_name, email, is_active, is_superuser, profile, generation,"
        " date_joined_ts"
    )
    with db.write():
        db.execute(
            f"INSERT INTO ngenea_user ({columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            f" WHERE i < ?) SELECT 'user' || i, '', '', '', '', {db.is_postgres() and 'true' or 1},"
            f" {db.is_postgres() and 'false' or 0}, '{{}}', 0, 0 FROM n",
            number,
        )


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize(
    ("size", "rows"),
    [("-1", 20), ("0", 120), ("1", 20), ("19", 20), ("20", 20), ("21", 21), ("100", 100), ("101", 100), ("", 20),
     ("abc", 20), ("1e2", 20), ("9" * 30, 20), (None, 20)],
)  # fmt: skip
def test_the_size_of_a_page_is_20_to_100_or_all(root, size, rows):
    people(119)
    page = root.get("/users/") if size is None else root.get("/users/", page_size=size)
    assert page["count"] == 120
    assert len(page["results"]) == rows
    assert (page["next"] is None) == (rows == 120)
    assert page["previous"] is None
    assert len({user["id"] for user in page["results"]}) == rows


def test_links_lead_through_all_pages_and_back(root):
    people(99)
    seen, url = [], "/users/?page_size=30&unheard=a%20b"
    while url:
        page = root.http.get(
            url if url.startswith("http") else f"/api{url}", headers={"Authorization": root.credential}
        ).json()
        seen += [user["id"] for user in page["results"]]
        for link in filter(None, (page["next"], page["previous"])):
            assert link.startswith(str(root.http.base_url))
            query = parse_qs(urlsplit(link).query)
            assert (query["page_size"], query["unheard"]) == (["30"], ["a b"])
        last, url = page, page["next"]
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 100
    assert parse_qs(urlsplit(last["previous"]).query)["page"] == ["3"]


@pytest.mark.parametrize("page", ["0", "-1", "3", "abc", "1.0", "9" * 30])
def test_a_page_that_is_not_there(root, page):
    people(39)
    assert root.refused(404, "GET", "/users/", params={"page": page}) == {"detail": "Invalid page."}


def test_the_last_page_by_name_and_an_empty_list(root):
    people(39)
    assert root.get("/users/", page="last") == root.get("/users/", page="2")
    assert root.get("/auth/clientkeys/", page="last") == {"count": 0, "next": None, "previous": None, "results": []}


def test_all_rows_are_streamed_and_none_twice(root):
    people(2_345)
    answer = root.call("GET", "/users/", params={"page_size": "0"})
    assert "content-length" not in answer.headers
    page = answer.json()
    assert page["count"] == len(page["results"]) == 2_346
    assert len({user["username"] for user in page["results"]}) == 2_346
    assert root.call("HEAD", "/users/", params={"page_size": "0"}).content == b""


def request():
    return Request("GET", "/api/users/", (), {}, b"", "127.0.0.1", "http://hub", "id", "public")


def test_a_page_in_the_middle_reads_no_more_rows_than_the_first(database):
    """Its statements are the first's; what is skipped is counted off by number, from the nearer end, and not read."""
    people(100_000)
    with db.write():
        db.execute("ANALYZE ngenea_user")
    shown, statements, firsts = [], {}, {}

    def describe(rows):
        shown.append(len(rows))
        return [{"id": row.pk} for row in rows]

    with db.read():
        for number in (1, 2500, 4999):
            with db.count_queries() as counted:
                page = pages.page(request(), User.select(), str(number), "20", describe)
            statements[number] = counted.statements
            firsts[number] = first = page["results"][0]["id"]
            assert [row["id"] for row in page["results"]] == list(range(first, first + 20))
        assert {number: first - firsts[1] for number, first in firsts.items()} == {1: 0, 2500: 49_980, 4999: 99_960}
        assert {len(ran) for ran in statements.values()} == {3}
        assert shown == [20, 20, 20]
        offset = "SELECT pk FROM ngenea_user ORDER BY pk LIMIT 20 OFFSET 49980"
        plan = str(db.rows(f"EXPLAIN {'' if db.is_postgres() else 'QUERY PLAN '}{offset}"))
    assert not {"TEMP", "SORT"} & set(plan.upper().replace("(", " ").split())


@pytest.mark.rule("ngenea 2")
@pytest.mark.parametrize("path", ["/users/", "/groups/", "/auth/clientkeys/"])
def test_what_belongs_to_the_rows_of_a_page_is_read_at_once(root, path):
    """Users with groups, groups with users and rights, keys with owners: as many statements for many as for few."""

    def more(number):
        for at in range(number, 2 * number):
            group = make_group(f"g{at}", "view_space", "view_site")
            user = make_user(f"u{at}", f"g{at}")
            with db.write():
                right = Permission.get(Permission.codename == "view_user").pk
                ObjectPermission.create(group=group, permission=right, model="user", object_pk=str(user))
                ClientKey.create(user=user, name="k", prefix=f"{at:08}", key_hash="", created_ts=0)

    def statements():
        with db.count_queries() as counted:
            page = root.get(path, page_size="100")
        return len(page["results"]), counted.count

    more(1)
    few = statements()
    more(20)
    many = statements()
    assert many[0] == few[0] + 20
    assert many[1] == few[1]


def test_streaming_holds_few_rows_at_a_time(database):
    people(3_000)
    held = []

    def describe(rows):
        held.append(len(rows))
        return [{"id": row.pk} for row in rows]

    with db.read():
        answer = pages.page(request(), User.select(), None, "0", describe)
    assert isinstance(answer, Chunks)
    assert held == []
    assert b"".join(answer.parts).count(b'"id"') == 3_000
    assert max(held) == pages.BATCH


@pytest.mark.parametrize("table", ["ngenea_job", "ngenea_task"])
def test_numbers_of_wide_rows_are_counted_off_without_the_rows(database, table):
    """Jobs and tasks hold documents: an offset among them must not read these."""
    explain = "EXPLAIN " if db.is_postgres() else "EXPLAIN QUERY PLAN "
    with db.write():
        if db.is_postgres():
            for way in ("seqscan", "bitmapscan"):  # an empty table is read whole else
                db.execute(f"SET LOCAL enable_{way} = off")
        plan = str(db.rows(f"{explain}SELECT pk FROM {table} ORDER BY pk LIMIT 20 OFFSET 49980"))
    assert ("Index Only Scan" if db.is_postgres() else "COVERING INDEX") in plan
