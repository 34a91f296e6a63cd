"""Settings that user interfaces keep on the server: of a tenant, or of one user (mender 5)."""

from hashlib import sha256
from typing import Any, Final

import orjson

from app.core import db
from app.core.errors import BadRequest, PreconditionFailed
from app.mender import audit
from models.base import scoped
from models.mender.useradm import UserSettings

ALL_USERS: Final = ""
MAX_KEY: Final = 128
MAX_TEXT: Final = 4096


def get(tenant: str, user_id: str = ALL_USERS) -> dict[str, Any]:
    """The settings; none are an empty object."""
    found = scoped(UserSettings, tenant).where(UserSettings.user_id == user_id).get_or_none()
    return {} if found is None else dict(found.document)


def etag(settings: dict[str, Any]) -> str:
    """The ETag of settings, however they were written."""
    return f'"{sha256(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]}"'


def put(tenant: str, settings: dict[str, Any], if_match: str | None, user_id: str = ALL_USERS) -> str:
    """Replace the settings; their ETag. Raises BadRequest, PreconditionFailed (`if_match` is not the present one)."""
    for key, value in settings.items():
        if len(key) > MAX_KEY or (isinstance(value, str) and len(value) > MAX_TEXT):
            raise BadRequest(f"settings: a key may have {MAX_KEY} characters, a text {MAX_TEXT}")
    query = scoped(UserSettings, tenant).where(UserSettings.user_id == user_id)
    if if_match is not None:
        # A row to hold, so that of two changes with one ETag the second sees the first.
        UserSettings.insert(tenant_id=tenant, user_id=user_id, document={}).on_conflict_ignore().execute()
        present = etag(db.for_update(query).get().document)
        if if_match not in ("*", present):
            raise PreconditionFailed("the settings have changed meanwhile")
    UserSettings.insert(tenant_id=tenant, user_id=user_id, document=settings).on_conflict(
        conflict_target=[UserSettings.tenant_id, UserSettings.user_id], update={UserSettings.document: settings}
    ).execute()
    audit.note(tenant, "update", "settings", user_id)
    return etag(settings)
