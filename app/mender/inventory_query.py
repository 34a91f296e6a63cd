"""What users ask of the inventory: the v1 list with its query keys, the v2 search with its body (mender 3.2, 3.4)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from app.core import db
from app.core.errors import BadRequest
from app.mender.search_sql import Page, Search
from app.mender.search_terms import Term, term

RESERVED: Final = frozenset({"page", "per_page", "sort", "has_group", "group"})
MAX_FILTERS: Final = 20
MAX_SORT_KEYS: Final = 10
PER_PAGE: Final = 20
SAMPLE: Final = 5000
MOST_NAMES: Final = 500
NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
TRUE_WORDS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
DIRECTIONS: Final = ("asc", "desc")
UPDATED: Final = ("system", "updated_ts")


def list_devices(
    tenant: str,
    filters: Iterable[tuple[str, str]],
    sort: str | None,
    has_group: str | None,
    group: str | None,
    page: int,
    per_page: int,
) -> Page:
    """One page of devices (mender 3.2). `filters` are query pairs, reserved keys are passed over. Raises BadRequest."""
    search = Search(tenant)
    if group is not None:
        search.add(("i.group_name = ?", [group]), counter=("inventory_group", group))
    if has_group is not None:
        search.add((f"i.group_name IS {'NOT NULL' if has_group in TRUE_WORDS else 'NULL'}", []))
    wanted = [(key, value) for key, value in filters if key not in RESERVED]
    if len(wanted) > MAX_FILTERS:
        raise BadRequest(f"more than {MAX_FILTERS} filters")
    for key, value in wanted:
        search.add_term(_filter(key, value.removeprefix("eq:")))
    return search.page(_sort_keys(sort), page, per_page)


def _scope_and_name(key: str) -> tuple[str, str]:
    scope, slash, name = key.partition("/")
    return (scope, name) if slash else ("inventory", key)


def _filter(key: str, value: str) -> Term:
    """A query pair as a term: the text itself or, when it reads as one, the number."""
    number = [float(value)] if NUMBER.fullmatch(value) else []
    return Term(*_scope_and_name(key), "$in", [value, *number])


def _sort_keys(sort: str | None) -> list[tuple[str, str, str]]:
    parts = [part for part in (sort or "").split(",") if part]
    if len(parts) > MAX_SORT_KEYS:
        raise BadRequest(f"sort: more than {MAX_SORT_KEYS} keys")
    found = []
    for part in parts:
        key, colon, word = part.rpartition(":")
        if not colon:
            key, word = part, "desc"
        if word not in DIRECTIONS or not key:
            raise BadRequest("sort: the order must be asc or desc")
        found.append((*_scope_and_name(key), word))
    return found


def search(tenant: str, body: Mapping[str, Any]) -> tuple[bytes, int]:
    """One page of a v2 search (JSON), and how many devices match in all (mender 3.4). Raises BadRequest.

    A page or a number of entries below 1 is the default. `attributes` projects; the time of the last report stays.
    """
    wanted = Search(tenant)
    for entry in body.get("filters") or ():
        wanted.add_term(term(entry["scope"], entry["attribute"], entry["type"], entry["value"]))
    if body.get("device_ids") is not None:
        wanted.add_term(Term("identity", "id", "$in", body["device_ids"]))
    order = [(entry["scope"], entry["attribute"], entry["order"]) for entry in body.get("sort") or ()]
    page, per_page = (max(body.get(name, 0), 0) for name in ("page", "per_page"))
    found = wanted.page(order, page or 1, per_page or PER_PAGE)
    kept = body.get("attributes")
    if kept is None:
        return found.body, found.total
    names = {(entry["scope"], entry["attribute"]) for entry in kept} | {UPDATED}
    return orjson.dumps([_projected(document, names) for document in found.documents]), found.total


def _projected(document: str, names: set[tuple[str, str]]) -> dict[str, Any]:
    device: dict[str, Any] = orjson.loads(document)
    listed = device["attributes"]
    return device | {"attributes": [entry for entry in listed if (entry["scope"], entry["name"]) in names]}


NAMES: Final = (
    "SELECT k.scope, k.name, COUNT(*) AS n FROM mender_attribute a JOIN mender_attribute_key k ON k.pk = a.key_id"
    " WHERE a.position = 0 AND a.device_id IN"
    " (SELECT i.pk FROM mender_inventory i WHERE i.tenant_id = ? ORDER BY i.updated_ts DESC, i.device_id DESC LIMIT ?)"
    " GROUP BY k.scope, k.name ORDER BY n DESC, k.scope, k.name LIMIT ?"
)
HOT: Final = (
    "SELECT COUNT(*), SUM(CASE WHEN s.status <> '' THEN 1 ELSE 0 END),"
    " SUM(CASE WHEN s.group_name IS NULL THEN 0 ELSE 1 END) FROM (SELECT i.status, i.group_name"
    " FROM mender_inventory i WHERE i.tenant_id = ? ORDER BY i.updated_ts DESC, i.device_id DESC LIMIT ?) s"
)


def attribute_names(tenant: str) -> list[dict[str, Any]]:
    """The attributes to filter by, the most frequent first: of the 5,000 devices that reported last, 500 at most."""
    devices, statuses, grouped = db.row(HOT, tenant, SAMPLE) or (0, 0, 0)
    counted = [
        ("identity", "status", statuses),
        ("system", "created_ts", devices),
        ("system", "updated_ts", devices),
        ("system", "group", grouped),
        *db.rows(NAMES, tenant, SAMPLE, MOST_NAMES),
    ]
    found = sorted((-count, scope, name) for scope, name, count in counted if count)
    return [{"scope": scope, "name": name, "count": -count} for count, scope, name in found[:MOST_NAMES]]
