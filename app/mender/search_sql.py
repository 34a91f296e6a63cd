"""Searches in the inventory as SQL: conditions from terms, order, one page, the total (mender 3.2, 3.4).

`search_terms.matches` is the meaning; here it is said in conditions on the row of a device, its columns and the table
of attributes, which holds a row per value or list element.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from app.core import clock, db
from app.mender import attributes, counters
from app.mender.search_terms import DEVICE_ID, ORDERED, TIMES, Term, comparable, moment, pattern, shown

Condition = tuple[str, list[Any]]  # SQL, its parameters

FEW: Final = 2_000
DEEP: Final = 1_000
MAX_ELEMENTS: Final = 1_000  # of an attribute
NEVER: Final[Condition] = ("1 = 0", [])
OPPOSITE: Final = {"$ne": "$eq", "$nin": "$in"}
SIGNS: Final = dict(zip(ORDERED, (">", ">=", "<", "<="), strict=True))
# Attributes that are columns, and what says that a device has them.
COLUMNS: Final = {
    DEVICE_ID: ("i.device_id", "1 = 1"),
    ("identity", "status"): ("i.status", "i.status <> ''"),
    ("system", "group"): ("i.group_name", "i.group_name IS NOT NULL"),
    ("system", "created_ts"): ("i.created_ts", "1 = 1"),
    ("system", "updated_ts"): ("i.updated_ts", "1 = 1"),
}
THIS: Final = "SELECT 1 FROM mender_attribute a WHERE a.device_id = i.pk AND a.key_id = ?"
COUNT: Final = "SELECT COUNT(*) FROM mender_attribute a WHERE a.device_id = i.pk AND a.key_id = ?"
ANY: Final = "SELECT a.device_id FROM mender_attribute a WHERE a.key_id = ?"


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the devices' documents, how many match in all, and whether there are more."""

    documents: list[str]
    total: int
    more: bool

    @property
    def body(self) -> bytes:
        """The devices as a JSON list."""
        return f"[{','.join(self.documents)}]".encode()


class Search:
    """The WHERE of one search, with its parameters in the order they stand in the statement."""

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self._where = ["i.tenant_id = ?"]
        self._params: list[Any] = [tenant]
        self._counter: tuple[counters.Kind, str] | None = ("inventory", "")

    def add(self, condition: Condition, counter: tuple[counters.Kind, str] | None = None) -> None:
        """AND a condition; `counter` says which counter knows the total when this is the only one."""
        self._counter = counter if len(self._where) == 1 else None
        self._where.append(condition[0])
        self._params += condition[1]

    def add_term(self, wanted: Term) -> None:
        """AND a term."""
        counter: tuple[counters.Kind, str] | None = None
        if wanted.key == ("identity", "status") and wanted.type == "$in" and len(wanted.value) == 1:
            (status,) = wanted.value
            counter = ("inventory_status", status) if isinstance(status, str) and status else None
        self.add(_condition(self.tenant, wanted), counter)

    def page(self, order: Iterable[tuple[str, str, str]], page: int, per_page: int) -> Page:
        """One page; `order` holds (scope, name, asc or desc), ties go by device id in the direction of the last."""
        joins, by, params = _order(self.tenant, order)
        where = " AND ".join(self._where)
        found = _fetch(joins, where, by, [*params, *self._params], (page - 1) * per_page, per_page + 1)
        return Page(found[:per_page], self._total(where), len(found) > per_page)

    def _total(self, where: str) -> int:
        if self._counter is not None:
            return counters.total(self.tenant, *self._counter)
        found = db.row(f"SELECT COUNT(*) FROM mender_inventory i WHERE {where}", *self._params)  # noqa: S608
        return int(found[0]) if found else 0


def _condition(tenant: str, wanted: Term) -> Condition:
    if wanted.type in OPPOSITE:
        sql, params = _condition(tenant, Term(wanted.scope, wanted.attribute, OPPOSITE[wanted.type], wanted.value))
        return f"NOT ({sql})", params
    if wanted.key in COLUMNS:
        expression, present = COLUMNS[wanted.key]
        sql, params = _on_column(tenant, wanted, expression, present)
        return f"({present} AND {sql})" if wanted.type != "$exists" else sql, params
    key = attributes.key_id(tenant, *wanted.key)
    if wanted.type == "$exists":
        return (f"{'' if wanted.value else 'NOT '}EXISTS ({THIS})", [key or 0])
    return NEVER if key is None else _on_attribute(key, wanted)


def _on_column(tenant: str, wanted: Term, expression: str, present: str) -> Condition:
    if wanted.type == "$exists":
        return f"{'' if wanted.value else 'NOT '}({present})", []
    is_time = wanted.key in TIMES
    if wanted.type == "$regex":
        found = db.rows(f"SELECT DISTINCT {expression} FROM mender_inventory i WHERE i.tenant_id = ?", tenant)  # noqa: S608
        text = shown if is_time else str
        return _among(expression, [value for (value,) in found if _finds(wanted, text(value))])
    if wanted.type in ORDERED:
        (bound,) = _column_values([wanted.value], is_time) or [None]
        return NEVER if bound is None else (f"{expression} {SIGNS[wanted.type]} ?", [bound])
    listed = wanted.value if isinstance(wanted.value, list) else [wanted.value]
    if wanted.type == "$eq" and len(listed) != 1:
        return NEVER
    return _among(expression, _column_values(listed, is_time))


