"""Keys that programs act with as their user (ngenea 2)."""

from typing import Any

import peewee

from app.core import clock, db
from app.core.calls import Caller, Request
from app.ngenea import auth, pages, rights
from app.ngenea.faults import refuse_one
from models.ngenea.users import ClientKey, User

Document = dict[str, Any]


def listed(caller: Caller, request: Request, page: str | None, page_size: str | None) -> Any:
    """A page of the keys that a caller may know of."""
    query = ClientKey.select(ClientKey, User).join(User).where(rights.visible(caller, ClientKey))
    return pages.page(request, query, page, page_size, lambda rows: [_describe(row, request.base_url) for row in rows])


def _describe(row: Any, base_url: str) -> Document:
    return {
        "id": row.pk,
        "url": f"{base_url}/api/auth/clientkeys/{row.pk}/",
        "name": row.name,
        "user": row.user.username,
    }


def get(number: int, base_url: str) -> Document:
    """A key, without what it is."""
    return _describe(ClientKey.get_by_id(number), base_url)


def create(caller: Caller, name: str, base_url: str) -> Document:
    """A new key of the caller, with what it is. Raises BadRequest where they have one of that name."""
    key, prefix, hashed = auth.new_key()
    columns = {"name": name, "prefix": prefix, "key_hash": hashed, "created_ts": clock.now()}
    try:
        with db.savepoint():
            row = ClientKey.create(user=int(caller.id), **columns)
    except peewee.IntegrityError:
        raise _taken() from None
    shown = _describe(row, base_url)
    del shown["user"]
    return {**shown, "api_key": key}


def _taken() -> Exception:
    return refuse_one("/name", "There is a key with this name already.")


def rename(number: int, name: str | None, base_url: str) -> Document:
    """A key after it was renamed, if a name is given. Raises BadRequest where its user has one of that name."""
    if name is not None:
        try:
            with db.savepoint():
                ClientKey.update(name=name).where(ClientKey.pk == number).execute()
        except peewee.IntegrityError:
            raise _taken() from None
    return get(number, base_url)


def delete(number: int) -> None:
    """Delete a key: it is void at once."""
    ClientKey.delete().where(ClientKey.pk == number).execute()
    rights.forget(ClientKey, number)
