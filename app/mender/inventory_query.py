"""Search in the inventory: filters, order and pages of the v1 list (mender 3.2)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.core import clock, db
from app.core.errors import BadRequest
from app.mender import attributes, counters

RESERVED: Final = frozenset({"page", "per_page", "sort", "has_group", "group"})
MAX_FILTERS: Final = 20
MAX_SORT_KEYS: Final = 10
FEW: Final = 2_000
DEEP: Final = 1_000
NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
TRUE_WORDS: Final = frozenset({"1", "t", "T", "TRUE", "true", "True"})
COLUMNS: Final = {
    ("identity", "status"): "status",
    ("system", "group"): "group_name",
    ("system", "created_ts"): "created_ts",
    ("system", "updated_ts"): "updated_ts",
}
TIMES: Final = ("created_ts", "updated_ts")


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the devices as JSON list, how many match in all, and whether there are more."""

    body: bytes
    total: int
    more: bool


class _Search:
    """The FROM and WHERE of one search, with their parameters, in the order they stand in the statement."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.where = ["i.tenant_id = ?"]
        self.params: list[Any] = [tenant]
        self.counter: tuple[counters.Kind, str] | None = ("inventory", "")

    def add(self, condition: str, *params: Any, counter: tuple[counters.Kind, str] | None = None) -> None:
        """AND a condition; `counter` says which counter knows the total when this is the only one."""
        self.counter = counter if len(self.where) == 1 else None
        self.where.append(condition)
        self.params += params


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
    search = _Search(tenant)
    if group is not None:
        search.add("i.group_name = ?", group, counter=("inventory_group", group))
    if has_group is not None:
        search.add(f"i.group_name IS {'NOT NULL' if has_group in TRUE_WORDS else 'NULL'}")
    wanted = [(key, value) for key, value in filters if key not in RESERVED]
    if len(wanted) > MAX_FILTERS:
        raise BadRequest(f"more than {MAX_FILTERS} filters")
    for key, value in wanted:
        _filter(search, *_scope_and_name(key), value.removeprefix("eq:"))
    joins, order, params = _order(tenant, sort, search)
    where = " AND ".join(search.where)
    found = _fetch(joins, where, order, [*params, *search.params], (page - 1) * per_page, per_page + 1)
    body = "[" + ",".join(found[:per_page]) + "]"
    return Page(body.encode(), _total(search, where), len(found) > per_page)


def _scope_and_name(key: str) -> tuple[str, str]:
    scope, slash, name = key.partition("/")
    return (scope, name) if slash else ("inventory", key)


def _filter(search: _Search, scope: str, name: str, value: str) -> None:
    column = COLUMNS.get((scope, name))
    if column in TIMES:
        moment = _moment(value)
        search.add(f"i.{column} = ?", clock.micros(moment)) if moment else search.add("1 = 0")
        return
    if column is not None:
        search.add(f"i.{column} = ?", value, counter=("inventory_status", value) if column == "status" else None)
        return
    key = attributes.key_id(search.tenant, scope, name)
    if key is None:
        search.add("1 = 0")
        return
    text = attributes.text_key(value)
    if NUMBER.fullmatch(value):
        _attribute_condition(search, key, "(a.text = ? OR a.number = ?)", [text, float(value)])
    else:
        _attribute_condition(search, key, "a.text = ?", [text])


def _attribute_condition(search: _Search, key: int, match: str, params: list[Any]) -> None:
    """Few matches: look them up and sort. Many: walk the order and test each device (performance.md section 4)."""
    few = db.row(
        f"SELECT COUNT(*) FROM (SELECT 1 FROM mender_attribute a WHERE a.key_id = ? AND {match} LIMIT ?) AS sample",  # noqa: S608
        key,
        *params,
        FEW + 1,
    )
    if few is not None and few[0] <= FEW:
        search.add(f"i.pk IN (SELECT a.device_id FROM mender_attribute a WHERE a.key_id = ? AND {match})", key, *params)  # noqa: S608
    else:
        search.add(
            f"EXISTS (SELECT 1 FROM mender_attribute a WHERE a.device_id = i.pk AND a.key_id = ? AND {match})",  # noqa: S608
            key,
            *params,
        )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _order(tenant: str, sort: str | None, search: _Search) -> tuple[str, str, list[Any]]:
    """(joins, ORDER BY, their parameters). Without the attribute is lowest, then empty lists, numbers, texts."""
    joins, order, params = "", [], []
    direction = "ASC"
    parts = [part for part in (sort or "").split(",") if part]
    if len(parts) > MAX_SORT_KEYS:
        raise BadRequest(f"sort: more than {MAX_SORT_KEYS} keys")
    for number, part in enumerate(parts):
        key, colon, word = part.rpartition(":")
        if not colon:
            key, word = part, "desc"
        if word not in ("asc", "desc") or not key:
            raise BadRequest("sort: the order must be asc or desc")
        direction = word.upper()
        scope_and_name = _scope_and_name(key)
        column = COLUMNS.get(scope_and_name)
        if column is not None:
            present = f"(i.{column} IS NOT NULL) {direction}, " if column == "group_name" else ""
            order.append(f"{present}i.{column} {direction}")
            continue
        known = attributes.key_id(tenant, *scope_and_name)
        if known is None:
            continue
        alias = f"s{number}"
        joins += (
            f" LEFT JOIN mender_attribute {alias} ON {alias}.device_id = i.pk AND {alias}.key_id = ?"
            f" AND {alias}.position = 0"
        )
        params.append(known)
        rank = (
            f"CASE WHEN {alias}.device_id IS NULL THEN 0 WHEN {alias}.number IS NOT NULL THEN 2"
            f" WHEN {alias}.text IS NOT NULL THEN 3 ELSE 1 END"
        )
        order.append(f"{rank} {direction}, {alias}.number {direction}, {alias}.text {direction}")
    order.append(f"i.device_id {direction}")
    return joins, ", ".join(order), params


def _fetch(joins: str, where: str, order: str, params: list[Any], offset: int, limit: int) -> list[str]:
    """Documents of a page in order. A deep page finds its keys first: skipping wide rows costs more."""
    chosen = f"FROM mender_inventory i{joins} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
    if offset < DEEP:
        return [row[0] for row in db.rows(f"SELECT i.document {chosen}", *params, limit, offset)]  # noqa: S608
    keys = [row[0] for row in db.rows(f"SELECT i.pk {chosen}", *params, limit, offset)]  # noqa: S608
    if not keys:
        return []
    marks = ", ".join("?" * len(keys))
    documents = dict(db.rows(f"SELECT pk, document FROM mender_inventory WHERE pk IN ({marks})", *keys))  # noqa: S608
    return [documents[key] for key in keys]


def _total(search: _Search, where: str) -> int:
    if search.counter is not None:
        return counters.total(search.tenant, *search.counter)
    found = db.row(f"SELECT COUNT(*) FROM mender_inventory i WHERE {where}", *search.params)  # noqa: S608
    return int(found[0]) if found else 0