def _column_values(values: Sequence[Any], is_time: bool) -> list[Any]:
    """Those that a column could hold: texts, or the microseconds of times."""
    if is_time:
        return [clock.micros(found) for found in map(moment, values) if found is not None]
    return [value for value in values if isinstance(value, str)]


def _among(expression: str, values: Sequence[Any]) -> Condition:
    """`expression` is one of the values, however many there are."""
    if not values:
        return NEVER
    if db.is_postgres():
        return f"{expression} = ANY(?)", [list(values)]
    return f"{expression} IN (SELECT value FROM json_each(?))", [orjson.dumps(values).decode()]  # noqa: S608


def _finds(wanted: Term, text: str | None) -> bool:
    expression = pattern(wanted.value)
    return expression is not None and text is not None and expression.search(text) is not None


def _on_attribute(key: int, wanted: Term) -> Condition:
    if wanted.type == "$eq" and isinstance(wanted.value, list):
        return _whole_list(key, wanted.value)
    values = wanted.value if wanted.type == "$in" else [wanted.value]
    if wanted.type == "$regex":
        return _somewhere(key, _among("a.text", _texts_found(key, wanted)))
    found = [value for value in map(comparable, values) if value is not None]
    if wanted.type in ORDERED:
        return _somewhere(key, _beyond(SIGNS[wanted.type], found[0])) if found else NEVER
    texts = _among("a.text", [attributes.text_key(value) for value in found if isinstance(value, str)])
    numbers = _among("a.number", [value for value in found if not isinstance(value, str)])
    either = [condition for condition in (texts, numbers) if condition is not NEVER]
    if not either:
        return NEVER
    return _somewhere(key, (f"({' OR '.join(sql for sql, _ in either)})", [p for _, params in either for p in params]))


def _texts_found(key: int, wanted: Term) -> list[str]:
    """The texts of an attribute that a regular expression finds, as the table holds them."""
    found = db.rows("SELECT DISTINCT text, long_text FROM mender_attribute WHERE key_id = ? AND text IS NOT NULL", key)
    return [text for text, long_text in found if _finds(wanted, text if long_text is None else long_text)]


def _beyond(sign: str, bound: str | float) -> Condition:
    """An element that stands before or behind a bound. Of long texts the table's `text` knows the first letters only:
    they narrow the search, the whole decides.
    """
    if not isinstance(bound, str):
        return f"a.number {sign} ?", [bound]
    exact = f"CASE WHEN a.long_text IS NULL THEN a.text {sign} ? ELSE a.long_text {sign} ? END"
    first = bound[: attributes.PREFIX]
    if sign[0] == ">":
        return f"(a.text >= ? AND {exact})", [first, bound, bound]
    narrow = ("a.text <= ? AND ", [bound]) if first == bound else ("a.text IS NOT NULL AND ", [])
    return f"({narrow[0]}{exact})", [*narrow[1], bound, bound]


def _whole_list(key: int, values: list[Any]) -> Condition:
    """An attribute that has exactly these elements, in this order; a single value counts as a list of one."""
    found = [comparable(value) for value in values]
    if None in found or len(found) > MAX_ELEMENTS:
        return NEVER
    if not found:
        return f"EXISTS ({THIS} AND a.text IS NULL AND a.number IS NULL)", [key]
    texts = [(n, attributes.text_key(value)) for n, value in enumerate(found) if isinstance(value, str)]
    numbers = [(n, value) for n, value in enumerate(found) if not isinstance(value, str)]
    either = " OR ".join(
        f"(a.position, a.{column}) IN (VALUES {', '.join(['(?, ?)'] * len(pairs))})"
        for column, pairs in (("text", texts), ("number", numbers))
        if pairs
    )
    sql = f"({COUNT}) = ? AND ({COUNT} AND ({either})) = ?"
    placed = [part for pair in (*texts, *numbers) for part in pair]
    return f"({sql})", [key, len(found), key, *placed, len(found)]


def _somewhere(key: int, match: Condition) -> Condition:
    """An element matches. Few do: look them up. Many: test each device on the way (performance.md section 4)."""
    sql, params = match
    if match is NEVER:
        return NEVER
    sample = f"SELECT COUNT(*) FROM (SELECT 1 FROM mender_attribute a WHERE a.key_id = ? AND {sql} LIMIT ?) AS sample"  # noqa: S608
    few = db.row(sample, key, *params, FEW + 1)
    if few is not None and few[0] <= FEW:
        return f"i.pk IN ({ANY} AND {sql})", [key, *params]
    return f"EXISTS ({THIS} AND {sql})", [key, *params]


def _order(tenant: str, keys: Iterable[tuple[str, str, str]]) -> tuple[str, str, list[Any]]:
    """(joins, ORDER BY, their parameters). Without the attribute is lowest, then empty lists, numbers, texts."""
    joins, order, params, direction = "", [], [], "ASC"
    for number, (scope, name, word) in enumerate(keys):
        direction = word.upper()
        if (scope, name) in COLUMNS:
            expression, present = COLUMNS[scope, name]
            order += [f"({present}) {direction}"] if (scope, name) == ("system", "group") else []
            order.append(f"{expression} {direction}")
            continue
        known = attributes.key_id(tenant, scope, name)
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
        text = f"COALESCE({alias}.long_text, {alias}.text)"
        order.append(f"{rank} {direction}, {alias}.number {direction}, {text} {direction}")
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
