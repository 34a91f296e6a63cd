"""What all tables share: the base model, field types that mean the same on both databases, and tenant scope."""

from datetime import datetime
from typing import Any

import orjson
import peewee
from peewee import SQL, BigAutoField, BigIntegerField, CharField, Model, NodeList, TextField

from app.core import clock
from app.core.db import db, is_postgres


class Metadata(peewee.Metadata):
    """peewee's options of a table, of which one only SQLite understands."""

    _without_rowid = False

    @property
    def without_rowid(self) -> bool:
        return self._without_rowid and not is_postgres()

    @without_rowid.setter
    def without_rowid(self, wanted: bool) -> None:
        self._without_rowid = wanted


class BaseModel(Model):
    """A table: its rows have a number, `pk`, for joins that nobody outside ever sees."""

    pk: Any = BigAutoField()

    class Meta:
        database = db
        legacy_table_names = False
        model_metadata_class = Metadata


class NumberField(BigAutoField):
    """A number that no later row gets. PostgreSQL counts so; SQLite would give the highest again once it is free."""

    def ddl(self, ctx: Any) -> Any:
        found = super().ddl(ctx)
        return found if is_postgres() else NodeList((found, SQL("AUTOINCREMENT")))


class NumberedModel(BaseModel):
    """A table whose rows are named by their numbers outside, in addresses and tokens: one is never another's later."""

    pk: Any = NumberField()


class UtcField(BigIntegerField):
    """An aware UTC time, stored as microseconds since 1970: exact, ordered and equal on both databases."""

    def db_value(self, value: datetime | int | None) -> int | None:
        return clock.micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        return None if value is None else clock.from_micros(value)


class JsonField(TextField):
    """A JSON value, stored as text on both databases."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else orjson.dumps(value).decode()

    def python_value(self, value: str | None) -> Any:
        return None if value is None else orjson.loads(value)


def _by_code_point(datatype: SQL) -> SQL:
    """SQLite compares bytes unless told otherwise; PostgreSQL has to be told."""
    return SQL(f'{datatype.sql} COLLATE "C"') if is_postgres() else datatype


class CText(TextField):
    """Text that is ordered or compared: by code point on both databases."""

    def ddl_datatype(self, ctx: Any) -> SQL:
        return _by_code_point(super().ddl_datatype(ctx))


class CChar(CharField):
    """Short text that is ordered or compared by code point."""

    def ddl_datatype(self, ctx: Any) -> SQL:
        return _by_code_point(super().ddl_datatype(ctx))


class IdField(CChar):
    """A public identifier: a UUID in lower case with hyphens."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 36)
        super().__init__(**options)


class TenantField(CChar):
    """The tenant a row belongs to: 24 hex digits, '' where there is one only. Never NULL, which would break UNIQUE."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("max_length", 24)
        options.setdefault("default", "")
        options.setdefault("constraints", [SQL("DEFAULT ''")])
        super().__init__(**options)


def column(query: Any) -> list[Any]:
    """The first column of the rows of a query."""
    return [row[0] for row in query.tuples()]


def _tenant(model: type[BaseModel]) -> Any:
    return model._meta.fields["tenant_id"]


def scoped(model: type[BaseModel], tenant: str, *selection: Any) -> Any:
    """The rows of one tenant: the only way to read a tenant's table."""
    return model.select(*selection).where(_tenant(model) == tenant)


def scoped_update(model: type[BaseModel], tenant: str, **values: Any) -> Any:
    """An UPDATE of one tenant's rows."""
    return model.update(**values).where(_tenant(model) == tenant)


def scoped_delete(model: type[BaseModel], tenant: str) -> Any:
    """A DELETE of one tenant's rows."""
    return model.delete().where(_tenant(model) == tenant)
